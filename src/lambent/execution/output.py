"""Standard output cut into log events, in order with those that come as frames.

What a function prints comes through a pipe, what it logs through the socket, so neither tells what was first.
Before the first print after a log record the runtime therefore writes a mark into the pipe: how many records
it has sent so far. What follows a mark waits here until that many have come.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EVENT_BYTES: Final = 262_144
"""Bytes of the longest log event; a longer line becomes several."""

_MARK_START: Final = b"\0lambent:"
_MARK: Final = re.compile(rb"\0lambent:([0-9a-f]{8})\0")  # see mark() in lambent/runtime/python/channel.py
_MAX_HELD: Final = 131_072  # a record was sent before its mark, so it is not far: one pipe's worth


class Output:
    """The output of one process: bytes in, log events out.

    The last line waits until its end arrives, it is flushed or grows too long. What is not UTF-8 is shown with
    replacement characters, as CloudWatch Logs does.
    """

    __slots__ = ("_awaited", "_held", "_partial", "_records", "unfinished")

    def __init__(self) -> None:
        self.unfinished = False
        """Whether something waits here."""
        self._partial = b""
        self._held = b""
        self._awaited = 0  # number of records that what is held comes after; 0: nothing is held
        self._records = 0

    def feed(self, data: bytes) -> Iterator[str]:
        """The events that `data` completes, each with its newline."""
        if self._awaited:
            self._held += data
            if len(self._held) > _MAX_HELD:
                # Only a mark that is not ours can make this much wait.
                self._awaited = 0
                data, self._held = self._held, b""
                yield from self._cut(self._partial + data)
        else:
            yield from self._cut(self._partial + data)
        self.unfinished = bool(self._partial or self._awaited)

    def record(self) -> Iterator[str]:
        """A record has come and has been logged: the events that waited for it."""
        self._records += 1
        if self._awaited and self._records >= self._awaited:
            self._awaited = 0
            data, self._held = self._held, b""
            yield from self.feed(data)

    def flush(self) -> Iterator[str]:
        """The last line as it is, if it was begun before the record that is about to be logged."""
        if self._partial:
            rest, self._partial = self._partial, b""
            yield rest.decode("utf-8", "replace")
        self.unfinished = bool(self._awaited)

    def finish(self) -> Iterator[str]:
        """Everything that is left."""
        yield from self.flush()
        while self._awaited:
            self._awaited = 0
            data, self._held = self._held, b""
            yield from self.feed(data)
            yield from self.flush()
        self.unfinished = False

    def _cut(self, data: bytes) -> Iterator[str]:
        while _MARK_START in data and (mark := _MARK.search(data)) is not None:
            yield from self._lines(data[: mark.start()])
            data = data[mark.end() :]
            records = int(mark[1], 16)
            if records > self._records:
                self._awaited, self._held = records, data
                return
            data = self._partial + data
        yield from self._lines(data)

    def _lines(self, data: bytes) -> Iterator[str]:
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
        self._partial = rest
