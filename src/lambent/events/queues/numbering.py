"""The keys of a queue's messages, one after the other, also over restarts."""

from __future__ import annotations

from typing import Final

from lambent.events.queues import rows
from lambent.store.database import Statement

# So many are reserved in the database at a time.
_RESERVE: Final = 65_536

# Sequence numbers have twenty digits on AWS; they need not be consecutive.
_FIRST_SEQUENCE: Final = 18_870_000_000_000_000_000


def sequence_number(row: int) -> str:
    """The SequenceNumber of a message in a FIFO queue."""
    return str(_FIRST_SEQUENCE + (row & rows.SEQUENCES))


class Numbering:
    """Of the queue with this number. `last` is the key that was given out last."""

    __slots__ = ("_number", "_reserved", "last")

    def __init__(self, number: int, last: int) -> None:
        self._number = number
        self._reserved = self.last = last

    def next(self) -> int:
        """A new key."""
        self.last += 1
        return self.last

    def reserve(self) -> tuple[Statement, ...]:
        """What has to be written along with new rows, so that no key is given out twice."""
        if self.last <= self._reserved:
            return ()
        self._reserved = self.last + _RESERVE
        high = self._reserved & rows.SEQUENCES
        return (Statement("UPDATE queues SET high = ? WHERE number = ?", (high, self._number)),)

    def failed(self) -> None:
        """New rows were not written, and maybe not the reservation: it is written again."""
        self._reserved = 0
