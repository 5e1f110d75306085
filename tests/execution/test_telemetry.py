"""Log events that runtime clients write in frames between what they print."""

from __future__ import annotations

import pytest

from lambent.execution.runtime_api.telemetry import TelemetryFrames

STAMP = 1_700_000_000_000_000
A = b"\xa5\x5a\x00\x03" + (5).to_bytes(4, "big") + STAMP.to_bytes(8, "big") + b"a\nb\nc"
JSON = b"\xa5\x5a\x00\x12" + (2).to_bytes(4, "big") + STAMP.to_bytes(8, "big") + b"{}"
OLD = b"\xa5\x5a\x00\x01" + (3).to_bytes(4, "big") + b"old"
EMPTY = b"\xa5\x5a\x00\x03" + bytes(4) + STAMP.to_bytes(8, "big")
MIXED = b"one\n" + A + b"two\xa5\n" + JSON + EMPTY + b"three\n"
PIECES = [
    (0, b"one\n"),
    (STAMP, b"a\nb\nc"),
    (0, b"two\xa5\n"),
    (STAMP, b"{}"),
    (STAMP, b""),
    (0, b"three\n"),
]


def told(*parts: bytes) -> list[tuple[int, bytes]]:
    """What comes out, what was printed joined up to the next event."""
    frames = TelemetryFrames()
    joined: list[tuple[int, bytes]] = []
    for part in parts:
        for stamp, piece in frames.feed(part):
            if joined and not stamp and not joined[-1][0]:
                joined[-1] = (0, joined[-1][1] + piece)
            else:
                joined.append((stamp, piece))
    return joined


def test_events_between_what_is_printed() -> None:
    assert told(MIXED) == PIECES


@pytest.mark.parametrize("at", range(1, len(MIXED)))
def test_it_comes_in_any_pieces(at: int) -> None:
    assert told(MIXED[:at], MIXED[at:]) == PIECES


def test_one_byte_at_a_time() -> None:
    assert told(*(bytes([one]) for one in MIXED)) == PIECES


def test_the_form_without_a_time() -> None:
    ((stamp, message),) = told(OLD)
    assert message == b"old"
    assert stamp > STAMP


def test_what_only_looks_like_a_frame_is_printed() -> None:
    data = b"x\xa5\x5a\x00\x03\xff\xff\xff\xff" + bytes(20) + b"\n"
    assert told(data, A) == [(0, data), (STAMP, b"a\nb\nc")]
