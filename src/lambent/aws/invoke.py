"""The Invoke operation's own path through this floor: bytes in, bytes out.

Every other operation is parsed and serialised from its model. Invoke is called thousands of times a second,
so what its answer depends on is looked up once per function name, qualifier and credential scope, and kept
until the registry changes; a request then only reads a few headers and hands its body on. Names and
qualifiers that are seen for the first time go through the model's own validation.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.aws.context import RequestContext, partition_of
from lambent.aws.errors import ServiceError
from lambent.aws.invoke_stream import StreamedCall
from lambent.aws.json_text import check_event
from lambent.aws.lambda_.errors import not_run, translated
from lambent.functions import FunctionError, FunctionNotFound
from lambent.functions.authorization import permits, root_of
from lambent.functions.errors import WrongAccount
from lambent.invocation.errors import (
    AsyncQueueUnavailable,
    FunctionNotReady,
    RecursiveInvocation,
    Throttled,
)
from lambent.invocation.lineage import continued, first, with_hop
from lambent.invocation.request_id import new_request_id, new_trace_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.dispatcher import AwsDispatcher
    from lambent.execution.invocation import Invocation
    from lambent.functions import Target
    from lambent.http import Request
    from lambent.invocation.async_queue import AsyncQueue
    from lambent.invocation.invoker import Invoker
    from lambent.invocation.runner import Runner

MAX_REQUEST: Final = 6_291_456
"""Bytes of the largest event of a synchronous invocation (6 MB)."""

MAX_ASYNC_REQUEST: Final = 1_048_576
"""Bytes of the largest event of an asynchronous invocation (1 MB since 2025-10)."""

_MAX_CLIENT_CONTEXT: Final = 3_583
_MAX_ROUTES: Final = 20_000

_RECURSIVE: Final = (
    "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources "
    "and stopped your function's invocation."
)

_PATH: Final = re.compile(
    rb"/(?:2015-03-31/functions/[^/?]+/invocations|2021-11-15/functions/[^/?]+/response-streaming-invocations)"
    rb"/?(?:\?.*)?"
)
_STREAMING: Final = b"/2021-11-15/"

_validate_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_TYPE: Final = b"x-amz-invocation-type"
_LOG_TYPE: Final = b"x-amz-log-type"
_CLIENT_CONTEXT: Final = b"x-amz-client-context"
_TRACE: Final = b"x-amzn-trace-id"
_TENANT: Final = b"x-amz-tenant-id"
_TYPES: Final = (None, b"RequestResponse", b"Event", b"DryRun")
_STREAM_TYPES: Final = (None, b"RequestResponse", b"DryRun")
_LOG_TYPES: Final = (None, b"Tail", b"None")
_OF_INTEREST: Final = frozenset({_TYPE, _LOG_TYPE, _CLIENT_CONTEXT, _TRACE, _TENANT})


class _Route:
    """What a name, qualifier and scope lead to."""

    __slots__ = ("extra", "head", "lineage", "qualifier", "runner", "shares", "streaming", "target")

    def __init__(self, target: Target, qualifier: str | None, runner: Runner, streaming: bool) -> None:
        self.streaming = streaming
        self.shares: dict[str, _Route] = {}
        """Routes by version's uid, where versions share an alias."""
        self.target = target
        self.qualifier = qualifier
        self.runner = runner
        version = target.version
        # The function is told the ARN it was invoked by, when that is not its plain one.
        arn = target.invoked_arn
        self.extra = b"" if arn == version.arn else msgspec.json.encode({"arn": arn})
        self.lineage = first(target.function.id)
        self.head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Amz-Executed-Version: {version.version}\r\n"
        ).encode()


class _Call:
    """One request on its way, and how it is answered."""

    __slots__ = ("_endpoint", "_request", "_route")

    def __init__(self, endpoint: InvokeEndpoint, request: Request, route: _Route) -> None:
        self._endpoint = endpoint
        self._request = request
        self._route = route

    def answer(self, invocation: Invocation) -> None:
        """Send what came of it."""
        if invocation.failure is not None:
            self._endpoint.refuse(self._request, invocation.request_id.decode(), not_run(invocation.failure))
            return
        more = b"X-Amz-Function-Error: Unhandled\r\n" if invocation.function_error else b""
        if invocation.want_tail:
            more += b"X-Amz-Log-Result: %s\r\n" % base64.b64encode(invocation.log_tail)
        self._request.send(
            b"%sx-amzn-RequestId: %s\r\nX-Amzn-Trace-Id: %s\r\n%s"
            % (self._route.head, invocation.request_id, invocation.trace, more),
            invocation.result,
        )


