"""A whole platform in a process of its own, reached as users reach it: boto3, plain HTTP, signals."""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPOSITORY = Path(__file__).parents[2]
ROLE = "arn:aws:iam::000000000000:role/any"
RUNTIME = f"python3.{min(sys.version_info[1], 14)}"

PYTHON = Path(sys.executable).resolve()
"""For scripts that run in environments: a virtual environment below /tmp is not to be seen there."""

_LISTENING = re.compile(r"on (http://\S+?:\d+),")


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Platform:
    """`lambent up` in a process, started by `start`; settings are `LAMBENT_*` variables in lower case.

    `command` goes before the interpreter: what limits the process, for instance. `variables` are added to its
    environment, `runtime` is what functions get unless they say otherwise.
    """

    def __init__(self, directory: Path, *, command: tuple[str, ...] = (), **settings: Any) -> None:
        self.directory = directory
        self.data = Path(settings.get("data", directory / "data"))
        self.url = ""
        self.process: subprocess.Popen[bytes]
        self.runtime = RUNTIME
        self.variables: dict[str, str] = {}
        self._command = command
        self._settings = {
            "host": "127.0.0.1",
            "port": "0",
            "data": str(self.data),
            "runtime_fallback": "true",
            **{name: str(value) for name, value in settings.items()},
        }
        self._output = directory / "output"

    # ------------------------------------------------------------ its process

    @property
    def printed(self) -> str:
        """What it has printed since it was started last."""
        return self._output.read_text(errors="replace")

    def launch(self) -> subprocess.Popen[bytes]:
        """Start a process and return it at once."""
        with self._output.open("wb") as output:
            return subprocess.Popen(
                [*self._command, sys.executable, "-m", "lambent.cli", "up"],
                cwd=self.directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self) -> Platform:
        """Start and wait until it is healthy."""
        self.process = self.launch()
        wait_until(self._healthy)
        return self

    def _healthy(self) -> bool:
        assert self.process.poll() is None, self.printed
        found = _LISTENING.search(self.printed)
        if found is None:
            return False
        self.url = found[1]
        return self.request("GET", "/_lambent/health").status == 200

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "LAMBENT_", "PYTEST_"))
        }
        settings = {f"LAMBENT_{name.upper()}": value for name, value in self._settings.items()}
        return kept | {"PYTHONPATH": str(REPOSITORY / "src")} | settings | self.variables

    def kill(self) -> None:
        """kill -9 the platform alone; returns when it is dead."""
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    # ------------------------------------------------------------ processes that belong to it

    @property
    def mark(self) -> bytes:
        """What each process of this data directory carries in its environment."""
        return b"_LAMBENT_NODE=" + (self.data / "node-id").read_bytes().strip()

    def marked(self) -> set[int]:
        """The living processes with its mark: zygotes, environments and what those have started."""
        return {pid for pid in _pids() if self.mark in _environ(pid)}

    def zygotes(self) -> list[int]:
        """The platform's own children."""
        return children(self.process.pid)

    def environments(self) -> list[int]:
        """The processes of execution environments."""
        return [child for zygote in self.zygotes() for child in children(zygote)]

    @property
    def resident_mb(self) -> float:
        """Resident memory of the platform's own process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    # ------------------------------------------------------------ clients

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One HTTP request, unsigned."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def invoke(
        self,
        name: str,
        event: Any = None,
        *,
        payload: bytes | None = None,
        kind: str | None = None,
        qualifier: str | None = None,
        tail: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Invoke by plain HTTP, with `event` as JSON or `payload` as it is; `kind` is the invocation type."""
        path = f"/2015-03-31/functions/{quote(name, safe='')}/invocations"
        if qualifier is not None:
            path += f"?Qualifier={quote(qualifier, safe='')}"
        sent = dict(headers or {})
        if kind is not None:
            sent["X-Amz-Invocation-Type"] = kind
        if tail:
            sent["X-Amz-Log-Type"] = "Tail"
        return self.request("POST", path, json.dumps(event).encode() if payload is None else payload, sent)

    def client(self, service: str = "lambda", **options: Any) -> Any:
        """A boto3 client that reports errors at once."""
        config = Config(
            retries={"total_max_attempts": 1},
            read_timeout=60,
            max_pool_connections=40,
            signature_version="v4",
        )
        defaults = {
            "endpoint_url": self.url,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": config,
        }
        return _session().client(service, **{**defaults, **options})

    @property
    def address(self) -> tuple[str, int]:
        """Where its listener is."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    @functools.cached_property
    def aws(self) -> Any:
        """A Lambda client, made once. Not for platforms that are started again."""
        return self.client()

    # ------------------------------------------------------------ functions

    def create(
        self,
        source: str,
        *,
        files: Mapping[str, str | bytes] | None = None,
        client: Any = None,
        wait: bool = True,
        **members: Any,
    ) -> str:
        """A new function whose module `app` is `source`, ready to be invoked; its name."""
        name = f"f{uuid.uuid4().hex[:12]}"
        client = client or self.aws
        client.create_function(
            **{
                "FunctionName": name,
                "Runtime": self.runtime,
                "Handler": "app.handler",
                "Role": ROLE,
                "Timeout": 30,
                "Code": {"ZipFile": package({"app.py": source, **(files or {})})},
                **members,
            }
        )
        if wait:
            self.settle(name, client)
        return name

    def settle(self, name: str, client: Any = None) -> None:
        """Wait until a function is active and its last update is through."""
        client = client or self.aws

        def settled() -> bool:
            found = client.get_function_configuration(FunctionName=name)
            assert found["State"] in ("Pending", "Active"), found
            return bool(found["State"] == "Active" and found["LastUpdateStatus"] != "InProgress")

        wait_until(settled)

    def logs(self, name: str) -> list[str]:
        """Every log event of a function, in order."""
        return [event["message"] for event in self.log_events(name)]

    def log_events(self, name: str) -> list[dict[str, Any]]:
        """Every log event of a function as CloudWatch Logs gives it, in order."""
        client = self._logs
        try:
            pages = client.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
            return [event for page in pages for event in page["events"]]
        except client.exceptions.ResourceNotFoundException:
            return []

    @functools.cached_property
    def _logs(self) -> Any:
        return self.client("logs")


@functools.cache
def _session() -> boto3.Session:
    # Reading the service models is the expensive part of a client: done once.
    return boto3.Session()


def package(files: Mapping[str, str | bytes]) -> bytes:
    """A deployment package; the same bytes for the same files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)  # of 1980
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return target.getvalue()


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Poll `condition` until it is true; what it returned."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)
    return result


