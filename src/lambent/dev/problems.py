"""Errors of the project's code, as they are shown: the place, the line, and a caret where Python has one."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.deploy.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lambent.deploy.errors import DeployError

_SCRIPT_ERROR: Final = re.compile(r"SyntaxError: ")
_PLACE: Final = re.compile(r"(.+):(\d+)")


class Problem(NamedTuple):
    """What `Screen.trouble` shows."""

    text: str
    details: list[str]
    hint: str | None


def described(error: DeployError, root: Path) -> Problem:
    """An error of the pipeline, with the line of the source that it names."""
    text = f"{error.place}: {error.message}" if error.place else error.message
    text = text.replace(f"{root}/", "")
    details: list[str] = []
    found = _PLACE.fullmatch(error.place or "")
    if isinstance(error, WrongSyntax):
        details = error.details
    elif found is not None:
        details = excerpt(root / found[1], int(found[2]))
    output = getattr(error, "output", "").strip()
    if output and not details:
        details = output.splitlines()
    return Problem(text, details, error.hint)


def excerpt(path: Path, number: int) -> list[str]:
    """A line of a file, and where its syntax is wrong a caret below; nothing for a line that cannot be read."""
    try:
        source = path.read_text("utf-8")
        line = source.splitlines()[number - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        return []
    head = f"{number} │ "
    shown = [f"{head}{line.expandtabs(4)}"]
    column = _wrong_column(source, path, number)
    if column is not None:
        before = line[:column].expandtabs(4)
        shown.append(f"{' ' * (len(head) - 2)}│ {' ' * len(before)}^")
    return shown


class WrongSyntax(ProjectError):
    """A file that is no program. `details` show the line, with a caret."""

    def __init__(self, message: str, *, place: str, details: list[str]) -> None:
        super().__init__(message, place=place)
        self.details = details


def check_syntax(root: Path, paths: Iterable[str]) -> None:
    """Compile the files of Python and JavaScript among `paths`, relative to `root`. Raises ProjectError for the
    first whose syntax is wrong.
    """
    for path in sorted(paths):
        if path.endswith((".js", ".mjs", ".cjs")):
            _check_script(root, path)
        if not path.endswith(".py"):
            continue
        try:
            source = (root / path).read_bytes()
        except OSError:  # removed
            continue
        try:
            compile(source, str(root / path), "exec", dont_inherit=True)
        except SyntaxError as error:
            place = f"{path}:{error.lineno}" if error.lineno else path
            raise ProjectError(f"{type(error).__name__}: {error.msg}", place=place) from None
        except ValueError as error:
            raise ProjectError(str(error), place=path) from None


def _check_script(root: Path, path: str) -> None:
    """What Node.js says of a file's syntax, where it is installed: `node --check` tells `file:line`, the line, carets
    and, after an empty line or not, the error.
    """
    node = shutil.which("node")
    if node is None or not (root / path).is_file():
        return
    checked = subprocess.run([node, "--check", str(root / path)], capture_output=True, check=False)
    said = checked.stderr.decode(errors="replace").splitlines()
    error = next((line for line in said if _SCRIPT_ERROR.match(line)), "")
    found = _PLACE.fullmatch(said[0]) if said else None
    if checked.returncode == 0 or not error:
        return
    if found is None:
        raise WrongSyntax(error, place=path, details=[])
    number, line = int(found[2]), said[1] if len(said) > 1 else ""
    details = [f"{number} │ {line}"]
    if len(said) > 2 and said[2].strip(" ^") == "":
        details.append(f"{' ' * len(str(number))} │ {said[2]}")
    raise WrongSyntax(error, place=f"{path}:{number}", details=details)


def _wrong_column(source: str, path: Path, number: int) -> int | None:
    """Where Python finds the syntax of that line wrong, from 0."""
    if path.suffix != ".py":
        return None
    try:
        compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        if error.lineno == number and error.offset:
            return error.offset - 1
    except ValueError:
        return None
    return None
