"""What is read from functions of Node.js: whether the handler is there, and which resources of the app they look for.

Their code is not followed as Python's is: a variable that stands in one of the folder's files is a use, with whatever
can be done with its resource. Everything else they have to ask for with permissions.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from lambent.deploy.analysis.notes import VARIABLES, Used
from lambent.deploy.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambent.deploy.analysis.drafts import Draft
    from lambent.deploy.project import Project

ENDINGS: Final = (".mjs", ".js", ".cjs", ".ts", ".mts", ".cts")
"""Of the files that a handler may be in: the runtime's, and those that are compiled first."""

_VARIABLE: Final = re.compile(r"process\.env(?:\.|\??\.?\[\s*[\"'`])([A-Z][A-Z0-9_]*)")
_DESTRUCTURED: Final = re.compile(r"\{([^{}]*)\}\s*=\s*process\.env\b")


def check_handler(project: Project, draft: Draft) -> None:
    """Raises AnalysisError when no file, or no name in it, is the handler."""
    module, _, name = draft.handler.rpartition(".")
    folder = project.root / draft.source
    files = [folder / f"{module}{ending}" for ending in ENDINGS]
    there = [file for file in files if file.is_file()]
    if not module or not there:
        raise AnalysisError(
            f"the handler {draft.handler}: there is no {module or draft.handler}.mjs or .js in {draft.source}",
            hint="A handler is a file without its ending, and the name of what it exports: index.handler.",
            place=draft.place,
        )
    if not re.search(rf"\b{re.escape(name)}\b", there[0].read_text("utf-8", "replace")):
        raise AnalysisError(
            f"the handler {draft.handler}: there is no {name} in it",
            hint=f"It has to export that name: export const {name} = async (event) => …",
            place=there[0].relative_to(project.root).as_posix(),
        )


def uses_of(project: Project, draft: Draft) -> Iterator[Used]:
    """The resources of the app that the files of a function find by their variables."""
    folder = project.root / draft.source
    for file in _files(folder):
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
            names = _VARIABLE.findall(line)
            for listed in _DESTRUCTURED.findall(line):
                names += [one.partition(":")[0].partition("=")[0].strip() for one in listed.split(",")]
            for name in names:
                for beginning, kind in VARIABLES.items():
                    if name.startswith(beginning):
                        where = f"{file.relative_to(folder).as_posix()}:{number}"
                        yield Used(kind, name, (), where, by_variable=True)
                        break


def _files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in above:
        return  # a link to a folder that it is in
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "node_modules":
            continue
        if path.is_dir() and not (path / "pyvenv.cfg").exists():
            yield from _files(path, above | {real})
        elif path.suffix in ENDINGS and path.is_file():
            yield path
