"""What runs functions on this machine, found by the name of their runtime.

A family ("python", "nodejs" …) finds an engine: a language on this machine in one version. The fleet starts each
engine that is wanted once and takes processes from it. A new language is a module here and an entry in the
table that the composition root makes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lambent.execution.errors import InterpreterMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Executor
    from pathlib import Path

    from lambent.execution.process import ProcessOwner, RuntimeProcess
    from lambent.functions import FunctionVersion


@dataclass(frozen=True)
class Preload:
    """Modules that processes of a runtime have loaded before they are forked, from `folders` of packages.

    Only where all functions of that runtime have these folders on their path: what is loaded, they do not find anew.
    """

    runtime: str
    folders: tuple[str, ...]
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Premises:
    """What an engine is started with.

    `data`: directory for what it has to keep. `mark`: variables that every process has to carry (see `orphans`).
    `private_view`: whether to try for one. `executor`: for work that blocks. `preload`: see there.
    """

    data: Path
    mark: Mapping[str, str]
    private_view: bool
    executor: Executor
    preload: Preload | None = None


class ProcessSource(Protocol):
    """A started engine: where environments get their processes from (a "nursery")."""

    @property
    def alive(self) -> bool:
        """Whether there can be processes; one that is not stays so."""

    @property
    def private_view(self) -> bool:
        """Whether functions see /var/task and a /tmp of their own."""

    def expect(self, version: FunctionVersion) -> None:
        """Processes for this version will be wanted soon."""

    def take(self, owner: ProcessOwner, init: bytes) -> RuntimeProcess:
        """A process that begins INIT for `owner`. Raises EnvironmentUnavailable, OSError."""

    async def close(self) -> None:
        """Kill all processes, taken ones too; returns when they are dead."""


class Engine(Protocol):
    """A language on this machine in one version. Equal engines are started once; hashable."""

    @property
    def runtime(self) -> str:
        """The runtime it serves: "python3.12"."""

    async def start(self, premises: Premises) -> ProcessSource:
        """Make it ready. Raises EnvironmentUnavailable."""

    def variables(self, *, private_view: bool) -> Mapping[str, str]:
        """Environment variables that functions of this language have unless they set them themselves."""

    def members(self, premises: Premises) -> Mapping[str, object]:
        """What an INIT document of this language has besides what all have."""


class Family(Protocol):
    """The engines of one language."""

    def find(self, runtime: str, *, nearest: bool) -> Engine:
        """The engine for a runtime, or with `nearest` that of the closest version. Raises InterpreterMissing."""


_FAMILY = re.compile(r"[a-z]*")


class Engines:
    """All families by the letters that their runtimes' names begin with.

    `families` make each when it is first asked for: looking for a language takes time that most starts can do
    without.
    """

    def __init__(self, families: Mapping[str, Callable[[], Family]]) -> None:
        self._families = families
        self._made: dict[str, Family] = {}

    def find(self, runtime: str | None, *, nearest: bool = False) -> Engine:
        """The engine for a runtime such as "nodejs22.x". Raises InterpreterMissing, which says what there is."""
        name = runtime or ""
        match = _FAMILY.match(name)
        letters = match[0] if match else ""
        if letters not in self._families:
            raise InterpreterMissing(
                f"the runtime {name or 'of a container image'} cannot be run here; "
                f"those of these families can: {', '.join(sorted(self._families))}"
            )
        family = self._made.get(letters)
        if family is None:
            family = self._made[letters] = self._families[letters]()
        return family.find(name, nearest=nearest)


def listed(found: Iterable[tuple[str, Path]]) -> str:
    """For messages: runtimes and where their programs are."""
    return ", ".join(f"{runtime} ({program})" for runtime, program in found) or "none"
