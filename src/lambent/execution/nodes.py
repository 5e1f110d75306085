"""The Node interpreters of this machine that functions can run on.

Found where version managers put them and on PATH. Only real binaries count: the shims of version managers are
scripts, or programs that choose a version by the directory they are started in.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.execution.errors import InterpreterMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OLDEST: Final = 18
NEWEST: Final = 24

_RUNTIME: Final = re.compile(r"nodejs(\d+)\.x")
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_HEADER: Final = re.compile(r"^#define NODE_(?:MAJOR|MINOR|PATCH)_VERSION (\d+)$", re.MULTILINE)
_MAGIC: Final = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_PATIENCE_SECONDS: Final = 5.0


@dataclass(frozen=True, order=True)
class Node:
    """A Node: its version, (22, 12, 0), its real binary, its prefix."""

    version: tuple[int, int, int]
    executable: Path
    prefix: Path

    @property
    def runtime(self) -> str:
        """The runtime it serves: "nodejs22.x"."""
        return f"nodejs{self.version[0]}.x"


class Nodes:
    """A machine's Nodes by runtime name, one for each, the newest release first.

    `home` and `environment` (PATH, NVM_DIR, FNM_DIR, VOLTA_HOME, ASDF_DATA_DIR, MISE_DATA_DIR, N_PREFIX,
    NODENV_ROOT, XDG_DATA_HOME) say where to look. Looking is put off until somebody asks: a binary that does not
    lie in a folder named after its version is started to ask for it (5 ms), unless its headers tell.
    """

    def __init__(self, home: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._home = home or Path.home()
        self._variables = os.environ if environment is None else environment
        self._found: dict[str, Node] | None = None

    def __iter__(self) -> Iterator[Node]:
        return iter(sorted(self._discovered().values()))

    def find(self, runtime: str) -> Node:
        """The Node for a runtime such as "nodejs22.x". Raises InterpreterMissing."""
        node = self._discovered().get(runtime)
        if node is None:
            raise InterpreterMissing(self._missing(runtime))
        return node

    def nearest(self, runtime: str) -> Node:
        """The Node for a runtime or, without one, that of the closest version (the newer of two).

        Raises InterpreterMissing for a runtime that is not Node's and on a machine without any.
        """
        match = _RUNTIME.fullmatch(runtime)
        found = self._discovered().values()
        if match is None or not found:
            raise InterpreterMissing(self._missing(runtime))
        wanted = int(match[1])
        return min(found, key=lambda one: (abs(one.version[0] - wanted), -one.version[0]))

    def _missing(self, runtime: str) -> str:
        listed = ", ".join(f"{one.runtime} ({one.executable})" for one in self)
        return (
            f"no Node for {runtime} on this machine (looked on PATH and in nvm, fnm, volta, asdf, mise, n and "
            f"nodenv); found: {listed or 'none'}{f'. {InterpreterMissing.mend}' if listed else ''}"
        )

    def _discovered(self) -> dict[str, Node]:
        if self._found is None:
            self._found = {}
            for node in _discover(self._home, self._variables):
                known = self._found.get(node.runtime)
                if known is None or node.version > known.version:
                    self._found[node.runtime] = node
        return self._found


def _discover(home: Path, variables: Mapping[str, str]) -> Iterator[Node]:
    """Candidates, those preferred among equals first."""
    data = Path(variables.get("XDG_DATA_HOME") or home / ".local" / "share")
    asdf = Path(variables.get("ASDF_DATA_DIR") or home / ".asdf")
    mise = Path(variables.get("MISE_DATA_DIR") or data / "mise")
    for versions, below in (
        (Path(variables.get("NVM_DIR") or home / ".nvm") / "versions" / "node", ""),
        (Path(variables.get("FNM_DIR") or data / "fnm") / "node-versions", "installation"),
        (home / ".fnm" / "node-versions", "installation"),
        (Path(variables.get("VOLTA_HOME") or home / ".volta") / "tools" / "image" / "node", ""),
        (asdf / "installs" / "nodejs", ""),
        (mise / "installs" / "node", ""),
        (Path(variables.get("N_PREFIX") or "/usr/local") / "n" / "versions" / "node", ""),
        (Path(variables.get("NODENV_ROOT") or home / ".nodenv") / "versions", ""),
    ):
        yield from _installed(versions, below)
    for folder in dict.fromkeys(variables.get("PATH", "").split(os.pathsep)):
        if folder:
            yield from _node(Path(folder) / "node", None)


def _installed(versions: Path, below: str) -> Iterator[Node]:
    """Nodes of a folder with one installation a version: `v22.12.0/bin/node`."""
    try:
        folders = sorted(versions.iterdir())
    except OSError:
        return
    for folder in folders:
        match = _VERSION.fullmatch(folder.name)
        if match is not None:
            yield from _node(folder / below / "bin" / "node", _numbers(match.groups()))


def _node(binary: Path, version: tuple[int, int, int] | None) -> Iterator[Node]:
    """The Node behind a path, if there is one of a wanted version behind it."""
    try:
        real = binary.resolve(strict=True)
        with real.open("rb") as file:
            magic = file.read(4)
    except OSError:
        return
    if magic not in _MAGIC or real.name not in ("node", "nodejs") or not os.access(real, os.X_OK):
        return
    prefix = real.parent.parent if real.parent.name == "bin" else real.parent
    if prefix == prefix.parent:
        prefix = real.parent  # the root of all files is no place to show elsewhere
    version = version or _told_by_headers(prefix) or _told_by_itself(real)
    if version is not None and OLDEST <= version[0] <= NEWEST:
        yield Node(version, real, prefix)


def _told_by_headers(prefix: Path) -> tuple[int, int, int] | None:
    try:
        found = _HEADER.findall((prefix / "include" / "node" / "node_version.h").read_text())
    except (OSError, UnicodeDecodeError):
        return None
    return _numbers(found) if len(found) == 3 else None


def _told_by_itself(binary: Path) -> tuple[int, int, int] | None:
    try:
        told = subprocess.run(
            [binary, "--version"],
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    match = _VERSION.fullmatch(told.strip())
    return _numbers(match.groups()) if match else None


def _numbers(texts: tuple[str, ...] | list[str]) -> tuple[int, int, int]:
    major, minor, patch = map(int, texts)
    return major, minor, patch
