"""What a route leads to: a function, another server, or nothing but an answer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

from lambent.gateway.errors import GatewayError
from lambent.invocation.errors import InvocationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.execution.invocation import Invocation
    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.websocket.stages import StageRoute

_log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What came of calling an integration: `result` as it was given, or a `failure` for the log."""

    result: bytes = b""
    failure: str | None = None


class Integrations:
    """Calls integrations; each call ends with exactly one call of its `finished`, now or later."""

    def __init__(self, functions: FunctionCaller, seconds: float) -> None:
        self._functions = functions
        self._seconds = seconds

    def call(self, route: StageRoute, event: bytes, finished: Callable[[Outcome], None]) -> None:
        """Have a route's integration work on an event."""
        integration = route.integration
        if integration is None:
            finished(Outcome(failure=f"the route {route.route.route_key} has no integration"))
        elif integration.integration_type == "MOCK":
            finished(Outcome(b'{"statusCode":200}'))
        elif integration.integration_type == "AWS_PROXY":
            self._call_function(route, integration.integration_uri or "", event, finished)
        else:
            kind = integration.integration_type
            finished(Outcome(failure=f"integrations of type {kind} are not supported"))

    def _call_function(
        self, route: StageRoute, uri: str, event: bytes, finished: Callable[[Outcome], None]
    ) -> None:
        assert route.integration is not None
        seconds = min(self._seconds, route.integration.timeout_in_millis / 1000)
        call = _FunctionCall(uri, finished, seconds)
        try:
            callee = self._functions.permitted(uri, route.source_arn)
            self._functions.call(callee, event, None, call.answered)
        except (GatewayError, InvocationError) as error:
            call.give(Outcome(failure=str(error)))


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
            self.give(Outcome(invocation.result))

    def _late(self) -> None:
        # The function goes on, and what it returns is dropped.
        self.give(Outcome(failure=f"{self._uri} took longer than {self._seconds:g} seconds"))

    def give(self, outcome: Outcome) -> None:
        """Hand on what came of it, once."""
        finished, self._finished = self._finished, None
        if finished is not None:
            self._timer.cancel()
            finished(outcome)
