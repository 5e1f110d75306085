"""SQS: the messages of a queue, each as what the handler declares.

Sources: "Using Lambda with Amazon SQS" of the Lambda developer guide for the event and for what is reported, and
Powertools' batch processors for what FIFO queues do after a failure.

What Lambda does with failures: reported messages become visible again, all others are deleted. If everything failed it
is the same whether all are reported or an error is raised, but for the metric: only an error counts in Errors, and only
then Lambda takes back concurrency. By default all are reported.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.conversion import Invalid, from_text
from lambent.app.endpoint import InvalidParameter
from lambent.app.errors import AppError
from lambent.app.markers import Marker
from lambent.app.signature import MISSING, described
from lambent.app.sources.batch import BatchFailed, BatchSource, Record
from lambent.app.sources.chain import PayloadResolver
from lambent.app.sources.content import content
from lambent.app.sources.lanes import LanesBy, lane_each
from lambent.app.sources.naming import name_in
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lambent.app.endpoint import Getter, Resolver
    from lambent.app.onion import Middleware
    from lambent.app.signature import Parameter
    from lambent.app.sources.batch import Failures, Halt
    from lambent.app.sources.chain import Chain


class Attribute(Marker):
    """From the message's attributes: `tenant: Annotated[str, Attribute("tenant-id")]`."""

    place = "attribute"


class Message(Record):
    """A message of a queue."""

    kind = "sqs"
    _unwrapped: Callable[[str], str] | None = None

    def __init__(self, record: dict[str, Any], event: Any, context: Any) -> None:
        self.record = record
        self.event = event
        self.context = context
        if record.get("messageAttributes"):
            self.correlation_id = _sent_by(record)

    @property
    def message_id(self) -> str:
        """The message's id, which stays the same when it is received again."""
        return self.record["messageId"]  # type: ignore[no-any-return]

    identifier = message_id

    @property
    def body(self) -> str:
        """The body; with `unwrap`, what is in it."""
        body: str = self.record["body"]
        return body if self._unwrapped is None else self._unwrapped(body)

    def json(self) -> Any:
        """The body, decoded from JSON. Raises ValueError."""
        return msgspec.json.decode(self.body)

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes that SQS sets, under its names."""
        return self.record.get("attributes") or {}

    @property
    def message_attributes(self) -> dict[str, Any]:
        """The attributes that the sender set: str, bytes, and for numbers int or Decimal."""
        found = self.record.get("messageAttributes") or {}
        return {name: _value(attribute) for name, attribute in found.items()}

    @property
    def receive_count(self) -> int:
        """How often it has been received, this time included."""
        return int(self.attributes.get("ApproximateReceiveCount", 1))

    @property
    def sent_at(self) -> datetime | None:
        """When it was sent."""
        return _time(self.attributes.get("SentTimestamp"))

    @property
    def first_received_at(self) -> datetime | None:
        """When it was received for the first time."""
        return _time(self.attributes.get("ApproximateFirstReceiveTimestamp"))

    @property
    def group_id(self) -> str | None:
        """The message group."""
        return self.attributes.get("MessageGroupId")

    @property
    def deduplication_id(self) -> str | None:
        """Of FIFO queues: by what SQS knows that it was sent already."""
        return self.attributes.get("MessageDeduplicationId")

    @property
    def sequence_number(self) -> str | None:
        """Of FIFO queues: its place within the group."""
        return self.attributes.get("SequenceNumber")

    @property
    def trace(self) -> str | None:
        """X-Ray's trace header of who sent it."""
        return self.attributes.get("AWSTraceHeader")

    @property
    def receipt_handle(self) -> str:
        """What SQS wants for changing its visibility."""
        return self.record["receiptHandle"]  # type: ignore[no-any-return]

    @property
    def queue(self) -> str:
        """The queue's name."""
        return name_in(self.arn)


