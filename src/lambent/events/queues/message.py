"""Messages as they are sent, kept in memory, and received."""

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
