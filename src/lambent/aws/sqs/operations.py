"""The operations on messages, once for both ways in: the endpoint's fast path and the service's.

Each takes a request that has been read and calls `done` with the answer or with what is wrong, at once or later; what
is wrong with the request itself is raised. Answers of operations that have none are None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from lambent.aws.errors import ServiceError
from lambent.aws.sqs import batches, message_attributes, outgoing
from lambent.aws.sqs.errors import (
    INVALID_PARAMETER,
    failed_entry,
    invalid,
    invalid_value,
    missing,
    translated,
    unavailable,
)
from lambent.aws.sqs.polls import Poll
from lambent.aws.sqs.received import MAX_VISIBILITY_S, limits, shown
from lambent.aws.sqs.requests import (
    BatchResult,
    DoneEntry,
    FailedEntry,
    Result,
    SendMessageBatchResult,
    SendMessageResult,
    SentEntry,
)
from lambent.events.queues import QueueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.aws.sqs.callers import Caller, Doors
    from lambent.aws.sqs.requests import (
        ChangeMessageVisibility,
        ChangeMessageVisibilityBatch,
        DeleteEntry,
        DeleteMessage,
        DeleteMessageBatch,
        ReceiveMessage,
        SendEntry,
        SendMessage,
        SendMessageBatch,
    )
    from lambent.events.queues import NewMessage, Queue, Sent
    from lambent.store import StoreError

Done: TypeAlias = Callable[["Result | None", "ServiceError | None"], None]

_TOO_LONG_IN_BATCH: Final = "cannot be validated"


class MessageOperations:
    """Sends, receives, deletes and changes messages of the queues behind `doors`."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._polls: set[Poll] = set()
        self._closed = False

    # ------------------------------------------------------------ send

    def send(
        self, caller: Caller, request: SendMessage, trace: str, done: Done, *, plain: bool = False
    ) -> None:
        """SendMessage. `trace` and `plain` are those of `outgoing.prepared`. Raises ServiceError."""
        queue = self._doors.queue(caller, request.queue_url, "SendMessage")
        outgoing.body_of(request)
        attributes = message_attributes.checked(request.message_attributes)
        message, md5_of_system_attributes = outgoing.prepared(
            queue, caller, request, attributes, trace, plain=plain
        )

        def sent(results: list[Sent] | None, error: StoreError | None) -> None:
            if results is None:
                done(None, _unkept(error))
                return
            one = results[0]
            done(
                SendMessageResult(
                    one.message_id,
                    one.md5_body,
                    attributes.md5 or None,
                    md5_of_system_attributes or None,
                    one.sequence,
                ),
                None,
            )

        try:
            queue.send((message,), sent)
        except QueueError as error:
            raise translated(error) from None

    def send_batch(
        self, caller: Caller, request: SendMessageBatch, trace: str, done: Done, *, plain: bool = False
    ) -> None:
        """SendMessageBatch. Raises ServiceError for what is wrong with the batch as a whole."""
        queue = self._doors.queue(caller, request.queue_url, "SendMessage")
        entries = batches.checked(request.entries, "SendMessage")
        _check_group(queue, entries)
        ids: list[str] = []
        messages: list[NewMessage] = []
        md5s: list[str] = []
        failed: list[FailedEntry] = []
        total = 0
        for entry in entries:
            md5_of_system_attributes = ""
            message = outgoing.bare(queue, caller, entry, trace) if plain else None
            if message is not None:
                total += len(message.body)
            else:
                try:
                    attributes = message_attributes.checked(entry.message_attributes)
                    total += outgoing.size_of(entry, attributes)
                    message, md5_of_system_attributes = outgoing.prepared(
                        queue, caller, entry, attributes, trace, too_long=_TOO_LONG_IN_BATCH, plain=plain
                    )
                except ServiceError as error:
                    failed.append(failed_entry(entry.id or "", error))
                    continue
            ids.append(entry.id or "")
            messages.append(message)
            md5s.append(md5_of_system_attributes)
        if total > outgoing.MAX_BATCH_BYTES:
            raise ServiceError(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {outgoing.MAX_BATCH_BYTES} bytes."
                f" You have sent {total} bytes.",
            )
        if not messages:
            done(SendMessageBatchResult(None, failed), None)
            return

        def sent(results: list[Sent] | None, error: StoreError | None) -> None:
            if results is None:
                done(None, _unkept(error))
                return
            successful = [
                SentEntry(
                    result.message_id,
                    result.md5_body,
                    message.md5_attributes or None,
                    md5_of_system_attributes or None,
                    result.sequence,
                    id=entry_id,
                )
                for entry_id, message, md5_of_system_attributes, result in zip(
                    ids, messages, md5s, results, strict=True
                )
            ]
            done(SendMessageBatchResult(successful, failed or None), None)

        try:
            queue.send(messages, sent)
        except QueueError as error:
            raise translated(error) from None

    # ------------------------------------------------------------ receive

    def receive(
        self,
        caller: Caller,
        request: ReceiveMessage,
        done: Done,
        when_left: Callable[[Callable[[], None]], None] | None,
        *,
        old_names_win: bool = False,
    ) -> None:
        """ReceiveMessage. Raises ServiceError.

        Somebody who leaves while he waits, as `when_left` tells, takes nothing.
        """
        queue = self._doors.queue(caller, request.queue_url, "ReceiveMessage")
        most, visibility, wait = limits(queue, request)
        poll = Poll(shown(request, old_names_win=old_names_win), done, self._polls)
        try:
            poll.waiting = queue.receive(
                most,
                visibility,
                0 if self._closed else wait,
                poll.received,
                request.receive_request_attempt_id,
            )
        except QueueError as error:
            raise translated(error) from None
        if not poll.answered:
            self._polls.add(poll)
            if when_left is not None:
                when_left(poll.end)

    def close(self) -> None:
        """Answer those who wait for messages; nobody will wait from now on."""
        self._closed = True
        for poll in list(self._polls):
            poll.end()

    # ------------------------------------------------------------ delete

    def delete(self, caller: Caller, request: DeleteMessage, done: Done) -> None:
        """DeleteMessage. Raises ServiceError."""
        queue = self._doors.queue(caller, request.queue_url, "DeleteMessage")
        if not request.receipt_handle:
            raise missing("ReceiptHandle")
        queue.delete((request.receipt_handle,), _one(done))

    def delete_batch(self, caller: Caller, request: DeleteMessageBatch, done: Done) -> None:
        """DeleteMessageBatch. Raises ServiceError for what is wrong with the batch as a whole."""
        queue = self._doors.queue(caller, request.queue_url, "DeleteMessage")
        entries = batches.checked(request.entries, "DeleteMessage")
        handles = _handles(entries, "DeleteMessage")
        queue.delete(handles, _each([entry.id or "" for entry in entries], [], done))

    # ------------------------------------------------------------ visibility

    def change(self, caller: Caller, request: ChangeMessageVisibility, done: Done) -> None:
        """ChangeMessageVisibility. Raises ServiceError."""
        queue = self._doors.queue(caller, request.queue_url, "ChangeMessageVisibility")
        if not request.receipt_handle:
            raise missing("ReceiptHandle")
        if request.visibility_timeout is None:
            raise missing("VisibilityTimeout")
        _check_visibility(request.visibility_timeout)
        queue.change_visibility(((request.receipt_handle, request.visibility_timeout),), _one(done))

    def change_batch(self, caller: Caller, request: ChangeMessageVisibilityBatch, done: Done) -> None:
        """ChangeMessageVisibilityBatch. Raises ServiceError for what is wrong with the batch as a whole."""
        kind = "ChangeMessageVisibility"
        queue = self._doors.queue(caller, request.queue_url, kind)
        entries = batches.checked(request.entries, kind)
        _handles(entries, kind)
        failed: list[FailedEntry] = []
        changes: list[tuple[str, int]] = []
        ids: list[str] = []
        for number, entry in enumerate(entries, 1):
            if entry.visibility_timeout is None:
                raise missing(f"{kind}BatchRequestEntry.{number}.VisibilityTimeout")
            try:
                _check_visibility(entry.visibility_timeout)
            except ServiceError as error:
                failed.append(failed_entry(entry.id or "", error))
            else:
                changes.append((entry.receipt_handle or "", entry.visibility_timeout))
                ids.append(entry.id or "")
        if changes:
            queue.change_visibility(changes, _each(ids, failed, done))
        else:
            done(BatchResult(None, failed), None)


