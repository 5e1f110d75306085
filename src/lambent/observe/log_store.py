"""The log store: groups and streams by name, buffered appends, flushes, retention, reading back.

Promised: an event is readable as soon as `append` returned. On disk it is after the next flush (200 ms), so
a crash of the platform may lose the last moments of logs, nothing else (durability "normal": no fsync per
flush). A group keeps its newest `group_limit_bytes`; what is older goes first, whole chunks at a time.
"""

from __future__ import annotations

import time
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import msgspec

from lambent.store import Statement, StoreError, open_database

from . import chunk
from .errors import LogGroupExists, LogGroupNotFound, LogStreamExists, LogStreamNotFound
from .log_filters import SubscriptionFilters
from .log_policies import LogPolicies
from .log_reader import LogPage, LogQuery, LogReader
from .log_retention import Retention
from .log_stream import JSON_LEVELS, TEXT, LogGroup, LogStream
from .log_writer import LogWriter
from .statements import delete_group, insert_chunk, insert_group, upsert_streams
from .usage import UsageMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lambent.store import Database
    from lambent.store.database import Value

    from .statements import SealedChunk

GROUP_LIMIT_BYTES: Final = 64 << 20


class StreamInfo(NamedTuple):
    """A log stream as it is described; times in epoch milliseconds, None while it has no event."""

    name: str
    created_ms: int
    first_ms: int | None
    last_ms: int | None
    ingested_ms: int | None


