"""Messages as they are sent, kept, and received."""

from __future__ import annotations

import msgspec


class NewMessage(msgspec.Struct, kw_only=True, gc=False):
    """A message to be sent.

    `attributes`: the MessageAttributes as they are on the JSON wire, b"" for none. `delay_s`: None for the queue's.
    `trace`: the system attribute AWSTraceHeader. `sender`: the SenderId. `lineage`: the X-Ray header of the request
    that sent it, for the detection of recursion.
    """

    body: str
    attributes: bytes = b""
    delay_s: int | None = None
    group: str | None = None
    deduplication_id: str | None = None
    trace: str = ""
    sender: str = ""
    lineage: str = ""
    md5_attributes: str = ""


class Sent(msgspec.Struct, gc=False):
    """What a sender learns. `sequence`: the SequenceNumber in a FIFO queue."""

    message_id: str
    sequence: str | None
    md5_body: str


class Received(msgspec.Struct, gc=False):
    """A message in somebody's hands until its visibility timeout ends; times in milliseconds since the epoch.

    `source_arn`: the queue that it came from when this one is for dead letters, "" otherwise.
    """

    message_id: str
    receipt: str
    body: str
    attributes: bytes
    md5_body: str
    md5_attributes: str
    sent_ms: int
    first_received_ms: int
    receive_count: int
    group: str | None
    deduplication_id: str | None
    sequence: str | None
    sender: str
    trace: str
    lineage: str
    source_arn: str


class Details(msgspec.Struct, array_like=True, omit_defaults=True, frozen=True, gc=False):
    """What few messages have. `came_with`: how often a dead letter was received before it came here."""

    attributes: bytes = b""
    md5_attributes: str = ""
    trace: str = ""
    lineage: str = ""
    source_arn: str = ""
    came_with: int = 0


class Message(msgspec.Struct, gc=False):
    """A message in a queue.

    `row`: its key in the database, in the order of sending. `sent_ms` and `first_ms` are on the wall's clock, `due_ms`,
    `visible_ms` and `taken_ms` (when it was received last, by this process) on the steady one. `details`: Details as
    msgpack. `body`: None while it is only in the database; `kept`: its body counts in the budget. `marked`: its
    receives have a row of their own. `md5`: of the body, "" when nobody has asked for it yet.
    """

    row: int
    message_id: str
    size: int
    sent_ms: int
    due_ms: int
    sender: str
    group: str | None
    deduplication_id: str | None
    details: bytes | None
    body: str | None
    count: int = 0
    first_ms: int = 0
    visible_ms: int = 0
    kept: bool = False
    marked: bool = False
    md5: str = ""
    taken_ms: int = 0


NO_DETAILS = Details()

encode_details = msgspec.msgpack.Encoder().encode
decode_details = msgspec.msgpack.Decoder(Details).decode


def details_of(message: Message) -> Details:
    """What few messages have."""
    return NO_DETAILS if message.details is None else decode_details(message.details)


class Budget:
    """Bytes of bodies that all queues together keep in memory; what does not fit is read when it is received."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def keep(self, message: Message) -> None:
        """Keep a body, or drop it when there is no room."""
        if message.kept or message.body is None:
            return
        if self.held + message.size > self.limit:
            message.body = None
        else:
            self.held += message.size
            message.kept = True

    def settle(self, message: Message) -> None:
        """A body has been handed out: it stays while there is plenty of room, it may be wanted again."""
        if not message.kept or self.held * 2 > self.limit:
            self.let_go(message)

    def let_go(self, message: Message) -> None:
        """Forget a body."""
        if message.kept:
            self.held -= message.size
            message.kept = False
        message.body = None
