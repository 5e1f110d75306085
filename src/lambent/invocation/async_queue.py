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
import logging
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from lambent.functions import FunctionError
from lambent.invocation import async_event
from lambent.invocation.async_event import Event
from lambent.invocation.errors import AsyncQueueUnavailable, FunctionNotReady, Throttled
from lambent.invocation.event_endings import EventEndings
from lambent.invocation.event_lane import Agenda, Lane, backoff_ms
from lambent.invocation.event_memory import EventMemory
from lambent.invocation.event_rules import EventRules
from lambent.invocation.lineage import ends, with_hop
from lambent.invocation.outcome import Answer, Outcome
from lambent.store import Staged, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.clock import Clock
    from lambent.execution.invocation import Invocation
    from lambent.functions import FunctionVersion, Target
    from lambent.invocation.event_lane import LaneKey, Waiting
    from lambent.invocation.invoker import Invoker
    from lambent.invocation.outcome import Condition
    from lambent.store import Database
    from lambent.store.database import Results

Accepted: TypeAlias = "Callable[[AsyncQueueUnavailable | None], None]"

RETRY_SECONDS: Final = (60.0, 120.0)
"""AWS waits one minute before the first retry and two before the second."""

_MANY_FAULTS_MS: Final = 30_000
"""How long events wait that the platform could not run, where it does not keep in mind how often that was."""

_AT_ONCE: Final = 1000

_log = logging.getLogger(__name__)


