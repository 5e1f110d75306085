"""What the operations on messages are asked, and what they answer: members as they are on the JSON wire.

Both paths read requests into these and get their answers from them: the endpoint from JSON, the service from what
the model's parsers give. Nothing is required here: what is missing is refused in SQS's own words.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Integer = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""What the model calls an integer. Larger ones are refused by the model's parsers, in their words."""


class AttributeValue(msgspec.Struct, rename="pascal", omit_defaults=True, gc=False, frozen=True):
    """The value of a message attribute: a text for String and Number, bytes (base64 on the wire) for Binary."""

    data_type: str | None = None
    string_value: str | None = None
    binary_value: bytes | None = None


Attributes = dict[str, AttributeValue]


class Outgoing(msgspec.Struct, rename="pascal", gc=False):
    """One message to send."""

    message_body: str | None = None
    delay_seconds: Integer | None = None
    message_attributes: Attributes | None = None
    message_system_attributes: Attributes | None = None
    message_deduplication_id: str | None = None
    message_group_id: str | None = None


class SendMessage(Outgoing, rename="pascal", gc=False):
    """SendMessage."""

    queue_url: str | None = None


class SendEntry(Outgoing, rename="pascal", gc=False):
    """A message of a batch."""

    id: str | None = None


class SendMessageBatch(msgspec.Struct, rename="pascal", gc=False):
    """SendMessageBatch."""

    queue_url: str | None = None
    entries: list[SendEntry] | None = None


class ReceiveMessage(msgspec.Struct, rename="pascal", gc=False):
    """ReceiveMessage."""

    queue_url: str | None = None
    attribute_names: list[str] | None = None
    message_system_attribute_names: list[str] | None = None
    message_attribute_names: list[str] | None = None
    max_number_of_messages: Integer | None = None
    visibility_timeout: Integer | None = None
    wait_time_seconds: Integer | None = None
    receive_request_attempt_id: str | None = None


class DeleteMessage(msgspec.Struct, rename="pascal", gc=False):
    """DeleteMessage."""

    queue_url: str | None = None
    receipt_handle: str | None = None


class DeleteEntry(msgspec.Struct, rename="pascal", gc=False):
    """A message of a batch to delete."""

    id: str | None = None
    receipt_handle: str | None = None


class DeleteMessageBatch(msgspec.Struct, rename="pascal", gc=False):
    """DeleteMessageBatch."""

    queue_url: str | None = None
    entries: list[DeleteEntry] | None = None


class ChangeMessageVisibility(msgspec.Struct, rename="pascal", gc=False):
    """ChangeMessageVisibility."""

    queue_url: str | None = None
    receipt_handle: str | None = None
    visibility_timeout: Integer | None = None


class ChangeEntry(DeleteEntry, rename="pascal", gc=False):
    """A message of a batch whose visibility is to be changed."""

    visibility_timeout: Integer | None = None


class ChangeMessageVisibilityBatch(msgspec.Struct, rename="pascal", gc=False):
    """ChangeMessageVisibilityBatch."""

    queue_url: str | None = None
    entries: list[ChangeEntry] | None = None


# ------------------------------------------------------------ answers


class SendMessageResult(msgspec.Struct, rename="pascal", omit_defaults=True, gc=False):
    """Of SendMessage."""

    message_id: str
    md5_of_body: str = msgspec.field(name="MD5OfMessageBody")
    md5_of_attributes: str | None = msgspec.field(default=None, name="MD5OfMessageAttributes")
    md5_of_system_attributes: str | None = msgspec.field(default=None, name="MD5OfMessageSystemAttributes")
    sequence_number: str | None = None


class SentEntry(SendMessageResult, rename="pascal", omit_defaults=True, kw_only=True, gc=False):
    """A message of a batch that was sent."""

    id: str


class DoneEntry(msgspec.Struct, rename="pascal", gc=False):
    """An entry of a batch that was done."""

    id: str


class FailedEntry(msgspec.Struct, rename="pascal", gc=False):
    """An entry of a batch that was refused."""

    id: str
    sender_fault: bool
    code: str
    message: str


class SendMessageBatchResult(msgspec.Struct, rename="pascal", omit_defaults=True, gc=False):
    """Of SendMessageBatch: what is empty is left out."""

    successful: list[SentEntry] | None = None
    failed: list[FailedEntry] | None = None


class BatchResult(msgspec.Struct, rename="pascal", omit_defaults=True, gc=False):
    """Of DeleteMessageBatch and ChangeMessageVisibilityBatch."""

    successful: list[DoneEntry] | None = None
    failed: list[FailedEntry] | None = None


class Message(msgspec.Struct, rename="pascal", omit_defaults=True, gc=False):
    """A message that is received; `message_attributes` are JSON."""

    message_id: str
    receipt_handle: str
    md5_of_body: str = msgspec.field(name="MD5OfBody")
    body: str
    attributes: dict[str, str] | None = None
    md5_of_message_attributes: str | None = msgspec.field(default=None, name="MD5OfMessageAttributes")
    message_attributes: msgspec.Raw | None = None


class ReceiveMessageResult(msgspec.Struct, rename="pascal", omit_defaults=True, gc=False):
    """Of ReceiveMessage: without messages it has no member."""

    messages: list[Message] | None = None


Result = SendMessageResult | SendMessageBatchResult | BatchResult | ReceiveMessageResult