class LogStore:
    """Every log group of every account and region. Loop thread only."""

    def __init__(
        self,
        database: Database,
        *,
        group_limit_bytes: int = GROUP_LIMIT_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use `open_log_store`, or `await load()` before anything else."""
        self._database = database
        self._clock = clock
        self._groups: dict[tuple[str, str, str], LogGroup] = {}
        self._next_group = 1
        self.usage = UsageMeter(database, clock)
        self.policies = LogPolicies(database, self._now)
        self._writer = LogWriter(database, self.usage, self._now)
        self.filters = SubscriptionFilters(database, self._writer, self._now)
        self._retention = Retention(
            database, self._writer, self._groups.values, limit_bytes=group_limit_bytes, now_ms=self._now
        )
        self._writer.on_written = self._retention.check
        self.usage.on_change = self._writer.arm

    async def load(self) -> None:
        """Reads the groups; the events stay on disk."""
        rows = await self._rows(
            "SELECT id, account, region, name, created_ms, retention_days, tags, log_class, kms_key"
            " FROM log_groups"
        )
        by_id: dict[int, LogGroup] = {}
        for group_id, account, region, name, created_ms, retention_days, tags, log_class, kms_key in rows:
            group = LogGroup(group_id, account, region, name, created_ms)
            group.retention_days = retention_days
            group.tags = msgspec.json.decode(tags, type=dict[str, str])
            group.log_class = log_class
            group.kms_key = kms_key
            by_id[group_id] = group
            self._groups[account, region, name] = group
        for group_id, size in await self._rows(
            "SELECT group_id, SUM(size) FROM log_chunks GROUP BY group_id"
        ):
            if group_id in by_id:
                by_id[group_id].stored_bytes = int(size)
        for group_id, name, before in await self._rows(
            "SELECT group_id, name, before_chunk FROM log_stream_deletions"
        ):
            if group_id in by_id:
                by_id[group_id].stream_deletions[name] = before
        await self.filters.load(by_id)
        self._next_group = max(by_id, default=0) + 1
        last = await self._rows("SELECT MAX(id) FROM log_chunks")
        deletions = [before for group in by_id.values() for before in group.stream_deletions.values()]
        self._writer.next_chunk = max([last[0][0] or 0, *deletions]) + 1
        await self.usage.load()
        self._retention.start()

    async def close(self) -> None:
        """Writes what is buffered and closes the database."""
        await self._retention.close()
        await self._writer.close()
        await self._database.close()

    async def _rows(self, sql: str, params: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        return cast("list[tuple[Any, ...]]", await self._database.read(sql, params))

    # Appending

    def stream(
        self, account: str, region: str, group: str, name: str, *, json_level: str | None = None
    ) -> LogStream:
        """A handle to append with; the group is made at once, the stream with its first event.

        `json_level`: the platform's own lines are JSON objects, from this SystemLogLevel on: "DEBUG", "INFO" or
        "WARN" (a function's LogFormat "JSON"). Without one they are plain text.
        """
        system = TEXT if json_level is None else JSON_LEVELS[json_level]
        return LogStream(self, self.group(account, region, group), name, system)

    def group(self, account: str, region: str, name: str) -> LogGroup:
        """The group of that name, made if there is none."""
        found = self._groups.get((account, region, name))
        if found is None:
            found = self._add_group(account, region, name)
            self._writer.add_group(found)
        return found

    def open_chunk(self, group: LogGroup) -> chunk.Chunk:
        """What events of the group go into until the next flush."""
        return self._writer.open_chunk(group)

    def chunk_is_full(self, group: LogGroup) -> None:
        """The group's open chunk has reached its size."""
        self._writer.chunk_is_full(group)

    @property
    def saturated(self) -> bool:
        """More waits for the disk than should: whoever reads a function's output pauses until `when_drained`.

        Who goes on regardless loses events (`dropped_events`) once 64 MB wait.
        """
        return self._writer.saturated

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Calls back once, on the loop, when the store is not saturated (any more)."""
        self._writer.when_drained(callback)

    @property
    def backlog_bytes(self) -> int:
        """What waits for the disk."""
        return self._writer.queued_bytes

    @property
    def dropped_events(self) -> int:
        """Events lost because the disk did not keep up or was full."""
        return self._writer.dropped_events

    def when_subscribed(self, callback: Callable[[list[SealedChunk]], None]) -> None:
        """From now on `callback` gets the events of groups that have subscription filters: with each flush, and as
        PutLogEvents has stored them. It must not take long.
        """
        self._writer.on_subscribed = callback

    async def flush(self) -> None:
        """Returns when everything appended before is stored, or could not be (which is logged)."""
        await self._writer.flush()

    def _now(self) -> int:
        return int(self._clock() * 1000)

    async def expire(self) -> None:
        """Deletes what is older than the retention period of its group; runs by itself every ten minutes."""
        await self._retention.expire()

    # Groups

    def groups(self, account: str, region: str) -> list[LogGroup]:
        """The groups of an account and region, by name."""
        found = [group for key, group in self._groups.items() if key[:2] == (account, region)]
        return sorted(found, key=lambda group: group.name)

    def find_group(self, account: str, region: str, name: str) -> LogGroup:
        """Raises LogGroupNotFound."""
        group = self._groups.get((account, region, name))
        if group is None:
            raise LogGroupNotFound(name)
        return group

    def _add_group(self, account: str, region: str, name: str) -> LogGroup:
        group = LogGroup(self._next_group, account, region, name, self._now())
        self._next_group += 1
        self._groups[account, region, name] = group
        return group

    async def create_group(
        self,
        account: str,
        region: str,
        name: str,
        *,
        tags: dict[str, str] | None = None,
        log_class: str = "STANDARD",
        kms_key: str | None = None,
    ) -> LogGroup:
        """Raises LogGroupExists; StoreError when it cannot be stored."""
        if (account, region, name) in self._groups:
            raise LogGroupExists(name)
        group = self._add_group(account, region, name)
        group.tags = tags or {}
        group.log_class = log_class
        group.kms_key = kms_key
        try:
            async with self._writer.lock:
                await self._database.write(insert_group(group))
        except StoreError:
            del self._groups[account, region, name]
            group.deleted = True
            raise
        return group

    async def delete_group(self, group: LogGroup) -> None:
        """With all its streams and events."""
        key = (group.account, group.region, group.name)
        group.deleted = True
        if group.open_chunk is not None:
            group.open_chunk.seal()  # handles that go on appending find the group gone
            group.open_chunk = None
        self._groups.pop(key, None)
        try:
            async with self._writer.lock:
                await self._database.write(*delete_group(group.id))
        except StoreError:
            group.deleted = False
            self._groups.setdefault(key, group)
            raise

    async def clear(self) -> None:
        """Delete every group of every account, and forget all usage."""
        for group in list(self._groups.values()):
            await self.delete_group(group)
        await self.policies.clear()
        await self.usage.clear()

    async def set_retention(self, group: LogGroup, days: int | None) -> None:
        """None keeps events until the group's size limit."""
        await self._update_group(group, "retention_days", days)
        group.retention_days = days

    async def set_tags(self, group: LogGroup, tags: dict[str, str]) -> None:
        """Replaces all tags of the group."""
        await self._update_group(group, "tags", msgspec.json.encode(tags).decode())
        group.tags = tags

    async def _update_group(self, group: LogGroup, column: str, value: str | int | None) -> None:
        await self.flush()
        async with self._writer.lock:
            await self._database.write(
                Statement(f"UPDATE log_groups SET {column} = ? WHERE id = ?", (value, group.id))  # noqa: S608 - ours
            )

    # Streams

    async def create_stream(self, group: LogGroup, name: str) -> None:
        """Raises LogStreamExists."""
        await self.flush()
        async with self._writer.lock:
            made = await self._database.write(
                Statement(
                    "INSERT INTO log_streams (group_id, name, created_ms) VALUES (?, ?, ?)"
                    " ON CONFLICT (group_id, name) DO NOTHING RETURNING name",
                    (group.id, name, self._now()),
                )
            )
        if not made[0]:
            raise LogStreamExists(name)

    async def delete_stream(self, group: LogGroup, name: str) -> None:
        """With its events. Raises LogStreamNotFound."""
        await self.flush()
        await self.find_stream(group, name)
        async with self._writer.lock:
            before = self._writer.next_chunk
            await self._database.write(
                Statement("DELETE FROM log_streams WHERE group_id = ? AND name = ?", (group.id, name)),
                Statement(
                    "INSERT INTO log_stream_deletions (group_id, name, before_chunk) VALUES (?, ?, ?)"
                    " ON CONFLICT (group_id, name) DO UPDATE SET before_chunk = excluded.before_chunk",
                    (group.id, name, before),
                ),
            )
        group.stream_deletions[name] = before

    async def find_stream(self, group: LogGroup, name: str) -> StreamInfo:
        """Raises LogStreamNotFound."""
        await self.flush()
        rows = await self._rows(
            f"SELECT {_STREAM_COLUMNS} FROM log_streams WHERE group_id = ? AND name = ?",  # noqa: S608 - constant
            (group.id, name),
        )
        if not rows:
            raise LogStreamNotFound(name)
        return StreamInfo(*rows[0])

    async def streams(
        self,
        group: LogGroup,
        *,
        prefix: str = "",
        by_last_event: bool = False,
        descending: bool = False,
        after: tuple[int, str] | None = None,
        limit: int = 50,
    ) -> list[StreamInfo]:
        """Up to `limit` streams after `after` (`last_ms or 0`, name), ordered by name or by last event."""
        await self.flush()
        way, beyond = ("DESC", "<") if descending else ("ASC", ">")
        last = "COALESCE(last_ms, 0)"
        order = f"{last} {way}, name {way}" if by_last_event else f"name {way}"
        conditions = ["group_id = ?", "substr(name, 1, ?) = ?"]
        params: list[Value] = [group.id, len(prefix), prefix]
        if after is not None and by_last_event:
            conditions.append(f"({last} {beyond} ? OR ({last} = ? AND name {beyond} ?))")
            params += [after[0], after[0], after[1]]
        elif after is not None:
            conditions.append(f"name {beyond} ?")
            params.append(after[1])
        rows = await self._rows(
            f"SELECT {_STREAM_COLUMNS} FROM log_streams WHERE {' AND '.join(conditions)}"  # noqa: S608 - ours
            f" ORDER BY {order} LIMIT {int(limit)}",
            params,
        )
        return [StreamInfo(*row) for row in rows]

    # Events

    async def put_events(self, group: LogGroup, name: str, events: Sequence[tuple[int, str]]) -> None:
        """Adds events (epoch milliseconds, text) in order of time to a stream; stored when it returns.

        Raises LogStreamNotFound; StoreError when they cannot be stored.
        """
        await self.find_stream(group, name)
        if not events:
            return
        pieces = chunk.cut([name], [(0, timestamp_ms, message) for timestamp_ms, message in events])
        sealed = self._writer.numbered(group, pieces)
        async with self._writer.lock:
            await self._database.write(*upsert_streams(sealed), *map(insert_chunk, sealed))
        group.stored_bytes += sum(len(piece.data) for piece in pieces)
        self._retention.check([group])
        if group.subscriptions:
            self._writer.on_subscribed(sealed)

    async def events(self, group: LogGroup, query: LogQuery) -> LogPage:
        """One page of the group's events, everything appended until now among them."""
        await self.flush()
        query = LogQuery(
            start_ms=max(query.start_ms, self._retention.oldest_ms(group)),
            end_ms=query.end_ms,
            after=query.after,
            before=query.before,
            backward=query.backward,
            stream=query.stream,
            match=query.match,
            limit=query.limit,
            deleted=group.stream_deletions,
        )
        return await LogReader(self._database, group.id, query).page()


_STREAM_COLUMNS: Final = "name, created_ms, first_ms, last_ms, ingested_ms"


async def open_log_store(path: Path, *, group_limit_bytes: int = GROUP_LIMIT_BYTES) -> LogStore:
    """Opens (or makes) the SQLite file `path`, apart from the main database: logs need no fsync."""
    migrations = resources.files("lambent.observe").joinpath("migrations")
    database = await open_database(path, "normal", migrations=migrations)
    store = LogStore(database, group_limit_bytes=group_limit_bytes)
    await store.load()
    return store
