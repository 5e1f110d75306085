"""The framework as it is packed: of the distribution lambent only what runs inside a function."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import lambent
from lambent.deploy.build.interpreter import interpreter

if TYPE_CHECKING:
    from lambent.deploy.project import Project


def framework_files(project: Project) -> dict[str, Path]:
    """By name in the package, sorted: from the lambent that the project's interpreter has, else from this one."""
    for folder in interpreter(project.python).search_path:
        if (Path(folder) / "lambent" / "app" / "__init__.py").is_file():
            return _files(Path(folder) / "lambent")
    return _files(Path(lambent.__file__).parent)


@cache
def _files(folder: Path) -> dict[str, Path]:
    found = [folder / "__init__.py", folder / "py.typed", *(folder / "app").rglob("*.py")]
    return {
        f"lambent/{path.relative_to(folder).as_posix()}": path for path in sorted(found) if path.is_file()
    }
