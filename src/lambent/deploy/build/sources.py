"""The app's own files in a unit's package, whatever language they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.deploy.build.selection import select
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.deploy.build.contents import Contents
    from lambent.deploy.build.selection import Chosen
    from lambent.deploy.manifest import Unit


def sources(
    root: Path, unit: Unit, contents: Contents, bundles: Path, apart: frozenset[str]
) -> dict[str, Chosen]:
    """By name in the package, sorted. Bundles of Node.js are written below `bundles`. Raises BuildError.

    `apart` are the folders of `folders_apart`.
    """
    if unit.language == "node":
        from lambent.deploy.build.node import node_sources

        found = node_sources(root, unit, contents, bundles, apart)
    else:
        found = select(root, unit, contents, apart)
    for name in found:
        if not _is_utf8(name):
            raise BuildError(
                f"unit {unit.name}: the name of {name!r} is not UTF-8, as names in a package are",
                hint="Rename it, or exclude it.",
            )
    return found


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
