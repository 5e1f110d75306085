"""Messages on their way out of a queue: which ones come, and what somebody gets."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from lambent.events.queues import receipts, rows
from lambent.events.queues.message import Received, details_of
from lambent.events.queues.numbering import sequence_number
from lambent.events.queues.stock import IN_FLIGHT_LIMIT
from lambent.events.queues.transfers import bury, is_dead
from lambent.store.errors import StoreError

if TYPE_CHECKING:
    from lambent.events.queues.message import Message
    from lambent.events.queues.queue import Queue


# So many dead letters are on their way at once, then others have their turn.
_MOST_BURIALS: Final = 500


def grab(queue: Queue, maximum: int, now: int) -> list[Message]:
    """Messages out of the stock, with their bodies. Dead letters and what is too old go their ways."""
    queue.refill(now)
    stock, redrive = queue.stock, queue.settings.redrive
    order = stock.order
    oldest = now - queue.settings.retention_s * 1000
    grabbed: list[Message] = []
    maximum = min(maximum, IN_FLIGHT_LIMIT - len(stock.flight))
    while len(grabbed) < maximum:
        message = order.pop(now)
        if message is None:
            break
        if message.due_ms < oldest:
            order.ended(message, now)
            queue.discard([message])
            continue
        if message.body is None:
            try:
                message.body = rows.body(queue.database, message.row)
            except StoreError as error:
                queue.journal.complaints.warn("the queue %s could not be read: %s", queue.arn, error)
                order.give_back(message, now)
                break
        if redrive is not None and is_dead(message, redrive.maximum_receives):
            grave = queue.find(redrive.dead_letter_arn)
            if grave is not None and queue.burials >= _MOST_BURIALS:
                order.give_back(message, now)
                break  # whoever waits is served when they have gone
            if grave is not None:
                order.turn(now)  # the next of its group waits until it has gone
                bury(queue, message, grave)
                continue
        grabbed.append(message)
    order.turn(now)
    return grabbed


def handed_out(message: Message, *, fifo: bool) -> Received:
    """What somebody gets who receives a message now; its body is in memory."""
    body, row = message.body or "", message.row
    details = details_of(message)
    if not message.md5:
        message.md5 = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
    return Received(
        message.message_id,
        receipts.receipt(row, message.count, message.message_id),
        body,
        details.attributes,
        message.md5,
        details.md5_attributes,
        message.sent_ms,
        message.first_ms,
        message.count,
        message.group,
        message.deduplication_id,
        sequence_number(row) if fifo else None,
        message.sender,
        details.trace,
        details.lineage,
        details.source_arn,
    )