def children(pid: int) -> list[int]:
    """The children of a process."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def alive(pid: int) -> bool:
    """Whether a process lives: a zombie does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _environ(pid: int) -> list[bytes]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


class Background:
    """A call in a thread; `result()` waits for what it returned or raises what it raised."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again in `result`
            self._error = error

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Any:
        self._thread.join(60)
        assert self.done, "still running"
        if self._error is not None:
            raise self._error
        return self._result


class Gate:
    """Where handlers wait: `gate.source` connects to it and returns what the test sends it.

    With an event `{"port": gate.port, "say": ...}` the handler first says its text.
    """

    source = """
import json, os, socket

def handler(event, context):
    with socket.create_connection(("127.0.0.1", event["port"])) as gate:
        gate.sendall(json.dumps([context.aws_request_id, os.getpid(), event.get("say")]).encode() + b"\\n")
        return json.loads(gate.makefile().readline())
"""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self._listener.settimeout(30)
        self._held: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]

    def wait(self, count: int = 1) -> list[list[Any]]:
        """Wait until `count` more handlers stand here; what each said: request id, pid, its text."""
        said = []
        for _ in range(count):
            connection, _ = self._listener.accept()
            connection.settimeout(30)
            self._held.append(connection)
            with connection.makefile() as file:
                said.append(json.loads(file.readline()))
        return said

    def release(self, answer: Any = None) -> None:
        """Let all that wait here return `answer`."""
        for connection in self._held:
            with contextlib.suppress(OSError), connection:
                connection.sendall(json.dumps(answer).encode() + b"\n")
        self._held.clear()

    def nobody(self) -> bool:
        """Whether nobody else has come."""
        return not select.select([self._listener], [], [], 0)[0]

    def close(self) -> None:
        self.release()
        self._listener.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Holds handlers until the test lets them go."""
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform that the tests of one worker share."""
    running = Platform(tmp_path_factory.mktemp("platform"), async_retry_seconds="0.2,0.4").start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.printed


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """Makes platforms of the test's own, started or not; kills what is left of them."""
    made: list[Platform] = []

    def make(*, start: bool = True, **settings: Any) -> Platform:
        directory = tmp_path / f"platform{len(made)}"
        directory.mkdir()
        made.append(Platform(directory, **settings))
        return made[-1].start() if start else made[-1]

    yield make
    for one in made:
        if hasattr(one, "process"):
            one.kill()


@pytest.fixture
def poll() -> Callable[..., Any]:
    return wait_until


@pytest.fixture
def background() -> Callable[..., Background]:
    """Runs a call beside the test."""
    return Background


@pytest.fixture
def living() -> Callable[[int], bool]:
    return alive


@pytest.fixture
def zipped() -> Callable[..., bytes]:
    return package


@pytest.fixture
def private_view(platform: Platform) -> None:
    """Skips where the kernel does not let functions have a file system view of their own."""
    name = platform.create("import os\ndef handler(event, context):\n    return os.getcwd()\n")
    if platform.invoke(name).json != "/var/task":
        pytest.skip("no private view of the file system here")
