"""uv, the program that resolves and installs distributions: run it, and understand why it would not.

https://docs.astral.sh/uv/reference/cli/
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Final

from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NO_NETWORK: Final = ("error sending request", "Failed to fetch", "dns error", "Request failed after")
_NO_WHEEL: Final = re.compile(r"Wheels are required for `([^`]+)`")
_NO_MATCH: Final = re.compile(
    r"([A-Za-z0-9._-]+)(?:[=<>]=?\S+)? ha(?:s|ve) no (?:wheels with a matching|usable wheels)"
)
_DISABLED: Final = re.compile(r"Building source distributions is disabled, but attempted to build `([^`]+)`")


class UvFailure(Exception):
    """It has refused. `text` is what it said."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    @property
    def no_network(self) -> bool:
        """Whether the index did not answer."""
        return any(sign in self.text for sign in _NO_NETWORK)

    @property
    def without_wheel(self) -> str | None:
        """The distribution that has no wheel for the target."""
        # Lines of its messages are broken where they are long.
        text = " ".join(self.text.split())
        match = _NO_WHEEL.search(text) or _DISABLED.search(text) or _NO_MATCH.search(text)
        return match[1] if match else None

    @property
    def reason(self) -> str:
        """The last cause that it gave, in a line."""
        text = " ".join(self.text.split("hint:")[0].split())
        causes = re.split(r"\scause:\s", text)
        return causes[-1].removeprefix("error: ").strip() or "it gave no reason"


@cache
def program() -> str:
    """Where uv is: the one that was installed with Lambent, or else on PATH. Raises BuildError."""
    try:
        from uv import find_uv_bin

        return os.fsdecode(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise BuildError(
            "packages are resolved with uv, and it is not there", hint="pip install 'lambent[deploy]'"
        )
    return found


def run(arguments: Sequence[str], *, cwd: Path, offline: bool = False) -> str:
    """Runs it, and gives what it printed. Raises UvFailure, BuildError."""
    command = [program(), *arguments, "--quiet", "--no-progress", "--color", "never"]
    environment = {**os.environ, "VIRTUAL_ENV": ""}
    if offline:
        command.append("--offline")
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise BuildError(f"uv cannot be run: {error}") from error
    if done.returncode:
        raise UvFailure(done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8", "replace")