class Queues(BatchSource):
    """The handlers of queues."""

    noun = "queue"
    kind = "queue"
    record = Message
    called = ("message", "message_id")
    delivered = staticmethod(itemgetter("body"))

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        for name, known in (("fifo_failure", ("stop", "skip_group")), ("unwrap", (None, *_UNWRAPPERS))):
            if options[name] not in known:
                raise AppError(
                    f"{described(handler)}: {name} is {options[name]!r}, and may be {' or '.join(map(repr, known))}"
                )
        super().add(handler, layers, options)

    def _resolver(self, handler: Callable[..., Any], options: dict[str, Any]) -> Resolver:
        return PayloadResolver(handler, lambda parameter: content(parameter.type, _body), _attribute)

    def _payload_of(self, declared: Any) -> Getter:
        return content(declared, _body)

    def _is_own(self, record: Any) -> bool:
        return (
            isinstance(record, dict)
            and record.get("eventSource", "aws:sqs") == "aws:sqs"
            and "body" in record
        )

    @understood
    def handle(self, event: Any, context: Any) -> dict[str, Any]:
        """Handle a batch; what failed, for Lambda. Raises UnknownEvent, and as the handler's options have it."""
        records = event["Records"]
        if not records:
            return {"batchItemFailures": []}
        arn = str(records[0].get("eventSourceARN"))
        handler = self._handler(arn)
        options = handler.options
        halt: Halt
        # Standard queues have message groups too, but no sequence.
        is_fifo = arn.endswith(".fifo") or "SequenceNumber" in (records[0].get("attributes") or ())
        if not options["report_failures"]:
            halt, lanes = "batch", _by_group if is_fifo else lane_each
        elif is_fifo:
            halt, lanes = "batch" if options["fifo_failure"] == "stop" else "lane", _by_group
        else:
            halt, lanes = None, lane_each
        make = Message if options["unwrap"] is None else _unwrapping(_UNWRAPPERS[options["unwrap"]])
        failed = self._run(handler, make, records, event, context, halt, lanes)
        if not failed:
            return {"batchItemFailures": []}
        return self._reported(handler, records, failed)

    def _reported(self, handler: Chain, records: list[dict[str, Any]], failed: Failures) -> dict[str, Any]:
        errors = [error for _, error in sorted(failed.items(), key=itemgetter(0)) if error is not None]
        if not handler.options["report_failures"]:
            raise errors[0]
        name = handler.options["name"]
        left = len(failed) - len(errors)
        if left:
            self._app.logger.warning(
                f"queue {name}: messages are returned as they are, because others before them failed",
                extra={"returned_messages": left},
            )
        if len(failed) == len(records) and handler.options["raise_on_entire_batch_failure"]:
            raise BatchFailed(f"queue {name}: all messages of the batch failed", errors)
        return {"batchItemFailures": self._items(records, failed)}


_by_group = LanesBy(lambda record: record["attributes"]["MessageGroupId"])


def _body(message: Message) -> str:
    return message.body


def _unwrapping(unwrap: Callable[[str], str]) -> Callable[..., Message]:
    def make(record: dict[str, Any], event: Any, context: Any) -> Message:
        message = Message(record, event, context)
        message._unwrapped = unwrap
        return message

    return make


def _sent_by(record: dict[str, Any]) -> str | None:
    """The correlation id of a message that was sent with `Queue`."""
    from lambent.app.queues import unwrap

    return unwrap(record)[1]


def _time(milliseconds: str | None) -> datetime | None:
    if milliseconds is None:
        return None
    from datetime import UTC, datetime, timedelta

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(milliseconds))


def _value(attribute: dict[str, Any]) -> Any:
    kind = attribute["dataType"].partition(".")[0]
    if kind == "Binary":
        from binascii import a2b_base64

        return a2b_base64(attribute["binaryValue"])
    if kind == "Number":
        from lambent.app.attribute_values import number

        return number(attribute["stringValue"])
    return attribute["stringValue"]


def _attribute(parameter: Parameter) -> Getter | None:
    """From the message attribute that a parameter is marked with."""
    marker = parameter.marker
    if not isinstance(marker, Attribute):
        return None
    name, default = marker.name or parameter.name, parameter.default
    is_bytes = parameter.type is bytes
    convert = None if is_bytes else from_text(parameter.type)

    def attribute(message: Message) -> Any:
        found = (message.record.get("messageAttributes") or {}).get(name)
        if found is None:
            if default is MISSING:
                raise InvalidParameter("attribute", name, [("", "It is missing")])
            return default
        if is_bytes:
            return _value(found)
        text = found.get("stringValue")
        try:
            return text if convert is None else convert(text)
        except Invalid as invalid:
            raise InvalidParameter("attribute", name, invalid.errors) from None

    return attribute


# ------------------------------------------------------------ what other services put into messages


class _Notification(msgspec.Struct, rename="pascal"):
    type: str
    message: str
    topic_arn: str


class _S3(msgspec.Struct):
    records: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="Records", default=msgspec.UNSET)
    event: str = msgspec.field(name="Event", default="")


class _Event(msgspec.Struct):
    detail: msgspec.Raw


def _of_sns(body: str) -> str:
    """The message of a topic; with raw message delivery, and from other senders, the body is that already."""
    try:
        envelope = msgspec.json.decode(body, type=_Notification)
    except msgspec.DecodeError:
        return body
    return envelope.message if envelope.type == "Notification" else body


def _of_s3(body: str) -> str:
    """The records of a bucket's notification, also through a topic. S3's test message has none."""
    body = _of_sns(body)
    try:
        found = msgspec.json.decode(body, type=_S3)
    except msgspec.DecodeError:
        return body
    if isinstance(found.records, msgspec.Raw):
        return bytes(found.records).decode()
    return "[]" if found.event == "s3:TestEvent" else body


def _of_eventbridge(body: str) -> str:
    """The detail of an event that a rule sent to the queue."""
    try:
        return bytes(msgspec.json.decode(body, type=_Event).detail).decode()
    except msgspec.DecodeError:
        return body


_UNWRAPPERS: dict[str, Callable[[str], str]] = {"sns": _of_sns, "s3": _of_s3, "eventbridge": _of_eventbridge}
