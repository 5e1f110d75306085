"""What a project says of the distributions that it needs.

The first of these that is found, from the unit's folder up to the project's root, counts:

    uv.lock           exact versions, with pyproject.toml beside it
    pylock.toml       exact versions (https://packaging.python.org/en/latest/specifications/pylock-toml/)
    requirements.txt  with all files that it names (https://pip.pypa.io/en/stable/reference/requirements-file-format/)
    pyproject.toml    [project] dependencies
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.deploy.build.interpreter import normalised
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES: Final = ("uv.lock", "pylock.toml", "requirements.txt", "pyproject.toml")

_NAME: Final = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?")
_COMMENT: Final = re.compile(r"(^|\s)#.*$")
_PINNED: Final = re.compile(r"===?|~=|<|@")
# Options of requirements files that say where packages are; uv knows them by the same names.
_PLACES: Final = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index")


class Requirement(NamedTuple):
    """A line: the distribution's normalised name, and the line as it was written (with its hashes)."""

    name: str
    line: str

    def pinned(self) -> bool:
        """Whether it has an upper bound: somebody wants just this one."""
        return _PINNED.search(self.line.partition(";")[0].partition(" --")[0]) is not None


class Declared(NamedTuple):
    """`direct` are what the project asks for itself, `locked` exact versions of everything that these need.

    `file` is the one that counts, None where there is none; `files` all that were read.
    """

    file: Path | None = None
    direct: tuple[Requirement, ...] = ()
    locked: tuple[Requirement, ...] = ()
    places: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    def of(self, name: str) -> tuple[Requirement, ...]:
        """The lines that ask for a distribution."""
        return tuple(requirement for requirement in self.direct if requirement.name == name)


def file_that_counts(root: Path, source: Path) -> Path | None:
    """The file that says what a unit whose folder is `source` needs."""
    folders = [source, *source.parents] if source.is_relative_to(root) else [root]
    for folder in folders:
        for name in FILES:
            file = folder / name
            if file.is_file() and (name != "pyproject.toml" or _project(_toml(file))):
                return file
        if folder == root:
            break
    return None


def read(file: Path | None) -> Declared:
    """Reads it; an uv.lock is left to uv (`locked` is empty then). Raises BuildError."""
    if file is None:
        return Declared()
    if file.name == "requirements.txt":
        lines = list(_lines(file, set()))
        return Declared(
            file,
            tuple(text for _, text in lines if isinstance(text, Requirement)),
            places=tuple(text for _, text in lines if isinstance(text, str)),
            files=tuple(dict.fromkeys(path for path, _ in lines)) or (file,),
        )
    project = file.with_name("pyproject.toml")
    files = (file, project) if file != project and project.is_file() else (file,)
    direct = (
        tuple(_requirements(_project(_toml(project)).get("dependencies", ()), project))
        if project in files
        else ()
    )
    locked = tuple(_pylock(_toml(file))) if file.name == "pylock.toml" else ()
    return Declared(file, direct, locked, files=files)


def parse(line: str, folder: Path) -> Requirement:
    """A requirement; a path, absolute or from `folder`, becomes `name @ file:///…`. Raises BuildError."""
    text = line.strip()
    if text.startswith(("./", "../", "/", "file:")) or _is_path(folder, text):
        path = (folder / text).resolve() if not text.startswith("file:") else None
        url = path.as_uri() if path is not None else text
        name = _name_of(path) if path is not None else _NAME.match(url.rpartition("/")[2])
        if isinstance(name, re.Match):
            name = name[1].partition("-")[0]
        if not name:
            raise BuildError(f"{text}: nothing says the name of the package there")
        return Requirement(normalised(name), f"{name} @ {url}")
    match = _NAME.match(text)
    if match is None:
        raise BuildError(f"{text!r} is no requirement", hint="Requirements look like `requests>=2.31`.")
    return Requirement(normalised(match[1]), text)


def _is_path(folder: Path, text: str) -> bool:
    if _NAME.fullmatch(text) or "==" in text or " @ " in text:
        return False
    try:
        return (folder / text).exists()
    except OSError:
        return False  # longer than a path may be


def _name_of(path: Path) -> str | None:
    """The name of a distribution in a folder, or of a wheel or an archive of sources."""
    if path.suffix in (".whl", ".gz", ".zip"):
        return re.split(r"-(?=\d)", path.name, maxsplit=1)[0]
    project = path / "pyproject.toml"
    if project.is_file() and (name := _project(_toml(project)).get("name")):
        return str(name)
    # What setup.py says is known when it is run; folders are mostly called like their package.
    return path.name if (path / "setup.py").is_file() or (path / "setup.cfg").is_file() else None


def _requirements(lines: Any, file: Path) -> Iterator[Requirement]:
    for line in lines if isinstance(lines, list) else ():
        yield parse(str(line), file.parent)


def _lines(file: Path, seen: set[Path]) -> Iterator[tuple[Path, Requirement | str]]:
    """Requirements of a file and of those that it names, and the options that say where packages are."""
    if file in seen:
        return
    seen.add(file)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{file} cannot be read: {error}") from error
    for number, raw in enumerate(text.replace("\\\n", " ").splitlines(), 1):
        line = _COMMENT.sub("", raw).strip()
        if not line:
            continue
        option, _, value = (
            line.replace("=", " ", 1).partition(" ") if line.startswith("--") else line.partition(" ")
        )
        value = value.strip().strip("'\"")
        if option in ("-r", "--requirement", "-c", "--constraint"):
            yield from _lines((file.parent / value).resolve(), seen)
        elif option in ("-e", "--editable"):
            yield file, parse(value, file.parent)
        elif option in _PLACES:
            local = file.parent / value
            yield (
                file,
                f"{option} {local.resolve()}" if value and local.exists() else f"{option} {value}".strip(),
            )
        elif not line.startswith("-"):
            try:
                yield file, parse(re.sub(r"\s+", " ", line), file.parent)
            except BuildError as error:
                raise BuildError(error.message, hint=error.hint, place=f"{file.name}:{number}") from None


def _pylock(document: dict[str, Any]) -> Iterator[Requirement]:
    for package in document.get("packages", ()):
        name, version = package.get("name"), package.get("version")
        if not name or not version:
            continue
        marker = f" ; {package['marker']}" if package.get("marker") else ""
        hashes = {
            f" --hash={kind}:{value}"
            for wheel in (*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ()))
            for kind, value in wheel.get("hashes", {}).items()
        }
        yield Requirement(normalised(name), f"{name}=={version}{marker}{''.join(sorted(hashes))}")


def _project(document: dict[str, Any]) -> dict[str, Any]:
    project = document.get("project")
    return project if isinstance(project, dict) else {}


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BuildError(f"{file} cannot be read: {error}") from error
