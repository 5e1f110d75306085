"""What events are made of: fresh identifiers, times in each service's format, bodies as text."""

from __future__ import annotations

import time as clock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from typing import TypeAlias

    Moment: TypeAlias = float | datetime
    """Seconds since 1970, or a datetime; a naive one is in local time, as `datetime.timestamp` has it."""

ACCOUNT = "000000000000"
REGION = "us-east-1"
SOURCE_IP = "203.0.113.7"
USER_AGENT = "lambent.testing"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def seconds(moment: Moment | None) -> float:
    """Since 1970; now if None."""
    if moment is None:
        return clock.time()
    return float(moment) if isinstance(moment, (int, float)) else moment.timestamp()


def millis(moment: Moment | None) -> int:
    return int(seconds(moment) * 1000)


def iso(moment: Moment | None) -> str:
    """`2026-03-04T05:06:07Z`."""
    return clock.strftime("%Y-%m-%dT%H:%M:%SZ", clock.gmtime(seconds(moment)))


def iso_millis(moment: Moment | None, zone: str = "Z") -> str:
    """`2026-03-04T05:06:07.089Z`."""
    at = seconds(moment)
    return f"{clock.strftime('%Y-%m-%dT%H:%M:%S', clock.gmtime(at))}.{int(at * 1000) % 1000:03d}{zone}"


def common_log(moment: Moment | None) -> str:
    """`04/Mar/2026:05:06:07 +0000`, whatever the locale."""
    at = clock.gmtime(seconds(moment))
    return f"{at.tm_mday:02d}/{_MONTHS[at.tm_mon - 1]}/{clock.strftime('%Y:%H:%M:%S', at)} +0000"


def new_uuid() -> str:
    from uuid import uuid4

    return str(uuid4())


def new_hex(digits: int) -> str:
    from secrets import token_hex

    return token_hex((digits + 1) // 2)[:digits]


def new_id(size: int = 11) -> str:
    """Random bytes in base64, such as API Gateway's request and connection ids."""
    from base64 import urlsafe_b64encode
    from secrets import token_bytes

    return urlsafe_b64encode(token_bytes(size)).decode()


def new_digits(digits: int) -> str:
    """A number of that many digits, such as a stream's sequence numbers."""
    from secrets import randbelow

    return str(10 ** (digits - 1) + randbelow(9 * 10 ** (digits - 1)))


def new_trace() -> str:
    """X-Ray's header of a request that nobody traces."""
    return f"Root=1-{int(clock.time()):08x}-{new_hex(24)}"


def to_base64(data: bytes) -> str:
    from base64 import b64encode

    return b64encode(data).decode()


def to_json(value: object) -> str:
    """Any object that msgspec encodes: Structs, dataclasses, dicts, dates, UUIDs …"""
    from msgspec.json import encode

    return encode(value).decode()


def to_text(body: object) -> str:
    """A message's text: a string as it is, bytes as UTF-8, anything else as JSON."""
    if isinstance(body, str):
        return body
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body).decode()
    return to_json(body)


def to_bytes(body: object) -> bytes:
    """A record's data: bytes as they are, a string in UTF-8, anything else as JSON."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    return to_text(body).encode()


def to_wire(body: object) -> tuple[str | None, bool]:
    """A request's body as events have it, and whether it is in base64, as bytes are. None stays None."""
    if body is None:
        return None, False
    if isinstance(body, (bytes, bytearray, memoryview)):
        return to_base64(bytes(body)), True
    return to_text(body), False


def without_none(members: dict[str, Any]) -> dict[str, Any]:
    """For the formats that leave out what is not there."""
    return {name: value for name, value in members.items() if value is not None}
