"""The real command line against a real platform, each a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import tests.cli.ready as ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).parents[2]
_URL = re.compile(r"http://\S+?:\d+")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's environment without what would change what commands do."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LAMBENT_", "COLUMNS"))
    }
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PYTHONPATH": str(REPOSITORY / "src")} | variables


def run_lambent(directory: Path, *arguments: str, stdin: str = "", **variables: str) -> Ended:
    ended = subprocess.run(
        [sys.executable, "-m", "lambent.cli", *arguments],
        cwd=directory,
        env=clean_environment(**variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


class Running:
    """`lambent up` in a process, with what it printed so far."""

    def __init__(self, directory: Path, *arguments: str, until: str = "Ctrl-C ends it.") -> None:
        self.directory = directory
        self._printed = directory / "up.out"
        with self._printed.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lambent.cli", "up", "--port", "0", *arguments],
                cwd=directory,
                env=clean_environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(lambda: until in self.printed or self.process.poll() is not None)
        assert self.process.poll() is None, self.printed
        found = _URL.search(self.printed)
        assert found is not None
        self.url = found[0]

    @property
    def printed(self) -> str:
        return self._printed.read_text()

    def lambent(self, *arguments: str, stdin: str = "") -> Ended:
        return run_lambent(self.directory, *arguments, stdin=stdin, LAMBENT_ENDPOINT_URL=self.url)

    def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(40)


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A platform with examples/hello, shared by the tests of a module."""
    running = Running(
        tmp_path_factory.mktemp("platform"),
        "--load",
        str(REPOSITORY / "examples" / "hello"),
        "--runtime-fallback",
    )
    yield running
    running.stop()


@pytest.fixture(scope="session")
def ready_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for PATH with an `aws` and a `lambent` that are imported already."""
    folder = tmp_path_factory.mktemp("ready")
    path = folder / "socket"
    with subprocess.Popen([sys.executable, ready.__file__, str(path)], env=clean_environment()) as process:
        try:
            wait_until(path.exists)
            for name in ready.PROGRAMS:
                program = folder / name
                program.write_text(ready.client(str(path)))
                program.chmod(0o755)
            yield folder
        finally:
            process.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a platform of the test's own."""
    running: list[Running] = []

    def started(*arguments: str, **options: Any) -> Running:
        running.append(Running(tmp_path, *arguments, **options))
        return running[-1]

    yield started
    for one in running:
        one.stop(signal.SIGKILL)


@pytest.fixture
def lambent(tmp_path: Path) -> Callable[..., Ended]:
    """Runs the command line in an empty directory, without a platform."""
    return lambda *arguments, **options: run_lambent(tmp_path, *arguments, **options)


@pytest.fixture
def environment() -> Callable[..., dict[str, str]]:
    return clean_environment


@pytest.fixture
def wait() -> Callable[..., None]:
    return wait_until
