"""Zygotes driven by hand over their wire protocol, and the official runtime client to compare with."""

from __future__ import annotations

import array
import contextlib
import http.server
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambent.execution.interpreters import Interpreter, Interpreters
from lambent.execution.nodes import Nodes
from lambent.runtime import NODE_FILES, PYTHON_FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lambent.execution.nodes import Node

CONTROL = struct.Struct(">B3xIQ")
HEAD = struct.Struct(">IQ36sHI")
REQUEST_ID = "0b27bf56-9d32-4eb2-a8a2-b2cd4b6c5e6a"
PATIENCE = 20.0
_MARK = re.compile(rb"\0lambent:[0-9a-f]{8}\0")

# The functions run on the interpreter of the tests, the others where they are found.
OWN = f"python3.{sys.version_info[1]}"


class Answer:
    """What one INVOKE (or INIT) led to: `kind` R, I, O, E or X, its body, the log events before it."""

    def __init__(self, kind: bytes, body: bytes, logs: list[str], peak_kib: int) -> None:
        self.kind = kind
        self.body = body
        self.logs = logs
        self.peak_kib = peak_kib

    @property
    def value(self) -> Any:
        return json.loads(self.body)


class Environment:
    """The platform's end of an environment."""

    def __init__(self, zygote: ZygoteProcess, number: int, ours: socket.socket, output: int) -> None:
        self.zygote = zygote
        self.number = number
        self.socket = ours
        self._output = output
        ours.settimeout(PATIENCE)

    @property
    def pid(self) -> int:
        return self.zygote.wait_for(lambda: self.zygote.born.get(self.number))

    def send_init(self, task: Path, temporary: Path, **members: Any) -> None:
        document = {
            "handler": "app.handler",
            "env": {"TZ": ":UTC", **members.pop("variables", {})},
            "task_root": str(task),
            "tmp": str(temporary),
            "opt": [],
            "log_format": None,
            "log_level": None,
            "boto3": "",
            "memory_mb": 128,
            "arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
            **members,
        }
        data = json.dumps(document).encode()
        self.socket.sendall(len(data).to_bytes(4, "big") + data)

    def send(
        self,
        payload: bytes,
        trace: bytes = b"",
        extra: dict[str, str] | None = None,
        seconds: float = 3,
        request_id: str = REQUEST_ID,
    ) -> None:
        more = json.dumps(extra).encode() if extra else b""
        deadline = int((time.time() + seconds) * 1000)
        head = HEAD.pack(len(payload), deadline, request_id.encode(), len(trace), len(more))
        self.socket.sendall(head + trace + more + payload)

    def receive(self) -> Answer:
        """The next frame that is no log event, with the log events before it."""
        logs = []
        while True:
            head = self._exactly(5)
            body = self._exactly(int.from_bytes(head[1:], "big"))
            if head[:1] == b"L":
                logs.append(body[8:].decode())
                continue
            peak = 0
            if head[:1] in b"ROEX":
                peak, body = int.from_bytes(body[:4], "big"), body[4:]
            return Answer(head[:1], body, logs, peak)

    def invoke(self, event: Any = None, **members: Any) -> Answer:
        self.send(json.dumps(event).encode(), **members)
        return self.receive()

    def gone(self) -> int:
        """Wait status, once the process and all that it started are dead."""
        status = self.zygote.wait_for(lambda: self.zygote.gone.get(self.number))
        return int(status)

    def output(self) -> bytes:
        """Everything printed; call it when the process is dead or will be soon."""
        parts = []
        while data := os.read(self._output, 65_536):
            parts.append(data)
        return b"".join(parts)

    def printed(self, wanted: bytes) -> bytes:
        """Standard output until `wanted` has come, without the marks that keep it in order with logs."""
        data = b""
        while wanted not in data:
            assert select.select([self._output], [], [], PATIENCE)[0], f"printed only {data!r}"
            data = _MARK.sub(b"", data + os.read(self._output, 65_536))
        return data

    def kill(self) -> None:
        self.zygote.send(b"K", self.number)

    def close(self) -> None:
        self.socket.close()
        os.close(self._output)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(min(count - len(data), 1 << 20))
            if not more:
                raise EOFError(f"the environment hung up; it printed {self.output().decode()}")
            data += more
        return data


