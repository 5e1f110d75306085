"""A platform in a process of its own, for tests."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

import lambent

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeVar

    _T = TypeVar("_T")

START_SECONDS: Final = 30.0
"""How long a platform may take to listen, on a machine that has a lot to do."""

_SERVER: Final = "lambent.pytest_plugin.server"
_END_SECONDS: Final = 10.0
_SHOWN_BYTES: Final = 4000


@functools.cache
def _session() -> Any:
    """botocore's, one for all clients: reading its data takes ten times as long as to make a client."""
    import botocore.session

    return botocore.session.Session()


class PlatformFailed(Exception):
    """The platform did not start; the message has what it has said."""


class Credentials:
    """Those that the platform takes without having any configured."""

    access_key = "lambent"
    secret_key = "lambent"  # noqa: S105 - no secret: a platform on loopback asks none


class Platform:
    """A platform that keeps nothing, on a free port of this machine. It ends with `stop`, or with this process.

    `url` is its endpoint, `region` that of the clients, `environment` the variables that lead SDKs and tools to it.
    """

    region = "us-east-1"

    def __init__(self, process: subprocess.Popen[bytes], log: Any) -> None:
        self.url = ""
        self._process = process
        self._log = log
        self._clients: dict[str, Any] = {}

    @classmethod
    def start(cls, **settings: Any) -> Self:
        """Start one; `settings` are those of lambent.toml. Raises PlatformFailed."""
        return cls.launch(**settings).wait()

    @classmethod
    def launch(cls, **settings: Any) -> Self:
        """Begin to start one: it is there when `wait` has returned."""
        log = tempfile.TemporaryFile(prefix="lambent-tests-")  # noqa: SIM115 - closed when the process has ended
        # Not through the shell's environment: LAMBENT_* variables of the machine are for its own platform.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAMBENT_")}
        # Where this lambent is, and not the working directory: a project may have modules of any name.
        paths = [str(Path(lambent.__file__).parents[1]), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _SERVER, msgspec.json.encode(settings).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            # Ctrl-C is pytest's: fixtures of tests still need the platform then.
            start_new_session=True,
        )
        return cls(process, log)

    def wait(self) -> Self:
        """Wait until it listens. Raises PlatformFailed, and nothing of it is left then."""
        if not self.url:
            line = _first_line(self._process)
            try:
                self.url = str(msgspec.json.decode(line)["url"])
            except (msgspec.DecodeError, KeyError, TypeError):
                self._process.kill()
                said = _ended(self._process, self._log)
                raise PlatformFailed(
                    f"the platform for tests did not start:\n{said or 'it has said nothing'}"
                ) from None
        return self

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead SDKs and tools to it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": Credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": Credentials.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def client(self, service: str) -> Any:
        """A client of boto3, made once: `platform.client("sqs")`."""
        if service not in self._clients:
            from botocore.config import Config

            self._clients[service] = _session().create_client(
                service,
                region_name=self.region,
                endpoint_url=self.url,
                aws_access_key_id=Credentials.access_key,
                aws_secret_access_key=Credentials.secret_key,
                config=Config(
                    retries={"total_max_attempts": 1}, read_timeout=930, s3={"addressing_style": "path"}
                ),
            )
        return self._clients[service]

    def wait_for(self, condition: Callable[[], _T], *, timeout: float = 10.0, what: str | None = None) -> _T:
        """Ask `condition` until it is true, or has raised no AssertionError; what it gave.

        Raises AssertionError after `timeout` seconds, with what it gave or raised last.
        """
        from lambent.pytest_plugin.waiting import wait_for

        return wait_for(condition, timeout=timeout, what=what)

    def reset(self) -> None:
        """Forget everything: functions, queues, stacks, what services beside it keep."""
        import urllib.request

        request = urllib.request.Request(f"{self.url}/_lambent/reset", method="POST")  # noqa: S310 - http
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the platform's
            answer.read()

    def stop(self) -> None:
        """End it, and everything that it has started."""
        for client in self._clients.values():
            client.close()
        process = self._process
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        _ended(process, self._log)

    def __repr__(self) -> str:
        return f"<Platform {self.url}>"


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    """What it prints first; nothing when it ends or takes too long."""
    import select
    import time

    assert process.stdout is not None
    said = b""
    end = time.monotonic() + START_SECONDS
    while not said.endswith(b"\n"):
        left = end - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            return b""
        part = os.read(process.stdout.fileno(), 4096)
        if not part:
            return b""
        said += part
    return said


def _ended(process: subprocess.Popen[bytes], log: Any) -> str:
    """Wait for its end and close all that belongs to it; the last that it has said."""
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    log.seek(0, os.SEEK_END)
    log.seek(max(0, log.tell() - _SHOWN_BYTES))
    said: str = log.read().decode(errors="replace")
    log.close()
    return said.strip()
