"""Writing log lines to a stream, whatever it can take. Nothing is raised: logging has nobody to raise to."""

from __future__ import annotations

import sys
from typing import Any


def write(stream: Any, line: str) -> None:
    """Writes the line at once: Lambda freezes and kills without asking."""
    try:
        # One call, so that lines of several threads do not mix and Lambda's log has one event a line.
        stream.write(line)
        stream.flush()
    except UnicodeEncodeError:
        _write_ascii(stream, line)
    except Exception as error:  # noqa: BLE001 - logging has nobody to raise to
        _complain(error)


def _write_ascii(stream: Any, line: str) -> None:
    """The same line for a stream that cannot encode all of it."""
    import json

    try:
        stream.write(json.dumps(json.loads(line), separators=(",", ":")) + "\n")
        stream.flush()
    except Exception as error:  # noqa: BLE001 - logging has nobody to raise to
        _complain(error)


def _complain(error: Exception) -> None:
    try:
        sys.stderr.write(f"A log line could not be written: {error!r}\n")
    except Exception:  # noqa: BLE001 - nowhere left to say it
        return
