"""Runs the invocations of one function version: concurrency, pool, usage."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lambent.execution.errors import InterpreterMissing
from lambent.execution.invocation import Invocation
from lambent.invocation.errors import FunctionNotReady, PlatformFailure, RuntimeMissing, Throttled

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.execution.fleet import Fleet
    from lambent.execution.invocation import ResponseSink
    from lambent.execution.pool import Pool
    from lambent.functions import FunctionVersion
    from lambent.invocation.concurrency import FunctionConcurrency
    from lambent.invocation.provisioned import Slot
    from lambent.observe import FunctionUsage


_log = logging.getLogger(__name__)


class Runner:
    """What an invocation of one version passes through, with everything looked up once.

    `finished(invocation)` is called on the loop when the result is there; the invocation's `owner` is the
    caller's to set.
    """

    __slots__ = ("_fleet", "_pool", "concurrency", "usage", "version")

    slot: Slot | None = None

    def __init__(
        self,
        version: FunctionVersion,
        fleet: Fleet,
        concurrency: FunctionConcurrency,
        usage: FunctionUsage,
    ) -> None:
        self.version = version
        self.concurrency = concurrency
        self.usage = usage
        self._fleet = fleet
        self._pool: Pool | None = fleet.pool(version)

    def invoke(
        self,
        payload: bytes,
        request_id: bytes,
        trace: bytes,
        extra: bytes,
        answer: Callable[[Invocation], None],
        *,
        want_tail: bool = False,
        sink: ResponseSink | None = None,
    ) -> None:
        """Run the function with a JSON payload; `answer` gets the finished invocation.

        What a streaming function answers goes to `sink` piece by piece, or without one whole to `answer`.

        Raises Throttled when no concurrency is left, and FunctionNotReady.
        """
        concurrency = self.concurrency
        reason = concurrency.acquire()
        if reason is not None:
            self.usage.throttled()
            raise Throttled(reason)
        invocation = Invocation(
            payload, request_id, trace, extra, self._finished, want_tail=want_tail, owner=answer
        )
        invocation.sink = sink
        pool = self._pool
        if pool is None:
            self._submit_when_ready(invocation)
        else:
            pool.submit(invocation)

    def _submit_when_ready(self, invocation: Invocation) -> None:
        def submit(pool: Pool | Exception) -> None:
            if isinstance(pool, Exception):
                invocation.failure = pool
                self._finished(invocation)
            else:
                self._pool = pool
                pool.submit(invocation)

        self._fleet.when_ready(self.version, submit)

    def _finished(self, invocation: Invocation) -> None:
        self.concurrency.release()
        self._tell(invocation)

    def _tell(self, invocation: Invocation) -> None:
        if invocation.failure is None:
            self.usage.invoked(invocation.billed_ms, self.version.memory_mb, error=invocation.function_error)
        else:
            missing = isinstance(invocation.failure, InterpreterMissing)
            invocation.failure = (RuntimeMissing if missing else PlatformFailure)(str(invocation.failure))
        try:
            invocation.owner(invocation)
        except Exception:  # noqa: BLE001 - logged
            # Whoever asked: what else its environment has to say is for others.
            _log.exception("the result of %s could not be taken", self.version.qualified_arn)

    def check_ready(self) -> None:
        """Raises FunctionNotReady unless the version can be invoked in its state."""
        version = self.version
        if version.state not in ("Active", "Inactive"):
            raise FunctionNotReady(
                version.qualified_arn, version.state, version.state_reason_code, version.state_reason
            )


class ProvisionedRunner(Runner):
    """Of a version with environments that are started ahead: what finds none of them free runs on demand."""

    __slots__ = ("slot",)

    slot: Slot

    def __init__(
        self,
        version: FunctionVersion,
        fleet: Fleet,
        concurrency: FunctionConcurrency,
        usage: FunctionUsage,
        slot: Slot,
    ) -> None:
        super().__init__(version, fleet, concurrency, usage)
        self.slot = slot

    def invoke(
        self,
        payload: bytes,
        request_id: bytes,
        trace: bytes,
        extra: bytes,
        answer: Callable[[Invocation], None],
        *,
        want_tail: bool = False,
        sink: ResponseSink | None = None,
    ) -> None:
        """See `Runner.invoke`."""
        pool = self.slot.pool
        if pool is None or not pool.free or not self.concurrency.acquire_provisioned():
            super().invoke(payload, request_id, trace, extra, answer, want_tail=want_tail, sink=sink)
            return
        invocation = Invocation(
            payload, request_id, trace, extra, self._finished_ahead, want_tail=want_tail, owner=answer
        )
        invocation.sink = sink
        pool.submit(invocation)

    def _finished_ahead(self, invocation: Invocation) -> None:
        self.concurrency.release_provisioned()
        self._tell(invocation)