def _check_group(queue: Queue, entries: Sequence[SendEntry]) -> None:
    """What the messages of a batch for a FIFO queue need; a single one that lacks it refuses them all.

    TestSqsProvider::test_send_batch_missing_deduplication_id_for_fifo_queue
    """
    for number, entry in enumerate(entries, 1):
        if entry.message_body is None:
            raise missing(f"SendMessageBatchRequestEntry.{number}.MessageBody")
        if not queue.fifo:
            continue
        if entry.message_deduplication_id is None and not queue.settings.content_deduplication:
            raise invalid(outgoing.NEEDS_DEDUPLICATION)
        if entry.message_group_id is None:
            raise ServiceError(INVALID_PARAMETER, "The request must contain the parameter MessageGroupId.")


def _handles(entries: Sequence[DeleteEntry], kind: str) -> list[str]:
    for number, entry in enumerate(entries, 1):
        if not entry.receipt_handle:
            raise missing(f"{kind}BatchRequestEntry.{number}.ReceiptHandle")
    return [entry.receipt_handle or "" for entry in entries]


def _check_visibility(seconds: int) -> None:
    if not 0 <= seconds <= MAX_VISIBILITY_S:
        raise invalid_value(seconds, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.")


def _unkept(error: StoreError | None) -> ServiceError:
    assert error is not None
    return unavailable(error)


def _one(done: Done) -> Callable[[list[QueueError | None] | None, StoreError | None], None]:
    """What answers an operation on one message."""

    def settled(outcomes: list[QueueError | None] | None, error: StoreError | None) -> None:
        if outcomes is None:
            done(None, _unkept(error))
        elif outcomes[0] is not None:
            done(None, translated(outcomes[0]))
        else:
            done(None, None)

    return settled


def _each(
    ids: list[str], failed: list[FailedEntry], done: Done
) -> Callable[[list[QueueError | None] | None, StoreError | None], None]:
    """What answers a batch with an entry an outcome, besides those that have `failed` before."""

    def settled(outcomes: list[QueueError | None] | None, error: StoreError | None) -> None:
        if outcomes is None:
            done(None, _unkept(error))
            return
        successful: list[DoneEntry] = []
        for entry_id, outcome in zip(ids, outcomes, strict=True):
            if outcome is None:
                successful.append(DoneEntry(entry_id))
            else:
                failed.append(failed_entry(entry_id, translated(outcome)))
        done(BatchResult(successful or None, failed or None), None)

    return settled
