"""Functions of Node.js: taken as they are, or bundled by esbuild."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.deploy.build.selection import select

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.deploy.build.contents import Contents
    from lambent.deploy.build.selection import Chosen
    from lambent.deploy.manifest import Unit


def node_sources(
    root: Path, unit: Unit, contents: Contents, bundles: Path, apart: frozenset[str]
) -> dict[str, Chosen]:
    """The files of a unit's package. Raises BuildError."""
    return select(root, unit, contents, apart)
