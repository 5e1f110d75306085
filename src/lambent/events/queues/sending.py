"""What one call sends to a queue."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lambent.events.queues.deduplication import Pending
from lambent.events.queues.errors import InvalidParameter, MissingParameter, QueueNotFound
from lambent.events.queues.message import Details, Message, Sent, encode_details
from lambent.events.queues.numbering import sequence_number
from lambent.invocation.request_id import new_request_id
from lambent.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.events.queues.deduplication import Deduplication, Key
    from lambent.events.queues.message import NewMessage
    from lambent.events.queues.queue import Queue
    from lambent.store.database import Statement

    Done = Callable[[list[Sent] | None, StoreError | None], None]


def check_fit(queue: Queue, message: NewMessage) -> None:
    """Whether a kind of queue can take a message. Raises MissingParameter, InvalidParameter."""
    if not queue.fifo:
        return
    if message.group is None:
        raise MissingParameter("MessageGroupId")
    if message.deduplication_id is None and not queue.settings.content_deduplication:
        raise InvalidParameter(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"
            " explicitly"
        )


class Batch:
    """Messages that one call sends.

    `made`: those that are new. `begun`: their deduplication ids. `repeated`: the first ones of the others, as
    far as they are not durable yet. `others`: what is written along.
    """

    __slots__ = ("_deduplication", "begun", "made", "others", "repeated", "sent")

    def __init__(self, queue: Queue, deduplication: Deduplication, messages: Sequence[NewMessage]) -> None:
        """Raises QueueError, StoreError."""
        if queue.going:
            raise QueueNotFound
        self.sent: list[Sent] = []
        self.made: list[Message] = []
        self.begun: list[tuple[Key, Pending]] = []
        self.repeated: list[tuple[Key, Pending]] = []
        self._deduplication = deduplication
        wall, steady = queue.clock.wall_ms(), queue.clock.steady_ms()
        bodies = _encoded(messages)
        if queue.fifo:
            for new in messages:
                check_fit(queue, new)
            try:
                for new, body in zip(messages, bodies, strict=True):
                    self._add_once(queue, new, body, wall, steady)
            except StoreError as error:
                deduplication.settle(self.begun, error)  # none of them is on its way
                raise
        else:
            self._add_all(queue, messages, bodies, wall, steady)
        self.others: tuple[Statement, ...] = queue.numbering.reserve() if self.made else ()
        if self.begun:
            self.others += tuple(deduplication.statements(self.begun, steady))

    def expected(self) -> list[Statement]:
        """What makes a transaction fail when a message of it is repeated and the first one has failed."""
        own = {id(pending) for _, pending in self.begun}
        return [self._deduplication.expected(key) for key, pending in self.repeated if id(pending) not in own]

    def gathered(self, done: Done) -> Done:
        """What calls `done` when all of it is durable, the first ones of what is repeated included."""
        left = len(self.repeated) + bool(self.made)
        failure: StoreError | None = None

        def one(error: StoreError | None) -> None:
            nonlocal left, failure
            failure = failure or error
            left -= 1
            if not left:
                done(self.sent if failure is None else None, failure)

        for _, pending in self.repeated:
            pending.listeners.append(one)
        return lambda _sent, error: one(error)

    def _add_once(self, queue: Queue, new: NewMessage, body: bytes, wall: int, steady: int) -> None:
        identity = new.deduplication_id
        if identity is None:
            identity = hashlib.sha256(body).hexdigest()
        by_group = queue.settings.deduplication_scope == "messageGroup"
        key = ((new.group or "") if by_group else "", identity)
        pending = self._deduplication.pending(key)
        if pending is not None:
            self.sent.append(Sent(pending.sent.message_id, pending.sent.sequence, _md5(body)))
            self.repeated.append((key, pending))
            return
        known = self._deduplication.known(key, steady, queue.stock.floor)
        if known is not None:
            self.sent.append(Sent(known[0], sequence_number(known[1]), _md5(body)))
            return
        row, message_id, md5 = queue.numbering.next(), new_request_id(), _md5(body)
        # Delays are those of the queue: a FIFO queue has no others.
        due = steady + 1000 * queue.settings.delay_s
        message = Message(
            row, message_id, len(body), wall, due, new.sender, new.group, identity, _details(new), new.body
        )
        message.md5 = md5
        self.made.append(message)
        sent = Sent(message_id, sequence_number(row), md5)
        self.sent.append(sent)
        pending = Pending(sent, row)
        self._deduplication.begin(key, pending)
        self.begun.append((key, pending))

    def _add_all(
        self, queue: Queue, messages: Sequence[NewMessage], bodies: list[bytes], wall: int, steady: int
    ) -> None:
        """All of them, in a standard queue."""
        made, sent = self.made, self.sent
        number, delay_s = queue.numbering.next, queue.settings.delay_s
        for new, body in zip(messages, bodies, strict=True):
            message_id = new_request_id()
            due = steady + 1000 * (delay_s if new.delay_s is None else new.delay_s)
            details = _details(new) if new.attributes or new.trace or new.lineage else None
            message = Message(
                number(),
                message_id,
                len(body),
                wall,
                due,
                new.sender,
                new.group,
                new.deduplication_id,
                details,
                new.body,
            )
            message.md5 = md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
            made.append(message)
            sent.append(Sent(message_id, None, md5))


def _details(new: NewMessage) -> bytes | None:
    if new.attributes or new.trace or new.lineage:
        return encode_details(Details(new.attributes, new.md5_attributes, new.trace, new.lineage))
    return None


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _encoded(messages: Sequence[NewMessage]) -> list[bytes]:
    try:
        return [new.body.encode() for new in messages]
    except UnicodeEncodeError:
        raise InvalidParameter(
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to"
            " #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
        ) from None
