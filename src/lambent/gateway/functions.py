"""Functions, as the front door calls them."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from lambent.functions import FunctionError
from lambent.functions.authorization import permits
from lambent.gateway.errors import NoFunction, NotPermitted
from lambent.invocation.lineage import first, with_hop
from lambent.invocation.request_id import new_request_id, new_trace_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.execution.invocation import Invocation, ResponseSink
    from lambent.functions import FunctionRegistry, Target
    from lambent.invocation.invoker import Invoker

MAX_EVENT: Final = 6_291_456
"""Bytes of the largest event of a synchronous invocation (6 MB)."""

API_GATEWAY: Final = "apigateway.amazonaws.com"

_INVOCATION_URI: Final = re.compile(
    r"arn:[^:]+:apigateway:[^:]+:lambda:path/2015-03-31/functions/(arn:[^/]+)/invocations"
)
_ARN: Final = re.compile(r"arn:[^:]+:lambda:([^:]+):(\d{12}):function:([^:]+)(?::([^:]+))?")
_KEPT: Final = 20_000


class Callee(NamedTuple):
    """A function that may be called: what its name resolved to, and what goes with each of its invocations."""

    target: Target
    lineage: str
    extra: bytes


class FunctionCaller:
    """Resolves functions and runs them. What was resolved is kept until the registry changes.

    `patience_s` is how long who calls one waits for it at least, whatever limit an integration or authorizer has.
    """

    def __init__(self, invoker: Invoker, patience_s: float = 0.0) -> None:
        self.patience_s = patience_s
        self._invoker = invoker
        self.registry: FunctionRegistry = invoker.registry
        self._generation = -1
        self._known: dict[tuple[str, str], Callee] = {}

    def callee(self, target: Target) -> Callee:
        """What `call` takes, for something that the registry has resolved."""
        arn = target.invoked_arn
        extra = b"" if arn == target.version.arn else msgspec.json.encode({"arn": arn})
        return Callee(target, first(target.function.id), extra)

    def permitted(self, uri: str, source_arn: str) -> Callee:
        """The function of an integration or authorizer, by its ARN or invocation URI.

        `source_arn` is what of the API calls: its resource policy has to permit that to API Gateway. Raises NoFunction,
        NotPermitted.
        """
        return self._found(uri, source_arn)

    def assumed(self, uri: str) -> Callee:
        """The same, called in a role: what that may do is not known here, and no policy is asked. Raises NoFunction."""
        return self._found(uri, "")

    def _found(self, uri: str, source_arn: str) -> Callee:
        if self._generation != self.registry.generation:
            self._generation = self.registry.generation
            self._known.clear()
        callee = self._known.get((uri, source_arn))
        if callee is None:
            target = self._resolved(uri)
            if source_arn:
                _check_permission(target, source_arn)
            callee = self.callee(target)
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[uri, source_arn] = callee
        return callee

    def _resolved(self, uri: str) -> Target:
        wrapped = _INVOCATION_URI.fullmatch(uri)
        arn = wrapped[1] if wrapped is not None else uri
        parts = _ARN.fullmatch(arn)
        if parts is None:
            raise NoFunction(arn)
        try:
            return self.registry.resolve(parts[2], parts[1], arn, None)
        except FunctionError:
            raise NoFunction(arn) from None

    def call(
        self,
        callee: Callee,
        payload: bytes,
        trace: str | None,
        finished: Callable[[Invocation], None],
        *,
        request_id: str | None = None,
        sink: ResponseSink | None = None,
    ) -> None:
        """Run a function; `finished` is told when its result is there.

        `trace` is the caller's X-Ray header, if it has one. Raises Throttled, FunctionNotReady.
        """
        target, lineage, extra = callee
        if target.shares:
            drawn = target.drawn()
            callee = self.callee(drawn)
            target, lineage, extra = callee
        header = with_hop(trace, target.function.id) if trace else new_trace_header(lineage)
        self._invoker.runner(target).invoke(
            payload,
            (request_id or new_request_id()).encode(),
            header.encode("latin-1", "replace"),
            extra,
            finished,
            sink=sink,
        )

    async def acall(self, callee: Callee, payload: bytes, trace: str | None, timeout_s: float) -> Invocation:
        """Run a function and wait for it. Raises Throttled, FunctionNotReady, TimeoutError.

        One that takes longer goes on, and its result is dropped.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Invocation] = loop.create_future()

        def finished(invocation: Invocation) -> None:
            if not waiting.done():
                waiting.set_result(invocation)

        self.call(callee, payload, trace, finished)
        async with asyncio.timeout(max(timeout_s, self.patience_s)):
            return await waiting


def _check_permission(target: Target, source_arn: str) -> None:
    context = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_arn.split(":")[4]}
    if not permits(target, API_GATEWAY, "lambda:InvokeFunction", context):
        raise NotPermitted(target.invoked_arn, source_arn)
