"""Why a file is in a package."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import msgspec

from lambent.deploy.build.building import Builder
from lambent.deploy.build.imports import first_imports, module_of
from lambent.deploy.build.needs import FRAMEWORK
from lambent.deploy.build.progress import silent
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lambent.deploy.build.environment import Library
    from lambent.deploy.build.progress import Progress
    from lambent.deploy.build.resolution import Resolved
    from lambent.deploy.build.selection import Chosen
    from lambent.deploy.manifest import Manifest, Unit
    from lambent.deploy.project import Project


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the project, or a distribution with all its files. `because` are reasons, the nearest first.

    `layer` is the layer that has it.
    """

    name: str
    kind: Literal["code", "framework", "package"]
    size: int
    because: tuple[str, ...]
    layer: str = ""


def explain(
    project: Project,
    manifest: Manifest,
    unit: str,
    path: str | None = None,
    *,
    progress: Progress | None = None,
) -> list[Explanation]:
    """Everything in a unit's package, or what `path` names: a file in it, a folder, or a distribution.

    Raises BuildError for a unit or path that there is none of.
    """
    try:
        chosen_unit = manifest.unit(unit)
    except KeyError:
        names = ", ".join(one.name for one in manifest.units)
        raise BuildError(f"there is no unit {unit}", hint=f"There are: {names}.") from None
    builder = Builder(project, manifest, progress or silent, upgrade=False)
    plan = builder.plan()
    files = plan.selected[unit]
    found = list(_own(chosen_unit, files, builder))
    places = first_imports({name: chosen.path for name, chosen in files.items()})
    layered = {
        library.name: layer.name
        for layer in plan.layers.values()
        if unit in layer.units
        for library in layer.libraries
    }
    if FRAMEWORK in chosen_unit.imports:
        found.append(_framework(builder, places))
    needed = plan.needed.get(unit, {})
    if needed:
        resolved = plan.resolved[unit]
        roots = plan.roots[unit]
        for name, library in needed.items():
            found.append(
                Explanation(
                    name=f"{name} {library.version}",
                    kind="package",
                    size=library.pack.size,
                    because=tuple(_chain(name, resolved, roots, needed, places, chosen_unit)),
                    layer=layered.get(name, ""),
                )
            )
    if path is None:
        return found
    return _named(path, found, needed, unit)


def _own(unit: Unit, files: Mapping[str, Chosen], builder: Builder) -> Iterator[Explanation]:
    places = first_imports({name: chosen.path for name, chosen in files.items()})
    handler = unit.handler.rpartition(".")[0]
    for name, chosen in files.items():
        why = chosen.why
        if why == "module" or name.endswith(".py"):
            module = module_of(name)
            if module in (handler.replace("/", "."), handler):
                why = f"the handler {unit.handler} is in it"
            elif module in places and not places[module].startswith(f"{name}:"):
                why = f"imported in {places[module]}"
            elif why == "module" and name.endswith("__init__.py"):
                why = f"the package of modules in {name.rpartition('/')[0]}"
            elif why == "module":
                why = "analysis says that it may be imported"
        yield Explanation(
            name=name, kind="code", size=builder.contents.file(chosen.path).size, because=(why,)
        )


def _framework(builder: Builder, places: Mapping[str, str]) -> Explanation:
    piece = builder.framework_piece()
    return Explanation(
        name=FRAMEWORK,
        kind="framework",
        size=sum(path.stat().st_size for path in piece.paths),
        because=(
            f"imported in {places[FRAMEWORK]}"
            if FRAMEWORK in places
            else "analysis says that it is imported",
        ),
    )


def _chain(
    name: str,
    resolved: Resolved,
    roots: frozenset[str],
    needed: Mapping[str, Library],
    places: Mapping[str, str],
    unit: Unit,
) -> Iterator[str]:
    """The shortest way from the code to a distribution, from its end."""
    seen = {name}
    ways = [[name]]
    while ways:
        way = ways.pop(0)
        last = way[-1]
        if last in roots:
            for required, by in pairwise(way):
                yield f"{required} is required by {by}"
            yield _root(last, needed, places, unit)
            return
        for parent in resolved.needed_by.get(last, ()):
            if parent and parent not in seen and parent in needed:
                seen.add(parent)
                ways.append([*way, parent])
    yield "analysis says that it is needed"


def _root(name: str, needed: Mapping[str, Library], places: Mapping[str, str], unit: Unit) -> str:
    for entry in needed[name].pack.entries:
        module = entry.name.partition("/")[0].partition(".")[0]
        if module in places and not entry.name.partition("/")[0].endswith(".dist-info"):
            return f"{name} is imported in {places[module]}"
    if any(package.startswith(name) for package in unit.packages):
        return f"{name} is asked for in the settings (packages)"
    if name not in unit.imports and FRAMEWORK in unit.imports:
        return f"{name} is required by {FRAMEWORK}"
    return f"{name} is imported"


def _named(
    path: str, found: list[Explanation], needed: Mapping[str, Library], unit: str
) -> list[Explanation]:
    path = path.removeprefix("./").rstrip("/")
    exact = [one for one in found if one.name == path or one.name.startswith(f"{path}/")]
    exact += [
        one for one in found if one.kind != "code" and one.name.partition(" ")[0] == path and one not in exact
    ]
    if exact:
        return exact
    for library in needed.values():
        for entry in library.pack.entries:
            if entry.name == path or entry.name.startswith(f"{path}/"):
                return [one for one in found if one.name == f"{library.name} {library.version}"]
    if path.startswith(f"{FRAMEWORK}/"):
        return [one for one in found if one.kind == "framework"]
    raise BuildError(
        f"the package of {unit} has no {path}",
        hint=f"`lambent build --explain {unit}` shows what is. A pattern of `include` brings more in.",
    )
