"""One queue: sending, receiving, deleting, and the visibility of what was received."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING, Protocol

import msgspec

from lambent.events.queues import attributes, receipts
from lambent.events.queues.errors import (
    MessageNotInFlight,
    MissingParameter,
    QueueError,
    ReceiptHandleInvalid,
)
from lambent.events.queues.message import NewMessage, Received, Sent
from lambent.functions.names import partition_of
from lambent.invocation.request_id import new_request_id
from lambent.store.database import Statement
from lambent.store.staged import Staged, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.clock import Clock, Timer
    from lambent.events.queues.settings import QueueSettings
    from lambent.store import Database, StoreError


class Cancellable(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Not to be answered. Harmless afterwards."""


class _Message:
    __slots__ = ("count", "due_ms", "first_ms", "new", "row", "sent", "sent_ms", "visible_ms")


class _Waiter:
    def __init__(
        self, queue: Queue, maximum: int, visibility_s: int | None, done: Callable[[list[Received]], None]
    ) -> None:
        self.queue = queue
        self.maximum = maximum
        self.visibility_s = visibility_s
        self.done = done
        self.timer: Timer | None = None

    def cancel(self) -> None:
        if self in self.queue._waiters:
            self.queue._waiters.remove(self)
        if self.timer is not None:
            self.timer.cancel()

    def end(self) -> None:
        self.cancel()
        self.done([])


