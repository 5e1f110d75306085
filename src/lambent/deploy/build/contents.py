"""What files hold: their digests and the names in their strings, read once for as long as they stay as they are."""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    import os
    from pathlib import Path

_NAMES: Final = re.compile(rb"""["'](?:\./)?([^"'/\\\n*?]{1,255})(?=["'/])""")
# Two changes within a tick of the kernel's clock (4 ms, 10 ms on some) leave the same time: what is younger than this
# is read again.
_SETTLED_NS: Final = 50_000_000
_EXECUTABLE: Final = 0o100


class _Known(NamedTuple):
    changed: tuple[int, int, int]
    digest: bytes
    names: frozenset[bytes] | None


class File(NamedTuple):
    """`digest` is SHA-256 of the contents."""

    digest: bytes
    executable: bool
    size: int


class Contents:
    """Facts of files by path. Not for several threads."""

    def __init__(self) -> None:
        self._known: dict[Path, _Known] = {}

    def file(self, path: Path) -> File:
        """Raises BuildError where it cannot be read."""
        status = self._status(path)
        known = self._read(path, status)
        return File(known.digest, bool(status.st_mode & _EXECUTABLE), status.st_size)

    def names(self, path: Path) -> frozenset[bytes]:
        """The first part of whatever in its strings may be a path: "templates" of "templates/mail.html"."""
        return self._read(path, self._status(path), names=True).names or frozenset()

    def _status(self, path: Path) -> os.stat_result:
        try:
            return path.stat()
        except OSError as error:
            raise _unreadable(path, error) from error

    def _read(self, path: Path, status: os.stat_result, *, names: bool = False) -> _Known:
        changed = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = self._known.get(path)
        if known is not None and known.changed == changed and not (names and known.names is None):
            return known
        try:
            with path.open("rb") as file:
                if names:
                    text = file.read()
                    digest = hashlib.sha256(text).digest()
                    known = _Known(changed, digest, frozenset(_NAMES.findall(text)))
                else:
                    known = _Known(changed, hashlib.file_digest(file, "sha256").digest(), None)
        except OSError as error:
            raise _unreadable(path, error) from error
        if time.time_ns() - status.st_mtime_ns > _SETTLED_NS:
            self._known[path] = known
        else:
            self._known.pop(path, None)
        return known


def unwritable(folder: Path, error: OSError) -> BuildError:
    """For what goes wrong where something is made."""
    where = error.filename or str(folder)
    return BuildError(
        f"{where}: {error.strerror or error}",
        hint=f"Packages are made in {folder}: it has to be a folder that can be written, on a disk with room.",
    )


def _unreadable(path: Path, error: OSError) -> BuildError:
    return BuildError(f"{path} cannot be read: {error.strerror}", hint="Mend its permissions, or exclude it.")
