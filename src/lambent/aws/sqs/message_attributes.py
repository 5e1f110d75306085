"""Message attributes: what they may be, how large they are, their MD5, and those that a receiver asks for.

Rules are those of "Amazon SQS message metadata" of the developer guide, and the digest is its "Calculating the MD5
message digest for message attributes". Words are AWS's where an answer of it has been recorded or posted.
"""

from __future__ import annotations

import hashlib
import re
import struct
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.aws.sqs.errors import invalid
from lambent.aws.sqs.requests import Attributes, AttributeValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lambent.aws.errors import ServiceError

INVALID_CHARACTERS: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What a message and a text of its attributes may not hold."""

CHARACTERS_WORDS: Final = (
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD"
    " | #x10000 to #x10FFFF"
)

_MOST: Final = 10
_NAME: Final = re.compile(r"[\w.-]+")
_RESERVED: Final = re.compile(r"(?:aws|amazon)\.|\.", re.IGNORECASE)
_TYPE: Final = re.compile(r"(?:String|Number|Binary)(?:\..+)?")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TRACE_HEADER: Final = "AWSTraceHeader"

_length = struct.Struct(">I").pack
_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final[Callable[[bytes], dict[str, AttributeValue]]] = msgspec.json.Decoder(
    dict[str, AttributeValue]
).decode


class Checked(msgspec.Struct, frozen=True, gc=False):
    """Message attributes that are allowed.

    `encoded`: as they are on the JSON wire. `size`: bytes that they add to the message.
    """

    encoded: bytes
    md5: str
    size: int


NONE: Final = Checked(b"", "", 0)


def checked(attributes: Attributes | None) -> Checked:
    """The message attributes of a message to send. ServiceError for those that are not allowed."""
    if not attributes:
        return NONE
    if len(attributes) > _MOST:
        raise invalid(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{_MOST}]."
        )
    valid: dict[str, AttributeValue] = {}
    size = 0
    for name, value in attributes.items():
        _check_name(name)
        valid[name], length = _check_value("user", name, value)
        size += len(name.encode()) + length
    return Checked(_encode(valid), digest(valid), size)


def trace_header(attributes: Attributes | None) -> tuple[str, str]:
    """(AWSTraceHeader, MD5) of the system attributes of a message to send; empty texts for none."""
    if not attributes:
        return "", ""
    valid = {}
    for name, value in attributes.items():
        if name != _TRACE_HEADER:
            raise invalid(
                f"Message system attribute name '{name}' is invalid. Allowed values are: [{_TRACE_HEADER}]."
            )
        valid[name], _ = _check_value("system", name, value)
        if valid[name].data_type != "String":
            raise invalid(f"The type of message (system) attribute '{name}' must be 'String'.")
    return valid[_TRACE_HEADER].string_value or "", digest(valid)


def _check_name(name: str) -> None:
    if not name:
        raise invalid("The request must contain non-empty message attribute name.")
    if len(name.encode(errors="replace")) > 256:
        raise invalid("Message (user) attribute names must be shorter than 256 Bytes")
    if not _NAME.fullmatch(name):
        raise invalid(
            "Message (user) attributes name can only contain upper and lower score characters, digits, periods, "
            "hyphens and underscores. "
        )
    if _RESERVED.match(name) or name.endswith(".") or ".." in name:
        raise invalid(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. "
            "These strings are reserved for internal use. Additionally, they cannot start or end with '.'."
        )


def _check_value(kind: str, name: str, value: AttributeValue) -> tuple[AttributeValue, int]:
    """The value with its own member alone, and the bytes of type and value."""
    data_type = value.data_type
    if not data_type:
        raise invalid(f"The message attribute '{name}' must contain non-empty message attribute type.")
    if INVALID_CHARACTERS.search(data_type):
        raise invalid(CHARACTERS_WORDS)
    if len(data_type.encode()) > 256:
        raise invalid(f"Message ({kind}) attribute types must be shorter than 256 Bytes")
    if not _TYPE.fullmatch(data_type):
        raise invalid(
            f"The type of message ({kind}) attribute '{name}' is invalid. You must use only the following supported"
            " type prefixes: Binary, Number, String."
        )
    if data_type.startswith("Binary"):
        if not value.binary_value:
            raise _empty(kind, name, "Binary")
        length = len(value.binary_value)
        return AttributeValue(data_type, None, value.binary_value), len(data_type.encode()) + length
    text = value.string_value
    if not text:
        raise _empty(kind, name, data_type.partition(".")[0])
    if INVALID_CHARACTERS.search(text):
        raise invalid(CHARACTERS_WORDS)
    if data_type.startswith("Number") and not _NUMBER.fullmatch(text):
        raise invalid(f"Can't cast the value of message ({kind}) attribute '{name}' to a number.")
    return AttributeValue(data_type, text), len(data_type.encode()) + len(text.encode())


def _empty(kind: str, name: str, data_type: str) -> ServiceError:
    return invalid(
        f"Message ({kind}) attribute '{name}' must contain a non-empty value of type '{data_type}'."
    )


def digest(attributes: Mapping[str, AttributeValue]) -> str:
    """The MD5 of message attributes, in lower-case hex."""
    parts: list[bytes] = []
    for name in sorted(attributes):
        value = attributes[name]
        data_type = value.data_type or ""
        for text in (name.encode(), data_type.encode()):
            parts += (_length(len(text)), text)
        if value.binary_value is not None:
            parts += (b"\x02", _length(len(value.binary_value)), value.binary_value)
        else:
            content = (value.string_value or "").encode()
            parts += (b"\x01", _length(len(content)), content)
    return hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()


class Wanted:
    """The message attributes that a receiver asks for by MessageAttributeNames.

    `All`, `*` and `.*` are all; `prefix.*` are those that begin with it; anything else is a name.
    TestSqsProvider::test_receive_message_message_attribute_names_filters
    """

    __slots__ = ("_names", "_prefixes", "all")

    def __init__(self, names: Sequence[str]) -> None:
        self.all = any(name in ("All", "*", ".*") for name in names)
        self._names = frozenset(names)
        self._prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))

    def of(self, encoded: bytes, md5: str) -> tuple[bytes, str]:
        """Those of a message's attributes (JSON) that are asked for, and their MD5; both empty for none."""
        if self.all or not encoded:
            return encoded, md5
        wanted = {
            name: value
            for name, value in _decode(encoded).items()
            if name in self._names or (self._prefixes and name.startswith(self._prefixes))
        }
        return (_encode(wanted), digest(wanted)) if wanted else (b"", "")


def decoded(encoded: bytes) -> dict[str, AttributeValue]:
    """Message attributes from their JSON."""
    return _decode(encoded)
