"""What logs are let go: beyond the size of a group, and beyond its retention period. Whole chunks, oldest first."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, cast

from lambent.store import Statement, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from lambent.store import Database

    from .log_stream import LogGroup
    from .log_writer import LogWriter

_log = logging.getLogger(__name__)

EXPIRY_SECONDS: Final = 600.0
DAY_MS: Final = 86_400_000

_TRIM_TO: Final = 0.9  # of the limit, so that not every flush trims


class Retention:
    """Keeps groups within `limit_bytes` and their retention periods. Loop thread only."""

    def __init__(
        self,
        database: Database,
        writer: LogWriter,
        groups: Callable[[], Iterable[LogGroup]],
        *,
        limit_bytes: int,
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._writer = writer
        self._groups = groups
        self._limit = limit_bytes
        self._now = now_ms
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """From here on retention periods are looked after every ten minutes."""
        self._spawn(self._expire_regularly())

    async def close(self) -> None:
        """Nothing is deleted any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def check(self, groups: Iterable[LogGroup]) -> None:
        """These groups have grown: trims those over the limit, in the background."""
        for group in groups:
            if group.stored_bytes > self._limit and not group.trimming:
                group.trimming = True
                self._spawn(self._trim(group))

    def oldest_ms(self, group: LogGroup) -> int:
        """Events before this time are to be treated as gone."""
        return 0 if group.retention_days is None else self._now() - group.retention_days * DAY_MS

    async def expire(self) -> None:
        """Deletes what is older than the retention period of its group."""
        for group in list(self._groups()):
            oldest = self.oldest_ms(group)
            if oldest:
                async with self._writer.lock:
                    await self._delete_chunks(group, "last_ms < ?", oldest)

    async def _expire_regularly(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_SECONDS)
            try:
                await self.expire()
            except StoreError as error:
                _log.warning("Expired logs could not be deleted: %s", error)

    async def _trim(self, group: LogGroup) -> None:
        """Deletes the oldest chunks of a group that is over its limit, and streams that ended before."""
        try:
            async with self._writer.lock:
                last = await self._oldest_surplus(group)
                if last:
                    await self._delete_chunks(group, "id <= ?", last)
                    await self._database.write(
                        Statement(
                            "DELETE FROM log_streams WHERE group_id = ? AND last_ms <"
                            " (SELECT MIN(first_ms) FROM log_chunks WHERE group_id = ?)",
                            (group.id, group.id),
                        )
                    )
        except StoreError as error:
            _log.warning("Old logs of %s could not be deleted: %s", group.name, error)
        finally:
            group.trimming = False

    async def _oldest_surplus(self, group: LogGroup) -> int:
        """The newest of the chunks that have to go, all older ones with it; 0 when none has."""
        surplus = group.stored_bytes - int(self._limit * _TRIM_TO)
        last = 0
        while surplus > 0:
            rows = await self._database.read(
                "SELECT id, size FROM log_chunks WHERE group_id = ? AND id > ? ORDER BY id LIMIT 256",
                (group.id, last),
            )
            for chunk_id, size in cast("list[tuple[int, int]]", rows):
                last, surplus = chunk_id, surplus - size
                if surplus <= 0:
                    break
            if not rows:
                break
        return last

    async def _delete_chunks(self, group: LogGroup, condition: str, value: int) -> None:
        deleted = await self._database.write(
            Statement(
                f"DELETE FROM log_chunks WHERE group_id = ? AND {condition} RETURNING size",  # noqa: S608 - ours
                (group.id, value),
            )
        )
        group.stored_bytes -= sum(cast("int", row[0]) for row in deleted[0])
        if group.stream_deletions:
            await self._forget_deletions(group)

    async def _forget_deletions(self, group: LogGroup) -> None:
        """Deletions of streams whose events are gone by now need not be remembered."""
        rows = await self._database.read("SELECT MIN(id) FROM log_chunks WHERE group_id = ?", (group.id,))
        oldest = cast("int | None", rows[0][0])
        before = self._writer.next_chunk if oldest is None else oldest
        await self._database.write(
            Statement(
                "DELETE FROM log_stream_deletions WHERE group_id = ? AND before_chunk <= ?",
                (group.id, before),
            )
        )
        group.stream_deletions = {name: at for name, at in group.stream_deletions.items() if at > before}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
