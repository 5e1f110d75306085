"""Where others are installed that are measured beside Lambent: `.venv-peers`, made when they are first wanted.

Frameworks share one environment (requirements/peers.txt); platforms have one each.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT: Final = Path(__file__).parent.parent
_FOLDER: Final = _ROOT / ".venv-peers"
_REQUIREMENTS: Final = _ROOT / "requirements"
_SECONDS: Final = 300.0

HOW_TO: Final = (
    "no peers to compare with: with a network, `python -m bench framework` installs requirements/peers.txt "
    "into .venv-peers"
)


class Peers:
    """Where they are installed: the interpreter to run them with, and the folder that they are imported from."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "bin" / "python"
        self.packages = next(folder.glob("lib/python*/site-packages"))


def find() -> Peers | None:
    """The frameworks, as requirements/peers.txt has them; None when they are not there and cannot be installed."""
    return _python("frameworks", "peers.txt")


def ministack() -> Peers | None:
    """MiniStack, as requirements/peers-ministack.txt has it; None likewise."""
    return _python("ministack", "peers-ministack.txt")


def serverless_offline() -> Path | None:
    """The folder whose node_modules has serverless-offline, as requirements/peers-node.json says; None likewise."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    folder, source = _FOLDER / "serverless-offline", _REQUIREMENTS / "peers-node.json"

    def install() -> None:
        folder.mkdir(parents=True)
        shutil.copy(source, folder / "package.json")
        _run(npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder)

    return folder if _made(folder, source.read_text(), source, install) else None


def _python(name: str, requirements: str) -> Peers | None:
    folder, source = _FOLDER / name, _REQUIREMENTS / requirements

    def install() -> None:
        _run(sys.executable, "-m", "venv", folder)
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1")
        _run(folder / "bin" / "python", *pip, "--requirement", source)

    return Peers(folder) if _made(folder, f"{sys.version}\n{source.read_text()}", source, install) else None


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)


def _made(folder: Path, wanted: str, source: Path, install: Callable[[], None]) -> bool:
    """Whether a folder has what is wanted, after it has been installed if need be."""
    # What it was made for, written when all is installed.
    made = folder / "made-for"
    if made.is_file() and made.read_text() == wanted:
        return True
    shutil.rmtree(folder, ignore_errors=True)
    print(f"installing {source.name} into {_FOLDER.name} …", file=sys.stderr)
    try:
        install()
    except (subprocess.SubprocessError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
        return False
    made.write_text(wanted)
    return True
