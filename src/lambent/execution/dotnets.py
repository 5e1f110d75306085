"""The .NET runtimes of this machine that functions can run on, and AWS's library for class handlers."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.execution.errors import InterpreterMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUNTIMES: Final = {"dotnet6": 6, "dotnet8": 8, "dotnet10": 10}
"""Lambda's names, and the version each is for."""

CLIENT: Final = "Amazon.Lambda.RuntimeSupport.dll"

_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, order=True)
class Dotnet:
    """A .NET runtime: its version, (8, 0, 11), and the folder of its program `dotnet`."""

    version: tuple[int, ...]
    root: Path

    @property
    def runtime(self) -> str:
        """The runtime it serves: "dotnet8"."""
        return f"dotnet{self.version[0]}"

    @property
    def executable(self) -> Path:
        """The program `dotnet`."""
        return self.root / "dotnet"


class Dotnets:
    """A machine's .NET runtimes, one for each version, the newest release first.

    `home` and `environment` (DOTNET_ROOT, NUGET_PACKAGES, PATH) say where to look, `installed` where else a `dotnet`
    may be.
    """

    def __init__(
        self,
        home: Path | None = None,
        environment: Mapping[str, str] | None = None,
        installed: tuple[Path, ...] = (
            Path("/usr/share/dotnet"),
            Path("/usr/lib/dotnet"),
            Path("/usr/local/share/dotnet"),
        ),
    ) -> None:
        variables = os.environ if environment is None else environment
        self._home = home or Path.home()
        self._packages = Path(variables.get("NUGET_PACKAGES") or self._home / ".nuget/packages")
        program = shutil.which("dotnet", path=variables.get("PATH", ""))
        roots = [
            *([Path(variables["DOTNET_ROOT"])] if variables.get("DOTNET_ROOT") else []),
            *([Path(program).resolve().parent] if program else []),
            self._home / ".dotnet",
            *installed,
        ]
        self._found: dict[int, Dotnet] = {}
        for root in roots:
            if (root / "dotnet").is_file():
                for folder in root.glob("shared/Microsoft.NETCore.App/*"):
                    match = _VERSION.match(folder.name)
                    if match is not None:
                        found = Dotnet(tuple(map(int, match.groups())), root.resolve())
                        known = self._found.get(found.version[0])
                        if known is None or found.version > known.version:
                            self._found[found.version[0]] = found

    def __iter__(self) -> Iterator[Dotnet]:
        return iter(sorted(self._found.values()))

    def find(self, runtime: str) -> Dotnet:
        """The runtime for a name such as "dotnet8". Raises InterpreterMissing.

        There is no nearest one: .NET refuses programs of another version.
        """
        found = self._found.get(RUNTIMES.get(runtime, 0))
        if found is None:
            others = ", ".join(f"{one.runtime} ({one.executable})" for one in self)
            raise InterpreterMissing(
                f"no .NET for {runtime} on this machine (looked at DOTNET_ROOT, on PATH, in ~/.dotnet and where "
                f"systems install it); found: {others or 'none'}"
            )
        return found

    def client(self, dotnet: Dotnet) -> Path | None:
        """AWS's library in NuGet's folder of packages: the newest built for this version, or for an older one."""
        found = []
        for library in self._packages.glob(f"amazon.lambda.runtimesupport/*/lib/net*.0/{CLIENT}"):
            target = int(re.sub(r"\D", "", library.parent.name.partition(".")[0]) or 0)
            release = [int(part) for part in re.findall(r"\d+", library.parents[2].name)]
            if target <= dotnet.version[0]:
                found.append((release, target, library))
        return max(found)[2] if found else None