class InvokeEndpoint:
    """Answers `POST /2015-03-31/functions/{FunctionName}/invocations`, and InvokeWithResponseStream.

    `handle` tells whether a request is its own; everything else belongs to the dispatcher, whose
    authentication, validation and error answers it uses.
    """

    def __init__(self, dispatcher: AwsDispatcher, invoker: Invoker, queue: AsyncQueue) -> None:
        self._dispatcher = dispatcher
        self._authenticate = dispatcher.authenticate
        self._invoker = invoker
        self._registry = invoker.registry
        self._queue = queue
        self._routes: dict[tuple[str, str, bytes], _Route] = {}
        self._hashing: set[asyncio.Task[None]] = set()
        self._targets: set[bytes] = set()  # request targets that are known to be Invoke's
        self._generation = -1

    def handle(self, request: Request) -> bool:
        """Take an Invoke request and answer it, now or later. False for any other request."""
        if request.method != b"POST":
            return False
        if request.target not in self._targets:
            if _PATH.fullmatch(request.target) is None:
                return False
            if len(self._targets) >= _MAX_ROUTES:
                self._targets.clear()
            self._targets.add(request.target)
        if self._dispatcher.hashes_in_thread(request):
            task = asyncio.get_running_loop().create_task(self._handle_large(request))
            self._hashing.add(task)
            task.add_done_callback(self._hashing.discard)
        else:
            self._handle(request, None)
        return True

    async def _handle_large(self, request: Request) -> None:
        self._handle(request, await self._dispatcher.digest(request))

    def _handle(self, request: Request, body_sha256: bytes | None) -> None:
        request_id = new_request_id()
        try:
            self._invoke(request, request_id, body_sha256)
        except ServiceError as error:
            self.refuse(request, request_id, error)
        except Exception as fault:  # noqa: BLE001 - whatever goes wrong here, the client gets an answer
            self._dispatcher.fail(request, "lambda", "Invoke", request_id, fault)

    def refuse(self, request: Request, request_id: str, error: ServiceError) -> None:
        """Answer with an error."""
        self._dispatcher.refuse(request, "lambda", "Invoke", request_id, error)

    def _invoke(self, request: Request, request_id: str, body_sha256: bytes | None) -> None:
        identity = self._authenticate(request, body_sha256)
        if self._generation != self._registry.generation:
            self._generation = self._registry.generation
            self._routes.clear()
        route = self._routes.get((identity.account, identity.region, request.target))
        if route is None:
            route = self._find_route(request, identity.account, identity.region)
        if route.shares:
            route = route.shares[route.target.drawn().version.uid]
        invocation_type = log_type = client_context = trace = tenant = None
        for name, value in request.headers:
            if name in _OF_INTEREST:
                if name == _TYPE:
                    invocation_type = value
                elif name == _LOG_TYPE:
                    log_type = value
                elif name == _CLIENT_CONTEXT:
                    client_context = value
                elif name == _TRACE:
                    trace = value.decode("latin-1")
                else:
                    tenant = value.decode("latin-1")
        extra = route.extra
        if client_context is not None or tenant is not None:
            extra = self._extra(route, client_context, tenant)
        payload = request.body or b"{}"
        if len(payload) > MAX_ASYNC_REQUEST or invocation_type is not None or log_type is not None:
            types = _STREAM_TYPES if route.streaming else _TYPES
            if invocation_type not in types or log_type not in _LOG_TYPES:
                self._find_route(request, identity.account, identity.region)  # words the refusal
            self._check_size(payload, invocation_type)
        check_event(payload)
        if invocation_type == b"DryRun":
            self._answer_empty(request, request_id, 204)
            return
        if invocation_type == b"Event":
            # Where the chain is too long it is accepted all the same: its end is told like that of others.
            trace = with_hop(trace or "", route.target.function.id)
            self._enqueue(request, request_id, route, payload, trace, extra)
            return
        try:
            trace = continued(trace, route.target) if trace else new_trace_header(route.lineage)
        except RecursiveInvocation:
            raise ServiceError("RecursiveInvocationException", _RECURSIVE, status=400) from None
        if route.streaming:
            version = route.target.version.version
            sink = StreamedCall(request, request_id, trace, version, self.refuse)
            answer: Callable[[Invocation], None] = sink.answer
        else:
            sink, answer = None, _Call(self, request, route).answer
        try:
            route.runner.invoke(
                payload,
                request_id.encode(),
                trace.encode("latin-1"),
                extra,
                answer,
                want_tail=log_type == b"Tail",
                sink=sink,
            )
        except Throttled as refusal:
            raise _throttled(refusal) from None

    # ------------------------------------------------------------ routes

    def _find_route(self, request: Request, account: str, region: str) -> _Route:
        """Validate the request by the model, resolve its function, keep the route."""
        streaming = request.target.startswith(_STREAMING)
        operation = "InvokeWithResponseStream" if streaming else "Invoke"
        members = self._dispatcher.parse(request, "lambda", operation)
        qualifier = members.get("Qualifier")
        try:
            target = self._resolve(account, region, members["FunctionName"], qualifier)
            if qualifier is None and target.alias is not None:
                qualifier = target.alias.name
            elif qualifier is None and target.version.version != "$LATEST":
                qualifier = target.version.version
            route = self._route(target, qualifier, streaming)
            if target.shares:
                versions = [target.version, *(version for _, version in target.shares)]
                route.shares = {
                    one.uid: self._route(target.of(one), qualifier, streaming) for one in versions
                }
        except FunctionError as error:
            context = RequestContext(
                account, region, partition_of(region), "", "lambda", "InvokeFunction", None, ""
            )
            raise translated(error, context) from None
        except FunctionNotReady as error:
            raise ServiceError(
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in the following "
                f"state: {error.state}",
                status=409,
            ) from None
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._routes[account, region, request.target] = route
        return route

    def _resolve(self, account: str, region: str, name: str, qualifier: str | None) -> Target:
        """What a name leads to; in another account as far as its policy lets this one invoke it."""
        try:
            return self._registry.resolve(account, region, name, qualifier)
        except WrongAccount as refusal:
            owner = refusal.arn.split(":")[4]
            try:
                target = self._registry.resolve(owner, region, name, qualifier)
            except FunctionNotFound:
                raise refusal from None
            if not permits(target, root_of(account, region), "lambda:InvokeFunction"):
                raise
            return target

    def _route(self, target: Target, qualifier: str | None, streaming: bool) -> _Route:
        return _Route(target, qualifier, self._invoker.runner(target), streaming)

    def _extra(self, route: _Route, client_context: bytes | None, tenant: str | None) -> bytes:
        facts = {}
        if route.extra:
            facts["arn"] = route.target.invoked_arn
        if tenant is not None:
            facts["tenant_id"] = tenant
        if client_context is not None:
            if len(client_context) > _MAX_CLIENT_CONTEXT:
                raise ServiceError(
                    "InvalidRequestContentException",
                    f"Client context must be smaller than {_MAX_CLIENT_CONTEXT} bytes",
                    status=400,
                )
            try:
                decoded = base64.b64decode(client_context, validate=True)
                _validate_object(decoded)
                facts["client_context"] = decoded.decode()
            except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise ServiceError(
                    "InvalidRequestContentException",
                    "Client context must be a valid Base64-encoded JSON object.",
                    status=400,
                ) from None
        return msgspec.json.encode(facts)

    @staticmethod
    def _check_size(payload: bytes, invocation_type: bytes | None) -> None:
        if invocation_type == b"Event":
            if len(payload) > MAX_ASYNC_REQUEST:
                raise ServiceError(
                    "RequestEntityTooLargeException",
                    f"{len(payload)} byte payload is too large for the Event invocation type "
                    f"(limit {MAX_ASYNC_REQUEST} bytes)",
                    status=413,
                    members={"Type": None},
                )
        elif len(payload) > MAX_REQUEST:
            raise ServiceError(
                "RequestEntityTooLargeException",
                f"Request must be smaller than {MAX_REQUEST} bytes for the InvokeFunction operation",
                status=413,
                members={"Type": None},
            )

    # ------------------------------------------------------------ answers

    def _answer_empty(self, request: Request, request_id: str, status: int, trace: str | None = None) -> None:
        headers = [("x-amzn-RequestId", request_id)]
        if trace is not None:
            headers.append(("X-Amzn-Trace-Id", trace))
        request.respond(status, headers)

    def _enqueue(
        self, request: Request, request_id: str, route: _Route, payload: bytes, trace: str, extra: bytes
    ) -> None:
        def accepted(error: AsyncQueueUnavailable | None) -> None:
            if error is None:
                self._answer_empty(request, request_id, 202, trace)
            else:
                self.refuse(
                    request,
                    request_id,
                    ServiceError("ServiceException", str(error), status=500, fault="server"),
                )

        self._queue.accept(route.target, route.qualifier, payload, request_id, trace, extra, accepted)


def _throttled(refusal: Throttled) -> ServiceError:
    return ServiceError(
        "TooManyRequestsException",
        "Rate Exceeded.",
        status=429,
        members={"Reason": refusal.reason.value},
    )
