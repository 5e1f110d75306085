"""Messages in somebody's hands, and when that ends."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.events.queues.message import Message

# Entries of messages that were deleted stay in the heap until they are due; this many are no reason to tidy up.
_FEW: Final = 1000


class Flight:
    """The messages in flight of one queue, by row. Times on the steady clock."""

    def __init__(self) -> None:
        self._messages: dict[int, Message] = {}
        self._ends: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._messages)

    def begin(self, message: Message) -> None:
        """A message is in flight until its `visible_ms`; also when that has changed."""
        self._messages[message.row] = message
        heapq.heappush(self._ends, (message.visible_ms, message.row))
        if len(self._ends) > _FEW + 2 * len(self._messages):
            self._ends = [(one.visible_ms, row) for row, one in self._messages.items()]
            heapq.heapify(self._ends)

    def get(self, row: int) -> Message | None:
        """A message in flight."""
        return self._messages.get(row)

    def end(self, row: int) -> None:
        """A message is not in flight any more."""
        del self._messages[row]

    def over(self, now: int) -> list[Message]:
        """Take out those whose time has ended, in the order of their sending."""
        ends = self._ends
        ended: list[Message] = []
        while ends and ends[0][0] <= now:
            row = heapq.heappop(ends)[1]
            message = self._messages.get(row)
            if message is not None and message.visible_ms <= now:
                del self._messages[row]
                ended.append(message)
        ended.sort(key=lambda message: message.row)
        return ended

    def next_end(self) -> int | None:
        """When the next one ends, or earlier."""
        return self._ends[0][0] if self._ends else None

    def forget(self, last: int) -> list[Message]:
        """Take out the messages with rows up to `last`."""
        forgotten = [message for message in self.all() if message.row <= last]
        for message in forgotten:
            del self._messages[message.row]
        return forgotten

    def all(self) -> Iterable[Message]:
        """Every message in flight."""
        return self._messages.values()
