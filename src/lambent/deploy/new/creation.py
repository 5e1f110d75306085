"""Making a project of a template: all of it, or nothing."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.deploy.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.deploy.new.template import Template

LONGEST: Final = 32
"""Characters of a name: the names of functions have it, a stage's name and a unit's, and AWS takes 64."""

_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_TAKEN: Final = frozenset({"app", "lambent", "tests", "test"})
"""Names that are modules of the project or of what it imports."""

_ALLOWED_THERE: Final = frozenset({".git", ".DS_Store"})
_TOLD: Final = 5

_PLACES: Final = (
    'App("{}"',
    'Logger("{}"',
    'name = "{}"',
    "ssm:/{}/",
    "# {}\n",
)
"""Where the files of a template say what the app is called. Modules, resources and texts keep their names."""


@dataclass(frozen=True, slots=True)
class Created:
    """A project that was made: its folder, its name and its files relative to the folder."""

    folder: Path
    name: str
    files: Sequence[Path]


def create(template: Template, folder: Path, name: str | None = None) -> Created:
    """Make a project in `folder`, called like it where no `name` is given.

    The folder may exist when nothing is in it but a repository of git. Raises ProjectError, and leaves nothing behind
    then.
    """
    folder = folder.absolute()
    name = checked_name(folder.name if name is None else name, told=name is not None)
    _check_folder(folder)
    files = [(path, _named(content, template.called, name)) for path, content in template.files()]
    made: list[Path] = []
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as temporary:
            whole = Path(temporary) / "project"
            for path, content in files:
                target = whole / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            if folder.exists():
                for entry in sorted(whole.iterdir()):
                    entry.rename(folder / entry.name)
                    made.append(folder / entry.name)
            else:
                whole.rename(folder)
    except BaseException as error:
        for entry in made:
            _remove(entry)
        if not isinstance(error, OSError):
            raise
        raise ProjectError(
            f"{folder} could not be made: {error.strerror or error}", hint="Choose another folder."
        ) from error
    return Created(folder, name, [path for path, _ in files])


def checked_name(name: str, *, told: bool = True) -> str:
    """`name`, if an app can be called so. Raises ProjectError; `told` is whether it is a name or only a folder's."""
    hint = "A name has small letters, digits and hyphens, and begins with a letter: my-shop."
    if not told:
        hint += " With --name the folder can be called anything."
    if not _NAME.fullmatch(name):
        raise ProjectError(f"{name!r} cannot be the name of an app", hint=hint)
    if len(name) > LONGEST:
        raise ProjectError(
            f"{name!r} is too long for the name of an app: {len(name)} characters, and {LONGEST} are allowed",
            hint="Everything that is deployed has it in its own name, which AWS limits.",
        )
    if name in _TAKEN:
        raise ProjectError(f"an app cannot be called {name!r}: a module is", hint="Choose another name.")
    return name


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        if folder.is_symlink():
            raise ProjectError(f"{folder} leads nowhere", hint="Remove the link, or choose another folder.")
        return
    if not folder.is_dir():
        raise ProjectError(f"{folder} is a file", hint="Choose another folder.")
    there = sorted(entry.name for entry in folder.iterdir() if entry.name not in _ALLOWED_THERE)
    if there:
        more = f" and {len(there) - _TOLD} more" if len(there) > _TOLD else ""
        raise ProjectError(
            f"{folder} is not empty: it has {', '.join(there[:_TOLD])}{more}", hint="Choose a new folder."
        )


def _named(content: bytes, template: str, name: str) -> bytes:
    for place in _PLACES:
        content = content.replace(place.format(template).encode(), place.format(name).encode())
    return content


def _remove(entry: Path) -> None:
    with contextlib.suppress(OSError):
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
