"""The project's interpreter: where it finds packages, and which distributions these are."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from lambent.deploy.errors import BuildError

# `sys.path` without the standard library, then what editable installs of setuptools find by a hook instead of a path
# (https://setuptools.pypa.io/en/latest/userguide/development_mode.html): the folders that their packages are in.
_ASK: Final = """
import json, os, sys, sysconfig
own = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
found = []
for path in sys.path:
    real = os.path.realpath(path)
    if path and os.path.isdir(path) and real not in own and os.path.basename(path) != "lib-dynload":
        found.append(os.path.abspath(path))
for name, module in list(sys.modules.items()):
    if name.startswith("__editable__") and name.endswith("_finder"):
        for package, path in sorted(getattr(module, "MAPPING", {}).items()):
            if os.path.basename(path).split(".")[0] == package.rpartition(".")[2]:
                found.append(os.path.dirname(os.path.abspath(path)))
json.dump({"version": list(sys.version_info[:2]), "path": list(dict.fromkeys(found))}, sys.stdout)
"""
_ANSWER_S: Final = 30.0


class Interpreter(NamedTuple):
    """`version` as (3, 11); `search_path` are folders of installed packages and editable installs, in their order."""

    version: tuple[int, int]
    search_path: tuple[str, ...]


class Distribution(NamedTuple):
    """An installed distribution. `info` is its `.dist-info`.

    `direct_url` is where it was installed from when that was no index: a URL as requirements spell it, or of a folder.
    """

    name: str
    version: str
    info: Path
    direct_url: str | None
    editable: bool


def interpreter(python: Path) -> Interpreter:
    """Asks it once; again when its environment has changed. Raises BuildError where it does not run."""
    return _asked(str(python), _state(python))


def installed(python: Path) -> dict[str, Distribution]:
    """The distributions that it finds, by normalised name."""
    found: dict[str, Distribution] = {}
    for folder in interpreter(python).search_path:
        for info in sorted(Path(folder).glob("*-*.dist-info")):
            distribution, _, version = info.name.removesuffix(".dist-info").partition("-")
            name = normalised(distribution)
            if name not in found:
                found[name] = Distribution(name, version, info, *_direct_url(info))
    return found


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def folder_of(url: str) -> Path | None:
    """The folder or file of a `file:` URL."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _direct_url(info: Path) -> tuple[str | None, bool]:
    # https://packaging.python.org/en/latest/specifications/direct-url/
    try:
        document = json.loads((info / "direct_url.json").read_bytes())
    except (OSError, ValueError):
        return None, False
    url = str(document.get("url", ""))
    if vcs := document.get("vcs_info"):
        url = f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', '')}"
    if subdirectory := document.get("subdirectory"):
        url = f"{url}#subdirectory={subdirectory}"
    return url or None, bool(document.get("dir_info", {}).get("editable"))


def _state(python: Path) -> tuple[int, ...]:
    """What changes when packages come or go: the times of the folders of packages, as far as they can be guessed."""
    state = []
    for folder in (
        python,
        python.parent.parent / "pyvenv.cfg",
        *python.parent.parent.glob("lib/python3.*/site-packages"),
    ):
        try:
            state.append(folder.stat().st_mtime_ns)
        except OSError:
            state.append(0)
    return tuple(state)


@lru_cache(maxsize=8)
def _asked(python: str, state: tuple[int, ...]) -> Interpreter:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        answer = subprocess.run(
            [python, "-c", _ASK],
            capture_output=True,
            env={**environment, "PYTHONSAFEPATH": "1"},
            cwd=Path(python).parent,
            timeout=_ANSWER_S,
            check=True,
        ).stdout
        document = json.loads(answer)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise BuildError(
            f"the project's interpreter {python} does not run: {error}",
            hint="Make the project's environment anew, for example `python3 -m venv .venv`.",
        ) from error
    first, second = document["version"]
    return Interpreter((first, second), tuple(document["path"]))
