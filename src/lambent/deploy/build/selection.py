"""Which of the project's own files a unit has, and why.

Python modules are those that analysis found to be imported. With them goes data: whatever is not Python in the folders
of its packages, and what the code names in a string at the root of the source: `Path(__file__).with_name("a.json")`
takes a.json along, "templates/mail.html" the folder templates. A unit of which no file is known is its whole
folder. Patterns of the settings have the last word.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.deploy.build.patterns import NEVER, Patterns
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lambent.deploy.build.contents import Contents
    from lambent.deploy.manifest import Unit

_NEVER: Final = Patterns(NEVER)


class Chosen(NamedTuple):
    """A file: where it is, and why it is in ("module", "data of shop", "named in app.py", "include *.html")."""

    path: Path
    why: str


def source_of(root: Path, unit: Unit) -> Path:
    """The folder that the unit's files are in, absolute. Raises BuildError where there is none."""
    source = Path(os.path.normpath(root / unit.source))
    if not source.is_dir():
        raise BuildError(
            f"unit {unit.name}: there is no folder {unit.source}",
            hint="`path` of its table in the settings says where its code is.",
        )
    return source


def folders_apart(root: Path, units: Iterable[Unit]) -> frozenset[str]:
    """Folders that are the source of a unit, and so no data of another."""
    return frozenset(os.path.normpath(root / unit.source) for unit in units)


def select(
    root: Path, unit: Unit, contents: Contents, apart: frozenset[str] = frozenset()
) -> dict[str, Chosen]:
    """The unit's files by their name in the package, with slashes, sorted. Raises BuildError.

    Folders `apart` are not its, unless they are named by a pattern.
    """
    source = source_of(root, unit)
    rules = _Rules(unit.include, unit.exclude)
    chosen: dict[str, Chosen] = {}
    if unit.files:
        for name in unit.files:
            chosen[name] = Chosen(_there(unit, source, name), "module")
        for name, path, why in _data(unit.files, source, rules, contents, apart):
            chosen.setdefault(name, Chosen(path, why))
    else:
        for name, path in _below(source, "", rules, apart=apart):
            chosen[name] = Chosen(path, f"in the folder {unit.source}")
    for name, file in included(root, unit).items():
        chosen.setdefault(name, file)
    chosen = {name: chosen[name] for name in sorted(chosen) if not rules.exclude.matching(name)}
    if not chosen:
        raise BuildError(f"unit {unit.name}: there is no file for it in {unit.source}")
    return chosen


def included(root: Path, unit: Unit) -> dict[str, Chosen]:
    """What its patterns of `include` bring in."""
    if not unit.include:
        return {}
    rules = _Rules(unit.include, unit.exclude)
    return {
        name: Chosen(path, f"include {pattern}")
        for name, path in _below(source_of(root, unit), "", rules)
        if (pattern := rules.include.matching(name)) and not rules.exclude.matching(name)
    }


def check_patterns(root: Path, units: Iterable[Unit], selected: dict[str, dict[str, Chosen]]) -> None:
    """Raises BuildError for a pattern of `include` that fits no file of any unit that has it: it is misspelt."""
    fits: dict[str, bool] = {}
    for unit in units:
        for pattern in unit.include:
            if not pattern.startswith("!") and not fits.get(pattern):
                one = Patterns((pattern,))
                fits[pattern] = not one or any(one.matching(name) for name in selected[unit.name])
    for pattern, fit in fits.items():
        if not fit:
            raise BuildError(
                f"no file fits {pattern!r} of include", hint=f"Patterns are as in a .gitignore, from {root}."
            )


class _Rules:
    """Which files and folders may be in at all."""

    def __init__(self, include: tuple[str, ...], exclude: tuple[str, ...]) -> None:
        self.include = Patterns(include)
        self.exclude = Patterns(exclude)
        self._paths = tuple(pattern.removeprefix("./").removeprefix("/") for pattern in include)
        # What is excluded may be taken back below: then folders have to be looked through.
        self._prune = not any(pattern.startswith("!") for pattern in exclude)

    def enter(self, name: str) -> bool:
        """Whether files of a folder are looked at."""
        if self._prune and self.exclude.matching(name, folder=True):
            return False
        return (
            not _NEVER.matching(name, folder=True)
            or self.include.matching(name, folder=True) is not None
            or any(path.startswith((f"{name}/", "**/")) for path in self._paths)
        )

    def take(self, name: str) -> bool:
        """Whether a file may be in."""
        return not _NEVER.matching(name) or self.include.matching(name) is not None


def _there(unit: Unit, source: Path, name: str) -> Path:
    path = source / name
    if not path.is_file():
        raise BuildError(f"unit {unit.name}: {name} is gone", hint="It was there a moment ago: try again.")
    return path


def _data(
    files: tuple[str, ...], source: Path, rules: _Rules, contents: Contents, apart: frozenset[str]
) -> Iterator[tuple[str, Path, str]]:
    """What is not Python: names, paths and reasons."""
    packages = {name.rpartition("/")[0] for name in files if "/" in name}
    for package in sorted(packages):
        for name, path in _below(source, package, rules, data=True, apart=apart):
            yield name, path, f"data of {package}"
    named: dict[bytes, str] = {}
    for name in reversed(files):
        if name.endswith(".py"):
            named.update(dict.fromkeys(contents.names(source / name), name))
    for entry in _entries(source):
        by = named.get(os.fsencode(entry.name))
        if by is None:
            continue
        if entry.is_file() and rules.take(entry.name) and not entry.name.endswith(".py"):
            yield entry.name, Path(entry.path), f"named in {by}"
        elif (
            entry.is_dir()
            and entry.name not in packages
            and entry.path not in apart
            and rules.enter(entry.name)
            and not any(inner.name.endswith(".py") for inner in _entries(Path(entry.path)))
        ):
            for name, path in _below(source, entry.name, rules, data=True, apart=apart):
                yield name, path, f"named in {by}"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise BuildError(
            f"{folder} cannot be read: {error.strerror}", hint="Mend its permissions, or exclude it."
        ) from error


def _below(
    source: Path, within: str, rules: _Rules, *, data: bool = False, apart: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Path]]:
    """Files below `source/within`, by their name from `source`, without folders `apart`. `data`: without Python, and
    without folders that have modules of their own."""
    start = source / within
    # Links to folders are followed, but never in a circle.
    stack = [(within, start, frozenset((os.path.realpath(start),)))]
    while stack:
        folder, path, above = stack.pop()
        entries = _entries(path)
        if data and folder != within and any(entry.name.endswith(".py") for entry in entries):
            continue
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir():
                # An environment under any name is known by its file.
                if not rules.enter(name) or Path(entry.path, "pyvenv.cfg").exists():
                    continue
                real = os.path.realpath(entry.path)
                if real not in above and entry.path not in apart:
                    stack.append((name, Path(entry.path), above | {real}))
            elif entry.is_file() and rules.take(name) and not (data and name.endswith((".py", ".pyi"))):
                yield name, Path(entry.path)
