"""What units need of distributions: what their code imports, what the settings say, and what the framework requires."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.deploy.build.interpreter import normalised
from lambent.deploy.build.requirements import Requirement, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambent.deploy.build.interpreter import Distribution
    from lambent.deploy.build.requirements import Declared
    from lambent.deploy.build.target import Target
    from lambent.deploy.manifest import Unit

FRAMEWORK: Final = "lambent"
# Lambda's Python runtimes have them, and so has the platform.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included
PROVIDED: Final = frozenset({"boto3", "botocore"})


class Needs(NamedTuple):
    """What a group of units needs of distributions: the units share a file of requirements and a target."""

    declared: Declared
    target: Target
    roots: dict[str, tuple[Requirement, ...]]
    """By unit: the distributions that its code imports, those asked for, and what the framework requires."""
    imported: dict[str, frozenset[str]]
    """By unit: normalised names of `roots`."""
    without: dict[str, frozenset[str]]
    """By unit: what the settings leave out (`packages = ["!numpy"]`), because a layer has it."""


def needs_of(
    units: Sequence[Unit], declared: Declared, target: Target, have: Mapping[str, Distribution]
) -> Needs:
    """Raises BuildError for a requirement that cannot be read."""
    roots = {}
    without = {}
    for unit in units:
        found: dict[str, tuple[Requirement, ...]] = {}
        left_out = {normalised(one[1:].strip()) for one in unit.packages if one.startswith("!")}
        without[unit.name] = frozenset(left_out)
        for package in unit.packages:
            if package.startswith("!"):
                continue
            asked = parse(package, declared.file.parent if declared.file else Path.cwd())
            lines = declared.of(asked.name) if asked.line == asked.name else ()
            found[asked.name] = lines or (asked,)
        for name in map(normalised, unit.imports):
            lines = declared.of(name)
            if name == FRAMEWORK:
                found.update(
                    {own.name: (own,) for own in framework_requirements(have) if own.name not in found}
                )
            elif (
                name not in found
                and name not in left_out
                and not (name in PROVIDED and not any(line.pinned() for line in lines))
            ):
                found[name] = lines or (_installed_from(name, declared, have),)
        roots[unit.name] = tuple(line for lines in found.values() for line in lines)
    imported = {name: frozenset(line.name for line in lines) for name, lines in roots.items()}
    return Needs(declared, target, roots, imported, without)


def framework_requirements(have: Mapping[str, Distribution]) -> tuple[Requirement, ...]:
    """What `lambent.app` requires: the requirements of the distribution that are no extras."""
    from importlib.metadata import PackageNotFoundError, PathDistribution
    from importlib.metadata import distribution as distribution_here

    try:
        one = PathDistribution(have[FRAMEWORK].info) if FRAMEWORK in have else distribution_here(FRAMEWORK)
        lines = one.requires or []
    except PackageNotFoundError:
        lines = ["msgspec"]
    return tuple(parse(line, Path()) for line in lines if "extra ==" not in line)


def _installed_from(name: str, declared: Declared, have: Mapping[str, Distribution]) -> Requirement:
    """A distribution that is declared nowhere: by its name, or from where it was installed."""
    one = have.get(name)
    if one is None or one.direct_url is None or any(line.name == name for line in declared.locked):
        return Requirement(name, name)
    return Requirement(name, f"{name} @ {one.direct_url}")
