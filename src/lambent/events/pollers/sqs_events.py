"""The event that a function gets of SQS messages, as JSON bytes.

Field by field as it was recorded of AWS (LocalStack's snapshots of `test_lambda_integration_sqs`):
`md5OfMessageAttributes` is there for messages with attributes, and, with a batching window, also as null for those
without. Times are texts in milliseconds since the epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.events.queues import Received

HEAD: Final = b'{"Records":['
TAIL: Final = b"]}"

_encode = msgspec.json.Encoder().encode


class _Sent(msgspec.Struct, rename="pascal"):
    """A message attribute as it is on the wire."""

    data_type: str
    string_value: str | None = None
    binary_value: str | None = None


class _Seen(msgspec.Struct, rename="camel", kw_only=True):
    """A message attribute as a function sees it."""

    string_value: str | msgspec.UnsetType = msgspec.UNSET
    binary_value: str | msgspec.UnsetType = msgspec.UNSET
    string_list_values: tuple[str, ...] = ()
    binary_list_values: tuple[str, ...] = ()
    data_type: str


_decode_attributes = msgspec.json.Decoder(dict[str, _Sent]).decode


class Records:
    """Makes the records of one source. `windowed`: whether the mapping has a batching window."""

    __slots__ = ("_no_attributes", "_tail")

    def __init__(self, queue_arn: str, region: str, *, windowed: bool) -> None:
        self._no_attributes = '{},"md5OfMessageAttributes":null' if windowed else "{}"
        self._tail = (
            f'","eventSource":"aws:sqs","eventSourceARN":{_text(queue_arn)},"awsRegion":{_text(region)}}}'
        )

    def record(self, message: Received) -> bytes:
        """One record."""
        plain = message.group is None and not message.trace and not message.source_arn
        more = "" if plain else _more(message)
        attributes = message.attributes
        seen = _seen(attributes, message.md5_attributes) if attributes else self._no_attributes
        return (
            f'{{"messageId":{_text(message.message_id)},"receiptHandle":{_text(message.receipt)},'
            f'"body":{_text(message.body)},"attributes":{{'
            f'"ApproximateReceiveCount":"{message.receive_count}","SentTimestamp":"{message.sent_ms}",{more}'
            f'"SenderId":{_text(message.sender)},'
            f'"ApproximateFirstReceiveTimestamp":"{message.first_received_ms}"}},'
            f'"messageAttributes":{seen},"md5OfBody":"{message.md5_body}{self._tail}'
        ).encode()


def event_of(records: Iterable[bytes]) -> bytes:
    """The event with these records."""
    return HEAD + b",".join(records) + TAIL


def _text(value: str) -> str:
    return _encode(value).decode()


def _more(message: Received) -> str:
    """The system attributes that not every message has."""
    members = []
    if message.sequence is not None:
        members.append(f'"SequenceNumber":"{message.sequence}",')
    if message.group is not None:
        members.append(f'"MessageGroupId":{_text(message.group)},')
    if message.deduplication_id is not None:
        members.append(f'"MessageDeduplicationId":{_text(message.deduplication_id)},')
    if message.trace:
        members.append(f'"AWSTraceHeader":{_text(message.trace)},')
    if message.source_arn:
        members.append(f'"DeadLetterQueueSourceArn":{_text(message.source_arn)},')
    return "".join(members)


def _seen(attributes: bytes, digest: str) -> str:
    seen = {
        name: _Seen(
            string_value=msgspec.UNSET if sent.string_value is None else sent.string_value,
            binary_value=msgspec.UNSET if sent.binary_value is None else sent.binary_value,
            data_type=sent.data_type,
        )
        for name, sent in _decode_attributes(attributes).items()
    }
    return f'{_encode(seen).decode()},"md5OfMessageAttributes":"{digest}"'
