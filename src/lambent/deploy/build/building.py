"""Packages of all units, and their layers.

    .lambent/build/
        resolutions/   what uv answered, by what it was asked
        environments/  installed distributions, compressed, by exact versions and target
        packages/      zips, by the fingerprint of what is in them
        bundles/       what esbuild made

Everything is named by what it is made from: what is there already is not made again, builds that run at the same time
do not hinder each other, and one that is killed leaves nothing that another takes for complete.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.deploy.build.artefacts import Build
from lambent.deploy.build.assembly import Assembly, Piece, library_piece
from lambent.deploy.build.contents import Contents, unwritable
from lambent.deploy.build.environment import libraries
from lambent.deploy.build.framework import framework_files
from lambent.deploy.build.interpreter import installed, normalised
from lambent.deploy.build.layers import FOLDER, layers_of
from lambent.deploy.build.limits import check_limits
from lambent.deploy.build.needs import FRAMEWORK, PROVIDED, needs_of
from lambent.deploy.build.progress import silent
from lambent.deploy.build.requirements import file_that_counts, read
from lambent.deploy.build.resolution import resolve
from lambent.deploy.build.selection import check_patterns, folders_apart, source_of
from lambent.deploy.build.sources import sources
from lambent.deploy.build.target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.deploy.build.environment import Library
    from lambent.deploy.build.interpreter import Distribution
    from lambent.deploy.build.layers import Layer
    from lambent.deploy.build.needs import Needs
    from lambent.deploy.build.progress import Progress
    from lambent.deploy.build.resolution import Resolved
    from lambent.deploy.build.selection import Chosen
    from lambent.deploy.manifest import Manifest, Unit
    from lambent.deploy.project import Project

FOLDER_OF_BUILDS: Final = ".lambent/build"
# Packages and environments that nobody has asked for in that time are removed.
_KEPT_S: Final = 14 * 24 * 3600.0
# No build takes that long: one that was killed has left it.
_ABANDONED_S: Final = 3600.0
_MAKING: Final = ".making-"
_STORES: Final = ("resolutions", "environments", "packages", "bundles")


def build(
    project: Project, manifest: Manifest, *, progress: Progress | None = None, upgrade: bool = False
) -> Build:
    """The packages of all units, in `.lambent/build` of the project; what is there and unchanged is taken.

    `upgrade` resolves the distributions anew, to the latest versions that the project's requirements permit. Raises
    BuildError; then nothing half-made is left.
    """
    try:
        return Builder(project, manifest, progress or silent, upgrade=upgrade).build()
    except OSError as error:
        raise unwritable(project.root / FOLDER_OF_BUILDS, error) from error


class Plan(NamedTuple):
    """By unit: its files, its distributions, the answer that these are of, and which of them the code names itself.

    `layers` by name.
    """

    selected: dict[str, dict[str, Chosen]]
    needed: dict[str, dict[str, Library]]
    resolved: dict[str, Resolved]
    roots: dict[str, frozenset[str]]
    layers: dict[str, Layer]


class Builder:
    """One build."""

    def __init__(self, project: Project, manifest: Manifest, progress: Progress, *, upgrade: bool) -> None:
        self._project = project
        self._manifest = manifest
        self._progress = progress
        self._upgrade = upgrade
        self._store = project.root / FOLDER_OF_BUILDS
        self.contents = Contents()
        self._framework: Piece | None = None
        self._notes: list[str] = []
        self._declared: set[str] = set()
        self._taken: set[str] = set()

    def plan(self) -> Plan:
        """What goes where; packages of other people are installed for it. Raises BuildError."""
        units = {unit.name: unit for unit in self._manifest.units}
        root = self._project.root
        apart = folders_apart(root, units.values())
        self._store.mkdir(parents=True, exist_ok=True)
        _ignore(self._store.parent)
        selected = {
            name: sources(root, unit, self.contents, self._store / "bundles", apart)
            for name, unit in units.items()
        }
        check_patterns(root, units.values(), selected)
        plan = Plan(selected, {}, {}, {}, {})
        self._libraries(units, plan)
        return plan

    def build(self) -> Build:
        """Raises BuildError."""
        plan = self.plan()
        units = {unit.name: unit for unit in self._manifest.units}
        layers, needed, selected = plan.layers, plan.needed, plan.selected
        within = {
            name: tuple(layer.name for layer in layers.values() if name in layer.units) for name in units
        }
        with TemporaryDirectory(prefix=_MAKING, dir=self._store) as workshop:
            assembly = Assembly(
                self._store / "packages", Path(workshop), self._progress, len(units) + len(layers)
            )
            layer_artefacts = {
                name: assembly.artefact(
                    name, [library_piece(library, f"{FOLDER}/") for library in layer.libraries]
                )
                for name, layer in layers.items()
            }
            unit_artefacts = {}
            for name, unit in units.items():
                layered = {library.name for one in within[name] for library in layers[one].libraries}
                pieces = self._pieces(unit, selected[name], needed.get(name, {}), layered)
                unit_artefacts[name] = assembly.artefact(name, pieces)
        made = Build(
            units=unit_artefacts,
            layers=layer_artefacts,
            unit_layers={name: names for name, names in within.items() if names},
            reused=frozenset(assembly.reused),
            unneeded=tuple(sorted(self._declared - self._taken - PROVIDED - {FRAMEWORK})),
            notes=tuple(self._notes),
        )
        for unit in units.values():
            check_limits(unit, made)
        self._sweep()
        return made

    def _libraries(self, units: Mapping[str, Unit], plan: Plan) -> None:
        """What each Python unit has of distributions: together for units that share a target and requirements."""
        root = self._project.root
        groups: dict[tuple[Path | None, Target], list[Unit]] = {}
        for unit in units.values():
            if unit.language == "python" and (unit.imports or unit.packages):
                file = file_that_counts(root, source_of(root, unit))
                groups.setdefault((file, target_of(unit)), []).append(unit)
        if not groups:
            return
        have = installed(self._project.python)
        targets = [target for _, target in groups]
        for number, ((file, target), members) in enumerate(groups.items()):
            declared = read(file)
            needs = needs_of(members, declared, target, have)
            resolved = resolve(
                needs, have, self._project, self._store / "resolutions", self._progress, upgrade=self._upgrade
            )
            closures = {
                name: resolved.closure(roots, needs.without[name]) for name, roots in needs.imported.items()
            }
            names = frozenset().union(*closures.values())
            found = libraries(
                names, resolved, needs, self._project, self._store / "environments", self._progress
            )
            needed = {unit: {one: found[one] for one in sorted(names)} for unit, names in closures.items()}
            plan.needed.update(needed)
            plan.resolved.update(dict.fromkeys(needed, resolved))
            plan.roots.update(needs.imported)
            for layer in layers_of(needed, units, _suffix(number, targets)):
                plan.layers[layer.name] = layer
            self._declared |= {line.name for line in declared.direct if ";" not in line.line}
            self._taken |= names
            if not self._upgrade:
                self._differences(needs, resolved, have)

    def _differences(self, needs: Needs, resolved: Resolved, have: Mapping[str, Distribution]) -> None:
        """Notes where other versions are packed than those that the project is tried with."""
        for name in sorted(frozenset().union(*needs.imported.values())):
            version = resolved.versions.get(name)
            if version and name in have and have[name].version != version:
                self._notes.append(
                    f"{name} {version} is packed for {needs.target}, and the project's environment has"
                    f" {have[name].version}"
                )

    def _pieces(
        self, unit: Unit, files: Mapping[str, Chosen], needed: Mapping[str, Library], layered: set[str]
    ) -> list[Piece]:
        facts = [(name, chosen.path, self.contents.file(chosen.path)) for name, chosen in files.items()]
        pieces = [
            Piece(
                self._manifest.app,
                "",
                "code",
                tuple((name, file.executable, file.digest) for name, _, file in facts),
                tuple(path for _, path, _ in facts),
            )
        ]
        if unit.language == "python" and FRAMEWORK in map(normalised, (*unit.imports, *unit.packages)):
            pieces.append(self.framework_piece())
        pieces += [library_piece(library) for name, library in needed.items() if name not in layered]
        return pieces

    def framework_piece(self) -> Piece:
        """The framework's files."""
        if self._framework is None:
            files = framework_files(self._project)
            self._framework = Piece(
                FRAMEWORK,
                "",
                "framework",
                tuple((name, False, self.contents.file(path).digest) for name, path in files.items()),
                tuple(files.values()),
            )
        return self._framework

    def _sweep(self) -> None:
        """Removes what has not been asked for in a long time, and what builds that were killed have left."""
        now = time.time()
        for folder in (self._store, *(self._store / name for name in _STORES)):
            with suppress(FileNotFoundError), os.scandir(folder) as entries:
                for entry in entries:
                    abandoned = entry.name.startswith(_MAKING)
                    if folder == self._store and not abandoned:
                        continue
                    with suppress(FileNotFoundError):
                        if now - entry.stat().st_mtime < (_ABANDONED_S if abandoned else _KEPT_S):
                            continue
                        if entry.is_dir():
                            shutil.rmtree(entry.path, ignore_errors=True)
                        else:
                            Path(entry.path).unlink()


def _suffix(number: int, targets: list[Target]) -> str:
    """Tells layers of several targets apart; there is nothing to tell where there is one."""
    if len(targets) == 1:
        return ""
    target = targets[number]
    suffix = f"-py{target.version.replace('.', '')}-{target.architecture.replace('_', '-')}"
    same = [at for at, other in enumerate(targets) if other == target]
    return suffix if len(same) == 1 else f"{suffix}-{same.index(number) + 1}"


def _ignore(folder: Path) -> None:
    """What is built belongs into no repository."""
    file = folder / ".gitignore"
    if not file.exists():
        file.write_text("*\n", encoding="utf-8")
