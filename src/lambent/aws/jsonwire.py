"""JSON bodies: each shape compiled once into a closure that reads its JSON value, and one that writes it.

Reading takes what `msgspec.json.decode` gives and checks types as AWS does; writing gives what
`msgspec.json.encode` takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.aws.errors import MalformedBodyError, SerializationError
from lambent.aws.text import FLOAT_TYPES, INTEGER_RANGE, decode_base64, encode_base64, float_text
from lambent.aws.timestamps import FORMATS, parse_timestamp

if TYPE_CHECKING:
    from lambent.aws.model import Shape

JsonCodec = Callable[[Any], Any]

_FLOAT_NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def decode_json(body: bytes) -> Any:
    """The JSON value of a body; an empty body is an empty object. SerializationError where it is not JSON."""
    if not body:
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBodyError(f"Could not parse request body into json: {error}") from None
    except RecursionError:
        raise MalformedBodyError("Could not parse request body into json: nested too deeply") from None


def _kind(value: object) -> str:
    if value is True:
        return "TRUE_VALUE"
    if value is False:
        return "FALSE_VALUE"
    return "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"


def _mismatch(value: object, wanted: str) -> SerializationError:
    """AWS's words for a JSON value of the wrong type."""
    if isinstance(value, dict):
        return SerializationError("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return SerializationError("Start of list found where not expected")
    return SerializationError(f"{_kind(value)} can not be converted to {wanted}")


def _read_string(value: Any) -> str:
    if type(value) is str:
        return value
    raise _mismatch(value, "a String")


def _read_boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _mismatch(value, "a Boolean")


def _integer_reader(type_name: str) -> JsonCodec:
    low, high = INTEGER_RANGE[type_name]
    wanted = {"integer": "an Integer", "long": "a Long"}.get(type_name, f"a {type_name.capitalize()}")

    def read(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and low <= value <= high:
            return value
        raise _mismatch(value, wanted)

    return read


def _read_float(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise _mismatch(value, "a Double") from None
    if type(value) is str and value in _FLOAT_NAMES:
        return _FLOAT_NAMES[value]
    raise _mismatch(value, "a Double")


def _read_blob(value: Any) -> bytes:
    if type(value) is str:
        return decode_base64(value)
    raise _mismatch(value, "a Blob")


def _read_timestamp(value: Any) -> Any:
    if isinstance(value, bool | dict | list):
        raise _mismatch(value, "a Timestamp")
    return parse_timestamp(value)


def _identity(value: Any) -> Any:
    return value


_READERS: dict[str, JsonCodec] = {
    "string": _read_string,
    "character": _read_string,
    "boolean": _read_boolean,
    "blob": _read_blob,
    "timestamp": _read_timestamp,
    **{name: _integer_reader(name) for name in INTEGER_RANGE},
    **dict.fromkeys(FLOAT_TYPES, _read_float),
}


class JsonReaders:
    """Compiles shapes into readers of their JSON values; one instance for each service model."""

    def __init__(self) -> None:
        self._compiled: dict[Shape, JsonCodec] = {}

    def reader(self, shape: Shape) -> JsonCodec:
        """The reader of `shape`: takes a decoded JSON value, gives the member's value or raises
        SerializationError.
        """
        found = self._compiled.get(shape)
        if found is None:
            # Shapes may contain themselves: until it is compiled, a shape is looked up when it is called.
            self._compiled[shape] = lambda value: self._compiled[shape](value)
            found = self._compiled[shape] = self._compile(shape)
        return found

    def fields(self, members: dict[str, Shape]) -> JsonCodec:
        """The reader of an object with these members."""
        fields = {shape.wire_name(name): (name, self.reader(shape)) for name, shape in members.items()}
        get = fields.get

        def read(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise (
                    _mismatch(value, "a structure")
                    if isinstance(value, list)
                    else SerializationError("Unexpected field type")
                )
            result = {}
            for key, item in value.items():
                field = get(key)
                if field is not None and item is not None:
                    result[field[0]] = field[1](item)
            return result

        return read

    def _compile(self, shape: Shape) -> JsonCodec:
        if shape.type == "structure":
            return _identity if shape.traits.get("document") else self.fields(shape.members)
        if shape.type == "list":
            read_item = self.reader(shape.member)

            def read_list(value: Any) -> list[Any]:
                if type(value) is not list:
                    raise (
                        _mismatch(value, "a List")
                        if isinstance(value, dict)
                        else SerializationError("Unexpected field type")
                    )
                return [None if item is None else read_item(item) for item in value]

            return read_list
        if shape.type == "map":
            read_value = self.reader(shape.value)

            def read_map(value: Any) -> dict[str, Any]:
                if type(value) is not dict:
                    raise (
                        _mismatch(value, "a Map")
                        if isinstance(value, list)
                        else SerializationError(f"{_kind(value)} can not be converted to a Map")
                    )
                return {key: None if item is None else read_value(item) for key, item in value.items()}

            return read_map
        return _READERS.get(shape.type, _identity)


def _write_blob(value: Any) -> str:
    return encode_base64(value)


def _write_float(value: Any) -> Any:
    return value if math.isfinite(value) else float_text(value)


class JsonWriters:
    """Compiles shapes into writers of their JSON values; one instance for each service model."""

    def __init__(self) -> None:
        self._compiled: dict[Shape, JsonCodec] = {}

    def writer(self, shape: Shape) -> JsonCodec:
        """The writer of `shape`: takes a member's value, gives what JSON is encoded from."""
        found = self._compiled.get(shape)
        if found is None:
            self._compiled[shape] = lambda value: self._compiled[shape](value)
            found = self._compiled[shape] = self._compile(shape)
        return found

    def fields(self, members: dict[str, Shape]) -> JsonCodec:
        """The writer of an object with these members. Others, and those that are None, are left out."""
        fields = [(name, shape.wire_name(name), self.writer(shape)) for name, shape in members.items()]

        def write(value: Any) -> dict[str, Any]:
            result = {}
            get = value.get
            for name, wire_name, write_member in fields:
                item = get(name)
                if item is not None:
                    result[wire_name] = item if write_member is _identity else write_member(item)
            return result

        return write

    def _compile(self, shape: Shape) -> JsonCodec:
        if shape.type == "structure":
            return _identity if shape.traits.get("document") else self.fields(shape.members)
        if shape.type == "list":
            write_item = self.writer(shape.member)
            if write_item is _identity:
                return list
            return lambda value: [None if item is None else write_item(item) for item in value]
        if shape.type == "map":
            write_value = self.writer(shape.value)
            if write_value is _identity:
                return _identity
            return lambda value: {
                key: None if item is None else write_value(item) for key, item in value.items()
            }
        if shape.type == "blob":
            return _write_blob
        if shape.type == "timestamp":
            return FORMATS[shape.traits.get("timestampFormat", "unixTimestamp").lower()]
        if shape.type in FLOAT_TYPES:
            return _write_float
        return _identity
