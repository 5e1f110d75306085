"""Reading a log group back: its chunks merged into one sequence ordered by time.

Chunks overlap in time (streams run side by side, PutLogEvents may add older events), so events are merged:
chunks are read in the order of their edge, and events are given out as soon as no unread chunk can hold an
earlier one. What is decoded at once is bounded by a batch, and decoding happens in a worker thread.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import msgspec

from . import chunk, records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lambent.store import Database
    from lambent.store.database import Value

NO_END: Final = (1 << 53) - 1
"""Later than any event."""

PAGE_EVENTS: Final = 10_000
PAGE_BYTES: Final = 1 << 20
"""AWS: a page of events holds up to 10,000 of them and 1 MB."""

_EDGES_AT_ONCE: Final = 256
_BYTES_AT_ONCE: Final = 1 << 20  # rows are read on the loop: this bounds how long


class LogEvent(NamedTuple):
    """One event; `position` orders all events of a group and is what pages and ids are made from."""

    position: int
    stream: str
    timestamp_ms: int
    message: str
    ingested_ms: int


class LogPage(NamedTuple):
    """Events in order of time, and whether the query has more in its direction."""

    events: list[LogEvent]
    more: bool


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which events: times in epoch milliseconds, both ends included; `after`/`before` exclude a position.

    `backward` takes the newest first (a page is in order of time all the same).
    """

    start_ms: int = 0
    end_ms: int = NO_END
    after: int = -1
    before: int | None = None
    backward: bool = False
    stream: Callable[[str], bool] | None = None
    match: Callable[[str], bool] | None = None
    limit: int = PAGE_EVENTS
    deleted: Mapping[str, int] = field(default_factory=dict)  # stream -> its events below this chunk are gone


class _Edge(NamedTuple):
    """What is known of a chunk before it is decoded."""

    id: int
    first_ms: int
    last_ms: int
    ingested_ms: int
    size: int
    streams: str


def _decode_chunk(edge: _Edge, data: bytes, query: LogQuery) -> list[LogEvent]:
    names: list[str] = msgspec.json.decode(edge.streams, type=list[str])
    wanted = [
        (query.stream is None or query.stream(name)) and edge.id >= query.deleted.get(name, 0)
        for name in names
    ]
    if not any(wanted):
        return []
    start, end, after, before, match = query.start_ms, query.end_ms, query.after, query.before, query.match
    events: list[LogEvent] = []
    for index, record in enumerate(chunk.decode(data)):
        number, timestamp = record[0], record[1]
        if not wanted[number] or timestamp < start or timestamp > end:
            continue
        for part, message in enumerate(records.messages(record)):
            place = chunk.position(timestamp, edge.id, index, part)
            if place <= after or (before is not None and place >= before):
                continue
            if match is None or match(message):
                events.append(LogEvent(place, names[number], timestamp, message, edge.ingested_ms))
    return events


def _decode_batch(batch: Sequence[tuple[_Edge, bytes]], query: LogQuery) -> list[LogEvent]:
    events: list[LogEvent] = []
    for edge, data in batch:
        events.extend(_decode_chunk(edge, data, query))
    return events


class LogReader:
    """One pass over a group's chunks, in the direction of the query."""

    def __init__(self, database: Database, group_id: int, query: LogQuery) -> None:
        self._database = database
        self._group_id = group_id
        self._query = query
        self._unread: list[_Edge] = []  # next first
        self._last_edge: tuple[int, int] | None = None
        self._exhausted = False

    async def page(self) -> LogPage:
        """The next events, as many as a page holds; call once."""
        query = self._query
        held: list[LogEvent] = []
        taken: list[LogEvent] = []
        room = PAGE_BYTES
        while True:
            batch, bound = await self._read_batch()
            if batch:
                held.extend(await asyncio.to_thread(_decode_batch, batch, query))
                held.sort(reverse=query.backward)
            ready, held = self._split(held, bound)
            for event in ready:
                room -= len(event.message)
                if len(taken) == query.limit or (room < 0 and taken):
                    return self._page(taken, more=True)
                taken.append(event)
            if bound is None:
                return self._page(taken, more=False)

    def _page(self, taken: list[LogEvent], *, more: bool) -> LogPage:
        if self._query.backward:
            taken.reverse()
        return LogPage(taken, more)

    def _split(self, held: list[LogEvent], bound: int | None) -> tuple[list[LogEvent], list[LogEvent]]:
        """What comes before all that an unread chunk, its edge at `bound`, can hold; and the rest."""
        if bound is None:
            return held, []
        if self._query.backward:
            cut = bisect_left(held, -bound, key=lambda event: -event.timestamp_ms)
        else:
            cut = bisect_left(held, bound, key=lambda event: event.timestamp_ms)
        return held[:cut], held[cut:]

    async def _read_batch(self) -> tuple[list[tuple[_Edge, bytes]], int | None]:
        """The next chunks, and the edge of the first that stays unread (None: there is none)."""
        if not self._unread:
            await self._read_edges()
        edges: list[_Edge] = []
        size = 0
        while self._unread and (not edges or size + self._unread[0].size <= _BYTES_AT_ONCE):
            edge = self._unread.pop(0)
            size += edge.size
            edges.append(edge)
        if not self._unread:
            await self._read_edges()
        batch: list[tuple[_Edge, bytes]] = []
        if edges:
            marks = ",".join("?" * len(edges))
            rows = await self._database.read(
                f"SELECT id, records FROM log_chunks WHERE id IN ({marks})",  # noqa: S608 - only question marks
                [edge.id for edge in edges],
            )
            data = dict(cast("list[tuple[int, bytes]]", rows))
            batch = [(edge, data[edge.id]) for edge in edges if edge.id in data]
        if not self._unread:
            return batch, None
        return batch, self._unread[0].last_ms if self._query.backward else self._unread[0].first_ms

    async def _read_edges(self) -> None:
        if self._exhausted:
            return
        query = self._query
        start = max(query.start_ms, chunk.timestamp_of(query.after) if query.after > 0 else 0)
        end = query.end_ms if query.before is None else min(query.end_ms, chunk.timestamp_of(query.before))
        # The bound on the edge itself follows from the other one; with it the index alone finds the chunks.
        if query.backward:
            edge, beyond, order, bound, far = "last_ms", "<", "DESC", "<=", end + chunk.SPAN_MS
        else:
            edge, beyond, order, bound, far = "first_ms", ">", "ASC", ">=", start - chunk.SPAN_MS
        params: list[Value] = [self._group_id, start, end, far]
        keyset = ""
        if self._last_edge is not None:
            keyset = f" AND ({edge} {beyond} ? OR ({edge} = ? AND id {beyond} ?))"
            params += [self._last_edge[0], self._last_edge[0], self._last_edge[1]]
        rows = await self._database.read(
            "SELECT id, first_ms, last_ms, ingested_ms, size, streams FROM log_chunks"  # noqa: S608 - no input in it
            f" WHERE group_id = ? AND last_ms >= ? AND first_ms <= ? AND {edge} {bound} ?{keyset}"
            f" ORDER BY {edge} {order}, id {order} LIMIT {_EDGES_AT_ONCE}",
            params,
        )
        edges = [_Edge(*cast("tuple[int, int, int, int, int, str]", row)) for row in rows]
        self._exhausted = len(edges) < _EDGES_AT_ONCE
        if edges:
            last = edges[-1]
            self._last_edge = (last.last_ms if query.backward else last.first_ms, last.id)
        self._unread = edges
