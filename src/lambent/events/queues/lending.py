"""Messages that a task takes out of a queue without receiving them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.events.queues.deleting import Leaving
from lambent.events.queues.receiving import grab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.events.queues.message import Message
    from lambent.events.queues.queue import Queue
    from lambent.store.staged import Staged

_LENT_MS: Final = 60_000


def lend(queue: Queue, maximum: int) -> list[Message]:
    """Messages with their bodies, for a while in nobody else's hands, and without having been received."""
    now = queue.clock.steady_ms()
    lent = grab(queue, maximum, now)
    for message in lent:
        message.visible_ms = now + _LENT_MS
        queue.stock.flight.begin(message)
    queue.offer()
    return lent


def return_lent(queue: Queue, messages: Sequence[Message]) -> None:
    """What was lent stays."""
    now = queue.clock.steady_ms()
    for message in messages:
        if queue.stock.flight.get(message.row) is message:
            queue.stock.give_back(message, now)
    queue.offer()


def stage_lent(queue: Queue, messages: Sequence[Message]) -> Staged:
    """What was lent leaves, as a part of somebody's transaction."""
    leaving = Leaving(queue)
    for message in messages:
        leaving.take(message)
    return leaving.staged()
