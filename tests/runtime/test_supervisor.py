"""Supervisors: environments around programs that are not forked from a Python zygote."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambent.execution.interpreters import Interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.conftest import Environment, Lab, ZygoteProcess

# Speaks frames: says on its socket what INIT it got, then answers what it can see.
FRAMES = """
import json, os, socket, sys
def rest(fd, count):
    data = b""
    while len(data) < count:
        data += os.read(fd, count - len(data))
    return data
init = json.loads(rest(4, int.from_bytes(rest(4, 4), "big")))
told = {"init": init, "argv": sys.argv[1:], "seen": dict(os.environ), "cwd": os.getcwd()}
told["task"] = sorted(os.listdir(init["place"]))
body = json.dumps(told).encode()
os.write(3, b"R" + (len(body) + 4).to_bytes(4, "big") + bytes(4) + body)
while os.read(3, 1):
    pass
"""


class Bench:
    """A host and what its environments need."""

    def __init__(self, host: ZygoteProcess, path: Path) -> None:
        self.host = host
        self.task = path / "task"
        self.tmp = path / "tmp"
        self.task.mkdir()
        self.tmp.mkdir()
        self.place = "/var/task" if host.has_view else str(self.task)

    def script(self, text: str, mode: int = 0o755) -> str:
        """Write `bootstrap`; where environments see it."""
        path = self.task / "bootstrap"
        path.write_text(text)
        path.chmod(mode)
        return f"{self.place}/bootstrap"

    def run(self, *argv: str, variables: dict[str, str] | None = None) -> Environment:
        """An environment that executes a program once it has INIT."""
        environment = self.host.fork()
        self.init(environment, command={"argv": argv, "env": variables or {}})
        return environment

    def init(self, environment: Environment, **members: Any) -> None:
        environment.send_init(self.task, self.tmp, place=self.place, **members)

    def ahead(self, *argv: str, variables: dict[str, str] | None = None) -> Environment:
        """An environment that starts a program before it has INIT."""
        environment = self.host.fork()
        command = {"argv": argv, "env": variables or {}, "frames": True}
        data = json.dumps({"ahead": command}).encode()
        environment.socket.sendall(len(data).to_bytes(4, "big") + data)
        return environment


@pytest.fixture(params=[True, False], ids=["view", "plain"])
def bench(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[Bench]:
    """A host of its own."""
    own = Interpreter((3, 12), Path(sys.executable), Path(sys.base_prefix))
    host = lab.launch(own, view=request.param, hosted="")
    if request.param and not host.has_view:
        host.close()
        pytest.skip("this machine gives no private mounts")
    yield Bench(host, tmp_path)
    host.close()


def python() -> str:
    return str(Path(sys.executable).resolve())


def test_a_program_runs_in_its_directory_with_its_variables_only(bench: Bench) -> None:
    path = bench.script('#!/bin/sh\npwd; echo "$GREETING" >&2; echo x > $TMP/here; ls -a $TMP; exit 7\n')
    tmp = "/tmp" if bench.host.has_view else str(bench.tmp)
    environment = bench.run(path, variables={"GREETING": "hello", "TMP": tmp, "PATH": "/usr/bin:/bin"})
    assert os.waitstatus_to_exitcode(environment.gone()) == 7
    assert environment.output().decode().split() == [bench.place, "hello", ".", "..", "here"]
    assert (bench.tmp / "here").read_text() == "x\n"


def test_the_code_is_read_only_and_layers_are_at_opt(bench: Bench) -> None:
    if not bench.host.has_view:
        pytest.skip("only in a view")
    path = bench.script("#!/bin/sh\ntouch new 2>/dev/null || echo refused; ls /opt\n")
    environment = bench.run(path, variables={"PATH": "/usr/bin:/bin"})
    assert environment.gone() == 0
    assert environment.output() == b"refused\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGTERM, signal.SIGSEGV])
def test_the_end_by_a_signal_is_reported_as_such(bench: Bench, number: int) -> None:
    environment = bench.run(bench.script(f"#!/bin/sh\nkill -{number} $$\n"))
    assert os.WTERMSIG(environment.gone()) == number


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        (None, 0, "no such file or directory"),
        ("#!/bin/sh\n", 0o644, "permission denied"),
        ("no program", 0o755, "exec format error"),
        ("#!/no/such/interpreter\n", 0o755, "no such file or directory"),
    ],
)
def test_what_cannot_be_executed_is_told(bench: Bench, text: str | None, mode: int, reason: str) -> None:
    path = f"{bench.place}/bootstrap" if text is None else bench.script(text, mode)
    environment = bench.run(path)
    answer = environment.receive()
    assert answer.kind == b"I"
    assert json.loads(answer.body or b"{}") == {
        "errorMessage": f"fork/exec {path}: {reason}",
        "errorType": "Runtime.InvalidEntrypoint",
    }
    assert os.waitstatus_to_exitcode(environment.gone()) == 1


def test_places_that_are_not_there_are_a_failure_of_the_sandbox(bench: Bench) -> None:
    if not bench.host.has_view:
        pytest.skip("only in a view")
    environment = bench.host.fork()
    environment.send_init(bench.task / "missing", bench.tmp, command={"argv": ["/bin/true"], "env": {}})
    answer = environment.receive()
    assert (answer.kind, answer.value["errorType"]) == (b"I", "Sandbox.Failure")
    assert "missing" not in bench.place
    assert environment.gone()


def test_a_program_started_ahead_is_given_the_environment(bench: Bench) -> None:
    (bench.task / "index.js").write_text("")
    environment = bench.ahead(python(), "-I", "-S", "-c", FRAMES, "x", variables={"ONE": "1"})
    bench.init(environment, handler="index.handler")
    answer = environment.receive()
    told = answer.value
    assert told["init"]["handler"] == "index.handler"
    assert told["argv"] == ["x"]
    assert told["seen"]["ONE"] == "1"
    assert told["cwd"] == "/"
    assert told["task"] == ["index.js"]
    environment.socket.close()
    assert environment.gone() == 0


def test_a_command_takes_the_place_of_what_was_started_ahead(bench: Bench) -> None:
    environment = bench.ahead("/bin/sleep", "600")
    bench.init(
        environment,
        command={"argv": [python(), "-I", "-S", "-c", FRAMES, "y"], "env": {"TWO": "2"}, "frames": True},
    )
    told = environment.receive().value
    assert (told["argv"], told["seen"]["TWO"], told["cwd"]) == (["y"], "2", bench.place)
    environment.kill()
    assert os.WTERMSIG(environment.gone()) == signal.SIGKILL


@pytest.mark.parametrize("program", ["/no/such/program", "/bin/false"])
def test_what_was_started_ahead_and_failed_is_told_with_init(bench: Bench, program: str) -> None:
    environment = bench.ahead(program)
    bench.init(environment)
    if program == "/bin/false":
        assert os.waitstatus_to_exitcode(environment.gone()) == 1
    else:
        assert environment.receive().value["errorType"] == "Runtime.InvalidEntrypoint"


def test_everything_ends_with_the_supervisor(bench: Bench, lab: Lab) -> None:
    path = bench.script(
        "#!/bin/sh\nsetsid sleep 600 &\n(sleep 600 & echo $!; exec sleep 600) & echo $!\nwait\n"
    )
    environment = bench.run(path, variables={"PATH": "/usr/bin:/bin"})
    pids = [int(line) for line in environment.printed(b"\n").split()]
    environment.kill()
    assert os.WTERMSIG(environment.gone()) == signal.SIGKILL
    assert pids
    assert not any(lab.alive(pid) for pid in pids)


def test_everything_ends_with_the_program(bench: Bench, lab: Lab) -> None:
    path = bench.script("#!/bin/sh\nsetsid sleep 600 & echo $!\n(setsid sleep 600 & echo $!) ; exit 3\n")
    environment = bench.run(path, variables={"PATH": "/usr/bin:/bin"})
    assert os.waitstatus_to_exitcode(environment.gone()) == 3
    pids = [int(line) for line in environment.output().split()]
    assert len(pids) == 2
    assert not any(lab.alive(pid) for pid in pids)


def test_hanging_up_on_one_that_waits_ends_it(bench: Bench) -> None:
    for environment in (bench.host.fork(), bench.ahead("/bin/sleep", "600")):
        environment.socket.close()
        assert environment.gone() == 0


@pytest.mark.parametrize("end", ["hang up", "terminate"])
def test_the_end_of_the_host_ends_everything(bench: Bench, lab: Lab, end: str) -> None:
    path = bench.script("#!/bin/sh\nsleep 600 &\necho $! $$\nwait\n")
    environment = bench.run(path, variables={"PATH": "/usr/bin:/bin"})
    pids = [int(word) for word in environment.printed(b"\n").split()]
    spare = bench.ahead("/bin/sleep", "600")
    pids += [spare.pid, environment.pid]
    if end == "terminate":
        bench.host.process.terminate()
    else:
        bench.host.control.close()
    lab.until(lambda: not any(lab.alive(pid) for pid in pids), "something outlived its host")
