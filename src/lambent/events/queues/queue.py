"""One queue: sending, receiving, deleting, and the visibility of what was received."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lambent.events.queues import attributes, receipts, rows
from lambent.events.queues.backlog import LOW, WINDOW, Backlog
from lambent.events.queues.deduplication import Deduplication
from lambent.events.queues.deleting import Leaving
from lambent.events.queues.errors import (
    InvalidParameter,
    MessageNotInFlight,
    MissingParameter,
    OverLimit,
    QueueError,
    ReceiptHandleInvalid,
)
from lambent.events.queues.flight import Flight
from lambent.events.queues.message import (
    NO_DETAILS,
    Details,
    Message,
    NewMessage,
    Received,
    Sent,
    decode_details,
    encode_details,
)
from lambent.events.queues.orders import FifoOrder, Order, StandardOrder
from lambent.events.queues.sending import Batch, sequence_number
from lambent.events.queues.waiting import Wait, Waiting
from lambent.functions.names import partition_of
from lambent.invocation.request_id import new_request_id
from lambent.store.database import Statement
from lambent.store.errors import StoreError
from lambent.store.staged import Staged, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lambent.clock import Clock, Timer
    from lambent.events.queues.journal import Journal
    from lambent.events.queues.message import Budget
    from lambent.events.queues.settings import QueueSettings
    from lambent.events.queues.waiting import Cancellable
    from lambent.store import Database

    Told = Callable[[list[QueueError | None] | None, StoreError | None], None]

IN_FLIGHT_LIMIT: Final = 120_000
_LONGEST_MS: Final = 43_200_000
_LENT_MS: Final = 60_000
_COUNT_MS: Final = 5

# So many sequence numbers are reserved in the database at a time.
_RESERVE: Final = 65_536

_log = logging.getLogger(__name__)


class Queue:
    """A queue. Made by Queues, which knows all of them.

    `created_ms`, `modified_ms`: on the wall's clock. Everything here runs on the loop.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        journal: Journal,
        budget: Budget,
        find: Callable[[str], Queue | None],
        number: int,
        account: str,
        region: str,
        name: str,
    ) -> None:
        self.number = number
        self.account = account
        self.region = region
        self.name = name
        self.arn = f"arn:{partition_of(region)}:sqs:{region}:{account}:{name}"
        self.fifo = name.endswith(".fifo")
        self.settings: QueueSettings
        self.tags: dict[str, str] = {}
        self.created_ms = 0
        self.modified_ms = 0
        self.gone = False
        self.purged_ms: int | None = None
        self.clock = clock
        self.journal = journal
        self._database = database
        self.budget = budget
        self._find = find
        self._loop = asyncio.get_running_loop()
        self._row = self._reserved = self.floor = number << rows.SEQUENCE_BITS
        self.backlog = Backlog(database, self._row, self._row)
        self.order: Order = FifoOrder() if self.fifo else StandardOrder()
        self.flight = Flight()
        self.deduplication = Deduplication(database, number)
        self._waiting = Waiting(clock)
        self._timer: Timer | None = None
        self._timer_ms = 0
        self._offering = False
        self._closed = False

    def resume(self, high: int, floor: int, top: int) -> None:
        """Take up what an earlier run has left: sequence numbers used and purged, and the last row."""
        base = self.number << rows.SEQUENCE_BITS
        self.floor = base + floor
        self._row = self._reserved = max(base + high, top)
        self.backlog = Backlog(self._database, self.floor, max(top, self.floor))
        self._refill(self.clock.steady_ms())
        self._set_timer()
        if self.backlog.behind:
            self.backlog.estimate()
            self._count(self.backlog.count())

    # ------------------------------------------------------------ what is known of it

    def counts(self) -> tuple[int, int, int]:
        """How many messages are visible, in flight, and delayed."""
        delayed = self.order.delayed()
        return len(self.order) - delayed + self.backlog.spilled, len(self.flight), delayed

    def attributes(self) -> dict[str, str]:
        """Everything that GetQueueAttributes tells, by the names of SQS."""
        visible, flying, delayed = self.counts()
        return {
            "QueueArn": self.arn,
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(flying),
            "ApproximateNumberOfMessagesDelayed": str(delayed),
            "CreatedTimestamp": str(self.created_ms // 1000),
            "LastModifiedTimestamp": str(self.modified_ms // 1000),
            **attributes.named(self.settings, fifo=self.fifo),
        }

    # ------------------------------------------------------------ sending

    def check(self, message: NewMessage) -> None:
        """Whether this kind of queue can take a message. Raises MissingParameter, InvalidParameter."""
        if not self.fifo:
            return
        if message.group is None:
            raise MissingParameter("MessageGroupId")
        if message.deduplication_id is None and not self.settings.content_deduplication:
            raise InvalidParameter(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"
                " explicitly"
            )

    def stage(self, messages: Sequence[NewMessage]) -> tuple[list[Sent], Staged]:
        """Messages as a part of somebody's transaction. Raises QueueError.

        The caller has checked sizes and texts, and submits what is staged before the loop goes on: the order of FIFO
        queues is that of staging.
        """
        self.journal.flush()
        batch = Batch(self, self.deduplication, messages)
        outside = self.backlog.outside
        outside.update(message.row for message in batch.made)

        def settled(error: StoreError | None) -> None:
            outside.difference_update(message.row for message in batch.made)
            self._settled(batch, error)

        return batch.sent, Staged(
            (*batch.expected(), *rows.insert_messages(batch.made), *batch.others), settled
        )

    def send(
        self, messages: Sequence[NewMessage], done: Callable[[list[Sent] | None, StoreError | None], None]
    ) -> None:
        """Send messages; `done` when they are durable. Raises QueueError.

        The caller has checked sizes and texts. Duplicates in a FIFO queue are answered like the first ones, not before
        these are durable.
        """
        batch = Batch(self, self.deduplication, messages)
        if batch.repeated:
            done = batch.gathered(done)
        if not batch.made:
            if not batch.repeated:
                done(batch.sent, None)
            return

        def settled(error: StoreError | None) -> None:
            self._settled(batch, error)
            done(batch.sent if error is None else None, error)

        self.journal.add(settled, inserts=batch.made, others=batch.others)

    def _settled(self, batch: Batch, error: StoreError | None) -> None:
        if error is None:
            self.arrive(batch.made)
        else:
            self._reserved = 0  # the reservation may have been in what failed
        if batch.begun:
            self.deduplication.settle(batch.begun, error)

    def arrive(self, messages: list[Message]) -> None:
        """Messages are durable."""
        now = self.clock.steady_ms()
        backlog, order, budget = self.backlog, self.order, self.budget
        room = WINDOW - len(order)
        for message in messages:
            row = message.row
            if row <= self.floor or self.gone:
                continue
            if row > backlog.tail:
                if backlog.tail < backlog.top or room <= 0:
                    backlog.top = max(backlog.top, row)
                    backlog.spilled += 1
                    continue
                backlog.tail = backlog.top = row
            room -= 1
            budget.keep(message)
            order.add(message, now)
        self.offer()

    # ------------------------------------------------------------ receiving

    def take(self, maximum: int, visibility_s: int | None = None) -> list[Received]:
        """What is available now, at most `maximum` messages, now in flight."""
        now, wall = self.clock.steady_ms(), self.clock.wall_ms()
        settings = self.settings
        visible_ms = now + 1000 * (settings.visibility_s if visibility_s is None else visibility_s)
        taken = self._grab(maximum, now)
        received: list[Received] = []
        for message in taken:
            message.count += 1
            if not message.first_ms:
                message.first_ms = wall
            message.visible_ms = visible_ms
            received.append(self._received(message))
            self.journal.mark(message)
            if visible_ms > now:
                self.flight.begin(message)
            else:
                self.order.give_back(message, now)
        if taken:
            self._set_timer()
        return received

    def _grab(self, maximum: int, now: int) -> list[Message]:
        """Messages out of the order, with their bodies. Dead letters and what is too old go their ways."""
        order, redrive = self.order, self.settings.redrive
        oldest = now - self.settings.retention_s * 1000
        grabbed: list[Message] = []
        if order.available() < LOW:
            self._refill(now)
        maximum = min(maximum, IN_FLIGHT_LIMIT - len(self.flight))
        while len(grabbed) < maximum:
            message = order.pop(now)
            if message is None:
                break
            if message.due_ms < oldest:
                order.ended(message, now)
                self._discard([message])
                continue
            if message.body is None and not self._read_body(message):
                order.give_back(message, now)
                break
            if redrive is not None and message.count >= redrive.maximum_receives:
                grave = self._find(redrive.dead_letter_arn)
                if grave is not None:
                    order.turn(now)  # the next of its group waits until it has gone
                    self._bury(message, grave)
                    continue
            grabbed.append(message)
        order.turn(now)
        return grabbed

    def _read_body(self, message: Message) -> bool:
        try:
            message.body = rows.body(self._database, message.row)
        except StoreError as error:
            _log.warning("the queue %s could not be read: %s", self.arn, error)
        return message.body is not None

    def _received(self, message: Message) -> Received:
        body, row = message.body or "", message.row
        details = _details(message)
        if not message.md5:
            message.md5 = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        answer = Received(
            message.message_id,
            receipts.receipt(row, message.count, int(message.message_id[:8], 16)),
            body,
            details.attributes,
            message.md5,
            details.md5_attributes,
            message.sent_ms,
            message.first_ms,
            message.count,
            message.group,
            message.deduplication_id,
            sequence_number(row) if self.fifo else None,
            message.sender,
            details.trace,
            details.lineage,
            details.source_arn,
        )
        if not message.kept or self.budget.held * 2 > self.budget.limit:
            self.budget.let_go(message)
        return answer

    def _bury(self, message: Message, grave: Queue) -> None:
        """A message has been received too often: it goes to the queue for dead letters."""
        order, row = self.order, message.row
        marked = self.journal.unmark(message)
        copy = grave.adopt(message, self.arn)

        def settled(error: StoreError | None) -> None:
            now = self.clock.steady_ms()
            grave.adopted(copy, error)
            if error is None:
                self.budget.let_go(message)
                order.ended(message, now)
            else:
                order.give_back(message, now)
                _log.warning("a message of %s could not go to %s: %s", self.arn, grave.arn, error)
            self.offer()

        self.journal.add(
            settled,
            inserts=[copy],
            deletes=[row],
            unmarks=[row] if marked else [],
            others=[*rows.insert_receives([copy]), *grave.reserve()],
        )

    def adopt(self, message: Message, source_arn: str) -> Message:
        """A dead letter of another queue, to be inserted here with its receives."""
        details = _details(message)
        self._row += 1
        copy = replace(
            message, row=self._row, details=encode_details(replace(details, source_arn=source_arn)),
            visible_ms=0, kept=False, marked=True,
        )  # fmt: skip
        if (
            self.fifo
        ):  # a dead letter keeps its age in standard queues only ("Dead-letter queues", developer guide)
            copy.sent_ms, copy.due_ms = self.clock.wall_ms(), self.clock.steady_ms()
        return copy

    def adopted(self, copy: Message, error: StoreError | None) -> None:
        """A dead letter is durable here, or is not."""
        if error is None:
            self.arrive([copy])
        else:
            self._reserved = 0

    def stage_moved(self, message: Message) -> Staged:
        """A message of another queue as a new one here, as a part of somebody's transaction."""
        self.journal.flush()
        steady = self.clock.steady_ms()
        details = _details(message)
        if details is not NO_DETAILS:
            details = replace(details, source_arn="")
        copy = Message(
            self.next_row(), new_request_id(), message.size, self.clock.wall_ms(), steady, message.sender,
            message.group, message.deduplication_id, encode_details(details), message.body,
        )  # fmt: skip
        self.backlog.outside.add(copy.row)

        def settled(error: StoreError | None) -> None:
            self.backlog.outside.discard(copy.row)
            self.adopted(copy, error)

        return Staged((*rows.insert_messages([copy]), *self.reserve()), settled)

    def origin(self, message: Message) -> str:
        """The ARN of the queue that a dead letter came from, "" when it was sent here."""
        return _details(message).source_arn

    def lend(self, maximum: int) -> list[Message]:
        """Messages with their bodies, for a while in nobody else's hands, and without having been received."""
        now = self.clock.steady_ms()
        lent = self._grab(maximum, now)
        for message in lent:
            message.visible_ms = now + _LENT_MS
            self.flight.begin(message)
        self._set_timer()
        return lent

    def return_lent(self, messages: Sequence[Message]) -> None:
        """They stay here."""
        now = self.clock.steady_ms()
        for message in messages:
            if self.flight.get(message.row) is message:
                self.flight.end(message.row)
                self.order.give_back(message, now)
        self.offer()

    def stage_lent(self, messages: Sequence[Message]) -> Staged:
        """They leave, as a part of somebody's transaction."""
        leaving = Leaving(self)
        for message in messages:
            leaving.take(message)
        return leaving.staged()

    def receive(
        self, maximum: int, visibility_s: int | None, wait_s: float, done: Callable[[list[Received]], None]
    ) -> Cancellable:
        """Receive at most `maximum` messages, waiting for the first one at most `wait_s` seconds.

        `done` is called at once when there are some, or `wait_s` is 0. Raises OverLimit.
        """
        wait = Wait(maximum, visibility_s, done)
        if len(self.flight) >= IN_FLIGHT_LIMIT and not wait_s and not self.fifo:
            raise OverLimit
        received = self.take(maximum, visibility_s)
        if received or not wait_s:
            wait.answer(received)
        else:
            self._waiting.add(wait, wait_s)
        return wait

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """`callback` whenever messages become available. Returns what ends the watching."""
        return self._waiting.watch(callback)

    # ------------------------------------------------------------ deleting

    def delete(self, handles: Sequence[str], done: Told) -> None:
        """Delete what was received; per receipt handle None when it is gone. Durable before `done`."""
        outcomes: list[QueueError | None] = []
        leaving = Leaving(self)
        for handle in handles:
            try:
                leaving.add(handle)
                outcomes.append(None)
            except QueueError as error:
                outcomes.append(error)
        if not leaving.rows:
            done(outcomes, None)
            return

        def settled(error: StoreError | None) -> None:
            leaving.settled(error)
            done(outcomes if error is None else None, error)

        self.journal.add(settled, deletes=leaving.rows, unmarks=leaving.marked)

    def stage_delete(self, handles: Sequence[str]) -> Staged:
        """Deleting as a part of somebody's transaction. Raises QueueError."""
        leaving = Leaving(self)
        for handle in handles:
            leaving.add(handle)
        return leaving.staged()

    def _discard(self, messages: list[Message]) -> None:
        """Messages are too old: nobody has to hear when they are gone."""
        for message in messages:
            self.budget.let_go(message)
        self.journal.add(
            nothing,
            deletes=[message.row for message in messages],
            unmarks=[message.row for message in messages if self.journal.unmark(message)],
        )

    # ------------------------------------------------------------ visibility

    def change_visibility(self, changes: Sequence[tuple[str, int]], done: Told) -> None:
        """Let messages be invisible for so many seconds from now; per receipt handle None when it is so."""
        now, wall = self.clock.steady_ms(), self.clock.wall_ms()
        outcomes: list[QueueError | None] = []
        for handle, seconds in changes:
            try:
                self._change(receipts.read(handle), handle, seconds, now, wall)
                outcomes.append(None)
            except QueueError as error:
                outcomes.append(error)
        done(outcomes, None)
        self.offer()

    def _change(self, receipt: receipts.Receipt, handle: str, seconds: int, now: int, wall: int) -> None:
        if receipt.row >> rows.SEQUENCE_BITS != self.number:
            raise ReceiptHandleInvalid(handle)
        message = self.flight.get(receipt.row)
        waited = None
        if message is None:
            # Its time is over, but nobody else has received it yet
            # (recorded: `test_change_message_visibility_after_visibility_timeout_expiration`).
            message = waited = self.order.withdraw(receipt.row)
        if message is None or (self.fifo and message.count != receipt.receive):
            raise MessageNotInFlight(handle)
        if wall - message.first_ms + seconds * 1000 > _LONGEST_MS:
            if waited is not None:
                self.order.give_back(waited, now)
            raise InvalidParameter(
                f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the"
                " message is beyond the limit [43200 seconds]."
            )
        message.visible_ms = now + seconds * 1000
        self.journal.mark(message)
        if seconds:
            self.flight.begin(message)
        else:
            if waited is None:
                self.flight.end(message.row)
            self.order.give_back(message, now)

    # ------------------------------------------------------------ what happens by itself

    def _refill(self, now: int) -> None:
        """Take more of the queue into memory when little is left there."""
        backlog, order, flight, budget = self.backlog, self.order, self.flight, self.budget
        for _ in range(2):
            if not backlog.behind or order.available() >= LOW or len(order) >= IN_FLIGHT_LIMIT:
                return
            try:
                loaded = backlog.load(budget)
            except StoreError as error:
                _log.warning("the queue %s could not be read: %s", self.arn, error)
                return
            for message in loaded:
                budget.keep(message)
                message.visible_ms = min(message.visible_ms, now + _LONGEST_MS)
                if message.visible_ms > now:
                    order.hold(message)
                    flight.begin(message)
                else:
                    order.add(message, now)
        if not order.available() and not self._offering:
            # All of it is delayed or in flight: look further, but let others have their turn.
            self._offering = True
            self._loop.call_soon(self._look_further)

    def _count(self, counting: Iterator[None]) -> None:
        """Count what is not in memory, little by little."""
        if self._closed:
            return
        try:
            next(counting)
        except StopIteration:
            return
        except StoreError as error:
            _log.warning("the messages of %s could not be counted: %s", self.arn, error)
            return
        self.clock.at_steady(self.clock.steady_ms() + _COUNT_MS, self._count, counting)

    def load_again(self, missed: Sequence[int]) -> None:
        """Rows that were passed over because they were being deleted, and are not."""
        now = self.clock.steady_ms()
        for row in missed:
            if row <= self.backlog.tail:
                for message in rows.load(self._database, row - 1, row, 1, bodies=False):
                    self.order.add(message, now)

    def is_stored(self, row: int) -> bool:
        """Whether a message is in the database. Raises StoreError."""
        return rows.is_there(self._database, row)

    def _look_further(self) -> None:
        self._offering = False
        self._refill(self.clock.steady_ms())
        self.offer()

    def offer(self) -> None:
        """There may be messages for those who wait."""
        if self._waiting and (self.order.available() or self.backlog.behind):
            self._waiting.serve(self.take)
        self._set_timer()

    def _set_timer(self) -> None:
        ends, due = self.flight.next_end(), self.order.next_due()
        when = due if ends is None else ends if due is None else min(ends, due)
        if when is None or (self._timer is not None and self._timer_ms <= when):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ms = when
        self._timer = self.clock.at_steady(when, self._time_passed)

    def _time_passed(self) -> None:
        self._timer = None
        now = self.clock.steady_ms()
        order = self.order
        for message in self.flight.over(now):
            order.give_back(message, now)
        order.wake(now)
        self.offer()

    def expire(self) -> None:
        """Drop what is older than the retention period; some of it may stay until it would be received."""
        before = self.clock.steady_ms() - self.settings.retention_s * 1000
        expired = self.order.expire(before)
        if expired:
            self._discard(expired)
        dropped, more = self.backlog.expire(before)
        if dropped:
            self.journal.add(nothing, deletes=dropped, unmarks=dropped)
        if more:
            self._loop.call_soon(self.expire)

    def forget(self, last: int) -> None:
        """Messages up to a row are purged."""
        self.floor = max(self.floor, last)
        for message in (*self.order.all(), *self.flight.all()):
            self.journal.unmark(message)
            self.budget.let_go(message)
        self.order = FifoOrder() if self.fifo else StandardOrder()
        self.flight = Flight()
        self.backlog.drop(last)

    def next_row(self) -> int:
        """The key of a new row."""
        self._row += 1
        return self._row

    def last_row(self) -> int:
        """The key that was given out last."""
        return self._row

    def reserve(self) -> tuple[Statement, ...]:
        """What has to be written along with new rows, so that no sequence number is given out twice."""
        if self._row <= self._reserved:
            return ()
        self._reserved = self._row + _RESERVE
        high = self._reserved & rows.SEQUENCES
        return (Statement("UPDATE queues SET high = ? WHERE number = ?", (high, self.number)),)

    def close(self) -> None:
        """End what waits and what happens by itself."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting.dismiss()


def _details(message: Message) -> Details:
    return NO_DETAILS if message.details is None else decode_details(message.details)
