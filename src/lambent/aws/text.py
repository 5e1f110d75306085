"""Scalars as text: in URI labels, query strings, headers, query parameters and XML."""

from __future__ import annotations

import binascii
import math
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.aws.errors import SerializationError
from lambent.aws.timestamps import FORMATS, parse_timestamp

if TYPE_CHECKING:
    from lambent.aws.model import Shape

TextParser = Callable[[str], Any]
TextFormatter = Callable[[Any], str]

INTEGER_RANGE = {
    "integer": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (-(2**7), 2**7 - 1),
    "bigInteger": (-math.inf, math.inf),
}
FLOAT_TYPES = frozenset({"float", "double", "bigDecimal"})


def decode_base64(text: str) -> bytes:
    """The bytes that `text` encodes; line breaks are allowed, anything else out of place is a
    SerializationError.
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        pass
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError:
        raise SerializationError("Unable to decode a blob: it is not valid base64") from None


def encode_base64(value: bytes | str) -> str:
    """`value` in base64; text is encoded as UTF-8 first."""
    return b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")


def float_text(value: float) -> str:
    """A number as AWS spells it, the three that JSON has no number for included."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(value)


def parse_float(text: str) -> float:
    """A float of its text, `NaN` and the infinities included."""
    try:
        return float(text)
    except ValueError:
        raise SerializationError(f"'{text[:100]}' can not be converted to a Double") from None


def _integer_parser(type_name: str) -> Callable[[str], int]:
    low, high = INTEGER_RANGE[type_name]
    label = {"integer": "an Integer", "long": "a Long"}.get(type_name, f"a {type_name.capitalize()}")

    def parse(text: str) -> int:
        try:
            number = int(text) if len(text) < 400 else None
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise SerializationError(f"'{text[:100]}' can not be converted to {label}")
        return number

    return parse


_INTEGER_PARSERS = {name: _integer_parser(name) for name in INTEGER_RANGE}


def _parse_boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered == "true":
        return True
    if lowered == "false":
        return False
    raise SerializationError(f"'{text[:100]}' can not be converted to a Boolean")


def _parse_json_value(text: str) -> Any:
    try:
        return msgspec.json.decode(decode_base64(text))
    except msgspec.DecodeError:
        raise SerializationError("A JSON value in a header is not valid JSON") from None


def text_parser(shape: Shape) -> TextParser:
    """What turns the text of a scalar of `shape` into its value."""
    if shape.type in _INTEGER_PARSERS:
        return _INTEGER_PARSERS[shape.type]
    if shape.type in FLOAT_TYPES:
        return parse_float
    if shape.type == "boolean":
        return _parse_boolean
    if shape.type == "timestamp":
        return parse_timestamp
    if shape.type == "blob":
        return decode_base64
    if shape.traits.get("jsonvalue") and shape.location == "header":
        return _parse_json_value
    return str


def _format_boolean(value: object) -> str:
    return "true" if value else "false"


def _format_json_value(value: object) -> str:
    return encode_base64(msgspec.json.encode(value))


def text_formatter(shape: Shape, timestamp_format: str) -> TextFormatter:
    """What turns a scalar of `shape` into text; the model's timestampFormat wins over `timestamp_format`."""
    if shape.type == "boolean":
        return _format_boolean
    if shape.type in FLOAT_TYPES:
        return float_text
    if shape.type == "timestamp":
        format_timestamp = FORMATS[shape.traits.get("timestampFormat", timestamp_format).lower()]
        return lambda value: str(format_timestamp(value))
    if shape.type == "blob":
        return encode_base64
    if shape.traits.get("jsonvalue") and shape.location == "header":
        return _format_json_value
    return str
