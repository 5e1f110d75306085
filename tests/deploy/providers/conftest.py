"""A platform, and moto's server, each a process of its own that all tests of a worker share."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import clean_environment, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_URL = re.compile(r"http://\S+?:\d+")


@contextlib.contextmanager
def running(*command: str, log: Path, end: int, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent, env=clean_environment(**variables)
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(end)
            process.wait(20)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a platform that keeps nothing."""
    log = tmp_path_factory.mktemp("platform") / "log"
    command = (
        sys.executable,
        "-m",
        "lambent.cli",
        "up",
        "--port",
        "0",
        "--ephemeral",
        "--region",
        "eu-west-1",
    )
    with running(*command, log=log, end=signal.SIGTERM) as process:
        wait_until(lambda: "Ctrl-C ends it." in log.read_text() or process.poll() is not None)
        found = _URL.search(log.read_text())
        assert found is not None, log.read_text()
        yield found[0]


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of moto's server: CloudFormation, IAM and S3 that are none of this project."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"
    url = f"http://127.0.0.1:{port}"
    with running(
        sys.executable, "-m", "moto.server", "-p", str(port), log=log, end=signal.SIGKILL
    ) as process:
        wait_until(lambda: _answers(url) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=2):  # noqa: S310 - loopback
            return True
    except OSError:
        return False
