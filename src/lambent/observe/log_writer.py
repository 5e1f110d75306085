"""From memory to disk: open chunks, the timer, the queue, one transaction at a time, back-pressure."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from lambent.store import StoreError

from . import chunk
from .statements import SealedChunk, insert_chunk, insert_group, upsert_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.store import Database

    from .log_stream import LogGroup
    from .usage import UsageMeter

_log = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 0.2
SATURATED_BYTES: Final = 8 << 20
DROP_BYTES: Final = 64 << 20

_WRITE_BYTES: Final = 4 << 20  # of one transaction


class LogWriter:
    """Takes what is appended to groups to the database. Loop thread only."""

    def __init__(self, database: Database, usage: UsageMeter, now_ms: Callable[[], int]) -> None:
        self.lock = asyncio.Lock()
        """Held around every change of the log tables: changes happen in the order they were asked for."""
        self.on_written: Callable[[set[LogGroup]], None] = lambda groups: None
        """Called with the groups that a transaction added chunks to."""
        self.on_subscribed: Callable[[list[SealedChunk]], None] = lambda sealed: None
        """Called with the events of groups that have subscription filters, before they are stored."""
        self.next_chunk = 1
        self.queued_bytes = 0
        self.dropped_events = 0
        self._database = database
        self._usage = usage
        self._now = now_ms
        self._loop = asyncio.get_running_loop()
        self._dirty: list[LogGroup] = []
        self._unsaved: list[LogGroup] = []
        self._queue: deque[SealedChunk] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._batches: list[asyncio.Future[None]] = []
        self._drained: list[Callable[[], None]] = []
        self._failing = False
        self._closed = False

    def add_group(self, group: LogGroup) -> None:
        """The group's row is written with the next flush."""
        self._unsaved.append(group)

    def open_chunk(self, group: LogGroup) -> chunk.Chunk:
        """What events of the group go into until the next flush."""
        current = group.open_chunk
        if current is None:
            current = group.open_chunk = chunk.Chunk()
            self._dirty.append(group)
            self.arm()
        return current

    def chunk_is_full(self, group: LogGroup) -> None:
        """The group's open chunk has reached its size: no waiting for the timer."""
        self._seal(group)
        if self._failing:
            self.arm()  # tried again with the timer: not with every chunk
        else:
            self._start()

    def arm(self) -> None:
        """Something waits: it is flushed when the timer says so."""
        if self._timer is None and not self._closed:
            self._timer = self._loop.call_later(FLUSH_SECONDS, self._tick)

    @property
    def saturated(self) -> bool:
        """More waits for the disk than should. Never while nothing can be written: nobody would wait in vain."""
        return self.queued_bytes > SATURATED_BYTES and not self._failing

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Calls back once, on the loop, when the writer is not saturated (any more)."""
        self._drained.append(callback)
        if not self.saturated:
            self._loop.call_soon(self._notify_drained)

    async def flush(self) -> None:
        """Returns when everything appended before is stored, or could not be (which is logged)."""
        self._seal_all()
        end = self.next_chunk
        while True:
            self._start()
            # A batch at a time: under a load that never pauses the task itself may not end.
            batch = self._loop.create_future()
            self._batches.append(batch)
            await batch
            waits = self._unsaved or (self._queue and self._queue[0].id < end)
            if self._failing or not waits:
                return

    async def close(self) -> None:
        """A last flush; the timer is off afterwards."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self.flush()
        if self._usage.unsaved:
            await self.flush()  # what was counted while the first was on its way

    def _tick(self) -> None:
        self._timer = None
        self._seal_all()
        self._start()

    def _seal_all(self) -> None:
        dirty, self._dirty = self._dirty, []
        for group in dirty:
            self._seal(group)

    def _seal(self, group: LogGroup) -> None:
        current, group.open_chunk = group.open_chunk, None
        if current is None:
            return
        current.seal()
        if self.queued_bytes > DROP_BYTES:
            self.dropped_events += current.count
            return
        numbered = self.numbered(group, chunk.pieces(current))
        for sealed in numbered:
            self._queue.append(sealed)
            self.queued_bytes += len(sealed.piece.data)
        if group.subscriptions:
            self.on_subscribed(numbered)

    def numbered(self, group: LogGroup, pieces: Iterable[chunk.Piece]) -> list[SealedChunk]:
        """Pieces with the numbers that put them after everything sealed before."""
        sealed = []
        for piece in pieces:
            sealed.append(SealedChunk(self.next_chunk, group, self._now(), piece))
            self.next_chunk += 1
        return sealed

    def _start(self) -> None:
        if self._task is None:
            self._task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            while True:
                async with self.lock:
                    written = await self._write_batch()
                self._failing = False
                self._end_batch()
                if not self.saturated:
                    self._notify_drained()
                self.on_written(written)
                # Usage changes again with every invocation: it is saved once a tick, not waited out.
                if not (self._queue or self._unsaved):
                    break
        except StoreError as error:
            if not self._failing:
                _log.warning("Logs cannot be written, they are kept in memory for now: %s", error)
            self._failing = True
            self._notify_drained()
            self.arm()
        finally:
            self._task = None
            self._end_batch()

    def _end_batch(self) -> None:
        waiting, self._batches = self._batches, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def _write_batch(self) -> set[LogGroup]:
        """One transaction: new groups, what is queued up to a size, usage figures."""
        batch: list[SealedChunk] = []
        size = 0
        for sealed in self._queue:
            if batch and size + len(sealed.piece.data) > _WRITE_BYTES:
                break
            batch.append(sealed)
            size += len(sealed.piece.data)
        new_groups = [group for group in self._unsaved if not group.deleted]
        self._unsaved = []
        kept = [sealed for sealed in batch if not sealed.group.deleted]
        statements = [insert_group(group) for group in new_groups]
        statements += upsert_streams(kept)
        statements += [insert_chunk(sealed) for sealed in kept]
        statements += self._usage.take_unsaved()
        if statements:
            try:
                await self._database.write(*statements)
            except StoreError:
                self._unsaved = new_groups + self._unsaved
                self._usage.save_again()
                raise
        for sealed in batch:
            self._queue.popleft()
            self.queued_bytes -= len(sealed.piece.data)
        for sealed in kept:
            sealed.group.stored_bytes += len(sealed.piece.data)
        return {sealed.group for sealed in kept}

    def _notify_drained(self) -> None:
        waiting, self._drained = self._drained, []
        for callback in waiting:
            callback()
