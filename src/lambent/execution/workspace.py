"""The private directories of environments, below the platform's data directory.

They hold what a function writes to /tmp. They live as long as their environment, and what a killed platform
left behind is removed at the next start.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

    from lambent.execution.spec import EnvironmentSpec
    from lambent.observe import LogStream

_AGAIN_SECONDS: Final = 0.1


class Workspace:
    """Makes and removes environment directories and names their log streams.

    `open_log` gives the log stream of a version by name. Removal happens on `executor`: a full /tmp of
    10 GB must not hold the loop.
    """

    def __init__(
        self, root: Path, open_log: Callable[[EnvironmentSpec, str], LogStream], executor: Executor
    ) -> None:
        self._root = root
        self._open_log = open_log
        self._executor = executor
        self._made = 0

    def open(self) -> None:
        """Create the root, empty."""
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir(parents=True, exist_ok=True)
        self._root.chmod(0o700)

    def create(self, spec: EnvironmentSpec) -> tuple[Path, LogStream]:
        """An empty directory and a new log stream."""
        self._made += 1
        directory = self._root / f"{self._made:08d}"
        directory.mkdir()
        today = datetime.datetime.now(datetime.UTC)
        # A group of its own tells whose streams these are; in one that functions share, the names have to.
        owner = "" if spec.log_group == f"/aws/lambda/{spec.function_name}" else spec.function_name
        name = f"{today:%Y/%m/%d}/{owner}[{spec.version}]{os.urandom(16).hex()}"
        return directory, self._open_log(spec, name)

    def remove(self, directory: Path, attempts: int = 50) -> None:
        """Remove a directory, in the background."""
        loop = asyncio.get_running_loop()

        def attempted(removal: asyncio.Future[bool]) -> None:
            # A process that is being killed may still have written into it.
            if attempts > 1 and not removal.cancelled() and not removal.result():
                loop.call_later(_AGAIN_SECONDS, self.remove, directory, attempts - 1)

        loop.run_in_executor(self._executor, _removed, directory).add_done_callback(attempted)


def _removed(directory: Path) -> bool:
    shutil.rmtree(directory, ignore_errors=True)
    return not directory.exists()
