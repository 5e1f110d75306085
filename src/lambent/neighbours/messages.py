"""What a neighbour's topics and buckets have for queues, functions and buses, which are the platform's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from lambent.neighbours.call import Call


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One thing for one target, by its ARN. `source` is the ARN of the topic or bucket, `account` and `region` are its.

    `options` as those of a parcel: for queues what goes with a message, as on SQS's JSON wire; for buses what the event
    is besides its detail. What cannot be delivered goes to `dead_letter_arn`, with `dead_letter_body`.
    """

    service: str
    """botocore's name of the service that sends."""
    source: str
    account: str
    region: str
    target: str
    body: str
    options: dict[str, Any] = {}
    dead_letter_arn: str | None = None
    dead_letter_body: str | None = None
    trace: str = ""
    """The header of the request that it comes of."""


SendMessages: TypeAlias = Callable[[Sequence[Message]], Awaitable[None]]
"""Returns when they are on their way durably."""


class Refusal(msgspec.Struct, frozen=True):
    """Why a destination would not take a message. `missing`: it is not there; otherwise it does not let the sender."""

    missing: bool
    message: str


Refuse: TypeAlias = Callable[[Message], Refusal | None]
"""Whether what is like a message would be taken."""

_decode = msgspec.json.Decoder(list[Message]).decode


def messages_of(call: Call, document: bytes) -> list[Message]:
    """What moto wants to be sent because of a call."""
    trace = (call.header(b"x-amzn-trace-id") or b"").decode("latin-1")
    return [msgspec.structs.replace(message, trace=trace) for message in _decode(document)]
