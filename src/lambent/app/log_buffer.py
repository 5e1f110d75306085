"""Log lines that are held back during an invocation, and shown if it goes wrong.

Settings and their defaults are those of Powertools' LoggerBufferConfig.
"""

from __future__ import annotations

from collections import deque

import msgspec

from lambent.app.log_level import level_number


class LoggerBufferConfig(msgspec.Struct, frozen=True):
    """Which lines are held back: those of `buffer_at_verbosity` (DEBUG, INFO or WARNING) and below, whatever the
    logger's level is. `max_bytes` are kept, the latest; an error line brings them out if `flush_on_error_log`.

    Raises ValueError for other values.
    """

    max_bytes: int = 20480
    buffer_at_verbosity: str = "DEBUG"
    flush_on_error_log: bool = True

    def __post_init__(self) -> None:
        if type(self.max_bytes) is not int or self.max_bytes <= 0:
            raise ValueError(f"max_bytes is a positive number of bytes, not {self.max_bytes!r}")
        if str(self.buffer_at_verbosity).upper() not in ("DEBUG", "INFO", "WARNING"):
            raise ValueError(
                f"buffer_at_verbosity is DEBUG, INFO or WARNING, not {self.buffer_at_verbosity!r}"
            )
        if not isinstance(self.flush_on_error_log, bool):
            raise ValueError(f"flush_on_error_log is True or False, not {self.flush_on_error_log!r}")

    @property
    def level(self) -> int:
        """The number of the highest level that is held back."""
        return level_number(self.buffer_at_verbosity)


class LineBuffer:
    """Lines in the order they were logged, the oldest dropped when there is no room.

    They are of one trace: where nobody says that an invocation has ended, another trace shows it.
    """

    __slots__ = ("_lines", "_max_bytes", "_size", "_trace", "evicted")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lines: deque[tuple[str, int]] = deque()
        self._size = 0
        self._trace: str | None = None
        self.evicted = 0

    def add(self, line: str, trace: str | None = None) -> bool:
        """Keeps the line. False if it is larger than the whole buffer, which then stays as it is."""
        self._begin(trace)
        size = len(line) if line.isascii() else len(line.encode("utf-8", "surrogatepass"))
        if size > self._max_bytes:
            return False
        while self._size + size > self._max_bytes:
            self._size -= self._lines.popleft()[1]
            self.evicted += 1
        self._lines.append((line, size))
        self._size += size
        return True

    def _begin(self, trace: str | None) -> None:
        if trace != self._trace:
            # Lines from before the first invocation, when there was no trace, belong to that one.
            if self._trace is not None:
                self.clear()
            self._trace = trace

    def take(self, trace: str | None = None) -> tuple[list[str], int]:
        """The lines and how many were dropped before them; the buffer is empty afterwards."""
        self._begin(trace)
        lines, evicted = [line for line, _ in self._lines], self.evicted
        self.clear()
        return lines, evicted

    def clear(self) -> None:
        self._lines.clear()
        self._size = self.evicted = 0
