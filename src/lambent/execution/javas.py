"""The Javas of this machine that functions can run on, found by their `release` files, without starting any."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.execution.errors import InterpreterMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUNTIMES: Final = {"java8.al2": 8, "java11": 11, "java17": 17, "java21": 21, "java25": 25}
"""Lambda's names, and the version each is for."""

_VERSION: Final = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)([\d._]*)', re.MULTILINE)


@dataclass(frozen=True, order=True)
class Java:
    """A Java: its version, (17, 0, 15), and its home."""

    version: tuple[int, ...]
    home: Path

    @property
    def runtime(self) -> str:
        """The runtime it serves: "java17"; for versions without one the name it would have."""
        major = self.version[0]
        return next((name for name, wanted in RUNTIMES.items() if wanted == major), f"java{major}")

    @property
    def executable(self) -> Path:
        """The program `java`."""
        return self.home / "bin" / "java"

    @property
    def compiler(self) -> Path | None:
        """The program `javac`, if it is there: a runtime environment has none."""
        compiler = self.home / "bin" / "javac"
        return compiler if compiler.is_file() else None


class Javas:
    """A machine's Javas, one for each version, the newest release first.

    `home` and `environment` (JAVA_HOME, JAVA_HOME_*, PATH, SDKMAN_DIR, ASDF_DATA_DIR, MISE_DATA_DIR, XDG_DATA_HOME) say
    where to look, `installed` which folders hold one installation each.
    """

    def __init__(
        self,
        home: Path | None = None,
        environment: Mapping[str, str] | None = None,
        installed: tuple[Path, ...] = (Path("/usr/lib/jvm"), Path("/Library/Java/JavaVirtualMachines")),
    ) -> None:
        variables = os.environ if environment is None else environment
        self._found: dict[int, Java] = {}
        for candidate in _homes(home or Path.home(), variables, installed):
            java = _java(candidate)
            if java is not None:
                known = self._found.get(java.version[0])
                # Of equals one that compiles is worth more.
                if known is None or _worth(java) > _worth(known):
                    self._found[java.version[0]] = java

    def __iter__(self) -> Iterator[Java]:
        return iter(sorted(self._found.values()))

    def find(self, runtime: str) -> Java:
        """The Java for a runtime such as "java17". Raises InterpreterMissing."""
        java = self._found.get(RUNTIMES.get(runtime, 0))
        if java is None:
            raise InterpreterMissing(self._missing(runtime))
        return java

    def nearest(self, runtime: str) -> Java:
        """The Java for a runtime or, without one, the oldest of the newer ones, which run the same programs.

        Raises InterpreterMissing on a machine without any.
        """
        wanted = RUNTIMES.get(runtime)
        newer = [java for java in self if wanted is not None and java.version[0] >= wanted]
        if not newer:
            raise InterpreterMissing(self._missing(runtime))
        return newer[0]

    def compiler(self, java: Java) -> Path | None:
        """A compiler for programs that `java` is to run: its own, or that of a newer one."""
        return java.compiler or next(
            (other.compiler for other in self if other.version > java.version and other.compiler), None
        )

    def _missing(self, runtime: str) -> str:
        found = ", ".join(f"{java.runtime} ({java.home})" for java in self)
        return (
            f"no Java for {runtime} on this machine (looked at JAVA_HOME, on PATH, in /usr/lib/jvm, and for sdkman, "
            f"asdf and mise); found: {found or 'none'}"
        )


def _worth(java: Java) -> tuple[bool, tuple[int, ...]]:
    return java.compiler is not None, java.version


def _homes(home: Path, variables: Mapping[str, str], installed: tuple[Path, ...]) -> Iterator[Path]:
    for name, value in variables.items():
        if value and (name == "JAVA_HOME" or name.startswith("JAVA_HOME_")):
            yield Path(value)
    for folder in variables.get("PATH", "").split(os.pathsep):
        program = Path(folder, "java")
        if folder and program.is_file():
            yield program.resolve().parent.parent
    data = Path(variables.get("XDG_DATA_HOME") or home / ".local" / "share")
    for versions in (
        Path(variables.get("SDKMAN_DIR") or home / ".sdkman") / "candidates" / "java",
        Path(variables.get("ASDF_DATA_DIR") or home / ".asdf") / "installs" / "java",
        Path(variables.get("MISE_DATA_DIR") or data / "mise") / "installs" / "java",
        *installed,
    ):
        try:
            yield from sorted(versions.iterdir())
        except OSError:
            continue


def _java(folder: Path) -> Java | None:
    if sys.platform == "darwin" and (folder / "Contents/Home").is_dir():
        folder = folder / "Contents/Home"
    home = folder.resolve()
    if home.name == "jre" and (home.parent / "release").is_file():
        home = home.parent  # the layout of Java 8
    try:
        match = _VERSION.search((home / "release").read_text(errors="replace"))
    except OSError:
        return None
    if match is None or not (home / "bin" / "java").is_file():
        return None
    rest = re.findall(r"\d+", match[2])
    return Java((int(match[1]), *map(int, rest)), home)
