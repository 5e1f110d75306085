"""Log events in frames, as Lambda's official runtime clients write them to the descriptor of _LAMBDA_TELEMETRY_LOG_FD.

A frame is a type (u32), the length of the message (u32), a time in microseconds (u64) and the message, big endian.
The type is 0xa55a00 and a byte whose last two bits are 3 for text and 2 for JSON, and 1 for an older form that
has no time; the others tell a level. Here the descriptor is that of standard output, so events and what is
printed stay in order by themselves.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTOR: Final = "1"
"""The value for _LAMBDA_TELEMETRY_LOG_FD."""

_MAGIC: Final = b"\xa5\x5a\x00"
_LONGEST: Final = 1_048_576


class TelemetryFrames:
    """The output of one process: bytes in, printed pieces and log events out."""

    __slots__ = ("_partial",)

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """What `data` completes: a time in microseconds and a message, or 0 and what was printed."""
        data = self._partial + data
        self._partial = b""
        while (at := data.find(_MAGIC)) >= 0:
            if at:
                yield 0, data[:at]
                data = data[at:]
            timed = len(data) > 3 and data[3] & 3 != 1
            head = 16 if timed else 8
            length = int.from_bytes(data[4:8], "big")
            if len(data) >= 8 and length > _LONGEST:
                yield 0, data[:4]  # it only looks like one
                data = data[4:]
                continue
            if len(data) < head or len(data) < head + length:
                self._partial = data
                return
            stamp = int.from_bytes(data[8:16], "big") if timed else time.time_ns() // 1000
            yield stamp, data[head : head + length]
            data = data[head + length :]
        # The beginning of a frame may be all there is of it.
        kept = next((count for count in (2, 1) if data.endswith(_MAGIC[:count])), 0)
        if kept:
            data, self._partial = data[:-kept], data[-kept:]
        if data:
            yield 0, data
