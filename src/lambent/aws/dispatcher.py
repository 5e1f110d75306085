"""Every AWS API request from the wire to its service's method and back: exactly one answer to each, no
traceback.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from lambent.aws.authentication import MISSING_TOKEN, Authenticator, Identity
from lambent.aws.context import RequestContext, partition_of
from lambent.aws.errors import AuthError, MalformedBodyError, ServiceError
from lambent.aws.forwarding import Forwarder, declared_digest
from lambent.aws.guests import Guests
from lambent.aws.model import ServiceModel, load_model
from lambent.aws.overrides import quirks_of
from lambent.aws.parse import InputParsers, decode_query
from lambent.aws.post_policy import is_form
from lambent.aws.queryjson import accepts_json
from lambent.aws.router import Route, Router, RoutingError
from lambent.aws.serialize import OutputWriters, Reply
from lambent.aws.service import LaterService
from lambent.aws.sigv4 import body_digest
from lambent.aws.validate import Validators
from lambent.http import ClientLeft, StreamedRequest
from lambent.neighbours.errors import NeighbourFaulty, NeighbourLacks

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from lambent.aws.catalog import Entry
    from lambent.aws.credentials import Credentials
    from lambent.aws.forwarding import Written
    from lambent.aws.service import Method, Service
    from lambent.http import Request
    from lambent.neighbours.neighbours import Neighbours

_FEATURES: Final = re.compile(rb"(?:^| )m/(\S+)")

logger = logging.getLogger("lambent.aws")

_INTERNAL = "The request processing has failed because of an unknown error, exception or failure."


class AwsDispatcher:
    """Answers AWS API requests with the methods of `services`; those for other services have `neighbours` answer.

    `credentials` mint and check the temporary credentials of execution environments and hold the configured
    access keys; signatures are verified when `enforce` says so, which it does by default where there are
    credentials. `account` (12 digits) and `default_region` are those of unsigned requests; `endpoint_url`
    tells services where this platform answers. `written` is told of writes that neighbours have answered.
    """

    def __init__(
        self,
        services: Iterable[Service | LaterService],
        *,
        credentials: Credentials | None,
        account: str,
        default_region: str,
        endpoint_url: Callable[[], str],
        enforce: bool | None = None,
        neighbours: Neighbours | None = None,
        written: Written | None = None,
    ) -> None:
        self._services: dict[str, Service | LaterService] = {service.name: service for service in services}
        self._router = Router(self._services)
        self._authenticator = Authenticator(
            credentials, account=account, default_region=default_region, enforced=enforce
        )
        self._forwarder = (
            Forwarder(neighbours, verify=self._authenticator.enforced, written=written)
            if neighbours is not None
            else None
        )
        self._guests = (
            Guests(credentials, account=account, default_region=default_region)
            if credentials is not None
            else None
        )
        self._endpoint_url = endpoint_url
        self._wires: dict[tuple[str, str], _Wire] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.authenticate = self._authenticator.authenticate
        self.hashes_in_thread = self._authenticator.hashes_in_thread

    # ------------------------------------------------------------ one request

    def handle(self, request: Request) -> None:
        """Answer any AWS API request, now or later; never raises."""
        request_id = str(uuid.uuid4())
        if self.hashes_in_thread(request):
            self._start(self._handle_large(request, request_id))
        elif isinstance(request, StreamedRequest):
            # The signature is verified with the digest that it covers, and the body with that when it has come.
            self._handle(request, request_id, declared_digest(request))
        else:
            self._handle(request, request_id, None)

    def streams(self, request: Request) -> bool:
        """Whether `request`, of which the head is there, is one to pass on with its body still coming: S3's.

        Not forms: who permits those stands inside.
        """
        if self._forwarder is None or is_form(request.header(b"content-type")):
            return False
        entry = self._router.elsewhere(request, self._router.claimed_service(request))
        return entry is not None and entry.name == "s3" and self._forwarder.serves(entry)

    async def _handle_large(self, request: Request, request_id: str) -> None:
        self._handle(request, request_id, await self.digest(request))

    async def digest(self, request: Request) -> bytes:
        """The body's digest, for `authenticate`, computed in a thread."""
        return await asyncio.get_running_loop().run_in_executor(None, body_digest, request.body)

    def _handle(self, request: Request, request_id: str, body_sha256: bytes | None) -> None:
        service, protocol, operation = "", "", ""
        try:
            identity = self._identify(request, body_sha256)
            if self._forwarder is not None:
                entry = self._router.elsewhere(request, identity.service)
                if entry is not None and self._forwarder.serves(entry):
                    self._start(self._forward(self._forwarder, request, request_id, identity, entry))
                    return
            route = self._router.route(request, identity.service)
            service, protocol, operation = route.service, route.protocol, route.operation
            found = self._services.get(route.service)
            # One that is there already, or None for what is to be made first.
            method = None if isinstance(found, LaterService) else _method(found, route)
        except RoutingError as error:
            self._send_error(request, error.service, error.protocol, request_id, error)
        except ServiceError as error:
            if not protocol:
                service, protocol = self._router.guess(request)
            self._send_error(request, service, protocol, request_id, error)
        except Exception as fault:  # noqa: BLE001 - whatever goes wrong here, the client gets an answer
            self._fail(request, service, protocol, operation, request_id, fault)
        else:
            self._start(self._call(request, request_id, identity, route, method))

    def _identify(self, request: Request, body_sha256: bytes | None) -> Identity:
        """Who calls; AuthError for a signature that AWS would refuse, or for none where AWS wants one."""
        try:
            return self.authenticate(request, body_sha256)
        except AuthError as error:
            if error.code != MISSING_TOKEN or self._guests is None or self._forwarder is None:
                raise
            entry = self._router.elsewhere(request, None)
            if entry is None or not self._forwarder.serves(entry):
                raise
            identity = self._guests.identity(request, entry, is_real=self._forwarder.is_real(entry))
            if identity is None:
                raise
            return identity

    async def _made(self, name: str) -> Service | None:
        """A service, made now if nobody has asked for it before."""
        found = self._services.get(name)
        if isinstance(found, LaterService):
            found = self._services[name] = await found.make()
        return found

    async def _forward(
        self, forwarder: Forwarder, request: Request, request_id: str, identity: Identity, entry: Entry
    ) -> None:
        service, protocol, operation = entry.name, self._router.guess(request)[1], ""
        try:
            try:
                await forwarder.answer(request, identity, entry)
            except (NeighbourLacks, NeighbourFaulty) as error:
                route = self._router.route(request, identity.service)
                service, protocol, operation = route.service, route.protocol, route.operation
                if isinstance(error, NeighbourLacks):
                    raise _not_implemented(route) from None
                # Neighbours check less than AWS does, and trip over what they did not expect.
                self._check(request, route)
                raise
        except ServiceError as error:
            self._send_error(request, service, protocol, request_id, error)
        except ClientLeft:
            logger.debug("a client of %s left before it had sent its request", service)
        except Exception as fault:  # noqa: BLE001 - whatever goes wrong here, the client gets an answer
            self._fail(request, service, protocol, operation, request_id, fault)

    def _check(self, request: Request, route: Route) -> None:
        """Validate a request for another's service against its model. ServiceError, worded as AWS's."""
        wire = _Wire(_model(route.service, route.protocol), route.protocol)
        operation = wire.model.operation(route.operation)
        members = wire.parsers.parser(operation)(route.labels, route.query, request.headers, request.body)
        wire.validators.validator(operation)(members)

    async def _call(
        self, request: Request, request_id: str, identity: Identity, route: Route, method: Method | None
    ) -> None:
        try:
            if method is None:
                method = _method(await self._made(route.service), route)
            wire = self._wire(route.service, route.protocol)
            operation = wire.model.operation(route.operation)
            members = wire.parsers.parser(operation)(route.labels, route.query, request.headers, request.body)
            wire.validators.validator(operation)(members)
            context = self._context(request, request_id, identity, route)
            output = await method(context, members)
            reply = wire.answers(request).writer(operation)(output or {}, request_id)
        except ServiceError as error:
            self._send_error(request, route.service, route.protocol, request_id, error)
        except Exception as fault:  # noqa: BLE001 - whatever goes wrong here, the client gets an answer
            self._fail(request, route.service, route.protocol, route.operation, request_id, fault)
        else:
            await self._send(request, route, reply, request_id)

    def _context(self, request: Request, request_id: str, identity: Identity, route: Route) -> RequestContext:
        host = trace = agent = b""
        for name, value in request.headers:
            if name == b"host":
                host = value
            elif name == b"x-amzn-trace-id":
                trace = value
            elif name == b"user-agent":
                agent = value
        scheme = "https" if request.secure else "http"
        return RequestContext(
            identity.account,
            identity.region,
            partition_of(identity.region),
            request_id,
            route.service,
            route.operation,
            identity.access_key,
            self._endpoint_url(),
            identity.principal,
            f"{scheme}://{host.decode('latin-1')}" if host else self._endpoint_url(),
            trace.decode("latin-1"),
            route.protocol,
            _asked_by_waiter(agent),
            request.when_left,
        )

    async def _send(self, request: Request, route: Route, reply: Reply, request_id: str) -> None:
        try:
            if isinstance(reply.body, bytes):
                request.respond(reply.status, reply.headers, reply.body)
                return
            stream = request.stream(reply.status, reply.headers)
        except (ValueError, KeyError) as fault:
            # A header with a line break in it, or a status that HTTP does not know.
            self._fail(request, route.service, route.protocol, route.operation, request_id, fault)
            return
        try:
            async for piece in reply.body:
                stream.write(piece)
                await stream.drain()
        except Exception:
            logger.exception("%s.%s failed while its answer was sent", route.service, route.operation)
            stream.abort()
        except BaseException:
            stream.abort()
            raise
        else:
            stream.close()

    # ------------------------------------------------------------ for the Invoke path

    def parse(self, request: Request, service: str, operation: str) -> dict[str, Any]:
        """The validated members of a request that is known to call `operation` of `service`, one of ours.

        Raises the ServiceError that AWS answers with.
        """
        wire = self._wire(service, load_model(service).protocol)
        labels = self._router.paths(service).labels(operation, request.path.decode("latin-1"))
        described = wire.model.operation(operation)
        query = decode_query(request.query)
        members = wire.parsers.parser(described)(labels, query, request.headers, request.body)
        wire.validators.validator(described)(members)
        return members

    def refuse(
        self, request: Request, service: str, operation: str, request_id: str, error: ServiceError
    ) -> None:
        """Answer a request to `operation` of `service`, one of ours, with `error`."""
        logger.debug("%s.%s refused: %s", service, operation, error)
        self._send_error(request, service, load_model(service).protocol, request_id, error)

    def fail(self, request: Request, service: str, operation: str, request_id: str, fault: Exception) -> None:
        """Answer a request to `operation` of `service`, one of ours, that met a fault of ours."""
        self._fail(request, service, load_model(service).protocol, operation, request_id, fault)

    # ------------------------------------------------------------ errors

    def _send_error(
        self, request: Request, service: str, protocol: str, request_id: str, error: ServiceError
    ) -> None:
        try:
            if isinstance(error, MalformedBodyError):
                error.code = quirks_of(service).malformed_code
            reply = self._wire(service, protocol).answers(request).error(error, request_id)
            request.respond(reply.status, reply.headers, reply.body if isinstance(reply.body, bytes) else b"")
        except Exception:
            logger.exception("An error of %s could not be written: %s", service, error.code)
            request.respond(500, [("x-amzn-RequestId", request_id)], b"")

    def _fail(
        self, request: Request, service: str, protocol: str, operation: str, request_id: str, fault: Exception
    ) -> None:
        """Log `fault`; answer that something is wrong here, and nothing else."""
        logger.error("%s.%s failed (request %s)", service, operation, request_id, exc_info=fault)
        modelled = service in self._services and load_model(service).error("ServiceException") is not None
        code = "ServiceException" if modelled else "InternalFailure"
        error = ServiceError(code, _INTERNAL, status=500, fault="server")
        self._send_error(request, service, protocol, request_id, error)

    # ------------------------------------------------------------ parts

    def _wire(self, service: str, protocol: str) -> _Wire:
        found = self._wires.get((service, protocol))
        if found is None:
            # Refusals for services that are not ours need no more of a model than its protocol.
            model = _model(service, protocol) if service in self._services else _bare_model(service, protocol)
            found = _Wire(model, protocol)
            if service in self._services:
                self._wires[service, protocol] = found
        return found

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _method(service: Service | None, route: Route) -> Method:
    method = service.method(route.operation) if service is not None else None
    if method is None:
        raise _not_implemented(route)
    return method


