"""Changes of how long messages stay invisible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.events.queues import receipts, rows
from lambent.events.queues.errors import InvalidParameter, MessageNotInFlight, ReceiptHandleInvalid
from lambent.events.queues.stock import LONGEST_MS

if TYPE_CHECKING:
    from lambent.events.queues.queue import Queue


def change_visibility(queue: Queue, handle: str, seconds: int, now: int) -> None:
    """Let a message be invisible for so many seconds from now. Raises QueueError, StoreError."""
    receipt = receipts.read(handle)
    if receipt.row >> rows.SEQUENCE_BITS != queue.number:
        raise ReceiptHandleInvalid(handle)
    order, flight = queue.stock.order, queue.stock.flight
    message = queue.stock.in_flight(receipt.row, now)
    waited = None
    if message is None:
        # Its time is over, but nobody else has received it yet
        # (recorded: `test_change_message_visibility_after_visibility_timeout_expiration`).
        message = waited = order.withdraw(receipt.row)
    if message is None or (queue.fifo and message.count != receipt.receive):
        raise MessageNotInFlight(handle)
    if not receipt.fits(message.message_id):
        if waited is not None:
            order.give_back(waited, now)
        raise ReceiptHandleInvalid(handle)
    if now - (message.taken_ms or now) + seconds * 1000 > LONGEST_MS:
        if waited is not None:
            order.give_back(waited, now)
        raise InvalidParameter(
            f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the"
            " message is beyond the limit [43200 seconds]."
        )
    message.visible_ms = now + seconds * 1000
    queue.journal.mark(message)
    if seconds:
        flight.begin(message)
    elif waited is not None:
        order.give_back(message, now)
    else:
        queue.stock.give_back(message, now)