class AsyncQueue:
    """Accepts, schedules and retries async events. Everything happens on the loop's thread.

    `retry_seconds`: the waits before the retries, as many as there are retries.
    `lane_width`: how many events of one function run at once; sync invocations are not counted here.
    """

    def __init__(
        self,
        database: Database,
        invoker: Invoker,
        clock: Clock,
        *,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        lane_width: int = 100,
    ) -> None:
        self._database = database
        self._invoker = invoker
        self._clock = clock
        self._retry_ms = tuple(int(seconds * 1000) for seconds in retry_seconds)
        self._lane_width = lane_width
        self._lanes: dict[LaneKey, Lane] = {}
        self._agenda = Agenda(clock, self._ready)
        self._memory = EventMemory()
        self._endings = EventEndings(database, clock)
        self._rules = EventRules(invoker.registry, len(self._retry_ms))
        self._opened = False
        self._unsettled = 0
        """Events that were staged before `open`: what it finds in the database may be one of them."""
        self._taken_up: set[str] = set()
        self._early: list[tuple[LaneKey, str]] = []
        """Those of them that are durable."""
        self._stopping = False
        self._closed = False
        self._idle: asyncio.Event | None = None
        self._reads: set[asyncio.Task[None]] = set()

    @property
    def outcomes(self) -> Callable[[Outcome], Staged] | None:
        """Says what is to be written in the transaction that ends an event; None: nothing."""
        return self._endings.outcomes

    @outcomes.setter
    def outcomes(self, outcomes: Callable[[Outcome], Staged]) -> None:
        self._endings.outcomes = outcomes

    def __len__(self) -> int:
        """Events that wait or run."""
        return len(self._agenda) + sum(len(lane.ready) + lane.running for lane in self._lanes.values())

    async def open(self) -> None:
        """Take up what an earlier run has left. Nothing runs before. Raises StoreError."""
        found = await async_event.take_up(self._database, self._clock.steady_ms())
        self._opened = True
        early, self._early = self._early, []
        if self._unsettled or early:
            self._taken_up = {request_id for request_id, _, _ in found}
        for number, (request_id, key, due_ms) in enumerate(found):
            self._schedule(due_ms, key, request_id)
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        for key, request_id in early:
            if request_id not in self._taken_up:
                self._ready(key, request_id)

    async def drain(self, seconds: float) -> None:
        """Begin nothing more and wait for what runs, at most `seconds`. What waits stays in the database."""
        self._stopping = True
        for lane in self._lanes.values():
            lane.resume()
        self._agenda.stop()
        self._endings.stop()
        if self._reads:
            await asyncio.wait(self._reads)
        if self._running():
            self._idle = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), seconds)
        self._closed = True

    async def clear(self) -> None:
        """Forget every event: one that runs is not tried again, and no lane is held back any more."""
        for waiting in self._agenda:
            self._forget(waiting)
        self._agenda.clear()
        for lane in self._lanes.values():
            lane.resume()
            for waiting in lane.ready:
                self._forget(waiting)
            lane.ready.clear()
            lane.forgotten = True
        self._lanes = {}
        self._endings.forget()
        await self._database.write(async_event.CLEAR)

    def _forget(self, waiting: Waiting) -> None:
        if not isinstance(waiting, str):
            self._memory.let_go(waiting)

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
            # What the function is told that it was invoked by.
            extra = msgspec.json.encode({"arn": target.invoked_arn})
        header = with_hop(trace, target.function.id)
        return self._staged(target, qualifier, payload, request_id, header, extra)

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
            try:
                accepted(None if error is None else AsyncQueueUnavailable(str(error)))
            finally:
                staged.settled(error)  # it runs whatever has become of the caller

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
        early = not self._opened
        self._unsettled += early

        def settled(error: StoreError | None) -> None:
            if early:
                self._unsettled -= 1
                if request_id in self._taken_up:
                    return  # `open` has found it
            if error is not None:
                return
            if not self._opened:
                self._early.append((event.lane, request_id))
            else:
                kept = self._memory.hold(event)
                self._schedule(now, event.lane, event if kept else request_id)

        return Staged((event.added(),), settled)

    # ------------------------------------------------------------ scheduling

    def _schedule(self, due_ms: int, key: LaneKey, waiting: Waiting) -> None:
        if due_ms > self._clock.steady_ms():
            self._agenda.put(due_ms, key, waiting)
        else:
            self._ready(key, waiting)

    def _ready(self, key: LaneKey, waiting: Waiting) -> None:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, self._clock)
        lane.ready.append(waiting)
        self._pump(lane)

    def _pump(self, lane: Lane) -> None:
        while lane.ready and lane.running < self._lane_width and lane.paused is None and not self._stopping:
            waiting = lane.ready.popleft()
            lane.running += 1
            if isinstance(waiting, str) or waiting.payload is None:
                self._read(lane, waiting, self._begin)
            else:
                self._begin(lane, waiting, waiting.payload, None)
        if not (lane.ready or lane.running or lane.paused) and self._lanes.get(lane.key) is lane:
            del self._lanes[lane.key]  # functions come and go
        self._look_if_idle()

    def _look_if_idle(self) -> None:
        if self._idle is not None and not self._running():
            self._idle.set()

    def _begin(self, lane: Lane, event: Event, payload: bytes, _answer: Answer | None) -> None:
        """Run an event whose turn it is."""
        if self._clock.steady_ms() >= self._rules.expiry_ms(event):
            self._give_up(lane, event, "EventAgeExceeded")
            return
        registry = self._invoker.registry
        try:
            target = registry.resolve(event.account, event.region, event.name, event.qualifier).drawn()
            version = target.version
            if ends(event.trace, target):
                _log.warning("%s: a recursive loop, event %s is not run", version.arn, event.request_id)
                self._give_up(lane, event, "RecursiveInvocationException")
                return

            def finished(invocation: Invocation) -> None:
                self._finished(lane, event, payload, version, invocation)

            self._invoker.runner(target).invoke(
                payload,
                event.request_id.encode(),
                event.trace.encode("latin-1", "replace"),
                event.extra,
                finished,
            )
        except (Throttled, FunctionNotReady) as refusal:
            if registry.reserved_concurrency(event.account, event.region, event.name) == 0:
                # Reserving nothing switches a function off: its events are given up without an attempt
                # (AWS-recorded `test_reserved_concurrency`: ZeroReservedConcurrency, 0 invocations).
                self._give_up(lane, event, "ZeroReservedConcurrency")
                return
            # Not an attempt: AWS returns the event to the queue and backs off. When it becomes too old is noticed.
            if isinstance(refusal, FunctionNotReady):
                self._again_later(lane, event)  # others may be for another version
                return
            lane.running -= 1
            lane.ready.appendleft(event if event.held else event.request_id)
            if self._stopping:
                self._look_if_idle()
            else:
                lane.hold_back(self._rules.expiry_ms(event), self._pump)
        except FunctionError:
            self._write(lane, event, None)  # the function is gone, and nobody is left to be told
        except Exception:  # noqa: BLE001 - logged; the event is not lost for it, nor its place in the lane
            _log.exception("async event %s could not be run", event.request_id)
            self._again_later(lane, event)

    def _read(
        self, lane: Lane, waiting: Waiting, then: Callable[[Lane, Event, bytes, Answer | None], None]
    ) -> None:
        """Call `then` with what the database has of an event."""
        reading = asyncio.get_running_loop().create_task(self._read_stored(lane, waiting, then))
        self._reads.add(reading)
        reading.add_done_callback(self._reads.discard)

    async def _read_stored(
        self, lane: Lane, waiting: Waiting, then: Callable[[Lane, Event, bytes, Answer | None], None]
    ) -> None:
        request_id = waiting if isinstance(waiting, str) else waiting.request_id
        try:
            found = await async_event.stored(self._database, request_id)
        except StoreError as error:
            _log.warning("async event %s could not be read: %s", request_id, error)
            lane.running -= 1
            if not lane.forgotten:
                self._agenda.put(self._clock.steady_ms() + backoff_ms(1), lane.key, waiting)
            self._pump(lane)
            return
        if found is None or self._stopping or lane.forgotten:
            self._forget(waiting)
            self._leave(lane)
            return
        event, answer = found
        payload = event.payload
        assert payload is not None
        if isinstance(waiting, str):
            event.payload = None  # not counted among what is kept
        else:
            event = waiting  # it knows more
        then(lane, event, payload, answer)

    def _again_later(self, lane: Lane, event: Event) -> None:
        """It could not be run, which is no attempt: this event waits, others of its function go on."""
        now = self._clock.steady_ms()
        if event.held or self._memory.hold(event):
            event.faults += 1
            self._agenda.put(now + backoff_ms(event.faults), lane.key, event)
        else:
            self._agenda.put(now + _MANY_FAULTS_MS, lane.key, event.request_id)
        self._leave(lane)

    def _leave(self, lane: Lane) -> None:
        lane.running -= 1
        self._pump(lane)

    # ------------------------------------------------------------ outcomes

    def _finished(
        self, lane: Lane, event: Event, payload: bytes, version: FunctionVersion, invocation: Invocation
    ) -> None:
        if self._closed:
            return  # cut short by the end of the platform: it is repeated after the start
        if lane.forgotten:
            self._memory.let_go(event)
            self._leave(lane)
            return
        if invocation.failure is not None:
            _log.warning("async event %s could not run: %s", event.request_id, invocation.failure)
            self._again_later(lane, event)
            return
        lane.resume()  # what this one has used is free again: no need to wait
        event.faults = 0
        event.attempts += 1
        answer = Answer(invocation.result, version.version, invocation.function_error)
        if not answer.failed:
            self._end(lane, event, payload, answer, "Success")
        elif event.attempts > self._rules.retries(event):
            self._end(lane, event, payload, answer, "RetriesExhausted")
        else:
            event.due_ms = self._clock.steady_ms() + self._retry_ms[event.attempts - 1]
            if event.due_ms >= self._rules.expiry_ms(event):
                # AWS does not wait for what would be too late (recorded: `test_maxeventage`).
                self._end(lane, event, payload, answer, "EventAgeExceeded")
            else:
                self._retry(lane, event, answer)

    def _retry(self, lane: Lane, event: Event, answer: Answer) -> None:
        """Write that a run has failed; the event waits for its next one."""
        kept = event.held or self._memory.hold(event)

        def saved(_results: Results | None, error: StoreError | None) -> None:
            if error is not None:
                _log.warning("an async event's progress was not saved, it may run again: %s", error)
            if not kept and not lane.forgotten:
                self._schedule(event.due_ms, lane.key, event.request_id)

        self._database.submit([event.failed(answer)], saved)
        if kept:
            self._schedule(event.due_ms, lane.key, event)
        self._leave(lane)

    def _give_up(self, lane: Lane, event: Event, condition: Condition) -> None:
        """End an event without a run."""

        def end(lane: Lane, event: Event, payload: bytes, answer: Answer | None) -> None:
            self._end(lane, event, payload, answer, condition)

        if self.outcomes is not None and self._rules.ends(event).told(condition):
            self._read(lane, event, end)
        else:
            self._write(lane, event, None)

    def _end(
        self, lane: Lane, event: Event, payload: bytes, answer: Answer | None, condition: Condition
    ) -> None:
        told = self._rules.outcome(event, payload, answer, condition)
        self._write(lane, event, told)

    def _write(self, lane: Lane, event: Event, outcome: Outcome | None) -> None:
        """Write that an event has ended. It takes a place in its lane until that is durable."""

        def over() -> None:
            self._memory.let_go(event)
            self._leave(lane)

        self._endings.write(event, outcome, over)
