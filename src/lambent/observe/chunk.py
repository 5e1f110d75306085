"""A chunk: the log records that one group got between two flushes, encoded as they arrive.

Records are encoded with MessagePack the moment they are appended (about 0.1 us each, the same as keeping a
tuple): nothing is left for the garbage collector to look at, the size in bytes is known exactly, and a
flush only hands the bytes over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from . import records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .records import Record

_HEADER: Final = b"\xdd\x00\x00\x00\x00"  # MessagePack "array 32"; the length is filled in by seal()

encode_into: Final = msgspec.msgpack.Encoder().encode_into
_decode: Final = msgspec.msgpack.Decoder(list[list[int | str | None]]).decode

CHUNK_BYTES: Final = 1 << 20
"""A chunk of this size is flushed at once."""

SPAN_MS: Final = 600_000
"""No stored chunk covers more time than this, so that a reader knows how far back to look for a chunk."""

_INDEX_BITS: Final = 32
_CHUNK_BITS: Final = 40


class Timed(Protocol):
    """What appends to a chunk: a stream with the timestamp of its newest event."""

    name: str
    last_ms: int


class Chunk:
    """An open chunk: `buffer` grows; a record's first member is an index into `streams`."""

    __slots__ = ("buffer", "count", "first_ms", "sealed", "streams")

    def __init__(self) -> None:
        self.buffer = bytearray(_HEADER)
        self.count = 0
        self.streams: list[tuple[Timed, int]] = []
        self.first_ms = 0
        self.sealed = False

    def join(self, stream: Timed, first_ms: int) -> int:
        """The number that `stream`'s records carry; `first_ms` is the time of its first record here."""
        first_ms = max(first_ms, stream.last_ms)
        self.first_ms = min(self.first_ms, first_ms) if self.streams else first_ms
        self.streams.append((stream, first_ms))
        return len(self.streams) - 1

    def seal(self) -> None:
        """Nothing is appended any more; `buffer` is complete."""
        self.sealed = True
        self.buffer[1:5] = self.count.to_bytes(4, "big")


class Piece(NamedTuple):
    """A sealed chunk that covers no more than SPAN_MS; times in epoch milliseconds."""

    first_ms: int
    last_ms: int
    streams: list[tuple[str, int, int]]
    """Name, first and last timestamp of each stream; records count by this list."""
    data: bytearray


def pieces(chunk: Chunk) -> list[Piece]:
    """A sealed chunk as it is stored: nearly always one piece, more when its timestamps are far apart."""
    streams = [(stream.name, first_ms, stream.last_ms) for stream, first_ms in chunk.streams]
    last_ms = max(last for _, _, last in streams)
    if last_ms - chunk.first_ms <= SPAN_MS:
        return [Piece(chunk.first_ms, last_ms, streams, chunk.buffer)]
    return cut([name for name, _, _ in streams], decode(bytes(chunk.buffer)))


def cut(names: list[str], records: Iterable[Record]) -> list[Piece]:
    """Records of the streams `names` in pieces by time, each in the order given."""
    parts: dict[int, tuple[Chunk, dict[int, tuple[int, int, int]]]] = {}
    for record in records:
        number, timestamp = record[0], record[1]
        part, streams = parts.setdefault(timestamp // SPAN_MS, (Chunk(), {}))
        place, first, last = streams.get(number, (len(streams), timestamp, timestamp))
        streams[number] = place, min(first, timestamp), max(last, timestamp)
        encode_into((place, *record[1:]), part.buffer, -1)
        part.count += 1
    found = []
    for _, (part, streams) in sorted(parts.items(), key=lambda item: item[0]):
        part.seal()
        times = [(names[number], first, last) for number, (_, first, last) in streams.items()]
        first_ms, last_ms = min(first for _, first, _ in times), max(last for _, _, last in times)
        found.append(Piece(first_ms, last_ms, times, part.buffer))
    return found


def decode(data: bytes) -> list[Record]:
    """The records of a sealed chunk.

    Raises msgspec.DecodeError when `data` is not what `Chunk` wrote.
    """
    decoded: list[Record] = list(_decode(data))
    return decoded


def position(timestamp_ms: int, chunk: int, record: int, part: int) -> int:
    """Where an event stands among all events: sorts by time, then by the order of arrival."""
    index = record * records.MAX_EVENTS_PER_RECORD + part
    return (timestamp_ms << (_INDEX_BITS + _CHUNK_BITS)) | (chunk << _INDEX_BITS) | index


def timestamp_of(place: int) -> int:
    """The timestamp, in epoch milliseconds, that a position begins with."""
    return place >> (_INDEX_BITS + _CHUNK_BITS)
