"""The templates: whole projects with tests, which are the examples of the repository themselves."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.deploy.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFT_OUT: Final = frozenset({"__pycache__", "node_modules", "build", "dist"})
_HIDDEN_THAT_BELONG: Final = frozenset({".gitignore"})


@dataclass(frozen=True, slots=True)
class Template:
    """A template. `called` is what its app is named, in its own files."""

    called: str
    description: str

    @property
    def folder(self) -> Path:
        """Where its files are: in the package, or in a checkout of the repository, of which they are the examples."""
        inside = Path(__file__).parent / "templates" / self.called
        return inside if inside.is_dir() else Path(__file__).parents[4] / "examples" / self.called

    def files(self) -> Iterator[tuple[Path, bytes]]:
        """Its files, relative to its folder, with their contents. Raises ProjectError when they are not there."""
        folder = self.folder
        if not folder.is_dir():
            raise ProjectError(
                f"the template {self.called} is missing: {folder}",
                hint="Install lambent again: pip install lambent",
            )
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and all(_belongs(part) for part in relative.parts):
                yield relative, path.read_bytes()


def _belongs(part: str) -> bool:
    """Whether a file or folder of this name is a part of the template: what running it has left behind is not."""
    if part.startswith("."):
        return part in _HIDDEN_THAT_BELONG
    return part not in _LEFT_OUT and not part.endswith(".pyc")


TEMPLATES: Final = {
    template.called: template
    for template in (
        Template("http", "Notes over HTTP, kept in a table"),
        Template("worker", "A queue with a dead-letter queue, and a schedule"),
        Template("websocket", "A chat over WebSockets"),
        Template("shop", "All of it together, each router a function of its own, one of them of Node.js"),
    )
}
"""By name, the simplest first."""


def template_named(name: str) -> Template:
    """Raises ProjectError with the names that there are."""
    found = TEMPLATES.get(name)
    if found is None:
        near = difflib.get_close_matches(name, TEMPLATES, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise ProjectError(f"there is no template {name}", hint=f"{meant}There are {', '.join(TEMPLATES)}.")
    return found
