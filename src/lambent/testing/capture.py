"""What functions write to standard output: log lines and metrics, as documents.

Loggers and Metrics that were given a stream of their own are not seen.
"""

from __future__ import annotations

import io
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """The lines that loggers write within the `with` block: each a dict with `level`, `message` and the other keys."""
    with _captured(lambda document: "level" in document and "_aws" not in document) as logs:
        yield logs


@contextmanager
def capture_metrics() -> Iterator[list[dict[str, Any]]]:
    """The blobs of metrics (EMF) that are written within the `with` block: `blob["Orders"]` has a metric's values."""
    with _captured(lambda document: "_aws" in document) as blobs:
        yield blobs


@contextmanager
def _captured(wanted: Callable[[dict[str, Any]], bool]) -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    output = _Lines(wanted, found)
    with redirect_stdout(output):
        yield found
    output.end()


class _Lines(io.TextIOBase):
    """Standard output from which documents are taken; everything else is passed on."""

    def __init__(self, wanted: Callable[[dict[str, Any]], bool], found: list[dict[str, Any]]) -> None:
        import sys

        self._wanted = wanted
        self._found = found
        self._rest = ""
        self._output = sys.stdout

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(line, "\n")
        return len(text)

    def flush(self) -> None:
        self._output.flush()

    def end(self) -> None:
        """Nothing more is written."""
        rest, self._rest = self._rest, ""
        if rest:
            self._take(rest, "")

    def _take(self, line: str, end: str) -> None:
        if line.startswith("{"):
            try:
                document = msgspec.json.decode(line)
            except msgspec.DecodeError:
                document = {}
            if self._wanted(document):
                self._found.append(document)
                return
        self._output.write(line + end)
