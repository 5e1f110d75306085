"""Batches of messages as Lambda reads them from SQS ("Using Lambda with Amazon SQS", Lambda developer guide)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.testing.events.values import (
    ACCOUNT,
    REGION,
    millis,
    new_digits,
    new_id,
    new_uuid,
    to_base64,
    to_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.testing.events.values import Moment


class SQSMessage:
    """A message whose envelope matters to a test; a bare body does otherwise.

    `body` is text, bytes in UTF-8 or any object, which becomes JSON. `attributes` are the sender's: text, numbers and
    bytes. `receive_count` is 1 at first delivery.
    """

    __slots__ = (
        "attributes",
        "body",
        "deduplication_id",
        "group",
        "message_id",
        "receive_count",
        "sent",
        "system_attributes",
    )

    def __init__(
        self,
        body: object,
        *,
        message_id: str | None = None,
        attributes: Mapping[str, str | float | bytes] | None = None,
        system_attributes: Mapping[str, str] | None = None,
        group: str | None = None,
        deduplication_id: str | None = None,
        receive_count: int = 1,
        sent: Moment | None = None,
    ) -> None:
        self.body = body
        self.message_id = message_id
        self.attributes = attributes or {}
        self.system_attributes = system_attributes or {}
        self.group = group
        self.deduplication_id = deduplication_id
        self.receive_count = receive_count
        self.sent = sent


def sqs(messages: Iterable[object], *, queue: str = "queue", group: str | None = None) -> dict[str, Any]:
    """A batch: of bodies or of `SQSMessage`s.

    A queue whose name ends in `.fifo` has groups, `group` unless a message has its own, "group" if neither says, and
    sequence numbers that rise. A group on another queue is the tenant of a fair queue.
    """
    return {"Records": [_record(message, queue, group) for message in _numbered(messages)]}


def _numbered(messages: Iterable[object]) -> Iterable[tuple[int, SQSMessage]]:
    first = int(new_digits(20)) // 2
    for index, message in enumerate(messages):
        yield first + index * 256, message if isinstance(message, SQSMessage) else SQSMessage(message)


def _record(numbered: tuple[int, SQSMessage], queue: str, group: str | None) -> dict[str, Any]:
    from hashlib import md5, sha256

    sequence, message = numbered
    body = to_text(message.body)
    sent = str(millis(message.sent))
    system = {
        "ApproximateReceiveCount": str(message.receive_count),
        "SentTimestamp": sent,
        "SenderId": "AIDAEXAMPLEEXAMPLE123",
        "ApproximateFirstReceiveTimestamp": sent,
    }
    group = message.group or group
    if queue.endswith(".fifo"):
        system["SequenceNumber"] = str(sequence)
        system["MessageDeduplicationId"] = message.deduplication_id or sha256(body.encode()).hexdigest()
        group = group or "group"
    if group:
        system["MessageGroupId"] = group
    return {
        "messageId": message.message_id or new_uuid(),
        "receiptHandle": new_id(96),
        "body": body,
        "attributes": {**system, **message.system_attributes},
        "messageAttributes": {name: _attribute(value) for name, value in message.attributes.items()},
        "md5OfBody": md5(body.encode(), usedforsecurity=False).hexdigest(),
        **({"md5OfMessageAttributes": _digest(message.attributes)} if message.attributes else {}),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }


def _attribute(value: str | float | bytes) -> dict[str, Any]:
    rest: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    if isinstance(value, bytes):
        return {"binaryValue": to_base64(value), **rest, "dataType": "Binary"}
    return {"stringValue": str(value), **rest, "dataType": _data_type(value)}


def _data_type(value: str | float | bytes) -> str:
    return "Binary" if isinstance(value, bytes) else "String" if isinstance(value, str) else "Number"


def _digest(attributes: Mapping[str, str | float | bytes]) -> str:
    """SQS's digest: of each name, type and value with their lengths, by name ("Amazon SQS message metadata")."""
    from hashlib import md5

    digest = md5(usedforsecurity=False)
    for name, value in sorted(attributes.items()):
        binary = isinstance(value, bytes)
        content = value if isinstance(value, bytes) else str(value).encode()
        for part in (name.encode(), _data_type(value).encode()):
            digest.update(len(part).to_bytes(4, "big") + part)
        digest.update((b"\x02" if binary else b"\x01") + len(content).to_bytes(4, "big") + content)
    return digest.hexdigest()
