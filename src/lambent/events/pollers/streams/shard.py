"""The reader of one shard: from its service to the lanes that call the function, and how far it has come.

Records leave in the order of the shard, and are done with in any order where there are several lanes; written down is
the last one before which everything is done. What lies between the two is read again after a crash.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final
from zlib import crc32

from msgspec.structs import replace

from lambent.events.pollers.streams.failures import parcel_of
from lambent.events.pollers.streams.lane import Lane
from lambent.events.pollers.streams.service import (
    AnswerTooLarge,
    IteratorExpired,
    Position,
    PositionLost,
    StreamError,
)
from lambent.events.pollers.streams.source import Pause
from lambent.events.pollers.streams.windows import LATE_MS, Windows
from lambent.store import StoreClosed, StoreError
from lambent.store.staged import Staged, nothing, submit, together

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.events.pollers.streams.failures import GivenUp
    from lambent.events.pollers.streams.progress import ShardProgress
    from lambent.events.pollers.streams.record import StreamRecord
    from lambent.events.pollers.streams.service import Page, Shard
    from lambent.events.pollers.streams.source import Source
    from lambent.store.database import Statement

_PAGE: Final = 1_000
_HELD: Final = 1_000
_HELD_BYTES: Final = 8_388_608
_AHEAD: Final = 10_000
"""How many records may be done with, or wait, behind one that is not: one key that fails does not stop all others."""

_VAIN: Final = 4
"""How often the pause between reads doubles that others have asked for and that have found nothing."""

_FIRST_PAUSE_MS: Final = 250
_LAST_PAUSE_MS: Final = 10_000
_SAVE_AGAIN_MS: Final = 1_000

_log = logging.getLogger(__name__)


class ShardReader:
    """Reads one shard from where it stands to its end. `latest`: begin with what comes from now on.

    `finished(reader)` is called when everything of a closed shard is done with, durably.
    """

    def __init__(
        self,
        source: Source,
        shard: Shard,
        progress: ShardProgress,
        finished: Callable[[ShardReader], None],
        *,
        latest: bool = False,
    ) -> None:
        self.shard = shard
        self.stopped = False
        self._source = source
        self._progress = progress
        self._finished = finished
        self._latest = latest
        settings = source.settings
        self._windows = (
            Windows(
                settings.tumbling_window_s,
                shard.id,
                source.mapping.source_arn or "",
                progress.window,
            )
            if settings.tumbling_window_s
            else None
        )
        width = 1 if self._windows is not None else settings.parallelization_factor or 1
        self._lanes = [Lane(source, self, self._windows) for _ in range(width)]
        self._page_limit = min(source.service.most, max(_PAGE, settings.batch_size or 0))
        self._limit = self._page_limit
        self._held_limit = max(_HELD, 2 * width * (settings.batch_size or 0))
        self._held: deque[StreamRecord] = deque()
        self._held_bytes = 0
        self._waiting = 0
        self._last_read = progress.sequence
        self._not_before_ms = 0
        self._iterator: str | None = None
        self._lost = False
        self._ended = False
        self._pause = Pause(source.clock)
        self._room = Pause(source.clock)
        self._idle = Pause(source.clock)
        self._unsaved = False
        self._saving = False
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ life

    async def open(self) -> None:
        """Fix where reading begins. Raises StreamError."""
        if self._iterator is None:
            self._iterator = await self._opened()

    def start(self) -> None:
        """Begin to read. A window that an earlier run has opened goes on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """Something may have been added to the shard."""
        self._pause.wake()

    async def stop(self) -> None:
        """Read no more, and come back when what runs has ended and is written down."""
        self.stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for lane in self._lanes:
            lane.stop()
        while not all(lane.idle for lane in self._lanes) or self._saving:
            await self._idle.until(None)

    # ------------------------------------------------------------ reading

    async def _run(self) -> None:
        while not self._ended:
            try:
                await self._read()
            except Exception:  # noqa: BLE001 - logged; a shard must not stand still for ever
                _log.exception("%s: reading of %s is begun anew", self._source.mapping.arn, self.shard.id)
                self._iterator = None
                await self._rest(self._source.clock.steady_ms() + _LAST_PAUSE_MS)

    async def _read(self) -> None:
        """Read to the end of the shard."""
        cadence, clock = self._source.cadence, self._source.clock
        idle_ms, in_vain = cadence.first, 0
        while True:
            while self._is_full():
                await self._room.until(None)
            wall_ms, polled_ms = clock.wall_ms(), clock.steady_ms()
            page = await self._page()
            self._take(page, wall_ms)
            if page.iterator is None:
                self._end()
                return
            self._iterator = page.iterator
            pause_ms = cadence.apart
            if page.records:
                idle_ms, in_vain = cadence.first, 0
            elif page.at_tip:
                pause_ms = max(pause_ms, self._until_window_ends(idle_ms))
                idle_ms = min(cadence.last, idle_ms * 2)
            if await self._pause.until(polled_ms + pause_ms):
                idle_ms = cadence.first
                # Who wakes may mean other streams, and that many times a second.
                earliest_ms = polled_ms + (cadence.apart << min(in_vain, _VAIN))
                if clock.steady_ms() < earliest_ms:
                    await self._rest(earliest_ms)
                in_vain += 1
            else:
                in_vain = 0

    def _is_full(self) -> bool:
        return (
            self._waiting >= self._held_limit
            or self._held_bytes >= _HELD_BYTES
            or len(self._held) >= max(_AHEAD, self._held_limit)
        )

    async def _rest(self, until_ms: int) -> None:
        """Wait whatever happens; who wakes meanwhile is heard: the next read comes after it."""
        rest = Pause(self._source.clock)
        await rest.until(until_ms)

    def _until_window_ends(self, idle_ms: int) -> int:
        end_ms = None if self._windows is None else self._windows.end_ms
        if end_ms is None:
            return idle_ms
        return min(idle_ms, max(0, end_ms + LATE_MS - self._source.clock.wall_ms()))

    async def _page(self) -> Page:
        """What comes next, however long that takes."""
        source, failures = self._source, 0
        while True:
            try:
                if self._iterator is None:
                    self._iterator = await self._opened()
                page = await source.service.records(self.shard, self._iterator, self._limit)
            except (IteratorExpired, PositionLost):
                self._iterator = None
            except AnswerTooLarge as error:
                self._limit //= 2
                if not self._limit:
                    self._limit = 1
                    self._complain(error, failures)
            except StreamError as error:
                self._complain(error, failures)
                if failures:
                    self._iterator = None  # whoever gave it may have forgotten everything
                    source.refresh()
            else:
                self._limit = min(self._page_limit, self._limit * 2)
                return page
            failures += 1
            if failures > 1:
                pause_ms = min(_LAST_PAUSE_MS, _FIRST_PAUSE_MS << min(failures - 1, 16))
                await self._rest(source.clock.steady_ms() + pause_ms)

    def _complain(self, error: Exception, failures: int) -> None:
        # Once is nothing: services throttle, and fail now and then.
        if failures in (2, 10) or (failures and failures % 100 == 0):
            _log.warning("%s: %s cannot be read: %s", self._source.mapping.arn, self.shard.id, error)

    async def _opened(self) -> str:
        """An iterator where reading has to go on. Raises StreamError."""
        service, started = self._source.service, self._progress
        if self._last_read is not None and not self._lost:
            try:
                return await service.iterator(self.shard, Position(after=self._last_read))
            except PositionLost as error:
                _log.warning(
                    "%s: %s does not reach back to where reading had stopped; it goes on with the oldest record: %s",
                    self._source.mapping.arn,
                    self.shard.id,
                    error,
                )
                self._lost = True
        elif self._latest and started.since_ms is not None:
            iterator = await service.iterator(self.shard, Position(latest=True))
            self._latest = False  # an iterator that is lost later must not leave out what came meanwhile
            return iterator
        elif started.since_ms is not None and not self._lost:
            self._not_before_ms = started.since_ms // 1000 * 1000
            return await service.iterator(self.shard, Position(since_ms=started.since_ms))
        return await service.iterator(self.shard, Position())

    def _take(self, page: Page, wall_ms: int) -> None:
        source, lanes = self._source, self._lanes
        filters, width = source.filters, len(self._lanes)
        for record in page.records:
            unwanted = record.arrival_ms < self._not_before_ms or (
                filters is not None and not filters.matches(source.view(record.json))
            )
            self._last_read = record.sequence
            self._lost = False
            self._held.append(record)
            if unwanted:
                record.done = True
                continue
            self._held_bytes += len(record.json)
            self._waiting += 1
            lanes[0 if width == 1 else _hash(record.key) % width].add(record)
        if page.records:
            self._advance()
        for lane in lanes:
            if page.at_tip and not page.records:
                lane.at_tip(wall_ms)
            else:
                lane.pump()

    def _end(self) -> None:
        self._ended = True
        for lane in self._lanes:
            lane.end()
        self.lane_idle()

    # ------------------------------------------------------------ what lanes tell

    def completed(self, records: list[StreamRecord]) -> None:
        """See Host."""
        for record in records:
            record.done = True
            self._held_bytes -= len(record.json)
            record.json = b""  # it may stay for as long as one before it is not done with
        self._waiting -= len(records)
        self._advance()
        self._room.wake()

    def give_up(self, given_up: GivenUp, payload: bytes, done: Callable[[StoreError | None], None]) -> None:
        """See Host."""
        source = self._source
        records = list(given_up.records)
        source.give_up(len(records), self.shard.id, records[0].sequence, given_up.reason)
        parcel = parcel_of(
            given_up, source.mapping, self.shard.id, source.role(), payload, source.clock.wall_ms()
        )
        if parcel is None:
            self.completed(records)
            asyncio.get_running_loop().call_soon(done, None)
            return

        def settled(error: StoreError | None) -> None:
            if error is None:
                self.completed(records)
            done(error)

        # In one transaction: the destination has them, and they are not read again.
        written = Staged((self._statement(self._sequence(set(records))),), settled)
        submit(source.parts.database, together([source.parts.deliveries.stage([parcel]), written]))

    def lane_idle(self) -> None:
        """See Host."""
        self._idle.wake()
        if (
            self._ended
            and not self.stopped
            and not self._progress.finished
            and not self._held
            and all(lane.idle for lane in self._lanes)
        ):
            self._progress = replace(self._progress, finished=True)
            self._save()

    # ------------------------------------------------------------ how far

    def _sequence(self, also: set[StreamRecord]) -> str | None:
        """The last record up to which everything is done, if `also` were."""
        sequence = self._progress.sequence
        for record in self._held:
            if not record.done and record not in also:
                break
            sequence = record.sequence
        return sequence

    def _statement(self, sequence: str | None) -> Statement:
        window = None if self._windows is None else self._windows.open
        return self._source.progress.statement(replace(self._progress, sequence=sequence, window=window))

    def _advance(self) -> None:
        held, sequence = self._held, self._progress.sequence
        while held and held[0].done:
            sequence = held.popleft().sequence
        window = None if self._windows is None else self._windows.open
        if sequence != self._progress.sequence or window is not self._progress.window:
            self._progress = replace(self._progress, sequence=sequence, window=window)
            self._save()

    def _save(self) -> None:
        """Write how far it is, behind: one write at a time, the latest state with each."""
        self._unsaved = True
        if self._saving:
            return
        self._unsaved = False
        self._saving = True
        written = self._progress

        def saved(error: StoreError | None) -> None:
            self._saving = False
            if error is None:
                if self._unsaved:
                    self._save()
                elif written.finished:
                    self._finished(self)
            elif not isinstance(error, StoreClosed) and not self.stopped:
                _log.warning("%s: progress is not written: %s", self._source.mapping.arn, error)
                clock = self._source.clock
                clock.at_steady(clock.steady_ms() + _SAVE_AGAIN_MS, self._save)
            self._idle.wake()

        submit(
            self._source.parts.database,
            together([Staged((self._source.progress.statement(written),), saved), Staged((), nothing)]),
        )


def _hash(key: str | bytes) -> int:
    return crc32(key.encode() if isinstance(key, str) else key)
