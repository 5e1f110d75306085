"""Receives that are repeated because their answer was lost.

ReceiveRequestAttemptId, as the API reference of ReceiveMessage has it: for five minutes the same id gets the same
messages with the same receipt handles, for another visibility timeout, as long as none of them was deleted, changed in
its visibility, or visible again. FIFO queues only. Kept in memory: a restart forgets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.events.queues import receipts

if TYPE_CHECKING:
    from lambent.events.queues.message import Received
    from lambent.events.queues.stock import Stock

_KEPT_MS: Final = 300_000


class _Attempt(NamedTuple):
    until_ms: int
    visible_ms: int
    received: list[Received]


class Attempts:
    """Of one queue. Times on the steady clock."""

    def __init__(self) -> None:
        self._attempts: dict[str, _Attempt] = {}

    def remember(self, attempt: str, received: list[Received], stock: Stock, now: int) -> None:
        """These messages were received just now."""
        for old in [name for name, one in self._attempts.items() if one.until_ms <= now]:
            del self._attempts[old]
        first = stock.flight.get(receipts.read(received[0].receipt).row)
        if first is not None:
            self._attempts[attempt] = _Attempt(now + _KEPT_MS, first.visible_ms, received)

    def again(self, attempt: str, stock: Stock, now: int, visible_ms: int) -> list[Received]:
        """The messages of an earlier receive with this id, now invisible until `visible_ms`; none when that is over."""
        before = self._attempts.get(attempt)
        if before is None or before.until_ms <= now:
            return []
        messages = []
        for one in before.received:
            row, receive, _ = receipts.read(one.receipt)
            message = stock.flight.get(row)
            if message is None or (message.count, message.visible_ms) != (receive, before.visible_ms):
                return []
            messages.append(message)
        for message in messages:
            message.visible_ms = visible_ms
            stock.flight.begin(message)
        self._attempts[attempt] = before._replace(visible_ms=visible_ms)
        return before.received
