"""Which service and operation a request means.

In this order: `X-Amz-Target`, the service of the credential scope, the host name, the `Action` of a query
request, the path. What cannot be told raises the error that AWS answers with.
"""

from __future__ import annotations

import contextlib
import functools
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from lambent.aws.catalog import BY_NAME, BY_QUERY_VERSION, BY_SIGNING_NAME, BY_TARGET, Entry, service_of_host
from lambent.aws.errors import ServiceError
from lambent.aws.model import ServiceModel, known_service, load_model, read_description
from lambent.aws.parse import decode_query
from lambent.aws.paths import PathRouter
from lambent.aws.s3_addressing import host_names_s3, in_old_signature, path_names_bucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.aws.sigv4 import SignedRequest

_CLAIMED_SERVICE = re.compile(rb"Credential=[^,\s&]*/([^/,\s&]+)/aws4_request")
_POOL_KEYS = re.compile(rb"/[a-z]{2}(?:-[a-z]+)+-\d_\w+/\.well-known/(?:jwks\.json|openid-configuration)")
_QUEUE_PATH = re.compile(rb"(?:/queue/[a-z0-9-]+)?/\d{12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?/?")
_FORM = b"application/x-www-form-urlencoded"


class Route(NamedTuple):
    """Where a request goes."""

    service: str
    protocol: str
    operation: str
    labels: Mapping[str, str]
    query: list[tuple[str, str]]


class RoutingError(ServiceError):
    """No operation: `service` (perhaps only guessed) and `protocol` say in whose words to answer."""

    def __init__(self, service: str, protocol: str, error: ServiceError) -> None:
        super().__init__(error.code, error.message, status=error.status, fault=error.fault)
        self.service = service
        self.protocol = protocol


