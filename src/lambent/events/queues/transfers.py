"""Messages that go from one queue to another: dead letters, and their way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.events.queues import rows
from lambent.events.queues.message import Message, details_of, encode_details
from lambent.invocation.request_id import new_request_id
from lambent.store.staged import Staged

if TYPE_CHECKING:
    from lambent.events.queues.queue import Queue
    from lambent.store import StoreError


def bury(queue: Queue, message: Message, grave: Queue) -> None:
    """Move a message that was received too often to the queue for dead letters, with its count.

    It is in nobody's reach meanwhile, and comes back when that fails. A standard queue keeps its age, a FIFO queue does
    not ("Dead-letter queues" in SQS's developer guide).
    """
    row = message.row
    marked = queue.journal.unmark(message)
    details = replace(details_of(message), source_arn=queue.arn, came_with=message.count)
    copy = replace(
        message, row=grave.numbering.next(), details=encode_details(details), visible_ms=0, kept=False, marked=True
    )  # fmt: skip
    if grave.fifo:
        copy.sent_ms, copy.due_ms = grave.clock.wall_ms(), grave.clock.steady_ms()

    queue.burials += 1

    def settled(error: StoreError | None) -> None:
        now = queue.clock.steady_ms()
        queue.burials -= 1
        grave.settle([copy], error)
        if error is None:
            queue.pause.succeeded()
            queue.stock.budget.let_go(message)
            queue.stock.order.ended(message, now)
        elif row > queue.stock.floor:
            # Nobody can receive it and it is tried again, a little later.
            message.visible_ms = now + queue.pause.failed(now)
            queue.stock.flight.begin(message)
            queue.journal.complaints.warn(
                "messages of %s could not go to %s: %s", queue.arn, grave.arn, error
            )
        else:
            queue.stock.budget.let_go(message)  # purged meanwhile
        queue.offer()

    queue.journal.add(
        settled,
        inserts=[copy],
        deletes=[row],
        unmarks=[row] if marked else [],
        others=[*rows.insert_receives([copy]), *grave.numbering.reserve()],
    )


def is_dead(message: Message, maximum_receives: int) -> bool:
    """Whether a message was received too often from the queue that it is in now."""
    return (
        message.count >= maximum_receives
        and message.count - details_of(message).came_with >= maximum_receives
    )


def stage_moved(target: Queue, message: Message) -> Staged:
    """A dead letter as a new message of another queue, as a part of somebody's transaction."""
    target.journal.flush()
    details = replace(details_of(message), source_arn="", came_with=0)
    copy = Message(
        target.numbering.next(), new_request_id(), message.size, target.clock.wall_ms(), target.clock.steady_ms(),
        message.sender, message.group, message.deduplication_id, encode_details(details),
        message.body,
    )  # fmt: skip
    outside = target.stock.backlog.outside
    outside.add(copy.row)

    def settled(error: StoreError | None) -> None:
        outside.discard(copy.row)
        target.settle([copy], error)

    return Staged((*rows.insert_messages([copy]), *target.numbering.reserve()), settled)
