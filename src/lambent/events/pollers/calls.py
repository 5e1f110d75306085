"""Calls of functions for mappings: each goes on until the function has run, however often it is refused before.

A function that is throttled, not ready, or not there holds the calls of the mapping in their order, and they are tried
again after a pause that doubles, or as soon as another call of the mapping has ended or the function has changed.
Other mappings notice nothing ("slows its own sources only").
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec

from lambent.functions import FunctionError
from lambent.invocation.errors import FunctionNotReady, Throttled
from lambent.invocation.lineage import ends, farthest, with_hop
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.clock import Clock, Timer
    from lambent.events.mapping import Mapping
    from lambent.execution.invocation import Invocation
    from lambent.functions import FunctionVersion, Target
    from lambent.invocation.invoker import Invoker

    Finished: TypeAlias = Callable[["Called"], None]

MAX_PAYLOAD: Final = 6_291_456
"""Bytes of the largest event (6 MB): batches are made no larger than that."""

FAILED: Final = "PROBLEM: Function call failed"
THROTTLED: Final = "PROBLEM: Function call was throttled"
MISSING: Final = "PROBLEM: Function not found"

_FIRST_PAUSE_MS: Final = 100
_LAST_PAUSE_MS: Final = 10_000
_KEPT: Final = 10_000

Condition: TypeAlias = Literal["Success", "FunctionError", "Refused"]


class Called(msgspec.Struct, frozen=True):
    """How a call has ended.

    Success: `result` is what the function returned, as JSON. FunctionError: it is the error document. Refused: the
    function was not run before the time was up. `problem` is the mapping's LastProcessingResult, "OK" for a success.
    """

    condition: Condition
    problem: str
    result: bytes = b""
    request_id: str = ""
    executed_version: str = ""
    function_arn: str = ""
    """With the qualifier, as it was invoked."""


class Call:
    """A call that waits or runs."""

    __slots__ = ("begun", "cancelled", "finished", "lane", "payload", "request_id", "trace", "until_ms")

    def __init__(
        self,
        lane: _Lane,
        payload: bytes,
        trace: str,
        finished: Finished,
        until_ms: int | None,
        begun: Callable[[], None] | None,
    ) -> None:
        self.lane = lane
        self.payload = payload
        self.trace = trace
        self.finished = finished
        self.until_ms = until_ms
        self.begun = begun
        self.request_id = new_request_id()
        self.cancelled = False

    def cancel(self) -> bool:
        """Not to call. False when the function runs already: `finished` is called then, and otherwise never.

        What runs, and then turns out not to have been run, is not tried again.
        """
        self.cancelled = True
        try:
            self.lane.waiting.remove(self)
        except ValueError:
            return False
        return True


class _Lane:
    """The calls of one mapping that were refused, and the pause that they wait for."""

    __slots__ = ("mapping", "pause_ms", "problem", "running", "timer", "waiting")

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.waiting: deque[Call] = deque()
        self.running = 0
        self.pause_ms = 0
        self.problem = ""
        self.timer: Timer | None = None


class _Callee(NamedTuple):
    target: Target
    extra: bytes


class FunctionCalls:
    """Calls the functions of mappings. Everything happens on the loop's thread."""

    def __init__(self, invoker: Invoker, clock: Clock) -> None:
        self._invoker = invoker
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}
        self._callees: dict[str, _Callee] = {}
        self._generation = -1
        self._closed = False
        invoker.registry.subscribe(self._changed)

    def invoke(
        self,
        mapping: Mapping,
        payload: bytes,
        trace: str | None,
        finished: Finished,
        *,
        until_ms: int | None = None,
        begun: Callable[[], None] | None = None,
    ) -> Call:
        """Call the function of a mapping with a JSON payload; `finished` is told once, on the loop, how that ended.

        `trace` is an X-Ray header to go on from. `until_ms`, on the steady clock, is when a call that is still refused
        is given up; None: never. `begun` is called when a call begins that was refused at first. `finished` is never
        called before this returns.
        """
        lane = self._lanes.get(mapping.id)
        if lane is None:
            lane = self._lanes[mapping.id] = _Lane(mapping)
        lane.mapping = mapping
        call = Call(lane, payload, trace or "", finished, until_ms, begun)
        if lane.waiting or not self._begin(call):
            lane.waiting.append(call)
            self._pause(lane)
        return call

    def holds(self, mapping: Mapping) -> bool:
        """Whether calls of the mapping wait because its function takes none: it is better to read no more now."""
        lane = self._lanes.get(mapping.id)
        return lane is not None and bool(lane.waiting)

    def problem(self, mapping: Mapping) -> str:
        """Why calls wait; empty when none do."""
        lane = self._lanes.get(mapping.id)
        return lane.problem if lane is not None and lane.waiting else ""

    def target(self, mapping: Mapping) -> Target | None:
        """What the mapping's function is now; None when it is not there."""
        callee = self._callee(mapping)
        return None if callee is None else callee.target

    def loops(self, mapping: Mapping, trace: str) -> bool:
        """Whether what was sent with this X-Ray header comes of too many invocations of the function already."""
        target = self.target(mapping)
        return target is not None and ends(with_hop(trace, target.function.id), target)

    def farthest(self, mapping: Mapping, traces: Iterable[str]) -> str:
        """Of the X-Ray headers of several records, the one to go on from; empty for none."""
        target = self.target(mapping)
        return "" if target is None else farthest(traces, target)

    def close(self) -> None:
        """Begin nothing more. Calls that wait are forgotten, those that run end."""
        self._closed = True
        for lane in self._lanes.values():
            lane.waiting.clear()
            if lane.timer is not None:
                lane.timer.cancel()

    # ------------------------------------------------------------ calling

    def _begin(self, call: Call) -> bool:
        """Whether the function has been started, or nothing is to be started any more."""
        lane = call.lane
        callee = self._callee(lane.mapping)
        if callee is None:
            lane.problem = MISSING
            return False
        target, extra = callee
        if target.shares:
            target = target.drawn()
        trace = with_hop(call.trace, target.function.id)
        arn, version = target.invoked_arn, target.version.version

        def ended(invocation: Invocation) -> None:
            lane.running -= 1
            if invocation.failure is not None and not call.cancelled and not self._closed:
                # Nothing was run: it is tried again, before those that came after it.
                lane.problem = FAILED
                lane.waiting.appendleft(call)
                self._pause(lane)
                return
            self._resume(lane)
            if invocation.failure is not None:
                called = Called("Refused", FAILED, b"", call.request_id, version, arn)
            elif invocation.function_error:
                called = Called("FunctionError", FAILED, invocation.result, call.request_id, version, arn)
            else:
                called = Called("Success", "OK", invocation.result, call.request_id, version, arn)
            call.finished(called)

        try:
            self._invoker.runner(target).invoke(
                call.payload, call.request_id.encode(), trace.encode("latin-1", "replace"), extra, ended
            )
        except Throttled:
            lane.problem = THROTTLED
            return False
        except FunctionNotReady:
            lane.problem = FAILED
            return False
        lane.running += 1
        return True

    def _callee(self, mapping: Mapping) -> _Callee | None:
        registry = self._invoker.registry
        if self._generation != registry.generation or len(self._callees) > _KEPT:
            self._generation = registry.generation
            self._callees.clear()
        arn = mapping.function_arn
        callee = self._callees.get(arn)
        if callee is None:
            try:
                target = registry.resolve(mapping.account, mapping.region, arn, None)
            except FunctionError:
                return None
            callee = self._callees[arn] = _callee_of(target)
        return callee

    # ------------------------------------------------------------ waiting

    def _pause(self, lane: _Lane) -> None:
        if lane.timer is None and not self._closed:
            lane.pause_ms = min(_LAST_PAUSE_MS, lane.pause_ms * 2 or _FIRST_PAUSE_MS)
            lane.timer = self._clock.at_steady(self._clock.steady_ms() + lane.pause_ms, self._again, lane)

    def _again(self, lane: _Lane) -> None:
        lane.timer = None
        self._pump(lane)

    def _resume(self, lane: _Lane) -> None:
        """Something has changed for the better: no need to wait."""
        lane.pause_ms = 0
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        self._pump(lane)

    def _pump(self, lane: _Lane) -> None:
        waiting = lane.waiting
        now = self._clock.steady_ms()
        while waiting and not self._closed:
            call = waiting[0]
            if call.until_ms is not None and now >= call.until_ms:
                waiting.popleft()
                call.finished(
                    Called("Refused", lane.problem, b"", call.request_id, "", lane.mapping.function_arn)
                )
            elif self._begin(call):
                waiting.popleft()
                if call.begun is not None:
                    call.begun()
            else:
                self._pause(lane)
                return
        if not waiting and not lane.running and self._lanes.get(lane.mapping.id) is lane:
            del self._lanes[lane.mapping.id]

    def _changed(self, old: FunctionVersion | None, new: FunctionVersion | None) -> None:
        version = new or old
        if version is None:
            return
        # Not now: whoever changed the registry has not come to its end yet.
        for lane in list(self._lanes.values()):
            if lane.timer is not None and lane.mapping.function_name == version.name:
                lane.timer.cancel()
                lane.timer = self._clock.at_steady(self._clock.steady_ms(), self._again, lane)


def _callee_of(target: Target) -> _Callee:
    arn = target.invoked_arn
    extra = b"" if arn == target.version.arn else msgspec.json.encode({"arn": arn})
    return _Callee(target, extra)
