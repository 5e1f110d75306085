"""The CPython interpreters of this machine that functions can run on.

Found by names alone, without starting any of them: a zygote that starts tells soon enough whether one works.
Only real binaries count: the shims of version managers are shell scripts that cost 100 ms a start.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.execution.errors import InterpreterMissing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OLDEST: Final = (3, 9)
NEWEST: Final = (3, 14)

_RUNTIME: Final = re.compile(r"python(\d+)\.(\d+)")
_BINARY: Final = re.compile(r"python3\.(\d+)")
_VERSION: Final = re.compile(r"(?:cpython-)?(\d+)\.(\d+)(?:\.(\d+))?(?=-|$)")


@dataclass(frozen=True, order=True)
class Interpreter:
    """A CPython: its version, (3, 12) or (3, 12, 4) as far as known, its real binary, its prefix."""

    version: tuple[int, ...]
    executable: Path
    prefix: Path

    @property
    def runtime(self) -> str:
        """The runtime it serves: "python3.12"."""
        return f"python{self.version[0]}.{self.version[1]}"

    @property
    def cache_tag(self) -> str:
        """What its byte-compiled files are marked with: "cpython-312"."""
        return f"cpython-{self.version[0]}{self.version[1]}"


class Interpreters:
    """A machine's interpreters by runtime name, one for each, the newest patch release first.

    `home` and `environment` (PATH, PYENV_ROOT, UV_PYTHON_INSTALL_DIR, ASDF_DATA_DIR, XDG_DATA_HOME) say where
    to look.
    """

    def __init__(self, home: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        variables = os.environ if environment is None else environment
        self._found: dict[str, Interpreter] = {}
        for interpreter in _discover(home or Path.home(), variables):
            known = self._found.get(interpreter.runtime)
            if known is None or interpreter.version[2:] > known.version[2:]:
                self._found[interpreter.runtime] = interpreter

    def __iter__(self) -> Iterator[Interpreter]:
        return iter(sorted(self._found.values()))

    def find(self, runtime: str) -> Interpreter:
        """The interpreter for a runtime such as "python3.12". Raises InterpreterMissing."""
        interpreter = self._found.get(runtime)
        if interpreter is None:
            raise InterpreterMissing(self._missing(runtime))
        return interpreter

    def nearest(self, runtime: str) -> Interpreter:
        """The interpreter for a runtime or, without one, that of the closest version (the newer of two).

        Raises InterpreterMissing for a runtime that is not Python's and on a machine without any interpreter.
        """
        match = _RUNTIME.fullmatch(runtime)
        if match is None or not self._found:
            raise InterpreterMissing(self._missing(runtime))
        wanted = int(match[2])
        return min(self._found.values(), key=lambda one: (abs(one.version[1] - wanted), -one.version[1]))

    def _missing(self, runtime: str) -> str:
        listed = ", ".join(f"{one.runtime} ({one.executable})" for one in self)
        return (
            f"no interpreter for {runtime} on this machine (looked on PATH and in pyenv, uv and asdf); "
            f"found: {listed or 'none'}{f'. {InterpreterMissing.mend}' if listed else ''}"
        )


def _discover(home: Path, variables: Mapping[str, str]) -> Iterator[Interpreter]:
    """Candidates, those preferred among equals first."""
    running = _interpreter(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}")
    if running is not None:
        yield Interpreter(tuple(sys.version_info[:3]), running.executable, running.prefix)
    data = Path(variables.get("XDG_DATA_HOME") or home / ".local" / "share")
    for versions in (
        Path(variables.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        Path(variables.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python"),
        Path(variables.get("ASDF_DATA_DIR") or home / ".asdf") / "installs" / "python",
    ):
        yield from _installed(versions)
    for folder in dict.fromkeys(variables.get("PATH", "").split(os.pathsep)):
        if folder:
            yield from _on_path(Path(folder))


def _installed(versions: Path) -> Iterator[Interpreter]:
    """Interpreters of a folder with one installation a version: `3.12.4/bin/python3.12`."""
    for folder in _listing(versions):
        match = _VERSION.match(folder.name)
        if match is None:
            continue
        version = tuple(int(part) for part in match.groups() if part is not None)
        found = _interpreter(folder / "bin" / f"python{version[0]}.{version[1]}")
        if found is not None:
            yield Interpreter(version, found.executable, found.prefix)


def _on_path(folder: Path) -> Iterator[Interpreter]:
    for minor in range(OLDEST[1], NEWEST[1] + 1):
        found = _interpreter(folder / f"python3.{minor}")
        if found is not None:
            yield found


def _listing(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.iterdir(), reverse=True)
    except OSError:
        return ()


def _interpreter(binary: Path) -> Interpreter | None:
    """The interpreter behind a path, or None if there is none of a wanted version behind it."""
    try:
        real = binary.resolve(strict=True)
    except OSError:
        return None
    match = _BINARY.fullmatch(real.name)
    if match is None or not OLDEST <= (3, int(match[1])) <= NEWEST or real.parent.name != "bin":
        return None
    prefix = real.parent.parent
    # Its own standard library lies beside it: so it is no shim, wrapper or virtual environment.
    if not os.access(real, os.X_OK) or not (prefix / "lib" / real.name / "os.py").is_file():
        return None
    return Interpreter((3, int(match[1])), real, prefix)
