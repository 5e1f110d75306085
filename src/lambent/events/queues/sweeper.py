"""What clears away, little by little: purged and deleted queues, what is too old, deduplication that has passed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from lambent.events.queues import rows
from lambent.events.queues.set_back import noted
from lambent.store.database import Statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.clock import Clock, Timer
    from lambent.events.queues.queue import Queue
    from lambent.store import Database
    from lambent.store.database import Results
    from lambent.store.errors import StoreError

_EVERY_MS: Final = 30_000
_CHUNK: Final = 500

_FORGET: Final = (
    "DELETE FROM message_deduplication WHERE (queue, scope, deduplication_id) IN (SELECT queue, scope, deduplication_id"
    " FROM message_deduplication WHERE until_ms <= ? LIMIT ?) RETURNING queue"
)

_log = logging.getLogger(__name__)


class Sweeper:
    """Deletes rows that nobody can see, some hundred a transaction, so that nobody waits for it."""

    def __init__(self, database: Database, clock: Clock, queues: Mapping[str, Queue]) -> None:
        self._database = database
        self._clock = clock
        self._queues = queues
        self._ranges: list[tuple[int, int]] = []
        self._busy = False
        self._closed = False
        self._timer: Timer | None = None

    async def open(self) -> None:
        """Go on with what an earlier run has not finished, and begin to look every now and then. Raises StoreError."""
        floors = {queue.number: queue.stock.floor for queue in self._queues.values()}
        at = 0
        while True:  # from queue to queue, also those that are no more
            found: list[Any] = await self._database.read(
                "SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT 1", (at,)
            )
            if not found:
                break
            number = found[0][0] >> rows.SEQUENCE_BITS
            at = number << rows.SEQUENCE_BITS | rows.SEQUENCES
            last = floors.get(number, at)
            if found[0][0] <= last:
                self.sweep(number, last)
        self._set_timer()

    def sweep(self, number: int, last: int) -> None:
        """Delete the rows of a queue up to `last`."""
        self._ranges.append((number << rows.SEQUENCE_BITS, last))
        self._go_on()

    def close(self) -> None:
        """Stop; the rest is done after the next start."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self) -> None:
        self._timer = self._clock.at_steady(self._clock.steady_ms() + _EVERY_MS, self._look)

    def _look(self) -> None:
        if self._closed:
            return
        self._set_timer()
        self._go_on()
        for queue in self._queues.values():
            queue.expire()
        self._forget_sent()

    def _forget_sent(self) -> None:
        def done(results: Results | None, _error: StoreError | None) -> None:
            if results is not None and len(results[0]) == _CHUNK and not self._closed:
                self._forget_sent()

        now = self._clock.steady_ms()
        self._database.submit([Statement(_FORGET, (now, _CHUNK)), noted(now)], done)

    def _go_on(self) -> None:
        if self._busy or self._closed or not self._ranges:
            return
        first, last = self._ranges[0]
        chunk = "id IN (SELECT id FROM {0} WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)"
        self._busy = True
        self._database.submit(
            [
                Statement(
                    f"DELETE FROM {table} WHERE {chunk.format(table)} RETURNING id",  # noqa: S608 - names of ours
                    (first, last, _CHUNK),
                )
                for table in ("messages", "message_receives")
            ],
            self._swept,
        )

    def _swept(self, results: Results | None, error: StoreError | None) -> None:
        self._busy = False
        if error is not None:
            _log.warning("messages that are gone still take room: %s", error)
            return
        if not any(results or ()):
            self._ranges.pop(0)
        self._go_on()
