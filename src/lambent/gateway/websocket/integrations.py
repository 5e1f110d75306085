"""What a route leads to: a function, another server, or nothing but an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from lambent.gateway.errors import GatewayError
from lambent.gateway.websocket.http_calls import HttpCallFailed, HttpCalls
from lambent.gateway.websocket.mocks import TemplateUnsupported, mocked
from lambent.invocation.errors import InvocationError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from lambent.execution.invocation import Invocation
    from lambent.gateway.apis.records import Integration
    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.websocket.stages import StageRoute


_decode = msgspec.json.Decoder().decode


class Outcome(NamedTuple):
    """What came of calling an integration, or a `failure` for the log.

    `status` is None where an integration did not say any, as functions do that return nothing of the kind.
    """

    status: int | None = None
    body: bytes = b""
    subprotocol: str | None = None
    """What a function put into the header Sec-WebSocket-Protocol."""
    failure: str | None = None


class Integrations:
    """Calls integrations; each call ends with exactly one call of its `finished`, now or later."""

    def __init__(self, functions: FunctionCaller, seconds: float) -> None:
        self._functions = functions
        self._seconds = seconds
        self._http = HttpCalls()
        self._tasks: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Cut the connections to other servers."""
        self._http.close()

    def call(self, route: StageRoute, event: bytes, finished: Callable[[Outcome], None]) -> None:
        """Have a route's integration work on an event."""
        integration = route.integration
        if integration is None:
            finished(Outcome(failure="the route has no integration"))
            return
        kind = integration.integration_type
        if kind == "AWS_PROXY":
            self._call_function(route, integration, event, finished)
        elif kind == "MOCK":
            finished(_mock(route, integration))
        elif kind in ("HTTP_PROXY", "HTTP"):
            self._start(self._call_http(route, integration, event, finished))
        else:
            finished(Outcome(failure=f"integrations of type {kind} are not supported"))

    def _call_function(
        self, route: StageRoute, integration: Integration, event: bytes, finished: Callable[[Outcome], None]
    ) -> None:
        call = _FunctionCall(route.uri, finished, max(self._time_of(integration), self._functions.patience_s))
        try:
            if integration.credentials_arn is None:
                callee = self._functions.permitted(route.uri, route.source_arn)
            else:
                callee = self._functions.assumed(route.uri)
            self._functions.call(callee, event, None, call.answered)
        except (GatewayError, InvocationError) as error:
            call.give(Outcome(failure=str(error)))

    async def _call_http(
        self,
        route: StageRoute,
        integration: Integration,
        event: bytes,
        finished: Callable[[Outcome], None],
    ) -> None:
        try:
            status, body = await self._http.call(integration, route.uri, event, self._time_of(integration))
        except HttpCallFailed as failure:
            finished(Outcome(failure=str(failure)))
        else:
            finished(Outcome(status, body))

    def _time_of(self, integration: Integration) -> float:
        return min(self._seconds, integration.timeout_in_millis / 1000)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _mock(route: StageRoute, integration: Integration) -> Outcome:
    try:
        status, body = mocked(integration, route.responses)
    except TemplateUnsupported as error:
        return Outcome(failure=str(error))
    return Outcome(status, body.encode())


class _FunctionCall:
    """A function at work, and the time it has."""

    __slots__ = ("_finished", "_seconds", "_timer", "_uri")

    def __init__(self, uri: str, finished: Callable[[Outcome], None], seconds: float) -> None:
        self._uri = uri
        self._finished: Callable[[Outcome], None] | None = finished
        self._seconds = seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self._late)

    def answered(self, invocation: Invocation) -> None:
        """The function has ended."""
        if invocation.failure is not None:
            self.give(Outcome(failure=f"{self._uri} was not run: {invocation.failure}"))
        elif invocation.function_error:
            self.give(Outcome(failure=f"{self._uri} failed"))
        else:
            self.give(returned(invocation.result))

    def _late(self) -> None:
        # The function goes on, and what it returns is dropped.
        self.give(Outcome(failure=f"{self._uri} took longer than {self._seconds:g} seconds"))

    def give(self, outcome: Outcome) -> None:
        """Hand on what came of it, once."""
        finished, self._finished = self._finished, None
        if finished is not None:
            self._timer.cancel()
            finished(outcome)


def returned(result: bytes) -> Outcome:
    """What a function returned: `{"statusCode": …, "headers": …, "body": …}`, or anything else."""
    try:
        value = _decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Outcome()
    if not isinstance(value, dict):
        return Outcome()
    status = value.get("statusCode")
    if isinstance(status, str) and len(status) <= 3 and status.isascii() and status.isdigit():
        status = int(status)
    if status.__class__ is not int or not 200 <= status <= 599:
        status = None
    body = value.get("body")
    return Outcome(
        status,
        body.encode("utf-8", "replace") if isinstance(body, str) else b"",
        _subprotocol(value.get("headers")),
    )


def _subprotocol(headers: Any) -> str | None:
    if isinstance(headers, dict):
        for name, value in headers.items():
            if name.lower() == "sec-websocket-protocol" and isinstance(value, str):
                return value if value.isascii() and value.isprintable() else None
    return None
