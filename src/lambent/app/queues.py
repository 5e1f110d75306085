"""The sending side of SQS queues, and what their messages carry.

Source: the SQS API's SendMessage, SendMessageBatch and GetQueueUrl, and "Amazon SQS message quotas" in the Developer
Guide.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.client.errors import AWSError, PayloadTooLarge
from lambent.app.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LARGEST = 1_048_576
"""Bytes of a message, and of all messages of a batch, with their attributes."""

LONGEST_DELAY = 900
"""Seconds that a message may be delayed."""

CORRELATION = "correlation-id"
"""The message attribute that carries the sender's correlation id."""

_PER_BATCH = 10
_MOST_ATTRIBUTES = 10
_ATTEMPTS = 3
# Compiled, and kept by `re`, when the first message is sent: not on import.
_FORBIDDEN = "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
_ID = "[!-~]{1,128}"
_OF_REGION = (
    r"https://(?:sqs(?:-fips)?\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.(?:amazonaws|c2s|sc2s|csp|cloud)\."
)


class OutgoingMessage(msgspec.Struct, kw_only=True):
    """A message with options of its own, for `send_batch`: the members are what `Queue.send` takes."""

    body: Any
    delay: int | None = None
    group: str | None = None
    deduplication: str | None = None
    attributes: dict[str, str | float | bytes] | None = None


class FailedMessage(msgspec.Struct, frozen=True):
    """A message that was not sent: its place in what was given to `send_batch`, and why.

    `sender_fault` tells whether it would fail again as it is.
    """

    index: int
    code: str
    reason: str
    sender_fault: bool


class SendFailed(Exception):
    """Messages of a batch were not sent: `failed` lists them, `sent` has the message ids of the others by index."""

    def __init__(self, queue: str, failed: list[FailedMessage], sent: dict[int, str]) -> None:
        told = "; ".join(f"[{one.index}] {one.code}: {one.reason}" for one in failed[:5])
        more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
        super().__init__(
            f"{queue}: {len(failed)} of {len(failed) + len(sent)} messages were not sent: {told}{more}"
        )
        self.queue = queue
        self.failed = failed
        self.sent = sent

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.queue, self.failed, self.sent)


