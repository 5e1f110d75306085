"""One queue: sending, receiving, deleting, and the visibility of what was received."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from lambent.events.queues import attributes, rows
from lambent.events.queues.attempts import Attempts
from lambent.events.queues.deduplication import Deduplication
from lambent.events.queues.deleting import Leaving
from lambent.events.queues.errors import (
    OverLimit,
    QueueError,
)
from lambent.events.queues.numbering import Numbering
from lambent.events.queues.pause import Pause
from lambent.events.queues.receiving import grab, handed_out
from lambent.events.queues.sending import Batch, check_fit
from lambent.events.queues.stock import IN_FLIGHT_LIMIT, Stock
from lambent.events.queues.visibility import change_visibility
from lambent.events.queues.waiting import Wait, Waiting
from lambent.functions.names import partition_of
from lambent.store.errors import StoreError
from lambent.store.staged import Staged, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lambent.clock import Clock, Timer
    from lambent.events.queues.journal import Journal
    from lambent.events.queues.limits import Limits
    from lambent.events.queues.message import Budget, Message, NewMessage, Received, Sent
    from lambent.events.queues.settings import QueueSettings
    from lambent.events.queues.waiting import Cancellable
    from lambent.store import Database

    Told = Callable[[list[QueueError | None] | None, StoreError | None], None]

_COUNT_MS: Final = 5


class Queue:
    """A queue. Made by Queues, which knows all of them.

    `created_ms`, `modified_ms`: on the wall's clock. `going`: it is being deleted, `gone`: it is deleted. `burials`:
    dead letters on their way, `pause`: until these that could not go are tried again. Everything here runs on the loop.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        journal: Journal,
        budget: Budget,
        limits: Limits,
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
        self.going = False
        self.gone = False
        self.purged_ms: int | None = None
        self.clock = clock
        self.journal = journal
        self.database = database
        self._budget = budget
        self._limits = limits
        self.find = find
        self._loop = asyncio.get_running_loop()
        self.numbering = Numbering(number, number << rows.SEQUENCE_BITS)
        self.stock = self._stock()
        self.deduplication = Deduplication(database, number)
        self._waiting = Waiting(clock)
        self._attempts = Attempts()
        self.burials = 0
        self._timer: Timer | None = None
        self._timer_ms = 0
        self._looking = False
        self.pause = Pause()
        self._closed = False

    def resume(self, high: int, floor: int, top: int) -> None:
        """Take up what an earlier run has left: sequence numbers used and purged, and the last row.

        Raises StoreError.
        """
        base = self.number << rows.SEQUENCE_BITS
        self.numbering = Numbering(self.number, max(base + high, top))
        self.stock = stock = self._stock(floor=base + floor, top=top)
        stock.refill(self.clock.steady_ms())
        self._set_timer()
        if stock.backlog.behind:
            stock.backlog.estimate()
            self._count(stock.backlog.count())

    def _stock(self, floor: int = 0, top: int = 0) -> Stock:
        base = self.number << rows.SEQUENCE_BITS
        return Stock(
            self.database,
            self._budget,
            self._limits,
            base=base,
            floor=floor,
            top=top,
            fifo=self.fifo,
        )

    # ------------------------------------------------------------ what is known of it

    def counts(self) -> tuple[int, int, int]:
        """How many messages are visible, in flight, and delayed."""
        return self.stock.counts()

    def attributes(self) -> dict[str, str]:
        """Everything that GetQueueAttributes tells, by the names of SQS."""
        return attributes.described(self)

    # ------------------------------------------------------------ sending

    def check(self, message: NewMessage) -> None:
        """Whether this kind of queue can take a message. Raises MissingParameter, InvalidParameter."""
        check_fit(self, message)

    def stage(self, messages: Sequence[NewMessage]) -> tuple[list[Sent], Staged]:
        """Messages as a part of somebody's transaction. Raises QueueError.

        The caller has checked sizes and texts, and submits what is staged before the loop goes on: the order of FIFO
        queues is that of staging.
        """
        self.journal.flush()
        batch = Batch(self, self.deduplication, messages)
        outside = self.stock.backlog.outside
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
        self.settle(batch.made, error)
        if batch.begun:
            self.deduplication.settle(batch.begun, error)

    def settle(self, messages: list[Message], error: StoreError | None) -> None:
        """New messages are durable, or never will be."""
        if error is not None:
            self.numbering.failed()
        elif not self.gone:
            self.stock.arrive(messages, self.clock.steady_ms())
            self.offer()

    # ------------------------------------------------------------ receiving

    def take(self, maximum: int, visibility_s: int | None = None) -> list[Received]:
        """What is available now, at most `maximum` messages, now in flight."""
        if self._closed:
            return []
        now, wall = self.clock.steady_ms(), self.clock.wall_ms()
        stock = self.stock
        visible_ms = now + 1000 * (self.settings.visibility_s if visibility_s is None else visibility_s)
        taken = grab(self, maximum, now)
        received: list[Received] = []
        for message in taken:
            message.count += 1
            if not message.first_ms:
                message.first_ms = wall
            message.visible_ms = visible_ms
            message.taken_ms = now
            received.append(handed_out(message, fifo=self.fifo))
            self._budget.settle(message)
            self.journal.mark(message)
            if visible_ms > now:
                stock.flight.begin(message)
            else:
                stock.order.give_back(message, now)
        if taken:
            self._set_timer()
        return received

    def receive(
        self,
        maximum: int,
        visibility_s: int | None,
        wait_s: float,
        done: Callable[[list[Received]], None],
        attempt: str | None = None,
    ) -> Cancellable:
        """Receive at most `maximum` messages, waiting for the first one at most `wait_s` seconds.

        `done` is called at once when there are some; when `wait_s` is 0, not before messages that were received too
        often have gone to the queue for dead letters. `attempt`: the ReceiveRequestAttemptId, for FIFO queues. Raises
        OverLimit.
        """
        if attempt and self.fifo:
            now = self.clock.steady_ms()
            visible_ms = now + 1000 * (self.settings.visibility_s if visibility_s is None else visibility_s)
            again = self._attempts.again(attempt, self.stock, now, visible_ms)
            self._set_timer()
            done = self._remembering(attempt, done)
        else:
            again = []
        wait = Wait(maximum, visibility_s, done)
        if len(self.stock.flight) >= IN_FLIGHT_LIMIT and not wait_s and not self.fifo:
            raise OverLimit
        received = again or self.take(maximum, visibility_s)
        if received:
            wait.answer(received)
        elif wait_s:
            self._waiting.add(wait, wait_s)
        elif self.burials:
            # What comes after the dead letters of a group comes when they have gone.
            self._waiting.add_short(wait)
        else:
            wait.answer([])
        return wait

    def _remembering(
        self, attempt: str, done: Callable[[list[Received]], None]
    ) -> Callable[[list[Received]], None]:
        def remember(received: list[Received]) -> None:
            if received:
                self._attempts.remember(attempt, received, self.stock, self.clock.steady_ms())
            done(received)

        return remember

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
            except StoreError as error:
                leaving.settled(error)
                done(None, error)
                return
        if not leaving.rows:
            done(outcomes, None)
            return

        def settled(error: StoreError | None) -> None:
            leaving.settled(error)
            done(outcomes if error is None else None, error)

        self.journal.add(settled, deletes=leaving.rows, unmarks=leaving.marked)

    def discard(self, messages: list[Message]) -> None:
        """Messages are too old: nobody has to hear when they are gone."""
        for message in messages:
            self._budget.let_go(message)
        self.journal.add(
            nothing,
            deletes=[message.row for message in messages],
            unmarks=[message.row for message in messages if self.journal.unmark(message)],
        )

    # ------------------------------------------------------------ visibility

    def change_visibility(self, changes: Sequence[tuple[str, int]], done: Told) -> None:
        """Let messages be invisible for so many seconds from now; per receipt handle None when it is so."""
        now = self.clock.steady_ms()
        outcomes: list[QueueError | None] = []
        for handle, seconds in changes:
            try:
                change_visibility(self, handle, seconds, now)
                outcomes.append(None)
            except QueueError as error:
                outcomes.append(error)
            except StoreError as error:
                done(None, error)
                return
        done(outcomes, None)
        self.offer()

    # ------------------------------------------------------------ what happens by itself

    def refill(self, now: int) -> None:
        """Take more into memory when little is left there."""
        try:
            further = self.stock.refill(now)
        except StoreError as error:
            self.journal.complaints.warn("the queue %s could not be read: %s", self.arn, error)
            return
        if further and not self._looking:
            self._looking = True  # but let others have their turn
            self._loop.call_soon(self._look_further)

    def _look_further(self) -> None:
        self._looking = False
        self.refill(self.clock.steady_ms())
        self.offer()

    def _count(self, counting: Iterator[None]) -> None:
        """Count what is not in memory, little by little."""
        if self._closed:
            return
        try:
            next(counting)
        except StopIteration:
            return
        except StoreError as error:
            self.journal.complaints.warn("the messages of %s could not be counted: %s", self.arn, error)
            return
        self.clock.at_steady(self.clock.steady_ms() + _COUNT_MS, self._count, counting)

    def offer(self) -> None:
        """There may be messages for those who wait."""
        if self._closed:
            return
        if not self.burials:
            self._waiting.serve_short(self.take)
        if self._waiting and (self.stock.order.available() or self.stock.backlog.behind):
            self._waiting.serve(self.take)
        self._set_timer()

    def _set_timer(self) -> None:
        when = self.stock.next_ms()
        if when is None or (self._timer is not None and self._timer_ms <= when):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ms = when
        self._timer = self.clock.at_steady(when, self._time_passed)

    def _time_passed(self) -> None:
        self._timer = None
        self.stock.pass_time(self.clock.steady_ms())
        self.offer()

    def expire(self) -> None:
        """Drop what is older than the retention period; some of it may stay until it would be received."""
        if self._closed:
            return
        before = self.clock.steady_ms() - self.settings.retention_s * 1000
        expired = self.stock.order.expire(before)
        if expired:
            self.discard(expired)
        try:
            dropped, more = self.stock.backlog.expire(before)
        except StoreError as error:
            self.journal.complaints.warn("the queue %s could not be read: %s", self.arn, error)
            return
        if dropped:
            self.journal.add(nothing, deletes=dropped, unmarks=dropped)
        if more:
            self._loop.call_soon(self.expire)

    def forget(self, last: int) -> None:
        """Messages up to a row are purged."""
        for message in self.stock.forget(last, self.clock.steady_ms()):
            self.journal.unmark(message)
        self.offer()

    def close(self) -> None:
        """End what waits and what happens by itself."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting.dismiss()