class Queue:
    """A queue. Made by Queues."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        number: int,
        account: str,
        region: str,
        name: str,
        settings: QueueSettings,
        tags: dict[str, str],
        fifo: bool,
    ) -> None:
        self.number = number
        self.account = account
        self.region = region
        self.name = name
        self.arn = f"arn:{partition_of(region)}:sqs:{region}:{account}:{name}"
        self.settings = settings
        self.tags = tags
        self.fifo = fifo
        self.created_ms = self.modified_ms = clock.wall_ms()
        self._database = database
        self._clock = clock
        self._seq = number << 42
        self._messages: dict[int, _Message] = {}
        self._waiters: deque[_Waiter] = deque()
        self._watchers: list[Callable[[], None]] = []
        self._timer: Timer | None = None

    def counts(self) -> tuple[int, int, int]:
        """How many messages are visible, in flight, and delayed."""
        now = self._clock.steady_ms()
        delayed = sum(1 for m in self._messages.values() if m.due_ms > now)
        flying = sum(1 for m in self._messages.values() if m.visible_ms > now)
        return len(self._messages) - delayed - flying, flying, delayed

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

    def stage(self, messages: Sequence[NewMessage]) -> tuple[list[Sent], Staged]:
        """Messages as a part of somebody's transaction. Raises QueueError.

        The caller has checked sizes and texts. What is staged is to be submitted before the loop goes on.
        """
        now, steady = self._clock.wall_ms(), self._clock.steady_ms()
        made: list[_Message] = []
        sent: list[Sent] = []
        statements: list[Statement] = []
        for new in messages:
            if self.fifo and new.group is None:
                raise MissingParameter("MessageGroupId")
            self._seq += 1
            message = _Message()
            message.row, message.new, message.sent_ms, message.count, message.first_ms = (
                self._seq,
                new,
                now,
                0,
                0,
            )
            message.visible_ms = 0
            message.due_ms = steady + 1000 * (self.settings.delay_s if new.delay_s is None else new.delay_s)
            answer = Sent(
                new_request_id(),
                f"{self._seq:020d}" if self.fifo else None,
                hashlib.md5(new.body.encode(), usedforsecurity=False).hexdigest(),
            )
            message.sent = answer
            made.append(message)
            sent.append(answer)
            statements.append(
                Statement(
                    "INSERT INTO messages (id, message_id, size, sent_ms, due_ms, sender, group_id, deduplication_id, details, body)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        message.row,
                        answer.message_id,
                        len(new.body),
                        now,
                        message.due_ms,
                        new.sender,
                        new.group,
                        new.deduplication_id,
                        msgspec.msgpack.encode(new),
                        new.body,
                    ),
                )
            )

        def settled(error: StoreError | None) -> None:
            if error is None:
                for message in made:
                    self._messages[message.row] = message
                self._wake()

        return sent, Staged(tuple(statements), settled)

    def send(
        self, messages: Sequence[NewMessage], done: Callable[[list[Sent] | None, StoreError | None], None]
    ) -> None:
        """Send messages; `done` when they are durable. Raises QueueError."""
        sent, staged = self.stage(messages)

        def settled(error: StoreError | None) -> None:
            staged.settled(error)
            done(sent if error is None else None, error)

        submit(self._database, Staged(staged.statements, settled))

    def take(self, maximum: int, visibility_s: int | None = None) -> list[Received]:
        """What is available now, at most `maximum` messages."""
        now = self._clock.steady_ms()
        visibility = 1000 * (self.settings.visibility_s if visibility_s is None else visibility_s)
        taken: list[Received] = []
        locked = {m.new.group for m in self._messages.values() if m.visible_ms > now} if self.fifo else set()
        for message in sorted(self._messages.values(), key=lambda m: m.row):
            if len(taken) == maximum:
                break
            if (
                message.due_ms > now
                or message.visible_ms > now
                or (self.fifo and message.new.group in locked)
            ):
                continue
            message.count += 1
            message.first_ms = message.first_ms or self._clock.wall_ms()
            message.visible_ms = now + visibility
            new = message.new
            taken.append(
                Received(
                    message.sent.message_id,
                    receipts.receipt(message.row, message.count, int(message.sent.message_id[:8], 16)),
                    new.body,
                    new.attributes,
                    message.sent.md5_body,
                    new.md5_attributes,
                    message.sent_ms,
                    message.first_ms,
                    message.count,
                    new.group,
                    new.deduplication_id,
                    message.sent.sequence,
                    new.sender,
                    new.trace,
                    new.lineage,
                    "",
                )
            )
        self._set_timer()
        return taken

    def receive(
        self, maximum: int, visibility_s: int | None, wait_s: float, done: Callable[[list[Received]], None]
    ) -> Cancellable:
        """Receive messages; `done` at once if there are some or `wait_s` is 0, else as soon as there are or the time is over."""
        waiter = _Waiter(self, maximum, visibility_s, done)
        taken = self.take(maximum, visibility_s)
        if taken or not wait_s:
            done(taken)
            return waiter
        waiter.timer = self._clock.at_steady(self._clock.steady_ms() + int(wait_s * 1000), waiter.end)
        self._waiters.append(waiter)
        return waiter

    def delete(
        self,
        handles: Sequence[str],
        done: Callable[[list[QueueError | None] | None, StoreError | None], None],
    ) -> None:
        """Delete what was received; per receipt handle None when it is gone. Durable before `done`."""
        outcomes: list[QueueError | None] = []
        rows: list[int] = []
        for handle in handles:
            try:
                rows.append(receipts.read(handle).row)
                outcomes.append(None)
            except ReceiptHandleInvalid as error:
                outcomes.append(error)
        staged = self._stage_delete(rows)

        def settled(error: StoreError | None) -> None:
            staged.settled(error)
            done(outcomes if error is None else None, error)

        submit(self._database, Staged(staged.statements, settled))

    def stage_delete(self, handles: Sequence[str]) -> Staged:
        """Deleting as a part of somebody's transaction. Raises ReceiptHandleInvalid."""
        return self._stage_delete([receipts.read(handle).row for handle in handles])

    def _stage_delete(self, rows: list[int]) -> Staged:
        def settled(error: StoreError | None) -> None:
            if error is None:
                for row in rows:
                    self._messages.pop(row, None)
                self._wake()

        marks = ",".join("?" * len(rows))
        return Staged((Statement(f"DELETE FROM messages WHERE id IN ({marks})", tuple(rows)),), settled)  # noqa: S608

    def change_visibility(
        self,
        changes: Sequence[tuple[str, int]],
        done: Callable[[list[QueueError | None] | None, StoreError | None], None],
    ) -> None:
        """Let messages be invisible for so many seconds from now; per receipt handle None when it is so."""
        now = self._clock.steady_ms()
        outcomes: list[QueueError | None] = []
        for handle, seconds in changes:
            try:
                message = self._messages.get(receipts.read(handle).row)
            except ReceiptHandleInvalid as error:
                outcomes.append(error)
                continue
            if message is None or message.visible_ms <= now:
                outcomes.append(MessageNotInFlight(handle))
                continue
            message.visible_ms = now + seconds * 1000
            outcomes.append(None)
        done(outcomes, None)
        self._wake()

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """`callback` whenever messages become available. Returns what ends the watching."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters[0]
            taken = self.take(waiter.maximum, waiter.visibility_s)
            if not taken:
                break
            waiter.cancel()
            waiter.done(taken)
        if self.counts()[0]:
            for callback in list(self._watchers):
                callback()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock.steady_ms()
        due = [when for m in self._messages.values() for when in (m.due_ms, m.visible_ms) if when > now]
        if due:
            self._timer = self._clock.at_steady(min(due), self._wake)
