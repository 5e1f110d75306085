from __future__ import annotations

import dataclasses

import msgspec
import pytest

from lambent.observe import chunk


@dataclasses.dataclass
class Stream:
    name: str
    last_ms: int


def test_sealed_chunk_decodes_to_its_records() -> None:
    built = chunk.Chunk()
    number = built.join(Stream("a", 0), 5)
    for record in [(number, 5, "one"), (number, 6, 1, "id", "$LATEST"), (number, 7, "héllo \U0001f600\n")]:
        chunk.encode_into(record, built.buffer, -1)
        built.count += 1
    built.seal()
    assert chunk.decode(bytes(built.buffer)) == [
        [0, 5, "one"],
        [0, 6, 1, "id", "$LATEST"],
        [0, 7, "héllo \U0001f600\n"],
    ]


def test_first_timestamp_is_the_least_that_any_stream_brings() -> None:
    built = chunk.Chunk()
    built.join(Stream("a", 0), 50)
    built.join(Stream("b", 0), 40)
    built.join(Stream("c", 45), 30)  # its events are raised to 45
    assert built.first_ms == 40
    assert [first_ms for _, first_ms in built.streams] == [50, 40, 45]


def test_damaged_chunk_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        chunk.decode(b"\xdd\x00\x00\x00\x02\x93")


def test_positions_sort_by_time_then_arrival() -> None:
    places = [
        chunk.position(1, 9, 9, 1),
        chunk.position(2, 1, 0, 0),
        chunk.position(2, 1, 0, 1),
        chunk.position(2, 1, 1, 0),
        chunk.position(2, 2, 0, 0),
    ]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert [chunk.timestamp_of(place) for place in places] == [1, 2, 2, 2, 2]
    assert chunk.position(1_763_700_000_000, (1 << 40) - 1, (1 << 31) - 1, 1) < 10**56


def test_a_chunk_whose_times_are_far_apart_is_stored_in_pieces() -> None:
    streams = [Stream("a", 0), Stream("b", 0)]
    built = chunk.Chunk()
    for stream in streams:
        built.join(stream, 5)
    records = [
        (0, 5, "one"),
        (1, 6, "two"),
        (0, chunk.SPAN_MS * 3, "three"),
        (0, chunk.SPAN_MS * 3 + 9, "four"),
    ]
    for record in records:
        chunk.encode_into(record, built.buffer, -1)
        built.count += 1
        streams[record[0]].last_ms = record[1]
    built.seal()
    early, late = chunk.pieces(built)
    assert (early.first_ms, early.last_ms) == (5, 6)
    assert early.streams == [("a", 5, 5), ("b", 6, 6)]
    assert (late.first_ms, late.last_ms) == (chunk.SPAN_MS * 3, chunk.SPAN_MS * 3 + 9)
    assert [name for name, _, _ in late.streams] == ["a"]
    found = chunk.decode(bytes(early.data)) + chunk.decode(bytes(late.data))
    assert found == [list(record) for record in records]
