"""`application/vnd.amazon.eventstream`: framed messages with headers, checksummed with CRC32.

A message is: total length u32, headers length u32, CRC32 of these eight bytes, headers, payload, CRC32 of
everything before it. A header is: name length u8, name, type u8, value. Format: AWS's event stream encoding.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zlib import crc32

import msgspec

from lambent.aws.errors import SerializationError, ServiceError
from lambent.aws.jsonwire import JsonReaders, JsonWriters, decode_json
from lambent.aws.timestamps import format_epoch, parse_timestamp
from lambent.aws.xmlwire import XmlReaders, XmlWriters, parse_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from lambent.aws.model import Shape

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_PRELUDE = struct.Struct(">II")
_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_MAX_MESSAGE = 24 * 1024 * 1024

_FIXED = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_INTEGER_CODES = {"byte": 2, "short": 3, "integer": 4, "long": 5}

Header = bool | int | bytes | str


def _text_header(name: str, value: str) -> bytes:
    encoded = value.encode()[:32767]
    return bytes([len(name)]) + name.encode() + b"\x07" + _U16.pack(len(encoded)) + encoded


def _header(name: str, shape: Shape, value: Any) -> bytes:
    start = bytes([len(name)]) + name.encode()
    if shape.type == "boolean":
        return start + (b"\0" if value else b"\1")
    if shape.type in _INTEGER_CODES:
        code = _INTEGER_CODES[shape.type]
        return start + bytes([code]) + _FIXED[code].pack(value)
    if shape.type == "blob":
        blob: bytes = value
        return start + b"\x06" + _U16.pack(len(blob)) + blob
    if shape.type == "timestamp":
        return start + b"\x08" + _FIXED[5].pack(round(format_epoch(value) * 1000))
    return _text_header(name, str(value))


def event_headers(event_type: str, content_type: str) -> bytes:
    """The encoded headers of an event whose payload is `content_type`."""
    return (
        _text_header(":event-type", event_type)
        + _text_header(":content-type", content_type)
        + _text_header(":message-type", "event")
    )


def encode_message(headers: bytes, payload: bytes) -> bytes:
    """One message of encoded headers and a payload."""
    prelude = _PRELUDE.pack(16 + len(headers) + len(payload), len(headers))
    body = b"".join((prelude, _U32.pack(crc32(prelude)), headers, payload))
    return body + _U32.pack(crc32(body))


def decode_messages(data: bytes) -> Iterator[tuple[dict[str, Header], bytes]]:
    """The (headers, payload) of each message in `data`. SerializationError for a broken frame or checksum."""
    position = 0
    while position < len(data):
        if len(data) - position < 16:
            raise SerializationError("An event stream message is cut short")
        total, headers_length = _PRELUDE.unpack_from(data, position)
        end = position + total
        if not 16 + headers_length <= total <= _MAX_MESSAGE or end > len(data):
            raise SerializationError("An event stream message has an invalid length")
        if _U32.unpack_from(data, position + 8)[0] != crc32(data[position : position + 8]):
            raise SerializationError("The checksum of an event stream message's prelude does not match")
        if _U32.unpack_from(data, end - 4)[0] != crc32(data[position : end - 4]):
            raise SerializationError("The checksum of an event stream message does not match")
        start = position + 12
        yield _decode_headers(data[start : start + headers_length]), data[start + headers_length : end - 4]
        position = end


def _decode_headers(data: bytes) -> dict[str, Header]:
    headers: dict[str, Header] = {}
    position = 0
    try:
        while position < len(data):
            length = data[position]
            name = data[position + 1 : position + 1 + length].decode()
            position += 2 + length
            code = data[position - 1]
            if code in (0, 1):
                headers[name] = code == 0
            elif code in _FIXED:
                headers[name] = _FIXED[code].unpack_from(data, position)[0]
                position += _FIXED[code].size
            elif code == 8:
                headers[name] = _FIXED[5].unpack_from(data, position)[0]
                position += 8
            elif code in (6, 7):
                size = _U16.unpack_from(data, position)[0]
                value = data[position + 2 : position + 2 + size]
                headers[name] = value.decode() if code == 7 else value
                position += 2 + size
            elif code == 9:
                headers[name] = str(UUID(bytes=data[position : position + 16]))
                position += 16
            else:
                raise SerializationError(f"An event stream header has the unknown type {code}")
    except (IndexError, struct.error, ValueError):
        raise SerializationError("An event stream header is malformed") from None
    return headers


def _event_payload(shape: Shape) -> tuple[str | None, dict[str, Shape], dict[str, Shape]]:
    """An event's explicit payload member, its header members, and the members of an implicit payload."""
    explicit = next(
        (name for name, member in shape.members.items() if member.traits.get("eventpayload")), None
    )
    headers = {name: member for name, member in shape.members.items() if member.traits.get("eventheader")}
    rest = {
        name: member for name, member in shape.members.items() if name not in headers and name != explicit
    }
    return explicit, headers, {} if explicit else rest