class Queue:
    """A queue to send to: `receipts = Queue("receipts")`, and nothing happens until the first message.

    `name` is a queue's name, URL or ARN. The URL of a name is in the variable `QUEUE_URL_<NAME>`, the name in capitals
    and `_` for what is neither letter nor digit (`QUEUE_URL_ORDERS_FIFO` for `orders.fifo`), or else SQS is asked
    for it once.

    A body is JSON of what is sent: Structs, dataclasses, dicts. A `str` and UTF-8 `bytes` are sent as they are, without
    quotes. The correlation id and X-Ray's trace go along, and `unwrap` finds them.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.fifo = name.endswith(".fifo")
        self._url: str | None = name if name.startswith(("https://", "http://")) else None
        self._region: str | None = None
        parts = name.split(":")
        self._owner: str | None = None
        self._short = name
        if parts[0] == "arn":
            if len(parts) != 6 or parts[2] != "sqs":
                raise ValueError(f"{name!r} is no ARN of a queue: arn:aws:sqs:region:account:name")
            self._region, self._owner, self._short = parts[3:]
        elif self._url is not None:
            self._use(self._url)

    @property
    def url(self) -> str:
        """The queue's URL. Raises AWSError when there is no such queue."""
        if self._url is None:
            url = os.environ.get("QUEUE_URL_" + re.sub(r"[^A-Za-z0-9]", "_", self._short).upper())
            if not url:
                from lambent.app.client.service import service

                question = {"QueueName": self._short}
                if self._owner is not None:
                    question["QueueOwnerAWSAccountId"] = self._owner
                url = str(service("sqs").call("GetQueueUrl", question, region=self._region)["QueueUrl"])
            self._use(url)
            self._url = url
        return self._url

    def _use(self, url: str) -> None:
        self.fifo = url.endswith(".fifo")
        found = re.match(_OF_REGION, url)
        if found is not None:
            self._region = found[1] or found[2]

    def send(
        self,
        message: Any,
        *,
        delay: int | None = None,
        group: str | None = None,
        deduplication: str | None = None,
        attributes: Mapping[str, str | float | bytes] | None = None,
    ) -> str:
        """Send one message; its message id.

        `delay` is 0 to 900 seconds, not for FIFO queues, which need a `group` and, unless they compare contents, a
        `deduplication` id. `attributes` are message attributes.

        Raises ValueError for what SQS would not take, PayloadTooLarge (a ValueError) above 1 MiB, and AWSError.
        """
        entry, _size = self._entry(message, delay, group, deduplication, attributes)
        from lambent.app.client.service import service

        url = self.url
        return str(
            service("sqs").call("SendMessage", {"QueueUrl": url, **entry}, region=self._region)["MessageId"]
        )

    def send_batch(
        self,
        messages: Iterable[Any],
        *,
        delay: int | None = None,
        group: str | None = None,
        attributes: Mapping[str, str | float | bytes] | None = None,
    ) -> list[str]:
        """Send any number of messages, ten in a request and in their order; their message ids.

        A message is anything that `send` takes, or an `OutgoingMessage` with options of its own; those given here are
        for the messages that have none. All are checked before the first is sent. What SQS could not take for a
        reason of its own is sent again, up to three attempts.

        Raises SendFailed, which lists what was not sent; to a FIFO queue nothing is sent that comes after a request
        with failures. Else as `send`.
        """
        entries: list[tuple[int, dict[str, Any], int]] = []
        for index, one in enumerate(messages):
            entry, size = self._entry(one, delay, group, None, attributes, f"message {index}: ")
            entries.append((index, {"Id": str(index), **entry}, size))
        sent: dict[int, str] = {}
        failed: list[FailedMessage] = []
        for batch in _batches(entries):
            if failed and self.fifo:
                failed += [
                    FailedMessage(index, "NotSent", "messages before it were not sent", False)
                    for index, _entry in batch
                ]
                continue
            try:
                failed += self._send(batch, sent)
            except AWSError as error:
                if not (sent or failed):
                    raise
                # Some are on their way: the caller has to know which.
                failed += [
                    FailedMessage(index, error.code, error.message, 400 <= error.status < 500)
                    for index, _entry in batch
                    if index not in sent
                ]
        if failed:
            raise SendFailed(self.name, failed, sent)
        return [sent[index] for index in range(len(entries))]

    async def asend(self, message: Any, **options: Any) -> str:
        """`send` for `async` handlers, with its options: waits in a thread, and others go on meanwhile."""
        import asyncio

        return await asyncio.to_thread(self.send, message, **options)

    async def asend_batch(self, messages: Iterable[Any], **options: Any) -> list[str]:
        """`send_batch` for `async` handlers."""
        import asyncio

        return await asyncio.to_thread(self.send_batch, messages, **options)

    def _send(self, batch: list[tuple[int, dict[str, Any]]], sent: dict[int, str]) -> list[FailedMessage]:
        """Send up to ten; what SQS did not take after three attempts."""
        from lambent.app.client.retries import delay
        from lambent.app.client.service import service

        left = dict(batch)
        final: list[FailedMessage] = []
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                result = service("sqs").call(
                    "SendMessageBatch",
                    {"QueueUrl": self.url, "Entries": list(left.values())},
                    region=self._region,
                )
            except AWSError as error:
                if attempt == 1:
                    raise
                final += [FailedMessage(index, error.code, error.message, False) for index in left]
                break
            for one in result.get("Successful") or ():
                index = int(one["Id"])
                sent[index] = one["MessageId"]
                left.pop(index, None)
            temporary = []
            for one in result.get("Failed") or ():
                failure = FailedMessage(
                    int(one["Id"]), one["Code"], one.get("Message") or "", bool(one["SenderFault"])
                )
                if failure.sender_fault:
                    final.append(failure)
                    left.pop(failure.index, None)
                else:
                    temporary.append(failure)
            if not left:
                break
            if attempt == _ATTEMPTS:
                final += temporary
            else:
                time.sleep(delay(attempt, AWSError("ServiceUnavailable", "", 503)))
        return sorted(final, key=lambda failure: failure.index)

    def _entry(
        self,
        message: Any,
        delay: int | None,
        group: str | None,
        deduplication: str | None,
        attributes: Mapping[str, str | float | bytes] | None,
        named: str = "",
    ) -> tuple[dict[str, Any], int]:
        """A message as the API wants it, and its size. Raises ValueError."""
        from lambent.app.client.propagation import correlation_id, trace_header

        if isinstance(message, OutgoingMessage):
            delay = delay if message.delay is None else message.delay
            group = group if message.group is None else message.group
            deduplication = deduplication if message.deduplication is None else message.deduplication
            attributes = attributes if message.attributes is None else message.attributes
            message = message.body
        where = f"{self.name}: {named}"
        body = _text(message, where)
        size = len(body.encode())
        entry: dict[str, Any] = {"MessageBody": body}
        described = {name: _attribute(name, value, where) for name, value in (attributes or {}).items()}
        if len(described) > _MOST_ATTRIBUTES:
            raise ValueError(
                f"{where}a message has at most {_MOST_ATTRIBUTES} attributes, not {len(described)}"
            )
        correlation = correlation_id()
        if (
            correlation is not None
            and len(described) < _MOST_ATTRIBUTES
            and not re.search(_FORBIDDEN, correlation)
        ):
            described.setdefault(CORRELATION, {"DataType": "String", "StringValue": correlation})
        if described:
            entry["MessageAttributes"] = described
            size += sum(_size(name, attribute) for name, attribute in described.items())
        if size > LARGEST:
            raise PayloadTooLarge(
                f"{where}the message has {size:,} bytes with its attributes, and SQS takes {LARGEST:,}: "
                "put it into a bucket and send its key"
            )
        trace = trace_header()
        if trace is not None:
            entry["MessageSystemAttributes"] = {
                "AWSTraceHeader": {"DataType": "String", "StringValue": trace}
            }
        if delay is not None:
            if not 0 <= delay <= LONGEST_DELAY:
                raise ValueError(f"{where}delay is {delay!r}: 0 to {LONGEST_DELAY} seconds")
            if self.fifo:
                raise ValueError(
                    f"{where}FIFO queues have a delay of their own, and their messages have none"
                )
            entry["DelaySeconds"] = int(delay)
        if group is not None:
            entry["MessageGroupId"] = _id("group", group, where)
        elif self.fifo:
            raise ValueError(f"{where}messages of FIFO queues need a group")
        if deduplication is not None:
            if not self.fifo:
                raise ValueError(f"{where}only FIFO queues know a deduplication id")
            entry["MessageDeduplicationId"] = _id("deduplication", deduplication, where)
        return entry, size


