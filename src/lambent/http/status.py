"""Status lines, encoded once."""

from __future__ import annotations

from http import HTTPStatus

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class _StatusLines(dict[int, bytes]):
    def __missing__(self, status: int) -> bytes:
        # Functions and services may answer any three-digit status, with or without a registered phrase.
        if not 100 <= status <= 999:
            raise ValueError(f"{status} is not an HTTP status")
        line = b"HTTP/1.1 %d %s\r\n" % (status, _PHRASES.get(status, "Unknown").encode())
        self[status] = line
        return line


STATUS_LINES: dict[int, bytes] = _StatusLines()
"""Status code -> `HTTP/1.1 200 OK` and CRLF."""
