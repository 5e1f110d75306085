"""The environment of the other frameworks: `.venv-peers`, made from requirements/peers.txt when it is first wanted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent
_FOLDER: Final = _ROOT / ".venv-peers"
_REQUIREMENTS: Final = _ROOT / "requirements" / "peers.txt"
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
    """The environment, as requirements/peers.txt has it; None when it is not there and cannot be made."""
    # Which interpreter and which requirements it was made for; written when all is installed.
    wanted = f"{sys.version}\n{_REQUIREMENTS.read_text()}"
    made = _FOLDER / "made-for"
    if made.is_file() and made.read_text() == wanted:
        return Peers(_FOLDER)
    shutil.rmtree(_FOLDER, ignore_errors=True)
    print(f"installing {_REQUIREMENTS.name} into {_FOLDER.name} …", file=sys.stderr)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    try:
        subprocess.run([sys.executable, "-m", "venv", _FOLDER], check=True, capture_output=True)
        subprocess.run(
            [_FOLDER / "bin" / "python", *install, "--requirement", _REQUIREMENTS],
            check=True,
            capture_output=True,
            timeout=_SECONDS,
        )
    except (subprocess.SubprocessError, OSError):
        shutil.rmtree(_FOLDER, ignore_errors=True)
        return None
    made.write_text(wanted)
    return Peers(_FOLDER)
