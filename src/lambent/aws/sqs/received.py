"""Messages as a receiver is shown them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from lambent.aws.sqs.errors import invalid_value
from lambent.aws.sqs.message_attributes import Wanted
from lambent.aws.sqs.outgoing import IDENTIFIER
from lambent.aws.sqs.requests import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.aws.sqs.requests import ReceiveMessage
    from lambent.events.queues import Queue, Received

_MOST: Final = 10
_MAX_WAIT_S: Final = 20
MAX_VISIBILITY_S: Final = 43_200

# How each system attribute is read from a message; what is None or empty is not shown.
_SYSTEM: Final[dict[str, Callable[[Received], str | None]]] = {
    "SenderId": lambda one: one.sender,
    "SentTimestamp": lambda one: str(one.sent_ms),
    "ApproximateReceiveCount": lambda one: str(one.receive_count),
    "ApproximateFirstReceiveTimestamp": lambda one: str(one.first_received_ms),
    "SequenceNumber": lambda one: one.sequence,
    "MessageDeduplicationId": lambda one: one.deduplication_id,
    "MessageGroupId": lambda one: one.group,
    "AWSTraceHeader": lambda one: one.trace,
    "DeadLetterQueueSourceArn": lambda one: one.source_arn,
}
_ALL: Final = tuple(_SYSTEM)


class Shown:
    """What a receiver asks to see of messages, by the names in his request."""

    __slots__ = ("_system", "_wanted")

    def __init__(self, system: Sequence[str], attributes: Sequence[str]) -> None:
        self._system = _ALL if "All" in system else tuple(name for name in _ALL if name in system)
        self._wanted = Wanted(attributes) if attributes else None

    def message(self, one: Received) -> Message:
        """A message with what was asked for."""
        message = Message(one.message_id, one.receipt, one.md5_body, one.body)
        if self._system:
            found = {name: value for name in self._system if (value := _SYSTEM[name](one))}
            message.attributes = found or None
        if self._wanted is not None and one.attributes:
            encoded, md5 = self._wanted.of(one.attributes, one.md5_attributes)
            if encoded:
                message.message_attributes = msgspec.Raw(encoded)
                message.md5_of_message_attributes = md5
        return message


_PLAIN: Final = Shown((), ())


def shown(request: ReceiveMessage, *, old_names_win: bool) -> Shown:
    """What a request asks to see.

    System attributes can be named in two members; in the query protocol the older one hides the newer one
    (test_message_system_attribute_names_with_attribute_names).
    """
    old, new = request.attribute_names, request.message_system_attribute_names
    attributes = request.message_attribute_names
    if not old and not new and not attributes:
        return _PLAIN
    system = old if old and old_names_win else [*(old or ()), *(new or ())]
    return Shown(system, attributes or ())


def limits(queue: Queue, request: ReceiveMessage) -> tuple[int, int | None, int]:
    """(how many messages, visibility timeout or None for the queue's, how long to wait). ServiceError.

    TestSqsProvider::test_send_receive_max_number_of_messages, ::test_send_receive_wait_time_seconds
    """
    most, wait, visibility = (
        request.max_number_of_messages,
        request.wait_time_seconds,
        request.visibility_timeout,
    )
    if most is None:
        most = 1
    elif not 1 <= most <= _MOST:
        raise invalid_value(most, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
    if wait is None:
        wait = queue.settings.wait_s
    elif not 0 <= wait <= _MAX_WAIT_S:
        raise invalid_value(wait, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
    if visibility is not None and not 0 <= visibility <= MAX_VISIBILITY_S:
        raise invalid_value(visibility, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.")
    if request.receive_request_attempt_id is not None:
        check_attempt(queue, request.receive_request_attempt_id)
    return most, visibility, wait


def check_attempt(queue: Queue, attempt: str) -> None:
    """ServiceError for a ReceiveRequestAttemptId that is none, or for a queue that has none."""
    if not IDENTIFIER.fullmatch(attempt):
        raise invalid_value(
            attempt,
            "ReceiveRequestAttemptId",
            "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        )
    if not queue.fifo:
        raise invalid_value(
            attempt,
            "ReceiveRequestAttemptId",
            "The request include parameter that is not valid for this queue type.",
        )