def unwrap(record: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    """Of a record of Lambda's SQS event: its body, the sender's correlation id and X-Ray's trace header."""
    correlation = None
    attributes = record.get("messageAttributes")
    if attributes:
        found = attributes.get(CORRELATION)
        if found is not None:
            correlation = found.get("stringValue")
    system = record.get("attributes")
    return record["body"], correlation, None if system is None else system.get("AWSTraceHeader")


def _text(message: Any, where: str) -> str:
    if isinstance(message, str):
        text = message
    else:
        raw = bytes(message) if isinstance(message, (bytes, bytearray, memoryview)) else encode(message)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise ValueError(
                f"{where}SQS carries text, and these bytes are no UTF-8: send base64 of them"
            ) from None
    if not text:
        raise ValueError(f"{where}SQS takes no empty message")
    found = re.search(_FORBIDDEN, text)
    if found is not None:
        raise ValueError(f"{where}SQS does not take the character U+{ord(found[0]):04X}, at {found.start()}")
    return text


def _id(what: str, value: str, where: str) -> str:
    if re.fullmatch(_ID, value) is None:
        raise ValueError(
            f"{where}{what} is {value!r}: 1 to 128 letters, digits and punctuation marks of ASCII"
        )
    return value


def _attribute(name: str, value: str | float | bytes, where: str) -> dict[str, Any]:
    if isinstance(value, str):
        if not value:
            raise ValueError(f"{where}the attribute {name!r} is empty")
        return {"DataType": "String", "StringValue": value}
    if isinstance(value, bytes):
        return {"DataType": "Binary", "BinaryValue": value}
    if not float("-inf") < value < float("inf"):  # NaN is not, either
        raise ValueError(f"{where}the attribute {name!r} is {value!r}, which is no number for SQS")
    if not isinstance(value, bool):
        return {"DataType": "Number", "StringValue": str(value)}
    raise ValueError(f"{where}the attribute {name!r} is a bool, which SQS has not: str, int, float or bytes")


def _size(name: str, attribute: dict[str, Any]) -> int:
    value = attribute.get("StringValue")
    return (
        len(name.encode())
        + len(attribute["DataType"])
        + (len(attribute["BinaryValue"]) if value is None else len(value.encode()))
    )


def _batches(entries: list[tuple[int, dict[str, Any], int]]) -> Iterable[list[tuple[int, dict[str, Any]]]]:
    """In order, at most ten and 1 MiB in each."""
    batch: list[tuple[int, dict[str, Any]]] = []
    total = 0
    for index, entry, size in entries:
        if batch and (len(batch) == _PER_BATCH or total + size > LARGEST):
            yield batch
            batch, total = [], 0
        batch.append((index, entry))
        total += size
    if batch:
        yield batch
