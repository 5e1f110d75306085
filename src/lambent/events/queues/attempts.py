"""Receives that are repeated because their answer was lost.

ReceiveRequestAttemptId, as the API reference of ReceiveMessage has it: for five minutes the same id gets the same
messages with the same receipt handles, for another visibility timeout, as long as none of them was deleted, changed in
its visibility, or visible again. FIFO queues only. Kept in memory: a restart forgets it, and the oldest go when their
messages are too much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.events.queues import receipts

if TYPE_CHECKING:
    from lambent.events.queues.message import Received
    from lambent.events.queues.stock import Stock

_KEPT_MS: Final = 300_000
_MOST: Final = 4_000_000
"""Characters of messages that are kept for the attempts of a queue."""


class _Attempt(NamedTuple):
    until_ms: int
    visible_ms: int
    received: list[Received]


class Attempts:
    """Of one queue. Times on the steady clock."""

    def __init__(self) -> None:
        self._attempts: dict[str, _Attempt] = {}
        self._held = 0

    def remember(self, attempt: str, received: list[Received], stock: Stock, now: int) -> None:
        """These messages were received just now."""
        self._forget(attempt)
        first = stock.flight.get(receipts.read(received[0].receipt).row)
        if first is not None:
            self._attempts[attempt] = _Attempt(now + _KEPT_MS, first.visible_ms, received)
            self._held += _characters(received)
        while self._attempts:
            oldest = next(iter(self._attempts))
            if self._held <= _MOST and self._attempts[oldest].until_ms > now:
                break
            self._forget(oldest)

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

    def _forget(self, attempt: str) -> None:
        old = self._attempts.pop(attempt, None)
        if old is not None:
            self._held -= _characters(old.received)


def _characters(messages: list[Received]) -> int:
    return sum(len(one.body) + len(one.attributes) + 1_000 for one in messages)
