"""Reads a queue for a mapping: one of ours the short way, without any request; any other as a client of SQS does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from lambent.events.access import queue_admits, role_session
from lambent.events.errors import InvalidMapping
from lambent.events.pollers.consumer import Consumer
from lambent.events.pollers.remote_sqs import RemoteReader
from lambent.events.queues import QueueNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.clock import Timer
    from lambent.events.mapping import Mapping
    from lambent.events.pollers.poller import Parts
    from lambent.events.queues import Queue
    from lambent.events.queues.errors import QueueError
    from lambent.store import StoreError

_LOOK_MS: Final = 10_000
"""How often it is looked whether the queue is still the same one: it may be deleted and made anew."""
_MISSING_MS: Final = 1_000
"""How often a queue is looked for that is not there."""
_RETRY_MS: Final = 1_000
_LEAST_HIDDEN_S: Final = 1
"""Messages that nothing hides would be taken again and again while the function has them."""
_ROUNDS: Final = 20


async def check_queue(mapping: Mapping, parts: Parts) -> None:
    """Raise InvalidMapping unless the queue is there, may be read, and hides messages for as long as the function runs.

    The queue of another account is read as far as its policy lets the function's role (aws/aws-cdk#6770).

    A queue at a real endpoint is not asked: it may not be reachable yet.
    """
    if "sqs" in parts.elsewhere:
        return
    try:
        queue = parts.queues.by_arn(mapping.source_arn or "")
    except QueueNotFound as error:
        raise InvalidMapping(
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
            f"SQS Error Message: {error}"
        ) from None
    target = parts.calls.target(mapping)
    role = role_session(mapping.account, mapping.region, "" if target is None else target.version.role)
    if queue.account != mapping.account and not queue_admits(
        queue.settings.policy or "", queue.arn, "sqs:ReceiveMessage", role, mapping.account
    ):
        raise InvalidMapping(
            "The provided execution role does not have permissions to call ReceiveMessage on SQS"
        )
    hidden_s = queue.settings.visibility_s
    if target is not None and hidden_s < target.version.timeout_s:
        raise InvalidMapping(
            f"Queue visibility timeout: {hidden_s} seconds is less than "
            f"Function timeout: {target.version.timeout_s} seconds"
        )


class SqsPoller:
    """Reads the queue of one mapping, wherever that is."""

    def __init__(self, mapping: Mapping, parts: Parts) -> None:
        self.mapping = mapping
        self._parts = parts
        self._reader: QueueReader | RemoteReader | None = None
        self._timer: Timer | None = None
        self._stopping = False

    async def start(self) -> None:
        """Begin to read."""
        self._stopping = False
        self._look()

    def _look(self) -> None:
        """Read our queue where there is one of that ARN, or the one at a real endpoint."""
        self._timer = None
        if self._stopping:
            return
        if "sqs" in self._parts.elsewhere:
            self._reader = RemoteReader(self.mapping, self._parts)
            self._reader.start()
            return
        queue, reader = self._queue(), self._reader
        if isinstance(reader, QueueReader) and reader.queue is not queue:
            reader.abandon()
            reader = self._reader = None
        if queue is not None and reader is None:
            self._reader = QueueReader(self.mapping, self._parts, queue)
            self._reader.start()
        clock = self._parts.clock
        wait_ms = _MISSING_MS if queue is None else _LOOK_MS
        self._timer = clock.at_steady(clock.steady_ms() + wait_ms, self._look)

    def _queue(self) -> Queue | None:
        try:
            return self._parts.queues.by_arn(self.mapping.source_arn or "")
        except QueueNotFound:
            return None

    def wake(self, *, shards: bool = False) -> None:
        """The queue may have been made just now."""
        if self._timer is not None:
            self._timer.cancel()
            self._look()

    async def stop(self) -> None:
        """Read no more; what runs ends."""
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._reader is not None:
            await self._reader.stop()
            self._reader = None


class QueueReader:
    """Reads one of our own queues."""

    def __init__(self, mapping: Mapping, parts: Parts, queue: Queue) -> None:
        self.queue = queue
        self._clock = parts.clock
        self._consumer = Consumer(mapping, parts, self, self._pump)
        self._unwatch: Callable[[], None] | None = None
        self._soon = False

    @property
    def visibility_s(self) -> int:
        """The queue's visibility timeout, a second at least."""
        return max(_LEAST_HIDDEN_S, self.queue.settings.visibility_s)

    def start(self) -> None:
        """Begin to read."""
        self._unwatch = self.queue.watch(self._pump)
        self._pump()

    def _pump(self) -> None:
        consumer, take = self._consumer, self.queue.take
        for _ in range(_ROUNDS):
            room = consumer.room()
            if not room:
                return
            messages = take(room, self.visibility_s)
            if not messages:
                consumer.rest()
                return
            consumer.add(messages)
        # Others want to run as well.
        if not self._soon:
            self._soon = True
            asyncio.get_running_loop().call_soon(self._pump_on)

    def _pump_on(self) -> None:
        self._soon = False
        self._pump()

    def delete(self, receipts: Sequence[str]) -> None:
        """Delete messages. The store may be full for a while: what is deleted late may be received again first."""

        def done(_errors: list[QueueError | None] | None, error: StoreError | None) -> None:
            if error is not None:
                self.queue.journal.complaints.warn(
                    "messages of %s that were processed are not deleted yet: %s", self.queue.arn, error
                )
                self._clock.at_steady(self._clock.steady_ms() + _RETRY_MS, self.queue.delete, receipts, done)

        self.queue.delete(receipts, done)

    def hide(self, receipts: Sequence[str]) -> None:
        """Keep messages invisible for longer."""
        self._show_in(receipts, self.visibility_s)

    def give_back(self, receipts: Sequence[str]) -> None:
        """Make messages visible."""
        self._show_in(receipts, 0)

    def _show_in(self, receipts: Sequence[str], seconds: int) -> None:
        self.queue.change_visibility(
            [(receipt, seconds) for receipt in receipts], lambda _errors, _error: None
        )

    def abandon(self) -> None:
        """The queue is gone: read no more."""
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
        self._consumer.abandon()

    async def stop(self) -> None:
        """Read no more; what runs ends."""
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
        await self._consumer.stop()