class Router:
    """Routes requests to the operations of `services` (botocore's names) and names those of others."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(services)
        self._paths: dict[str, PathRouter] = {}

    def route(self, request: SignedRequest, signing_name: str | None) -> Route:
        """The route of `request`, signed for `signing_name`; RoutingError where there is none.

        The route may name an operation or service that is not implemented: that is for the caller to tell.
        """
        target = content_type = host = None
        for name, value in request.headers:
            if name == b"x-amz-target":
                target = value
            elif name == b"content-type":
                content_type = value
            elif name == b"host":
                host = value
        query = decode_query(request.query)
        if target is not None:
            return self._by_target(target.decode("latin-1"), signing_name, query)
        candidates = self._candidates(signing_name, host)
        action = self._action(request, query, content_type)
        if action is not None and (not candidates or _speaks_query(candidates)):
            return self._by_action(candidates, action, query, request.path)
        return self._by_path(candidates, request, query)

    def elsewhere(self, request: SignedRequest, signing_name: str | None) -> Entry | None:
        """The service that `request` is for, where that is none of this router's own and can be told without
        reading its model.
        """
        host = target = content_type = None
        for name, value in request.headers:
            if name == b"host":
                host = value.decode("latin-1")
            elif name == b"x-amz-target":
                target = value.decode("latin-1")
            elif name == b"content-type":
                content_type = value
        entry = BY_TARGET.get(target.rpartition(".")[0]) if target is not None else None
        if entry is not None:
            return self._foreign(entry)
        if signing_name is not None:
            candidates = BY_SIGNING_NAME.get(signing_name)
            if candidates is None:
                return Entry(
                    signing_name, "json" if target else "rest-json", signing_name, signing_name, None
                )
            return candidates[0] if all(self._foreign(each) for each in candidates) else None
        if target is not None:
            return None
        if host is not None and (entry := service_of_host(host)) is not None:
            return self._foreign(entry)
        query = decode_query(request.query)
        action = self._action(request, query, content_type)
        if action is not None:
            found = BY_QUERY_VERSION.get(dict(action).get("Version", ""))
            return self._foreign(BY_NAME[found]) if found is not None else None
        return self._foreign(self._by_anonymous_path(request, query, host))

    def _foreign(self, entry: Entry | None) -> Entry | None:
        return entry if entry is not None and entry.name not in self._services else None

    def _by_anonymous_path(
        self, request: SignedRequest, query: list[tuple[str, str]], host: str | None
    ) -> Entry | None:
        if in_old_signature(request) or (host is not None and host_names_s3(host)):
            return BY_NAME["s3"]
        if _POOL_KEYS.fullmatch(request.path):
            return BY_NAME["cognito-idp"]
        try:
            return BY_NAME[self._by_path([], request, query).service]
        except RoutingError:
            return BY_NAME["s3"] if path_names_bucket(request.path) else None

    @staticmethod
    def claimed_service(request: SignedRequest) -> str | None:
        """The signing name in the request's credential scope, unverified; None for an unsigned request."""
        claimed = _CLAIMED_SERVICE.search(next((v for n, v in request.headers if n == b"authorization"), b""))
        claimed = claimed or _CLAIMED_SERVICE.search(unquote_to_bytes(request.query))
        return claimed.group(1).decode("latin-1") if claimed is not None else None

    def guess(self, request: SignedRequest) -> tuple[str, str]:
        """The service (empty if unknown) and protocol in whose words to refuse a request whose signature is
        bad.
        """
        signing_name = self.claimed_service(request)
        host = next((value for name, value in request.headers if name == b"host"), None)
        target = next((value for name, value in request.headers if name == b"x-amz-target"), None)
        if target is not None:
            entry = BY_TARGET.get(target.decode("latin-1").rpartition(".")[0])
            return entry.name if entry is not None else "", "json"
        named = service_of_host(host.decode("latin-1")) if host is not None else None
        found = BY_SIGNING_NAME.get(signing_name) if signing_name is not None else None
        entry = found[0] if found else named
        if entry is None and signing_name is None:
            with contextlib.suppress(ServiceError):
                entry = self.elsewhere(request, None)
        is_form = b"Action=" in request.query or b"Action=" in request.body[:4096]
        if entry is None:
            return "", "query" if is_form else "rest-json"
        return entry.name, "query" if is_form and _speaks_query([entry]) else entry.protocol

    def paths(self, service: str) -> PathRouter:
        """The paths of one of this router's own services."""
        found = self._paths.get(service)
        if found is None:
            found = self._paths[service] = _paths_of(load_model(service))
        return found

    def _candidates(self, signing_name: str | None, host: bytes | None) -> list[Entry]:
        if signing_name is not None:
            found = BY_SIGNING_NAME.get(signing_name)
            if found is not None:
                return found
            if known_service(signing_name):
                return [_foreign_entry(signing_name)]
            raise RoutingError(
                signing_name,
                "rest-json",
                ServiceError(
                    "InvalidSignatureException",
                    f"Credential should be scoped to correct service: '{signing_name}' is no service. ",
                    status=403,
                ),
            )
        named = service_of_host(host.decode("latin-1")) if host is not None else None
        return BY_SIGNING_NAME[named.signing_name] if named is not None else []

    def _by_target(self, target: str, signing_name: str | None, query: list[tuple[str, str]]) -> Route:
        prefix, _, operation = target.rpartition(".")
        entry = BY_TARGET.get(prefix)
        if entry is None and signing_name not in BY_SIGNING_NAME and known_service(signing_name or ""):
            entry = _foreign_entry(signing_name or "")
        if entry is None or not operation:
            raise RoutingError("", "json", ServiceError("UnknownOperationException", "", status=400))
        # Services whose newest protocol is another one still answer the JSON of older clients.
        return self._known(Route(entry.name, "json", operation, {}, query))

    def _known(self, route: Route) -> Route:
        """`route`, unless its service is one of ours and has no such operation."""
        if (
            route.service in self._services
            and route.operation not in load_model(route.service).operation_models
        ):
            if route.protocol == "json":
                error = ServiceError("UnknownOperationException", "", status=400)
            elif route.service == "sqs":
                error = _not_at_this_endpoint(route.operation)
            else:
                version = dict(route.query).get("Version", "NO_VERSION_SPECIFIED")
                message = f"Could not find operation {route.operation} for version {version}"
                error = ServiceError("InvalidAction", message, status=400)
            raise RoutingError(route.service, route.protocol, error)
        return route

    @staticmethod
    def _action(
        request: SignedRequest, query: list[tuple[str, str]], content_type: bytes | None
    ) -> list[tuple[str, str]] | None:
        """The parameters of a query request, from its URL or its form; None for any other."""
        if any(name == "Action" for name, _ in query):
            return query
        if content_type is not None and content_type.startswith(_FORM) and b"Action=" in request.body:
            return decode_query(request.body.strip())
        return None

    def _by_action(
        self,
        candidates: list[Entry],
        parameters: list[tuple[str, str]],
        query: list[tuple[str, str]],
        path: bytes,
    ) -> Route:
        found = dict(parameters)
        action, version = found.get("Action", ""), found.get("Version", "")
        service = candidates[0].name if candidates else BY_QUERY_VERSION.get(version)
        if service in (None, "sqs") and _QUEUE_PATH.fullmatch(path):
            # Sent to a queue's URL, which is then the QueueUrl of requests that name no other.
            service = "sqs"
            if action in ("CreateQueue", "ListQueues"):
                raise RoutingError(service, "query", _not_at_this_endpoint(action))
            query = [("QueueUrl", path.decode("latin-1")), *query]
        if service is None:
            message = f"Could not find operation {action} for version {version or 'NO_VERSION_SPECIFIED'}"
            raise RoutingError("", "query", ServiceError("InvalidAction", message, status=400))
        return self._known(Route(service, "query", action, {}, query))

    def _by_path(
        self, candidates: list[Entry], request: SignedRequest, query: list[tuple[str, str]]
    ) -> Route:
        method, path = request.method.decode("latin-1"), request.path.decode("latin-1")
        entries = candidates or [BY_NAME[name] for name in sorted(self._services) if name in BY_NAME]
        rest = [entry for entry in entries if entry.protocol in ("rest-json", "rest-xml")]
        for entry in rest:
            own = entry.name in self._services
            found = (self.paths(entry.name) if own else _foreign_paths(entry.name)).match(
                method, path, query, request.headers
            )
            if found is not None:
                return Route(entry.name, entry.protocol, found.operation, found.labels, query)
        raise self._unknown_path(candidates)

    @staticmethod
    def _unknown_path(candidates: list[Entry]) -> RoutingError:
        service = candidates[0].name if candidates else ""
        protocol = candidates[0].protocol if candidates else "rest-json"
        if service == "sqs":
            protocol = "query"  # JSON requests have a target
        if service == "lambda":
            # What Lambda's endpoint answers for paths that it does not know.
            message = "Unable to determine service/operation name to be authorized"
            return RoutingError(service, protocol, ServiceError("AccessDeniedException", message, status=403))
        return RoutingError(service, protocol, ServiceError("UnknownOperationException", "", status=404))


def _not_at_this_endpoint(action: str) -> ServiceError:
    message = f"The action {action} is not valid for this endpoint."
    return ServiceError("InvalidAction", message, status=400)


def _speaks_query(candidates: list[Entry]) -> bool:
    # SQS and CloudWatch keep answering the query protocol that they began with.
    return any(
        entry.protocol in ("query", "ec2") or entry.name in ("sqs", "cloudwatch") for entry in candidates
    )


def _paths_of(model: ServiceModel) -> PathRouter:
    return PathRouter(model.operation_models, model.shape_models)


@functools.lru_cache(maxsize=64)
def _foreign_entry(service: str) -> Entry:
    """A service that botocore knows and the catalogue does not: only to refuse it in its own protocol."""
    metadata = read_description(service)["metadata"]
    return Entry(
        service, metadata["protocol"], service, metadata["endpointPrefix"], metadata.get("targetPrefix")
    )


@functools.lru_cache(maxsize=8)
def _foreign_paths(service: str) -> PathRouter:
    """The paths of a service that is not served here: only to name the operation that is not implemented."""
    description = read_description(service)
    if not description["metadata"]["protocol"].startswith("rest-"):
        return PathRouter({}, {})
    return PathRouter(description["operations"], description["shapes"])
