"""The record of a running `lambent dev`: how other commands in the project find its platform.

`.lambent/dev.json` in the project is there as long as the session is. One whose process is gone counts for nothing: it
was killed before it could remove it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

import msgspec

PATH: Final = Path(".lambent") / "dev.json"


class DevSession(msgspec.Struct, frozen=True, kw_only=True):
    """A running session: the platform's URL, the process, and what is deployed there."""

    url: str
    pid: int
    app: str
    stack: str
    stage: str
    region: str
    debug_port: int | None = None


def write(root: Path, session: DevSession) -> None:
    """Keep the record in the project `root`; whoever reads it sees the whole of one. Raises OSError."""
    path = root / PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix="dev-", suffix=".json")
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(session), indent=2) + b"\n")
    Path(name).replace(path)


def remove(root: Path) -> None:
    """Remove the record of this process; another's is left alone."""
    path = root / PATH
    try:
        if msgspec.json.decode(path.read_bytes(), type=DevSession).pid == os.getpid():
            path.unlink()
    except (OSError, msgspec.MsgspecError):
        return


def read(root: Path) -> DevSession | None:
    """The session that runs in the project `root`; None where none does."""
    try:
        session = msgspec.json.decode((root / PATH).read_bytes(), type=DevSession)
    except (OSError, msgspec.MsgspecError):
        return None
    return session if _alive(session.pid) else None


def find(directory: Path | None = None) -> DevSession | None:
    """The session of the project that `directory` (default: the working directory) is in, or below."""
    directory = (directory or Path.cwd()).absolute()
    for folder in (directory, *directory.parents):
        if (folder / PATH).exists():
            return read(folder)
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True