class ZygoteProcess:
    """A launched zygote with the control socket in our hands.

    `before`: command that the launcher's command is given to. `launcher`: interpreter and folder to start it
    from. `hosted`: for a host of supervisors, the folder of the language's files or "".
    """

    def __init__(
        self,
        interpreter: Interpreter,
        *,
        view: bool = True,
        libraries: Path | None = None,
        before: Sequence[str] = (),
        launcher: tuple[str | Path, Path] = (sys.executable, PYTHON_FILES),
        hosted: str | Path | None = None,
    ) -> None:
        self.control, theirs = socket.socketpair()
        self.born: dict[int, int] = {}
        self.gone: dict[int, int] = {}
        self.environments: list[Environment] = []
        self._numbers = 0
        with theirs:
            self.process = subprocess.Popen(
                [
                    *before,
                    launcher[0],
                    "-I",
                    "-S",
                    launcher[1] / "launcher.py",
                    str(theirs.fileno()),
                    str(int(view)),
                    interpreter.executable,
                    interpreter.prefix,
                    libraries or "",
                    *([] if hosted is None else [hosted]),
                ],
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self.control.settimeout(PATIENCE)
        kind, value, _ = CONTROL.unpack(self.control.recv(16))
        assert kind == ord("Z")
        self.has_view = bool(value)

    def send(self, kind: bytes, number: int, *descriptors: int) -> None:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        self.control.sendmsg([CONTROL.pack(kind[0], 0, number)], ancillary if descriptors else [])

    def fork(self) -> Environment:
        self._numbers += 1
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        with theirs:
            self.send(b"F", self._numbers, theirs.fileno(), write_end)
        os.close(write_end)
        environment = Environment(self, self._numbers, ours, read_end)
        self.environments.append(environment)
        return environment

    def wait_for(self, found: Callable[[], int | None]) -> int:
        while (value := found()) is None:
            data = self.control.recv(16)
            assert data, "the zygote is gone"
            kind, number_value, number = CONTROL.unpack(data)
            (self.born if kind == ord("B") else self.gone)[number] = number_value
        return value

    def close(self) -> None:
        self.control.close()
        self.process.wait(PATIENCE)
        for environment in self.environments:
            environment.close()


class Lab:
    """Zygotes by interpreter and view, started when first needed; environments with code written for a test."""

    def __init__(self) -> None:
        self.interpreters = Interpreters()
        self._zygotes: dict[tuple[str, bool], ZygoteProcess] = {}

    def zygote(self, runtime: str = OWN, *, view: bool = True) -> ZygoteProcess:
        key = (runtime, view)
        if key not in self._zygotes:
            self._zygotes[key] = ZygoteProcess(self.interpreters.find(runtime), view=view)
        return self._zygotes[key]

    def launch(self, interpreter: Interpreter | None = None, **options: Any) -> ZygoteProcess:
        """A zygote for one test, which closes it. Options as of `ZygoteProcess`."""
        return ZygoteProcess(interpreter or self.interpreters.find(OWN), **options)

    def close(self) -> None:
        for zygote in self._zygotes.values():
            zygote.close()

    @staticmethod
    def alive(pid: int) -> bool:
        """Whether a process exists and is no zombie."""
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return False

    @staticmethod
    def until(condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.005)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The module's zygotes."""
    lab = Lab()
    yield lab
    lab.close()


class Start:
    """Starts environments: `start(source)` runs `source` as app.py and waits until it is ready."""

    def __init__(self, lab: Lab, path: Path) -> None:
        self.lab = lab
        self.path = path
        self._count = 0

    def __call__(self, source: str, **options: Any) -> Environment:
        environment, answer = self.attempt({"app.py": source}, **options)
        assert answer.kind == b"R", answer.body
        return environment

    def attempt(
        self,
        files: dict[str, str],
        *,
        runtime: str = OWN,
        view: bool = False,
        zygote: ZygoteProcess | None = None,
        **members: Any,
    ) -> tuple[Environment, Answer]:
        """An environment and what its init led to."""
        environment = self.begin(files, runtime=runtime, view=view, zygote=zygote, **members)
        return environment, environment.receive()

    def begin(
        self,
        files: dict[str, str],
        *,
        runtime: str = OWN,
        view: bool = False,
        zygote: ZygoteProcess | None = None,
        **members: Any,
    ) -> Environment:
        """An environment that has been told to start."""
        self._count += 1
        task = self.path / f"task-{self._count}"
        temporary = self.path / f"tmp-{self._count}"
        temporary.mkdir()
        write_files(task, files)
        environment = (zygote or self.lab.zygote(runtime, view=view)).fork()
        environment.send_init(task, temporary, **members)
        return environment


@pytest.fixture
def start(lab: Lab, tmp_path: Path) -> Iterator[Start]:
    """Starts environments for one test; they are killed when it ends."""
    start = Start(lab, tmp_path)
    zygotes = [lab.zygote(view=False)]
    before = {id(zygote): len(zygote.environments) for zygote in zygotes}
    yield start
    for zygote in list(lab._zygotes.values()):
        for environment in zygote.environments[before.get(id(zygote), 0) :]:
            if environment.number not in zygote.gone:
                environment.kill()
                environment.gone()
            environment.close()
        del zygote.environments[before.get(id(zygote), 0) :]


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Official:
    """Runs a function on the official runtime client: the same shape of answers as ours."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(
        self,
        task: Path,
        handler: str,
        invocations: list[dict[str, Any]],
        variables: dict[str, str],
    ) -> dict[str, Any]:
        """{"answers": [[kind, body, logs], ...], "status": exit status, "output": printed}"""
        order = self.path / "order.json"
        report = self.path / "report.json"
        order.write_text(json.dumps({"task": str(task), "handler": handler, "invocations": invocations}))
        done = subprocess.run(
            [sys.executable, Path(__file__).parent / "official_client.py", order, report],
            env={"TZ": ":UTC", "PYTHONDONTWRITEBYTECODE": "1", **variables},
            capture_output=True,
            timeout=60,
            check=False,
        )
        return {
            "answers": json.loads(report.read_text()),
            "status": done.returncode,
            "output": (done.stdout + done.stderr).decode("utf-8", "replace"),
        }


@pytest.fixture
def official(tmp_path: Path) -> Official:
    folder = tmp_path / "official"
    folder.mkdir()
    return Official(folder)


class NodeStart:
    """Starts Node environments: `start({"index.mjs": source})` runs them until they are ready.

    `modern`: whether it is Node 24 or later, whose managed runtime knows promises only.
    """

    def __init__(self, node: Node, host: ZygoteProcess, path: Path) -> None:
        self.node = node
        self.path = path
        self.modern = node.version[0] >= 24
        self._host = host
        self._count = 0

    def __call__(self, files: str | dict[str, str], **members: Any) -> Environment:
        environment, answer = self.attempt(files, **members)
        assert answer.kind == b"R", (answer.kind, answer.body, answer.logs)
        return environment

    def attempt(self, files: str | dict[str, str], **members: Any) -> tuple[Environment, Answer]:
        """An environment and what its init led to."""
        environment = self.begin(files, **members)
        return environment, environment.receive()

    def begin(
        self,
        files: str | dict[str, str],
        *,
        handler: str = "index.handler",
        variables: dict[str, str] | None = None,
        ahead: bool = False,
        **members: Any,
    ) -> Environment:
        """An environment that has been told to start; a single text is index.mjs."""
        self._count += 1
        task, temporary = self.path / f"task-{self._count}", self.path / f"tmp-{self._count}"
        temporary.mkdir()
        task.mkdir()
        write_files(task, {"index.mjs": files} if isinstance(files, str) else files)
        environment = self._host.fork()
        given = {
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self.node.runtime}",
            "LAMBDA_TASK_ROOT": str(task),
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            **(variables or {}),
        }
        command = {
            "argv": [str(self.node.executable), "--expose-gc", str(NODE_FILES / "bootstrap.cjs")],
            "env": given,
            "frames": True,
        }
        if ahead:
            first = {**command, "env": {"_LAMBENT_REHEARSES": "1", "OLD": "1"}}
            data = json.dumps({"ahead": first}).encode()
            environment.socket.sendall(len(data).to_bytes(4, "big") + data)
        else:
            members["command"] = command
        environment.send_init(task, temporary, handler=handler, variables=given, **members)
        return environment


def _nodes() -> list[Node | None]:
    return [*Nodes()] or [None]


@pytest.fixture(scope="module", params=_nodes(), ids=lambda node: node.runtime if node else "no Node")
def node_host(request: pytest.FixtureRequest) -> Iterator[tuple[Node, ZygoteProcess]]:
    """A host of supervisors for each Node of this machine."""
    node = request.param
    if node is None:
        pytest.skip("there is no Node on this machine")
    own = Interpreter((3, 12), Path(sys.executable), node.prefix)
    host = ZygoteProcess(own, view=False, hosted=NODE_FILES)
    yield node, host
    host.close()


@pytest.fixture
def node_start(node_host: tuple[Node, ZygoteProcess], tmp_path: Path) -> Iterator[NodeStart]:
    """Starts Node environments for one test; they are killed when it ends."""
    node, host = node_host
    yield NodeStart(node, host, tmp_path)
    for environment in host.environments:
        if environment.number not in host.gone:
            environment.kill()
            environment.gone()
        environment.close()
    host.environments.clear()


@contextlib.contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server's URL, and the requests that it has answered: method, path, body."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            asked.append(f"{self.command} {self.path} {body.decode()}")
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing of it is printed."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
