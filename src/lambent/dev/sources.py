"""The project's files as they are: whether one has changed since they were last taken.

Looked at with each request, as notices of the kernel come later than a request may (and not at all from some file
systems): so a look costs a `stat` a file, and one of many files is not repeated at once.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Stamp: TypeAlias = tuple[int, int, int]
"""When a file was written (nanoseconds), its size and its inode: editors write a new file in place of the old one."""

SKIPPED: Final = frozenset({"__pycache__", "node_modules", "venv"})
"""Folders that hold no sources, besides those that begin with a dot."""

_ENDINGS: Final = (
    ".pyc",
    ".pyo",
    ".tmp",
    ".swp",
    ".log",
    ".db",
    ".sqlite",
    ".sqlite3",
    "-journal",
    "-wal",
    "~",
)
"""Of files that programs write while they run."""

_CHEAP_S: Final = 0.002
_PAUSE: Final = 10
"""A look that costs more is repeated after this many times what it did: whoever sends many requests to a large project
waits at most a tenth longer. Costs are the processor's time, as others may have it for long.
"""


_MANY: Final = 500
"""Files that are looked at in the time that a request may cost others."""


class Sources:
    """The files below `root`. One thread at a time."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._files: dict[str, Stamp] = {}
        self._folders: dict[str, int] = {}
        self._next_look = 0.0
        self.take()

    @property
    def is_large(self) -> bool:
        """Whether a look takes so long that it is nothing for an event loop."""
        return len(self._files) > _MANY

    @property
    def is_due(self) -> bool:
        """Whether the last look is long enough ago, for what it has cost."""
        return time.perf_counter() >= self._next_look

    def changed(self) -> bool:
        """Whether there is anything to `take`. A look that has just been made is not repeated."""
        if not self.is_due:
            return False
        began = time.thread_time()
        found = any(_written(folder) != at for folder, at in self._folders.items()) and self._walked()
        found = found or any(stamp_of(path) != stamp for path, stamp in self._files.items())
        cost = time.thread_time() - began
        if cost > _CHEAP_S:
            self._next_look = time.perf_counter() + _PAUSE * cost
        return found

    def paths(self) -> list[Path]:
        """The files that are known."""
        return [Path(path) for path in self._files]

    def stamps(self) -> dict[str, Stamp]:
        """The stamps of the files, by path relative to the root."""
        return {os.path.relpath(path, self._root): stamp for path, stamp in self._files.items()}

    def take(self) -> list[str]:
        """What has changed since the last time, relative to the root and sorted: it is known from now on."""
        before = self._files
        self._folders, self._files = self._walk()
        self._next_look = 0.0
        return sorted(
            os.path.relpath(path, self._root)
            for path in before.keys() | self._files.keys()
            if before.get(path) != self._files.get(path)
        )

    def _walked(self) -> bool:
        """Whether there are other files than before; folders that merely say they have changed are believed."""
        folders, files = self._walk()
        if files.keys() != self._files.keys():
            return True
        self._folders = folders
        return False

    def _walk(self) -> tuple[dict[str, int], dict[str, Stamp]]:
        folders: dict[str, int] = {}
        files: dict[str, Stamp] = {}
        left = [self._root]
        while left:
            folder = left.pop()
            folders[folder] = _written(folder)
            for entry in _entries(folder):
                if entry.name.startswith(".") or entry.name in SKIPPED:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):  # noqa: PTH110, PTH118 - hot
                        left.append(entry.path)
                elif not entry.name.endswith(_ENDINGS):
                    stamp = stamp_of(entry.path)
                    if stamp is not None:
                        files[entry.path] = stamp
        return folders, files


def stamp_of(path: str) -> Stamp | None:
    """None for what is not there."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path for each file of each look costs more than the look
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _written(folder: str) -> int:
    stamp = stamp_of(folder)
    return 0 if stamp is None else stamp[0]


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:  # removed meanwhile
        return


def is_source(path: str) -> bool:
    """Whether a notice of a change of `path` is worth a look: the same rule as for `Sources`."""
    parts = Path(path).parts
    return not path.endswith(_ENDINGS) and not any(
        part in SKIPPED or (part.startswith(".") and part not in (".", "..")) for part in parts
    )
