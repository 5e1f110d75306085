"""One platform per data directory: a lock that dies with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from lambent.store.errors import DirectoryInUse

if TYPE_CHECKING:
    from pathlib import Path


class FileLock:
    """An exclusive lock on a file, held from construction until `release` or the end of the process.

    Raises DirectoryInUse, naming the holder, when another process has it. The file is left in place:
    removing it would let two processes lock two different files of the same name.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise DirectoryInUse(
                f"{path.parent} is in use by another process{f' (pid {holder})' if holder else ''}: "
                "stop it, or choose another data directory"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let another process have it. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
