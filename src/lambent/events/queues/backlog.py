"""How far a queue has been taken into memory: what is beyond is only counted.

Rows up to `tail` are in memory, those between `tail` and `top` are not: a million queued messages cost what a
thousand cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.events.queues import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.events.queues.limits import Limits
    from lambent.events.queues.message import Budget, Message
    from lambent.store import Database

_COUNTED: Final = 500
_CHUNK_BYTES: Final = 2_000_000


class Backlog:
    """Of one queue.

    `outside`: rows that are part of somebody else's transaction; they come by themselves, maybe late. `doomed`: rows
    that are being deleted before they were loaded. `spilled`: about how many rows are not in memory.
    """

    def __init__(self, database: Database, limits: Limits, tail: int, top: int) -> None:
        self._database = database
        self._chunk = limits.chunk
        self.tail = tail
        self.top = top
        self.spilled = 0
        self._old = top
        self._largest = 0
        self.outside: set[int] = set()
        self.doomed: set[int] = set()

    @property
    def behind(self) -> bool:
        """Whether there are rows that are not in memory."""
        return self.tail < self.top

    def estimate(self) -> None:
        """Take for granted that every sequence number is a message, until they have been counted."""
        self.spilled = self.top - self.tail

    def count(self) -> Iterator[None]:
        """Correct an estimate, some hundred messages a step. Raises StoreError."""
        at, last, estimated, counted = self.tail, self.top, self.spilled, 0
        while at < last:
            found = rows.count(self._database, at, last, _COUNTED)
            counted += found[0]
            at = last if found[1] is None else found[1]
            yield
        if self.behind:
            self.spilled = max(1, self.spilled + counted - estimated)

    def load(self, budget: Budget) -> list[Message]:
        """The next messages, some hundred at most. Raises StoreError."""
        chunk, last, bodies = self._chunk, self.top, True
        if self.tail < self._old or self._largest * chunk > _CHUNK_BYTES or budget.held * 2 > budget.limit:
            last, bodies = self._portion(budget)
        # Only what an earlier run has left, and dead letters, can have been received already.
        messages = rows.load(
            self._database, self.tail, last, chunk, bodies=bodies, received=self.tail < self._old
        )
        whole = last == self.top and len(messages) < chunk
        self._go_to(self.top if whole else messages[-1].row if messages else last, len(messages))
        if self.outside or self.doomed:
            skipped = self.outside | self.doomed
            messages = [message for message in messages if message.row not in skipped]
        return messages

    def spill(self, message: Message) -> None:
        """A message has become durable, and stays in the database alone."""
        self.top = max(self.top, message.row)
        self.spilled += 1
        self._largest = max(self._largest, message.size)
        if message.count:
            self._old = self.top  # a dead letter has been received elsewhere

    def _portion(self, budget: Budget) -> tuple[int, bool]:
        """The last row to be loaded next so that it is not too much at a time, and whether there is room for bodies."""
        total, last = 0, self.top
        found = rows.sizes(self._database, self.tail, self.top, self._chunk)
        for row, size in found:
            total += size
            if total > _CHUNK_BYTES:
                last = row
                break
        return last, budget.held + total <= budget.limit

    def expire(self, before: int) -> tuple[list[int], bool]:
        """Pass over the first rows that were due before a time. Gives them, and whether there may be more."""
        if not self.behind:
            return [], False
        found = rows.dues(self._database, self.tail, self.top, self._chunk)
        expired: list[int] = []
        for row, due_ms in found:
            if due_ms >= before:
                break
            expired.append(row)
        if len(expired) == len(found) < self._chunk:
            self._go_to(self.top, len(expired))
        elif expired:
            self._go_to(expired[-1], len(expired))
        busy = self.outside | self.doomed
        return [row for row in expired if row not in busy], len(expired) == self._chunk

    def drop(self, last: int) -> None:
        """Rows up to `last` are no more."""
        self.tail = max(self.tail, last)
        self.top = max(self.top, self.tail)
        # What has come meanwhile has numbers without gaps, nearly always.
        self.spilled = min(self.spilled, self.top - self.tail)

    def _go_to(self, tail: int, passed: int) -> None:
        self.tail = tail
        self.spilled = max(1, self.spilled - passed) if tail < self.top else 0
