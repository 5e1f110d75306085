"""Subscription filters of log groups, kept with their group. What they ask for is delivered by `lambent.events`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.store import Statement

from . import chunk, records
from .errors import FilterNotFound, LogGroupNotFound, TooManyFilters
from .log_reader import LogEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambent.store import Database

    from .log_stream import LogGroup
    from .log_writer import LogWriter
    from .statements import SealedChunk

MOST: Final = 2
"""Subscription filters of a group ("CloudWatch Logs quotas")."""


class SubscriptionFilter(NamedTuple):
    """Which events of its group go where; `created_ms` in milliseconds since the epoch."""

    name: str
    pattern: str
    destination_arn: str
    role_arn: str | None
    distribution: str
    created_ms: int


class SubscriptionFilters:
    """Changes `LogGroup.subscriptions`, in the database first. Loop thread only."""

    def __init__(self, database: Database, writer: LogWriter, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._writer = writer
        self._now_ms = now_ms

    async def load(self, groups: Mapping[int, LogGroup]) -> None:
        """Give the groups, by id, what an earlier run has left. Raises StoreError."""
        rows = await self._database.read(
            "SELECT group_id, name, pattern, destination_arn, role_arn, distribution, created_ms"
            " FROM log_subscriptions ORDER BY group_id, name"
        )
        for group_id, name, pattern, destination, role, distribution, created in rows:
            group = groups.get(int(group_id or 0))
            if group is not None:
                group.subscriptions += (
                    SubscriptionFilter(
                        str(name),
                        str(pattern),
                        str(destination),
                        None if role is None else str(role),
                        str(distribution),
                        int(created or 0),
                    ),
                )

    async def put(
        self,
        group: LogGroup,
        name: str,
        pattern: str,
        destination_arn: str,
        role_arn: str | None,
        distribution: str,
    ) -> None:
        """Add a filter, or replace the one of that name.

        Raises TooManyFilters, LogGroupNotFound when the group has gone meanwhile, StoreError.
        """
        await self._writer.flush()  # the group may be so new that it has no row
        async with self._writer.lock:
            if group.deleted:
                raise LogGroupNotFound(group.name)
            others = [one for one in group.subscriptions if one.name != name]
            if len(others) >= MOST:
                raise TooManyFilters(group.name)
            created_ms = next(
                (one.created_ms for one in group.subscriptions if one.name == name), self._now_ms()
            )
            made = SubscriptionFilter(name, pattern, destination_arn, role_arn, distribution, created_ms)
            await self._database.write(
                Statement(
                    "INSERT INTO log_subscriptions VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (group_id, name)"
                    " DO UPDATE SET pattern = excluded.pattern, destination_arn = excluded.destination_arn,"
                    " role_arn = excluded.role_arn, distribution = excluded.distribution",
                    (group.id, *made),
                )
            )
            group.subscriptions = tuple(sorted([*others, made]))

    async def delete(self, group: LogGroup, name: str) -> None:
        """Raises FilterNotFound, StoreError."""
        async with self._writer.lock:
            left = tuple(one for one in group.subscriptions if one.name != name)
            if len(left) == len(group.subscriptions):
                raise FilterNotFound(name)
            await self._database.write(
                Statement("DELETE FROM log_subscriptions WHERE group_id = ? AND name = ?", (group.id, name))
            )
            group.subscriptions = left


def events_by_stream(sealed: SealedChunk) -> dict[str, list[LogEvent]]:
    """The events of a chunk, worded, with the positions that readers give them."""
    names = [name for name, _, _ in sealed.piece.streams]
    found: dict[str, list[LogEvent]] = {}
    for index, record in enumerate(chunk.decode(bytes(sealed.piece.data))):
        name, timestamp = names[record[0]], record[1]
        events = found.setdefault(name, [])
        for part, message in enumerate(records.messages(record)):
            place = chunk.position(timestamp, sealed.id, index, part)
            events.append(LogEvent(place, name, timestamp, message, sealed.ingested_ms))
    return found
