"""The record of a running `lambent dev`: how other commands in the project find its platform.

`.lambent/dev.json` in the project is there as long as the session is. One that was killed before it could remove it
counts for nothing: its process is gone, or its port is, where another process has its number by now. It is a file of
the project, which anybody may have written: one of somebody else, or with a URL of another machine, counts for nothing
either.
"""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

PATH: Final = Path(".lambent") / "dev.json"

_CONNECT_S: Final = 2.0
"""To a port of this machine: the kernel answers, however busy its owner is."""


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
        with (root / PATH).open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            session = msgspec.json.decode(file.read(), type=DevSession)
    except (OSError, msgspec.MsgspecError):
        return None
    return session if _alive(session.pid) and _listens(session.url) else None


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


def _listens(url: str) -> bool:
    """Whether there is a port of this machine, and somebody has it."""
    try:
        place = urlsplit(url)
        if place.scheme != "http" or place.hostname not in ("127.0.0.1", "localhost", "::1"):
            return False
        with socket.create_connection((place.hostname, place.port or 80), _CONNECT_S):
            return True
    except (OSError, ValueError):
        return False