def _not_implemented(route: Route) -> ServiceError:
    return ServiceError(
        "NotImplementedException",
        f"The operation {route.operation} of the service {route.service} is not implemented by Lambent.",
        status=501,
        fault="server",
    )


class _Wire:
    """One service in one protocol."""

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        self.model = model
        self.parsers = InputParsers(model, protocol)
        self.validators = Validators(model)
        self._writers = OutputWriters(model, protocol)
        self._in_json = OutputWriters(model, "query-json") if protocol == "query" else None

    def answers(self, request: Request) -> OutputWriters:
        """The writers of what a request is answered with."""
        if self._in_json is not None and accepts_json(request.headers):
            return self._in_json
        return self._writers


def _model(service: str, protocol: str) -> ServiceModel:
    model = load_model(service)
    return load_model(service, protocol) if protocol != model.protocol else model


def _asked_by_waiter(agent: bytes) -> bool:
    """Whether a User-Agent names the feature "B", a waiter, among those that SDKs tell there (`m/E,b,Z,B`).

    botocore/useragent.py, _USERAGENT_FEATURE_MAPPINGS; the same letters in all of AWS's SDKs.
    """
    found = _FEATURES.search(agent)
    return found is not None and b"B" in found[1].split(b",")


def _bare_model(service: str, protocol: str) -> ServiceModel:
    metadata = {"protocol": protocol, "apiVersion": "", "endpointPrefix": service}
    return ServiceModel(service, {"metadata": metadata, "operations": {}, "shapes": {}})
