"""Messages that a neighbour's topics and buckets have for queues, which are the platform's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

import msgspec

if TYPE_CHECKING:
    from lambent.neighbours.call import Call


class QueueMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message for one queue. `source` is the ARN of the topic or bucket; `attributes` as on SQS's JSON wire."""

    account: str
    region: str
    queue: str
    body: str
    attributes: dict[str, Any] = {}
    deduplication_id: str | None = None
    group: str | None = None
    source: str = ""
    service: str = ""
    """botocore's name of the service that sends."""


SendMessages: TypeAlias = Callable[[Sequence[QueueMessage]], Awaitable[None]]
"""Returns when they are on their way durably."""

_decode = msgspec.json.Decoder(list[QueueMessage]).decode


def messages_of(call: Call, document: bytes) -> list[QueueMessage]:
    """What moto wants to be sent because of a call."""
    bucket = unquote(call.target.split(b"?")[0].split(b"/")[1].decode()) if call.service == "s3" else ""
    return [
        msgspec.structs.replace(
            message,
            service=call.service,
            source=f"arn:aws:s3:::{bucket}" if bucket else message.source,
        )
        for message in _decode(document)
    ]