class EventReaders:
    """Compiles the readers of event stream payloads of requests."""

    def __init__(self, readers: JsonReaders | XmlReaders) -> None:
        self._readers = readers

    def reader(self, stream: Shape) -> Callable[[bytes], list[dict[str, Any]]]:
        """The reader of a body that holds events of `stream`: gives `[{event name: {member: value}}, …]`."""
        events = {name: self._event_reader(shape) for name, shape in stream.members.items()}

        def read(body: bytes) -> list[dict[str, Any]]:
            found = []
            for headers, payload in decode_messages(body):
                name = headers.get(":event-type")
                if headers.get(":message-type") == "event" and isinstance(name, str) and name in events:
                    found.append({name: events[name](headers, payload)})
            return found

        return read

    def _event_reader(self, shape: Shape) -> Callable[[Mapping[str, Header], bytes], dict[str, Any]]:
        explicit, header_members, rest = _event_payload(shape)

        def read(headers: Mapping[str, Header], payload: bytes) -> dict[str, Any]:
            event: dict[str, Any] = {}
            for name, member in header_members.items():
                if name in headers:
                    value: Any = headers[name]
                    is_time = member.type == "timestamp" and isinstance(value, int)
                    event[name] = parse_timestamp(value / 1000) if is_time else value
            if explicit is not None:
                event[explicit] = self._payload(shape.members[explicit], payload)
            elif rest and payload:
                event.update(self._structure(rest, payload))
            return event

        return read

    def _payload(self, member: Shape, payload: bytes) -> Any:
        if member.type == "blob":
            return payload
        if member.type == "string":
            return payload.decode("utf-8", "replace")
        if isinstance(self._readers, JsonReaders):
            return self._readers.reader(member)(decode_json(payload))
        return self._readers.reader(member)([parse_document(payload)])

    def _structure(self, members: dict[str, Shape], payload: bytes) -> dict[str, Any]:
        read: dict[str, Any]
        if isinstance(self._readers, JsonReaders):
            read = self._readers.fields(members)(decode_json(payload))
        else:
            read = self._readers.fields(members)([parse_document(payload)])
        return read


class EventWriters:
    """Compiles the writers of the event streams that answers hold."""

    def __init__(self, writers: JsonWriters | XmlWriters) -> None:
        self._writers = writers

    def writer(self, stream: Shape) -> Callable[[AsyncIterator[dict[str, Any]]], AsyncIterator[bytes]]:
        """The writer of `stream`: turns events `{event name: {member: value}}` into framed messages.

        A ServiceError raised by the events ends the stream with an exception message, as AWS does once a
        response has begun; it is modelled where the stream's shape has a member of that error.
        """
        events = {name: self._event_writer(name, shape) for name, shape in stream.members.items()}
        exceptions = {
            shape.name: name for name, shape in stream.members.items() if shape.traits.get("exception")
        }

        async def write(source: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
            try:
                async for event in source:
                    for name, value in event.items():
                        if value is not None:
                            yield events[name](value)
            except ServiceError as error:
                yield _exception(error, exceptions.get(error.code))

        return write

    def initial_response(self, members: dict[str, Shape], output: Mapping[str, Any]) -> bytes:
        """The first message of a stream in the JSON protocol: the members beside the stream."""
        headers = _text_header(":message-type", "event") + _text_header(":event-type", "initial-response")
        return encode_message(
            headers + _text_header(":content-type", "application/json"), self._structure("", members, output)
        )

    def _event_writer(self, event_name: str, shape: Shape) -> Callable[[Mapping[str, Any]], bytes]:
        explicit, header_members, rest = _event_payload(shape)
        kind = b"".join((_text_header(":message-type", "event"), _text_header(":event-type", event_name)))
        content_type = "application/json" if isinstance(self._writers, JsonWriters) else "text/xml"
        if explicit is not None:
            payload_type = shape.members[explicit].type
            content_type = {"blob": "application/octet-stream", "string": "text/plain"}.get(
                payload_type, content_type
            )
        kind += _text_header(":content-type", content_type)

        def write(event: Mapping[str, Any]) -> bytes:
            headers = kind
            for name, member in header_members.items():
                if event.get(name) is not None:
                    headers += _header(name, member, event[name])
            if explicit is not None:
                payload = self._payload(explicit, shape.members[explicit], event.get(explicit))
            else:
                payload = self._structure(shape.name, rest, event) if rest else b""
            return encode_message(headers, payload)

        return write

    def _payload(self, name: str, member: Shape, value: Any) -> bytes:
        if value is None:
            return b""
        if isinstance(value, bytes):
            return value
        if isinstance(value, str):
            return value.encode()
        if isinstance(self._writers, JsonWriters):
            return msgspec.json.encode(self._writers.writer(member)(value))
        parts: list[str] = []
        self._writers.writer(member)(parts, name, value)
        return "".join(parts).encode()

    def _structure(self, name: str, members: dict[str, Shape], value: Mapping[str, Any]) -> bytes:
        if isinstance(self._writers, JsonWriters):
            return msgspec.json.encode(self._writers.fields(members)(value))
        parts = [f"<{name}>"]
        self._writers.content(members)(parts, dict(value))
        parts.append(f"</{name}>")
        return "".join(parts).encode()


def _exception(error: ServiceError, modelled: str | None) -> bytes:
    if modelled is not None:
        headers = _text_header(":message-type", "exception") + _text_header(":exception-type", modelled)
        headers += _text_header(":content-type", "application/json")
        return encode_message(headers, msgspec.json.encode({"message": error.message, **error.members}))
    headers = _text_header(":message-type", "error") + _text_header(":error-code", error.code)
    return encode_message(headers + _text_header(":error-message", error.message), b"")
