"""Asynchronous invocation: a durable queue, one lane a function, AWS's two retries.

What `accept` has acknowledged is in the database and runs at least once: it stays there until the function
has succeeded, its attempts are used up, it has grown too old, or the function is gone. After a crash the
queue goes on where it was; a run that was under way then is repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from lambent.functions import LATEST, FunctionError, Reference
from lambent.invocation.errors import AsyncQueueUnavailable, FunctionNotReady, Throttled
from lambent.store import Statement, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.execution.invocation import Invocation
    from lambent.functions import Target
    from lambent.functions.attachments import EventInvokeConfig
    from lambent.invocation.invoker import Invoker
    from lambent.store import Database
    from lambent.store.database import Results

Accepted: TypeAlias = "Callable[[AsyncQueueUnavailable | None], None]"

MAX_AGE_SECONDS: Final = 6 * 3600
"""AWS keeps an event for at most six hours."""

RETRY_SECONDS: Final = (60.0, 120.0)
"""AWS waits one minute before the first retry and two before the second."""

_BACKOFF_FIRST: Final = 1.0
_BACKOFF_LAST: Final = 300.0
_MEMORY_BUDGET: Final = 64_000_000

_log = logging.getLogger(__name__)


class _Event(msgspec.Struct, eq=False):
    request_id: str
    account: str
    region: str
    name: str
    qualifier: str | None
    trace: str
    extra: bytes
    received_ms: int
    due_ms: int
    attempts: int
    payload: bytes | None  # None: only in the database, read when it is due


class _Lane:
    """The due events of one function, and how many run."""

    __slots__ = ("backoff", "forgotten", "key", "paused", "ready", "running")

    def __init__(self, key: tuple[str, str, str]) -> None:
        self.key = key
        self.ready: deque[_Event] = deque()
        self.running = 0
        self.backoff = 0.0
        self.forgotten = False
        self.paused: asyncio.TimerHandle | None = None


class AsyncQueue:
    """Accepts, schedules and retries async events. Everything happens on the loop's thread.

    `retry_seconds`: the waits before the retries, as many as there are retries.
    `lane_width`: how many events of one function run at once; sync invocations are not counted here.
    """

    def __init__(
        self,
        database: Database,
        invoker: Invoker,
        *,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        lane_width: int = 100,
    ) -> None:
        self._database = database
        self._invoker = invoker
        self._retry_seconds = tuple(retry_seconds)
        self._lane_width = lane_width
        self._lanes: dict[tuple[str, str, str], _Lane] = {}
        self._later: list[tuple[int, int, _Event]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._held_bytes = 0
        self._stopping = False
        self._closed = False
        self._ended: asyncio.Event | None = None
        self._loop = asyncio.get_running_loop()
        self._reads: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Events that wait or run."""
        return len(self._later) + sum(len(lane.ready) + lane.running for lane in self._lanes.values())

    async def open(self) -> None:
        """Take up what an earlier run has left."""
        rows = await self._database.read(
            "SELECT request_id, account, region, name, qualifier, trace, extra, received_ms, due_ms, attempts"
            " FROM async_events ORDER BY received_ms"
        )
        for row in rows:
            members: list[Any] = [*row, None]  # the payload is read when it is due
            self._schedule(_Event(*members))

    async def drain(self, seconds: float) -> None:
        """Begin nothing more and wait for what runs, at most `seconds`. What waits stays in the database."""
        self._stopping = True
        for lane in self._lanes.values():
            if lane.paused is not None:
                lane.paused.cancel()
        if self._timer is not None:
            self._timer.cancel()
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
            if lane.paused is not None:
                lane.paused.cancel()
            for event in lane.ready:
                self._let_go(event)
            lane.ready.clear()
            lane.forgotten = True
        self._lanes = {}
        await self._database.write(Statement("DELETE FROM async_events"))

    def _running(self) -> int:
        return sum(lane.running for lane in self._lanes.values())

    # ------------------------------------------------------------ accepting

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
        """Store an event; `accepted(None)` is called when it is durable, with an error when it cannot be."""
        version = target.version
        now = int(time.time() * 1000)
        event = _Event(
            request_id, version.account, version.region, version.name, qualifier, trace, extra, now, now, 0,
            payload,
        )  # fmt: skip

        def stored(_results: Results | None, error: StoreError | None) -> None:
            if error is not None:
                accepted(AsyncQueueUnavailable(str(error)))
                return
            accepted(None)
            self._hold(event)
            self._schedule(event)

        self._database.submit(
            [
                Statement(
                    "INSERT INTO async_events (request_id, account, region, name, qualifier, payload, trace,"
                    " extra, received_ms, due_ms, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                    (
                        request_id, event.account, event.region, event.name, qualifier, payload, trace, extra,
                        now, now,
                    ),
                )
            ],
            stored,
        )  # fmt: skip

    def _hold(self, event: _Event) -> None:
        """Keep the payload in memory while there is room: a long backlog lives in the database only."""
        size = len(event.payload or b"")
        if self._held_bytes + size > _MEMORY_BUDGET:
            event.payload = None
        else:
            self._held_bytes += size

    def _let_go(self, event: _Event) -> None:
        if event.payload is not None:
            self._held_bytes -= len(event.payload)
            event.payload = None

    # ------------------------------------------------------------ scheduling

    def _schedule(self, event: _Event) -> None:
        if event.due_ms > time.time() * 1000:
            heapq.heappush(self._later, (event.due_ms, next(self._order), event))
            self._set_timer()
            return
        key = (event.account, event.region, event.name)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(key)
        lane.ready.append(event)
        self._pump(lane)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._later and not self._stopping:
            wait = max(0.0, self._later[0][0] / 1000 - time.time())
            self._timer = self._loop.call_later(wait, self._due)

    def _due(self) -> None:
        self._timer = None
        now = time.time() * 1000
        while self._later and self._later[0][0] <= now:
            self._schedule(heapq.heappop(self._later)[2])
        self._set_timer()

    def _pump(self, lane: _Lane) -> None:
        while lane.ready and lane.running < self._lane_width and lane.paused is None and not self._stopping:
            event = lane.ready.popleft()
            if time.time() * 1000 - event.received_ms > self._maximum_age_s(event) * 1000:
                self._done(event)
                continue
            lane.running += 1
            if event.payload is None:
                read = self._loop.create_task(self._read_and_run(lane, event))
                self._reads.add(read)
                read.add_done_callback(self._reads.discard)
            else:
                self._run(lane, event, event.payload)
        if not (lane.ready or lane.running or lane.paused) and self._lanes.get(lane.key) is lane:
            del self._lanes[lane.key]  # functions come and go

    async def _read_and_run(self, lane: _Lane, event: _Event) -> None:
        try:
            rows = await self._database.read(
                "SELECT payload FROM async_events WHERE request_id = ?", (event.request_id,)
            )
        except StoreError as error:
            _log.warning("async event %s could not be read: %s", event.request_id, error)
            lane.running -= 1
            lane.ready.appendleft(event)
            self._back_off(lane)
            return
        if rows and not self._stopping:
            self._run(lane, event, rows[0][0])  # type: ignore[arg-type]
        else:
            lane.running -= 1
        self._pump(lane)

    def _run(self, lane: _Lane, event: _Event, payload: bytes) -> None:
        def finished(invocation: Invocation) -> None:
            lane.running -= 1
            self._finished(lane, event, invocation)

        try:
            target = self._invoker.registry.resolve(event.account, event.region, event.name, event.qualifier)
            self._invoker.runner(target).invoke(
                payload, event.request_id.encode(), event.trace.encode("latin-1"), event.extra, finished
            )
        except (Throttled, FunctionNotReady):
            lane.running -= 1
            if self._invoker.registry.reserved_concurrency(event.account, event.region, event.name) == 0:
                # Reserving nothing switches a function off: its events are given up without an attempt
                # (AWS-recorded `test_reserved_concurrency`: ZeroReservedConcurrency, 0 invocations).
                self._done(event)
                return
            # Not an attempt: AWS returns the event to the queue and backs off.
            lane.ready.appendleft(event)
            self._back_off(lane)
        except FunctionError:
            lane.running -= 1
            self._done(event)

    def _back_off(self, lane: _Lane) -> None:
        if lane.paused is not None or self._stopping:
            return
        lane.backoff = min(_BACKOFF_LAST, lane.backoff * 2 or _BACKOFF_FIRST)
        lane.paused = self._loop.call_later(lane.backoff, self._resume, lane)

    def _resume(self, lane: _Lane) -> None:
        lane.paused = None
        self._pump(lane)

    # ------------------------------------------------------------ outcomes

    def _finished(self, lane: _Lane, event: _Event, invocation: Invocation) -> None:
        if self._closed:
            return  # cut short by the end of the platform: it is repeated after the start
        if lane.forgotten:
            self._let_go(event)
            return
        if self._ended is not None and not self._running():
            self._ended.set()
        if invocation.failure is not None:
            _log.warning("async event %s could not run: %s", event.request_id, invocation.failure)
            lane.ready.appendleft(event)
            self._back_off(lane)
            return
        lane.backoff = 0.0
        if lane.paused is not None:
            # What this one has used is free again: no need to wait.
            lane.paused.cancel()
            lane.paused = None
        if invocation.function_error and event.attempts < self._retries(event):
            wait_ms = int(self._retry_seconds[event.attempts] * 1000)
            event.attempts += 1
            event.due_ms = int(time.time() * 1000) + wait_ms
            self._save(
                Statement(
                    "UPDATE async_events SET attempts = ?, due_ms = ? WHERE request_id = ?",
                    (event.attempts, event.due_ms, event.request_id),
                )
            )
            self._schedule(event)
        else:
            self._done(event)
        self._pump(lane)

    def _settings(self, event: _Event) -> EventInvokeConfig | None:
        """What is set for the qualifier that an event was sent to, while the function is there."""
        try:
            record = self._invoker.registry.record(Reference(event.account, event.region, event.name, None))
        except FunctionError:
            return None
        return record.event_invoke.get(event.qualifier or LATEST)

    def _maximum_age_s(self, event: _Event) -> float:
        settings = self._settings(event)
        if settings is None or settings.maximum_age_s is None:
            return MAX_AGE_SECONDS
        return settings.maximum_age_s

    def _retries(self, event: _Event) -> int:
        settings = self._settings(event)
        allowed = None if settings is None else settings.maximum_attempts
        return len(self._retry_seconds) if allowed is None else min(allowed, len(self._retry_seconds))

    def _done(self, event: _Event) -> None:
        self._let_go(event)
        self._save(Statement("DELETE FROM async_events WHERE request_id = ?", (event.request_id,)))

    def _save(self, statement: Statement) -> None:
        def saved(_results: Results | None, error: StoreError | None) -> None:
            if error is not None:
                _log.warning("an async event's progress was not saved, it may run again: %s", error)

        self._database.submit([statement], saved)
