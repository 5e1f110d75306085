"""What was sent to a FIFO queue in the last five minutes, so that it is not sent again.

Durable in a table; only what is not durable yet is kept in memory. Scopes as in "High throughput for FIFO queues":
the queue, or each message group. What was sent with the queue as its scope holds for every group, also after the scope
has been changed, but not the other way round (recorded: `test_fifo_change_to_high_throughput_after_creation`,
`test_fifo_change_to_regular_throughput_after_creation`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.events.queues import rows
from lambent.store.database import Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.events.queues.message import Sent
    from lambent.store import Database, StoreError

INTERVAL_MS: Final = 300_000


Key = tuple[str, str]
"""Scope ("" for the queue, or the message group) and deduplication id."""


class Pending:
    """A message on its way to the disk, and who waits to hear that it has got there."""

    __slots__ = ("listeners", "row", "sent")

    def __init__(self, sent: Sent, row: int) -> None:
        self.sent = sent
        self.row = row
        self.listeners: list[Callable[[StoreError | None], None]] = []


class Deduplication:
    """Of one queue."""

    def __init__(self, database: Database, number: int) -> None:
        self._database = database
        self._number = number
        self._pending: dict[Key, Pending] = {}

    def pending(self, key: Key) -> Pending | None:
        """The first of its kind, while it is not durable."""
        return self._pending.get(key) or self._pending.get(("", key[1]))

    def known(self, key: Key, now: int, floor: int) -> tuple[str, int] | None:
        """Message id and row of the first of its kind, when it is durable and of the last five minutes.

        What was purged, up to the row `floor`, is forgotten (recorded:
        `test_purge_queue_clears_fifo_deduplication_cache`).
        """
        found: list[Any] = self._database.read_now(
            "SELECT message_id, sequence FROM message_deduplication"
            " WHERE queue = ? AND scope IN (?, '') AND deduplication_id = ? AND until_ms > ? AND sequence > ?",
            (self._number, *key, now, floor),
        )
        return found[0] if found else None

    def begin(self, key: Key, pending: Pending) -> None:
        """The first of its kind is on its way."""
        self._pending[key] = pending

    def statements(self, begun: list[tuple[Key, Pending]], now: int) -> list[Statement]:
        """What makes them known."""
        return list(
            rows.insert_deduplication(
                [
                    (self._number, scope, identity, pending.sent.message_id, pending.row, now + INTERVAL_MS)
                    for (scope, identity), pending in begun
                ]
            )
        )

    def expected(self, key: Key) -> Statement:
        """Fails a transaction when the first of its kind did not become durable before."""
        return Statement(
            "SELECT 1 FROM message_deduplication WHERE queue = ? AND scope IN (?, '') AND deduplication_id = ?",
            (self._number, *key),
            expect=1,
        )

    def settle(self, begun: list[tuple[Key, Pending]], error: StoreError | None) -> None:
        """They are durable, or never will be."""
        for key, pending in begun:
            if self._pending.get(key) is pending:
                del self._pending[key]
            for listener in pending.listeners:
                listener(error)
