"""Standard output cut into log events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EVENT_BYTES: Final = 262_144
"""Bytes of the longest log event; a longer line becomes several."""


class LineSplitter:
    """Bytes in, lines out; the last one waits until its end arrives, `flush` is called or it grows too long.

    What is not UTF-8 is shown with replacement characters, as CloudWatch Logs does.
    """

    __slots__ = ("pending",)

    def __init__(self) -> None:
        self.pending = b""

    def feed(self, data: bytes) -> Iterator[str]:
        """Complete lines, each with its newline."""
        if self.pending:
            data = self.pending + data
            self.pending = b""
        lines = data.split(b"\n")
        rest = lines.pop()
        for line in lines:
            while len(line) >= MAX_EVENT_BYTES:
                yield line[:MAX_EVENT_BYTES].decode("utf-8", "replace")
                line = line[MAX_EVENT_BYTES:]
            yield line.decode("utf-8", "replace") + "\n"
        while len(rest) >= MAX_EVENT_BYTES:
            yield rest[:MAX_EVENT_BYTES].decode("utf-8", "replace")
            rest = rest[MAX_EVENT_BYTES:]
        self.pending = rest

    def flush(self) -> str:
        """What is left of an unfinished line."""
        rest, self.pending = self.pending, b""
        return rest.decode("utf-8", "replace")
