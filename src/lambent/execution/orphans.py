"""Processes of an earlier run that outlived it.

A platform that ends, however it ends, takes its environments with it: the zygote sees its socket close and
kills everything below it. Only when platform and zygote are killed in the same moment can something that a
function started stay behind. All of them carry the mark of the data directory they belong to in their
environment, and the next start ends them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK: Final = "_LAMBENT_NODE"
"""The variable that every process of a node carries."""

_PROC: Final = Path("/proc")
_PATIENCE_SECONDS: Final = 5.0


def node_mark(data: Path) -> str:
    """The mark of a data directory: made once, kept there."""
    path = data / "node-id"
    with contextlib.suppress(OSError):
        if mark := path.read_text().strip():
            return mark
    mark = uuid.uuid4().hex
    path.write_text(mark + "\n")
    return mark


def end_orphans(mark: str) -> int:
    """Kill every process that carries `mark`, and wait until they are gone. Returns how many there were."""
    needle = f"{MARK}={mark}".encode()
    ended: set[int] = set()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # Repeated, because what is being killed may fork once more.
    while (found := set(_carriers(needle))) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        ended |= found
        time.sleep(0.002)
    return len(ended)


def _carriers(needle: bytes) -> Iterator[int]:
    if not _PROC.is_dir():
        return
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if needle in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)
