"""The Rubies of this machine that functions can run on, and AWS's runtime interface client for them, a gem."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.execution.errors import InterpreterMissing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

RUNTIMES: Final = {"ruby3.2": (3, 2), "ruby3.3": (3, 3), "ruby3.4": (3, 4)}
"""Lambda's names, and the version each is for."""

CLIENT: Final = "aws_lambda_ric"

_VERSION: Final = re.compile(r"(?:ruby-)?(\d+)\.(\d+)\.(\d+)(?=$|-|p)")
_PATIENCE_SECONDS: Final = 5.0


@dataclass(frozen=True, order=True)
class Ruby:
    """A Ruby: its version, (3, 3, 5), its binary, its prefix."""

    version: tuple[int, int, int]
    executable: Path
    prefix: Path

    @property
    def runtime(self) -> str:
        """The runtime it serves: "ruby3.3"."""
        return f"ruby{self.version[0]}.{self.version[1]}"

    @property
    def api(self) -> str:
        """What its folders of gems are named after: "3.3.0"."""
        return f"{self.version[0]}.{self.version[1]}.0"


@dataclass(frozen=True)
class RubyClient:
    """The gem in one version: its folder, and the folder of gems that it is installed in."""

    version: str
    folder: Path
    gems: Path

    @property
    def program(self) -> Path:
        """What is started."""
        for name in ("bin", "exe"):
            if (self.folder / name / CLIENT).is_file():
                return self.folder / name / CLIENT
        return self.folder / "bin" / CLIENT


def find_client(roots: Iterable[Path]) -> RubyClient | None:
    """The newest gem that is installed in one of these folders, each with a folder `gems`."""
    found = [
        RubyClient(folder.name.removeprefix(f"{CLIENT}-"), folder, root)
        for root in roots
        for folder in (root / "gems").glob(f"{CLIENT}-[0-9]*")
    ]
    return max(
        found, key=lambda client: [int(part) for part in re.findall(r"\d+", client.version)], default=None
    )


class Rubies:
    """A machine's Rubies by runtime name, one for each, the newest release first.

    `home` and `environment` (PATH, RBENV_ROOT, ASDF_DATA_DIR, MISE_DATA_DIR, XDG_DATA_HOME) say where to look,
    `installed` which folders hold one installation each. Looking is put off until somebody asks.
    """

    def __init__(
        self,
        home: Path | None = None,
        environment: Mapping[str, str] | None = None,
        installed: tuple[Path, ...] = (Path("/opt/rubies"), Path("/usr/local/rvm/rubies")),
    ) -> None:
        self._home = home or Path.home()
        self._variables = os.environ if environment is None else environment
        self._installed = installed
        self._found: dict[str, Ruby] | None = None

    def __iter__(self) -> Iterator[Ruby]:
        return iter(sorted(self._discovered().values()))

    def find(self, runtime: str) -> Ruby:
        """The Ruby for a runtime such as "ruby3.3". Raises InterpreterMissing."""
        ruby = self._discovered().get(runtime)
        if ruby is None:
            raise InterpreterMissing(self._missing(runtime))
        return ruby

    def nearest(self, runtime: str) -> Ruby:
        """The Ruby for a runtime or, without one, that of the closest version (the newer of two)."""
        wanted = RUNTIMES.get(runtime)
        found = [ruby for ruby in self if ruby.version[0] == 3]
        if wanted is None or not found:
            raise InterpreterMissing(self._missing(runtime))
        return min(found, key=lambda one: (abs(one.version[1] - wanted[1]), -one.version[1]))

    def gem_folders(self, ruby: Ruby) -> list[Path]:
        """Where gems for a Ruby are installed."""
        data = Path(self._variables.get("XDG_DATA_HOME") or self._home / ".local" / "share")
        return [
            ruby.prefix / "lib/ruby/gems" / ruby.api,
            Path("/var/lib/gems", ruby.api),
            self._home / ".gem/ruby" / ruby.api,
            data / "gem/ruby" / ruby.api,
        ]

    def _missing(self, runtime: str) -> str:
        found = ", ".join(f"{ruby.runtime} ({ruby.executable})" for ruby in self)
        return (
            f"no Ruby for {runtime} on this machine (looked on PATH and for rbenv, rvm, chruby, asdf and mise); "
            f"found: {found or 'none'}"
        )

    def _discovered(self) -> dict[str, Ruby]:
        if self._found is None:
            self._found = {}
            for ruby in self._candidates():
                known = self._found.get(ruby.runtime)
                if known is None or ruby.version > known.version:
                    self._found[ruby.runtime] = ruby
        return self._found

    def _candidates(self) -> Iterator[Ruby]:
        variables, home = self._variables, self._home
        data = Path(variables.get("XDG_DATA_HOME") or home / ".local" / "share")
        for versions in (
            Path(variables.get("RBENV_ROOT") or home / ".rbenv") / "versions",
            home / ".rvm/rubies",
            home / ".rubies",
            Path(variables.get("ASDF_DATA_DIR") or home / ".asdf") / "installs/ruby",
            Path(variables.get("MISE_DATA_DIR") or data / "mise") / "installs/ruby",
            *self._installed,
        ):
            for folder in sorted(versions.iterdir()) if versions.is_dir() else ():
                match = _VERSION.match(folder.name)
                program = folder / "bin/ruby"
                if match is not None and program.is_file():
                    version = (int(match[1]), int(match[2]), int(match[3]))
                    yield Ruby(version, program.resolve(), folder.resolve())
        for place in dict.fromkeys(variables.get("PATH", "").split(os.pathsep)):
            program = Path(place, "ruby")
            if place and program.is_file():
                ruby = _asked(program.resolve())
                if ruby is not None:
                    yield ruby


def _asked(program: Path) -> Ruby | None:
    try:
        answer = subprocess.run(
            [program, "--disable-all", "-e", "print RUBY_VERSION, ' ', RbConfig.ruby"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version, _, executable = answer.partition(" ")
    match = _VERSION.fullmatch(version)
    if match is None or not executable:
        return None
    real = Path(executable).resolve()
    return Ruby((int(match[1]), int(match[2]), int(match[3])), real, real.parent.parent)
