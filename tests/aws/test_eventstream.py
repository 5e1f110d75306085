"""Event streams, read by botocore's parsers; frames, read and written here."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any
from zlib import crc32

import botocore.eventstream
import botocore.parsers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.aws.errors import SerializationError, ServiceError
from lambent.aws.eventstream import EventReaders, EventWriters, decode_messages, encode_message
from lambent.aws.jsonwire import JsonReaders, JsonWriters
from lambent.aws.model import load_model
from lambent.aws.serialize import OutputWriters
from lambent.aws.xmlwire import XmlReaders, XmlWriters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def _source(events: list[Any]) -> AsyncIterator[dict[str, Any]]:
    for event in events:
        if isinstance(event, Exception):
            raise event
        yield event


def _written(
    service: str, protocol: str, operation: str, output: dict[str, Any]
) -> tuple[list[tuple[str, str]], bytes]:
    async def collect() -> tuple[list[tuple[str, str]], bytes]:
        writers = OutputWriters(load_model(service), protocol)
        reply = writers.writer(load_model(service).operation(operation))(output, "id")
        assert not isinstance(reply.body, bytes)
        return reply.headers, b"".join([piece async for piece in reply.body])

    return asyncio.run(collect())


class _Raw:
    """The unread body of an answer, as botocore's event streams take it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Any:
        # In pieces that do not end where messages do.
        return (self._body[start : start + 7] for start in range(0, len(self._body), 7))

    def close(self) -> None: ...


def _parsed(wire: Any, service: str, protocol: str, operation: str, body: bytes) -> Any:
    shape = wire(service, protocol).model.operation_model(operation).output_shape
    response = {
        "status_code": 200,
        "headers": {},
        "body": _Raw(body),
        "context": {"operation_name": operation},
    }
    return botocore.parsers.create_parser(protocol).parse(response, shape)


_STREAMS = [
    ("lambda", "rest-json", "InvokeWithResponseStream", "EventStream"),
    ("logs", "json", "StartLiveTail", "responseStream"),
    ("kinesis", "json", "SubscribeToShard", "EventStream"),
    ("s3", "rest-xml", "SelectObjectContent", "Payload"),
    ("bedrock-runtime", "rest-json", "ConverseStream", "stream"),
]


@pytest.mark.parametrize(("service", "protocol", "operation", "member"), _STREAMS)
@given(data=st.data())
def test_botocore_reads_what_is_written(
    wire: Any, drawn: Any, service: str, protocol: str, operation: str, member: str, data: st.DataObject
) -> None:
    stream = wire(service, protocol).model.operation_model(operation).output_shape.members[member]
    strategy = drawn(xml=protocol == "rest-xml", filled=protocol == "rest-xml")
    events = []
    for _ in range(data.draw(st.integers(0, 4))):
        names = sorted(name for name, shape in stream.members.items() if not shape.metadata.get("exception"))
        name = data.draw(st.sampled_from(names))
        events.append({name: data.draw(strategy.structure(stream.members[name], 2))})
    headers, body = _written(service, protocol, operation, {member: _source(events)})
    assert ("Content-Type", "application/vnd.amazon.eventstream") in headers
    read = list(_parsed(wire, service, protocol, operation, body)[member])
    for event in events:
        # An explicit payload that is not there is an empty one.
        for name, value in event.items():
            for inner, shape in stream.members[name].members.items():
                if shape.serialization.get("eventpayload"):
                    value.setdefault(inner, b"")
    assert read == events


def test_an_error_ends_the_stream_as_an_exception(wire: Any) -> None:
    error = ServiceError("SessionTimeoutException", "too long")
    _, body = _written("logs", "json", "StartLiveTail", {"responseStream": _source([error])})
    with pytest.raises(botocore.eventstream.EventStreamError, match="too long") as raised:
        list(_parsed(wire, "logs", "json", "StartLiveTail", body)["responseStream"])
    assert raised.value.response["Error"]["Code"] == "SessionTimeoutException"


