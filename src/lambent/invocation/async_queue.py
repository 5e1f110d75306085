"""Asynchronous invocation: a durable queue, one lane a function, AWS's two retries, one outcome an event.

What `accept` has acknowledged is in the database and stays there until its outcome is: the function has succeeded,
its attempts are used up, it has grown too old, the function may not run, or is gone. The outcome is handed on in the
transaction that removes the event, so there is exactly one. After a crash the queue goes on where it was; a run that
was under way then is repeated.

"How Lambda handles errors and retries with asynchronous invocation" (developer guide) says: a function's error is
tried again after one and two minutes; throttling and faults of the platform after one second and then ever later, up to
five minutes, for six hours, and they are no attempts.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from lambent.clock import SystemClock
from lambent.functions import FunctionError
from lambent.invocation import async_event
from lambent.invocation.async_event import Event
from lambent.invocation.errors import AsyncQueueUnavailable, FunctionNotReady, Throttled
from lambent.invocation.event_endings import EventEndings, backoff_ms
from lambent.invocation.event_rules import EventRules
from lambent.invocation.lineage import ends, with_hop
from lambent.invocation.outcome import Answer, Outcome
from lambent.store import Staged, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.clock import Clock, Timer
    from lambent.execution.invocation import Invocation
    from lambent.functions import FunctionVersion, Target
    from lambent.invocation.invoker import Invoker
    from lambent.invocation.outcome import Condition
    from lambent.store import Database, Statement
    from lambent.store.database import Results

Accepted: TypeAlias = "Callable[[AsyncQueueUnavailable | None], None]"

RETRY_SECONDS: Final = (60.0, 120.0)
"""AWS waits one minute before the first retry and two before the second."""

_MEMORY_BUDGET: Final = 64_000_000

_log = logging.getLogger(__name__)


class _Lane:
    """The due events of one function. `running` counts those that run or whose end is being written."""

    __slots__ = ("forgotten", "key", "paused", "ready", "running", "throttles")

    def __init__(self, key: tuple[str, str, str]) -> None:
        self.key = key
        self.ready: deque[Event] = deque()
        self.running = 0
        self.throttles = 0
        self.forgotten = False
        self.paused: Timer | None = None

    def resume(self) -> None:
        if self.paused is not None:
            self.paused.cancel()
            self.paused = None


class AsyncQueue:
    """Accepts, schedules and retries async events. Everything happens on the loop's thread.

    `retry_seconds`: the waits before the retries, as many as there are retries.
    `lane_width`: how many events of one function run at once; sync invocations are not counted here.
    """

    def __init__(
        self,
        database: Database,
        invoker: Invoker,
        clock: Clock | None = None,
        *,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        lane_width: int = 100,
    ) -> None:
        self._database = database
        self._invoker = invoker
        self._clock: Clock = SystemClock() if clock is None else clock
        self._retry_ms = tuple(int(seconds * 1000) for seconds in retry_seconds)
        self._lane_width = lane_width
        self._lanes: dict[tuple[str, str, str], _Lane] = {}
        self._later: list[tuple[int, int, Event]] = []
        self._order = itertools.count()
        self._timer: Timer | None = None
        self._timer_ms = 0
        self._held_bytes = 0
        self._stopping = False
        self._closed = False
        self._ended: asyncio.Event | None = None
        self._loop = asyncio.get_running_loop()
        self._reads: set[asyncio.Task[None]] = set()
        self._endings = EventEndings(database, self._clock)
        self._rules = EventRules(invoker.registry, len(self._retry_ms))

    @property
    def outcomes(self) -> Callable[[Outcome], Staged] | None:
        """Says what is to be written in the transaction that ends an event; None: nothing."""
        return self._endings.outcomes

    @outcomes.setter
    def outcomes(self, outcomes: Callable[[Outcome], Staged]) -> None:
        self._endings.outcomes = outcomes

    def __len__(self) -> int:
        """Events that wait or run."""
        return len(self._later) + sum(len(lane.ready) + lane.running for lane in self._lanes.values())

    async def open(self) -> None:
        """Take up what an earlier run has left."""
        for event in await async_event.load(self._database, self._clock.steady_ms()):
            self._schedule(event)

    async def drain(self, seconds: float) -> None:
        """Begin nothing more and wait for what runs, at most `seconds`. What waits stays in the database."""
        self._stopping = True
        for lane in self._lanes.values():
            lane.resume()
        if self._timer is not None:
            self._timer.cancel()
        self._endings.stop()
        if self._reads:
            await asyncio.wait(self._reads)
        if self._running():
            self._ended = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), seconds)
        self._closed = True

    async def clear(self) -> None:
        """Forget every event: one that runs is not tried again, and no lane is held back any more."""
        for _, _, event in self._later:
            self._let_go(event)
        self._later.clear()
        for lane in self._lanes.values():
            lane.resume()
            for event in lane.ready:
                self._let_go(event)
            lane.ready.clear()
            lane.forgotten = True
        self._lanes = {}
        self._endings.forget()
        await self._database.write(async_event.CLEAR)

    def _running(self) -> int:
        return sum(lane.running for lane in self._lanes.values())

    # ------------------------------------------------------------ accepting

    def stage(
        self, target: Target, qualifier: str | None, payload: bytes, request_id: str, trace: str, extra: bytes
    ) -> Staged:
        """An event that becomes part of somebody's transaction: it runs when that is durable.

        `payload` is JSON. `trace` is the header of what led to it ("" for none); this invocation's hop is added.
        """
        if not extra and target.invoked_arn != target.version.arn:
            extra = msgspec.json.encode(
                {"arn": target.invoked_arn}
            )  # what the function is told it was invoked by
        return self._staged(
            target, qualifier, payload, request_id, with_hop(trace, target.function.id), extra
        )

    def accept(
        self,
        target: Target,
        qualifier: str | None,
        payload: bytes,
        request_id: str,
        trace: str,
        extra: bytes,
        accepted: Accepted,
    ) -> None:
        """Store an event; `accepted(None)` is called when it is durable, with an error when it cannot be.

        `trace` is the header of the invocation itself, its own hop included.
        """
        staged = self._staged(target, qualifier, payload, request_id, trace, extra)

        def stored(_results: Results | None, error: StoreError | None) -> None:
            accepted(None if error is None else AsyncQueueUnavailable(str(error)))
            staged.settled(error)

        self._database.submit(staged.statements, stored)

    def _staged(
        self, target: Target, qualifier: str | None, payload: bytes, request_id: str, trace: str, extra: bytes
    ) -> Staged:
        version = target.version
        now = self._clock.steady_ms()
        event = Event(
            request_id, version.account, version.region, version.name, qualifier, trace, extra, now, now, 0,
            payload,
        )  # fmt: skip

        def settled(error: StoreError | None) -> None:
            if error is None:
                self._hold(event)
                self._schedule(event)

        return Staged((event.added(),), settled)

    def _hold(self, event: Event) -> None:
        """Keep the payload in memory while there is room: a long backlog lives in the database only."""
        size = len(event.payload or b"")
        if self._held_bytes + size > _MEMORY_BUDGET:
            event.payload = None
        else:
            self._held_bytes += size

    def _let_go(self, event: Event) -> None:
        if event.payload is not None:
            self._held_bytes -= len(event.payload)
            event.payload = None

    # ------------------------------------------------------------ scheduling

    def _schedule(self, event: Event) -> None:
        if event.due_ms > self._clock.steady_ms():
            heapq.heappush(self._later, (event.due_ms, next(self._order), event))
            self._set_timer()
            return
        lane = self._lanes.get(event.lane)
        if lane is None:
            lane = self._lanes[event.lane] = _Lane(event.lane)
        lane.ready.append(event)
        self._pump(lane)

    def _set_timer(self) -> None:
        if not self._later or self._stopping:
            return
        due = self._later[0][0]
        if self._timer is not None:
            if self._timer_ms <= due:
                return
            self._timer.cancel()
        self._timer_ms = due
        self._timer = self._clock.at_steady(due, self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._clock.steady_ms()
        while self._later and self._later[0][0] <= now:
            self._schedule(heapq.heappop(self._later)[2])
        self._set_timer()

    def _pump(self, lane: _Lane) -> None:
        while lane.ready and lane.running < self._lane_width and lane.paused is None and not self._stopping:
            event = lane.ready.popleft()
            lane.running += 1
            if self._clock.steady_ms() >= self._rules.expiry_ms(event):
                self._give_up(lane, event, "EventAgeExceeded")
            elif event.payload is None:
                self._read(lane, event, self._run_stored)
            else:
                self._run(lane, event, event.payload)
        if not (lane.ready or lane.running or lane.paused) and self._lanes.get(lane.key) is lane:
            del self._lanes[lane.key]  # functions come and go
        self._settle_down()

    def _settle_down(self) -> None:
        if self._ended is not None and not self._running():
            self._ended.set()

    def _run(self, lane: _Lane, event: Event, payload: bytes) -> None:
        registry = self._invoker.registry
        try:
            target = registry.resolve(event.account, event.region, event.name, event.qualifier).drawn()
            version = target.version
            if ends(event.trace, target):
                _log.warning(
                    "%s is being invoked in a recursive loop: event %s is not run",
                    target.invoked_arn,
                    event.request_id,
                )
                self._give_up(lane, event, "RecursiveInvocationException")
                return

            def finished(invocation: Invocation) -> None:
                self._finished(lane, event, payload, version, invocation)

            self._invoker.runner(target).invoke(
                payload, event.request_id.encode(), event.trace.encode("latin-1"), event.extra, finished
            )
        except (Throttled, FunctionNotReady):
            if registry.reserved_concurrency(event.account, event.region, event.name) == 0:
                # Reserving nothing switches a function off: its events are given up without an attempt
                # (AWS-recorded `test_reserved_concurrency`: ZeroReservedConcurrency, 0 invocations).
                self._give_up(lane, event, "ZeroReservedConcurrency")
                return
            # Not an attempt: AWS returns the event to the queue and backs off.
            lane.running -= 1
            lane.ready.appendleft(event)
            self._hold_back(lane, event)
        except FunctionError:
            self._write(lane, event, None)  # the function is gone, and nobody is left to be told

    def _read(
        self, lane: _Lane, event: Event, then: Callable[[_Lane, Event, bytes, Answer | None], None]
    ) -> None:
        """Call `then` with what the database has of an event."""
        reading = self._loop.create_task(self._read_stored(lane, event, then))
        self._reads.add(reading)
        reading.add_done_callback(self._reads.discard)

    async def _read_stored(
        self, lane: _Lane, event: Event, then: Callable[[_Lane, Event, bytes, Answer | None], None]
    ) -> None:
        try:
            found = await async_event.stored(self._database, event.request_id)
        except StoreError as error:
            _log.warning("async event %s could not be read: %s", event.request_id, error)
            self._again_later(lane, event)
            return
        if found is not None and not self._stopping and not lane.forgotten:
            then(lane, event, *found)
        else:
            self._leave(lane)

    def _run_stored(self, lane: _Lane, event: Event, payload: bytes, _answer: Answer | None) -> None:
        self._run(lane, event, payload)

    def _hold_back(self, lane: _Lane, event: Event) -> None:
        """No concurrency is left: nothing of the function begins for a while."""
        if self._stopping:
            self._settle_down()
        if lane.paused is not None or self._stopping:
            return
        lane.throttles += 1
        now = self._clock.steady_ms()
        # Not later than the event becomes too old: that is to be noticed then.
        wait = min(backoff_ms(lane.throttles), max(1, self._rules.expiry_ms(event) - now))
        lane.paused = self._clock.at_steady(now + wait, self._resume, lane)

    def _resume(self, lane: _Lane) -> None:
        lane.paused = None
        self._pump(lane)

    def _again_later(self, lane: _Lane, event: Event) -> None:
        """The platform's fault, not an attempt: this event waits, others of its function go on."""
        event.faults += 1
        event.due_ms = self._clock.steady_ms() + backoff_ms(event.faults)
        lane.running -= 1
        if not lane.forgotten:
            self._schedule(event)
        self._pump(lane)

    def _leave(self, lane: _Lane) -> None:
        lane.running -= 1
        self._pump(lane)

    # ------------------------------------------------------------ outcomes

    def _finished(
        self, lane: _Lane, event: Event, payload: bytes, version: FunctionVersion, invocation: Invocation
    ) -> None:
        if self._closed:
            return  # cut short by the end of the platform: it is repeated after the start
        if lane.forgotten:
            self._let_go(event)
            self._leave(lane)
            return
        if invocation.failure is not None:
            _log.warning("async event %s could not run: %s", event.request_id, invocation.failure)
            self._again_later(lane, event)
            return
        lane.throttles = event.faults = 0
        lane.resume()  # what this one has used is free again: no need to wait
        event.attempts += 1
        answer = Answer(invocation.result, version.version, invocation.function_error)
        if not answer.failed:
            self._end(lane, event, payload, answer, "Success")
        elif event.attempts > self._rules.retries(event):
            self._end(lane, event, payload, answer, "RetriesExhausted")
        else:
            due = self._clock.steady_ms() + self._retry_ms[event.attempts - 1]
            if due >= self._rules.expiry_ms(event):
                # AWS does not wait for what would be too late (recorded: `test_maxeventage`).
                self._end(lane, event, payload, answer, "EventAgeExceeded")
                return
            event.due_ms = due
            self._save(event.failed(answer))
            lane.running -= 1
            self._schedule(event)
            self._pump(lane)

    def _give_up(self, lane: _Lane, event: Event, condition: Condition) -> None:
        """End an event without a run."""

        def end(lane: _Lane, event: Event, payload: bytes, answer: Answer | None) -> None:
            self._end(lane, event, payload, answer, condition)

        if self.outcomes is not None and self._rules.ends(event).told(condition):
            self._read(lane, event, end)
        else:
            self._write(lane, event, None)

    def _end(
        self, lane: _Lane, event: Event, payload: bytes, answer: Answer | None, condition: Condition
    ) -> None:
        ends = self._rules.ends(event)
        if self.outcomes is None or not ends.told(condition):
            self._write(lane, event, None)
            return
        self._write(
            lane,
            event,
            Outcome(
                request_id=event.request_id,
                account=event.account,
                region=event.region,
                name=event.name,
                function_arn=ends.function_arn,
                role=ends.role,
                condition=condition,
                invoke_count=event.attempts,
                payload=payload,
                answer=answer,
                trace=event.trace,
                destination=ends.destination(condition),
                dead_letter_arn=ends.dead_letter(condition),
            ),
        )

    def _write(self, lane: _Lane, event: Event, outcome: Outcome | None) -> None:
        """Write that an event has ended. It takes a place in its lane until that is durable."""

        def over() -> None:
            self._let_go(event)
            self._leave(lane)

        self._endings.write(event, outcome, over)

    def _save(self, statement: Statement) -> None:
        def saved(_results: Results | None, error: StoreError | None) -> None:
            if error is not None:
                _log.warning("an async event's progress was not saved, it may run again: %s", error)

        self._database.submit([statement], saved)
