"""Messages on their way into a queue: what is asked of them, in the words of SQS.

The recordings named in comments are those of LocalStack's TestSqsProvider. Sizes are those of "Amazon SQS message
quotas": body and attributes count, system attributes do not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.aws.errors import ServiceError
from lambent.aws.sqs import message_attributes
from lambent.aws.sqs.errors import invalid, invalid_value, missing
from lambent.events.queues import NewMessage

if TYPE_CHECKING:
    from lambent.aws.sqs.callers import Caller
    from lambent.aws.sqs.requests import Outgoing
    from lambent.events.queues import Queue

MAX_BATCH_BYTES: Final = 1_048_576
"""Of all messages of a batch together, whatever the queue's MaximumMessageSize."""

_MAX_DELAY_S: Final = 900
IDENTIFIER: Final = re.compile(r"[\x21-\x7e]{1,128}")
"""What groups, deduplication ids and attempts may be called."""
_MAX_TRACE: Final = 2_000

NEEDS_DEDUPLICATION: Final = (
    "The queue should either have ContentBasedDeduplication enabled"
    " or MessageDeduplicationId provided explicitly"
)


class Ready(NamedTuple):
    """A message that may be sent."""

    message: NewMessage
    md5_of_system_attributes: str


def body_of(request: Outgoing) -> str:
    """The body; ServiceError without one."""
    if not request.message_body:
        raise missing("MessageBody")
    return request.message_body


def size_of(request: Outgoing, attributes: message_attributes.Checked) -> int:
    """Bytes that count."""
    body = request.message_body or ""
    return (len(body) if body.isascii() else len(body.encode("utf-8", "surrogatepass"))) + attributes.size


def check_identifiers(queue: Queue, request: Outgoing) -> None:
    """Group and deduplication id, as far as they are there, and whether they have to be. ServiceError."""
    deduplication_id, group = request.message_deduplication_id, request.message_group_id
    if deduplication_id is not None:
        _check_identifier(deduplication_id, "MessageDeduplicationId")
        if not queue.fifo:
            raise invalid_value(
                deduplication_id,
                "MessageDeduplicationId",
                "The request includes a parameter that is not valid for this queue type.",
            )
    if group is not None:
        _check_identifier(group, "MessageGroupId")  # standard queues take it for fair shares
    elif queue.fifo:
        raise missing("MessageGroupId")
    if queue.fifo and deduplication_id is None and not queue.settings.content_deduplication:
        raise invalid(NEEDS_DEDUPLICATION)


def _check_identifier(value: str, parameter: str) -> None:
    if not IDENTIFIER.fullmatch(value):
        raise invalid_value(
            value,
            parameter,
            f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        )


def check_characters(body: str) -> None:
    """ServiceError for a body that holds what XML cannot."""
    if message_attributes.INVALID_CHARACTERS.search(body):
        raise ServiceError("InvalidMessageContents", message_attributes.CHARACTERS_WORDS)


def bare(queue: Queue, caller: Caller, request: Outgoing, trace: str) -> NewMessage | None:
    """What `prepared` gives for a message with a body in ASCII and nothing else, as most are; None for any other.

    The body is known to hold no odd character.
    """
    body = request.message_body
    if (
        not body
        or not body.isascii()
        or request.message_attributes
        or request.message_system_attributes
        or request.delay_seconds is not None
        or request.message_group_id is not None
        or request.message_deduplication_id is not None
        or len(body) > queue.settings.maximum_bytes
        or queue.fifo
    ):
        return None
    trace = trace[:_MAX_TRACE]
    return NewMessage(body=body, trace=trace, sender=caller.sender, lineage=trace)


def prepared(
    queue: Queue,
    caller: Caller,
    request: Outgoing,
    attributes: message_attributes.Checked,
    trace: str,
    *,
    too_long: str = "are invalid",
    plain: bool = False,
) -> Ready:
    """The message to be sent. ServiceError.

    `trace`: the X-Amzn-Trace-Id of the request. `plain`: the body is known to hold no odd character. `too_long`: how
    the refusal of one that is too large begins; it is another one in a batch (test_send_batch_message_size).
    """
    body = body_of(request)
    if not plain:
        check_characters(body)
    maximum = queue.settings.maximum_bytes
    if size_of(request, attributes) > maximum:
        raise invalid(
            f"One or more parameters {too_long}. Reason: Message must be shorter than {maximum} bytes."
        )
    if queue.fifo or request.message_group_id is not None or request.message_deduplication_id is not None:
        check_identifiers(queue, request)
    delay = request.delay_seconds
    if delay is not None:
        if not 0 <= delay <= _MAX_DELAY_S:
            raise invalid_value(delay, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
        if queue.fifo:
            if delay:
                raise invalid_value(
                    delay,
                    "DelaySeconds",
                    "The request include parameter that is not valid for this queue type.",
                )
            # test_fifo_queue_send_message_with_zero_delay_defaults_to_queue_delay
            delay = None
    header, md5_of_system_attributes = trace, ""
    if request.message_system_attributes:
        header, md5_of_system_attributes = message_attributes.trace_header(request.message_system_attributes)
    message = NewMessage(
        body=body,
        attributes=attributes.encoded,
        delay_s=delay,
        group=request.message_group_id,
        deduplication_id=request.message_deduplication_id,
        trace=header[:_MAX_TRACE],
        sender=caller.sender,
        lineage=trace[:_MAX_TRACE],
        md5_attributes=attributes.md5,
    )
    return Ready(message, md5_of_system_attributes)