def test_an_error_that_the_stream_does_not_model(wire: Any) -> None:
    error = ServiceError("InternalFailure", "oops")
    _, body = _written("lambda", "rest-json", "InvokeWithResponseStream", {"EventStream": _source([error])})
    with pytest.raises(botocore.eventstream.EventStreamError, match="oops"):
        list(_parsed(wire, "lambda", "rest-json", "InvokeWithResponseStream", body)["EventStream"])


@pytest.mark.parametrize(
    ("service", "operation", "member", "writers", "readers"),
    [
        ("lambda", "InvokeWithResponseStream", "EventStream", JsonWriters, JsonReaders),
        ("kinesis", "SubscribeToShard", "EventStream", JsonWriters, JsonReaders),
        ("s3", "SelectObjectContent", "Payload", XmlWriters, XmlReaders),
    ],
)
@given(data=st.data())
def test_events_are_read_back(
    wire: Any,
    drawn: Any,
    service: str,
    operation: str,
    member: str,
    writers: Any,
    readers: Any,
    data: st.DataObject,
) -> None:
    output = load_model(service).operation(operation).output
    assert output is not None
    stream = output.members[member]
    theirs = wire(service).model.operation_model(operation).output_shape.members[member]
    name = data.draw(
        st.sampled_from(sorted(n for n, s in stream.members.items() if not s.traits.get("exception")))
    )
    event = data.draw(drawn(xml=service == "s3", filled=True).structure(theirs.members[name], 2))

    async def written() -> bytes:
        write = EventWriters(writers()).writer(stream)
        return b"".join([piece async for piece in write(_source([{name: event}]))])

    (found,) = EventReaders(readers()).reader(stream)(asyncio.run(written()))
    explicit = {
        inner for inner, shape in stream.members[name].members.items() if shape.traits.get("eventpayload")
    }
    assert {key: value for key, value in found[name].items() if key in event or key not in explicit} == event


def test_a_frame_byte_by_byte() -> None:
    """The example `{"foo": "bar"}` with one header, laid out by the encoding's own description."""
    header = b"\x0ccontent-type\x07\x00\x10application/json"
    payload = b"{'foo':'bar'}"
    prelude = struct.pack(">II", 16 + len(header) + len(payload), len(header))
    frame = prelude + struct.pack(">I", crc32(prelude)) + header + payload
    frame += struct.pack(">I", crc32(frame))
    assert encode_message(header, payload) == frame
    assert list(decode_messages(frame)) == [({"content-type": "application/json"}, payload)]


def test_headers_of_every_type() -> None:
    raw = b"".join(
        (
            b"\x01a\x00",
            b"\x01b\x01",
            b"\x01c\x02\xff",
            b"\x01d\x03\x00\x07",
            b"\x01e\x04\xff\xff\xff\xff",
            b"\x01f\x05" + b"\0" * 7 + b"\x09",
            b"\x01g\x06\x00\x02\x00\xff",
            b"\x01h\x07\x00\x02hi",
            b"\x01i\x08" + b"\0" * 6 + b"\x03\xe8",
            b"\x01j\x09" + bytes(16),
        )
    )
    ((headers, _),) = decode_messages(encode_message(raw, b""))
    assert headers == {
        "a": True,
        "b": False,
        "c": -1,
        "d": 7,
        "e": -1,
        "f": 9,
        "g": b"\0\xff",
        "h": "hi",
        "i": 1000,
        "j": "00000000-0000-0000-0000-000000000000",
    }


@given(position=st.integers(0, 59), flip=st.integers(1, 255))
def test_every_flipped_byte_is_noticed(position: int, flip: int) -> None:
    frame = bytearray(encode_message(b"\x0ccontent-type\x07\x00\x10application/json", b"{'foo':'bar'}"))
    frame[position] ^= flip
    with pytest.raises(SerializationError):
        list(decode_messages(bytes(frame)))


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        encode_message(b"", b"x")[:-1],
        encode_message(b"\x05ab", b""),
        encode_message(b"\x01a\x63", b""),
        encode_message(b"\x01a\x07\x00\x01\xff", b""),
        encode_message(b"\x01a\x05\x00", b""),
    ],
)
def test_broken_frames(data: bytes) -> None:
    with pytest.raises(SerializationError):
        list(decode_messages(data))
