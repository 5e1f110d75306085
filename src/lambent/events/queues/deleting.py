"""What one call deletes from a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.events.queues import receipts, rows
from lambent.events.queues.errors import InvalidParameter, ReceiptHandleInvalid
from lambent.store.errors import StoreError
from lambent.store.staged import Staged

if TYPE_CHECKING:
    from lambent.events.queues.message import Message
    from lambent.events.queues.queue import Queue


class Leaving:
    """Messages that are being deleted: nobody can receive them, and they come back when it fails."""

    __slots__ = ("_messages", "_queue", "_waited", "marked", "rows")

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._messages: list[Message] = []
        self._waited: list[Message] = []
        self.rows: list[int] = []
        self.marked: list[int] = []

    def add(self, handle: str) -> None:
        """Take away what a receipt handle stands for; nothing when it is gone already. Raises QueueError, StoreError.

        In a FIFO queue a handle ends with its visibility timeout; in a standard queue it does not, not even when
        somebody else has received the message meanwhile (recorded: `test_fifo_delete_after_visibility_timeout`,
        `test_delete_after_visibility_timeout`).
        """
        queue = self._queue
        receipt = receipts.read(handle)
        row = receipt.row
        if row >> rows.SEQUENCE_BITS != queue.number:
            raise ReceiptHandleInvalid(handle)
        backlog = queue.stock.backlog
        if row in backlog.doomed or row <= queue.stock.floor:
            return
        flight = queue.stock.flight
        message = queue.stock.in_flight(row, queue.clock.steady_ms()) if queue.fifo else flight.get(row)
        message_id = message.message_id if message is not None else rows.message_id(queue.database, row)
        if message_id is None:
            return
        if not receipt.fits(message_id):
            raise ReceiptHandleInvalid(handle)
        if queue.fifo and (message is None or message.count != receipt.receive):
            raise InvalidParameter(
                f"Value {handle} for parameter ReceiptHandle is invalid."
                " Reason: The receipt handle has expired."
            )
        if message is not None:
            flight.end(row)
            self._messages.append(message)
        else:
            message = queue.stock.order.withdraw(row)
            if message is None and row <= backlog.tail:
                # It waits, and nobody remembers that it was received: that was not written before a crash.
                message = queue.stock.order.extract(row)
            if message is not None:
                self._waited.append(message)
            elif not backlog.tail < row <= backlog.top:
                return
        backlog.doomed.add(row)
        self.rows.append(row)
        if message is None or queue.journal.unmark(message):
            self.marked.append(row)

    def take(self, message: Message) -> None:
        """Take away a message in flight."""
        queue = self._queue
        queue.stock.flight.end(message.row)
        self._messages.append(message)
        queue.stock.backlog.doomed.add(message.row)
        self.rows.append(message.row)
        if queue.journal.unmark(message):
            self.marked.append(message.row)

    def staged(self) -> Staged:
        """Deleting as a part of somebody's transaction."""
        return Staged((*rows.delete_messages(self.rows), *rows.delete_receives(self.marked)), self.settled)

    def settled(self, error: StoreError | None) -> None:
        """They are gone for good, or are there again."""
        queue, order = self._queue, self._queue.stock.order
        now = queue.clock.steady_ms()
        queue.stock.backlog.doomed.difference_update(self.rows)
        if error is not None:
            self._restore(now)
        else:
            for message in self._messages:
                queue.stock.budget.let_go(message)
                order.ended(message, now)
            for message in self._waited:
                queue.stock.budget.let_go(message)
        if error is not None or queue.fifo:
            queue.offer()

    def _restore(self, now: int) -> None:
        queue, stock = self._queue, self._queue.stock
        for message in (*self._messages, *self._waited):
            if message.row <= stock.floor:
                stock.budget.let_go(message)  # purged meanwhile
            elif message.visible_ms > now:
                stock.flight.begin(message)
            else:
                stock.order.give_back(message, now)
        loaded = {message.row for message in (*self._messages, *self._waited)}
        try:
            stock.load_again([row for row in self.rows if row not in loaded and row > stock.floor], now)
        except StoreError as error:
            queue.journal.complaints.warn("the queue %s could not be read: %s", queue.arn, error)
