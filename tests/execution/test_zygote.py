"""The platform's end of a zygote: births, deaths, and what happens when either side goes away."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from lambent.execution.engines import Preload
from lambent.execution.errors import EnvironmentUnavailable
from lambent.execution.interpreters import Interpreter, Interpreters
from lambent.execution.zygote import Zygote

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

PATIENCE = 20.0
SLEEPER = """
import os, subprocess
def handler(event, context):
    return subprocess.Popen(["sleep", "600"], start_new_session=True).pid
"""


class Child:
    """An environment's process as the platform holds it, driven with blocking reads."""

    def __init__(self, zygote: Zygote) -> None:
        loop = asyncio.get_running_loop()
        self.zygote = zygote
        self.pid: asyncio.Future[int] = loop.create_future()
        self.status: asyncio.Future[int] = loop.create_future()
        self.socket, theirs = socket.socketpair()
        self._output, write_end = os.pipe()
        self.socket.settimeout(PATIENCE)
        try:
            self.number = zygote.fork(self, theirs.fileno(), write_end)
        except EnvironmentUnavailable:
            self.socket.close()
            os.close(self._output)
            raise
        finally:
            theirs.close()
            os.close(write_end)

    def born(self, pid: int) -> None:
        assert not self.status.done()
        self.pid.set_result(pid)

    def gone(self, wait_status: int) -> None:
        self.status.set_result(wait_status)
        self.socket.close()
        os.close(self._output)

    def start(self, folder: Path) -> None:
        init: dict[str, Any] = {
            "handler": "app.handler",
            "env": {},
            "task_root": str(folder),
            "tmp": str(folder),
            "opt": [],
            "log_format": "Text",
            "log_level": None,
            "boto3": "",
            "memory_mb": 128,
        }
        document = json.dumps(init).encode()
        self.socket.sendall(len(document).to_bytes(4, "big") + document)
        assert self._frame()[:1] == b"R"

    def invoke(self) -> Any:
        self.socket.sendall(b"\0\0\0\1" + bytes(8) + b"i" * 36 + bytes(6) + b"1")
        frame = self._frame()
        assert frame[:1] == b"O"
        return json.loads(frame[9:])

    def _frame(self) -> bytes:
        head = self.socket.recv(5, socket.MSG_WAITALL)
        return head + self.socket.recv(int.from_bytes(head[1:], "big"), socket.MSG_WAITALL)


def own() -> Interpreter:
    return Interpreters().find(f"python3.{sys.version_info[1]}")


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(asyncio.wait_for(scenario(), 60))


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "app.py").write_text(SLEEPER)
    return folder


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def environment_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_text().split("\0")


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


@pytest.mark.parametrize("private_view", [True, False])
def test_life_of_an_environment(task: Path, private_view: bool) -> None:
    async def scenario() -> None:
        zygote = Zygote(own(), private_view=private_view, variables={"MARK": "m-1"})
        await zygote.start()
        assert zygote.alive
        if not private_view:
            assert not zygote.private_view
        child = Child(zygote)
        pid = await child.pid
        assert "MARK=m-1" in environment_of(pid)
        child.start(task)
        sleeper = child.invoke()
        assert alive(sleeper)
        zygote.kill(child.number)
        assert await child.status == signal.SIGKILL
        assert not alive(pid)
        assert not alive(sleeper)
        zygote.kill(child.number)
        await zygote.close()
        assert not zygote.alive

    run(scenario)


def test_modules_are_loaded_ahead_and_their_folders_are_on_no_path(task: Path, tmp_path: Path) -> None:
    packages = tmp_path / "some packages"
    packages.mkdir()
    (packages / "loaded_ahead.py").write_text("import os\nPID = os.getpid()\n")
    (packages / "broken_ahead.py").write_text("1 / 0\n")
    (task / "app.py").write_text(
        "import sys\n"
        "def handler(event, context):\n"
        "    import loaded_ahead\n"
        "    return [loaded_ahead.PID, 'broken_ahead' in sys.modules, "
        "[path for path in sys.path if 'some packages' in path]]\n"
    )

    async def scenario() -> None:
        preload = Preload("", (str(packages),), ("nowhere.to.be.found", "broken_ahead", "loaded_ahead"))
        zygote = Zygote(own(), preload=preload)
        await zygote.start()
        child = Child(zygote)
        pid = await child.pid
        child.start(task)
        loaded_by, broken, path = child.invoke()
        assert loaded_by != pid
        assert not broken
        assert path == []
        await zygote.close()

    run(scenario)


def test_closing_kills_everything(task: Path) -> None:
    async def scenario() -> None:
        zygote = Zygote(own())
        await zygote.start()
        children = [Child(zygote) for _ in range(5)]
        pids = [await child.pid for child in children]
        children[0].start(task)
        sleeper = children[0].invoke()
        await zygote.close()
        assert [await child.status for child in children] == [signal.SIGKILL] * 5
        assert not [pid for pid in [*pids, sleeper, zygote.pid] if alive(pid)]
        await zygote.close()
        with pytest.raises(EnvironmentUnavailable, match="is gone"):
            Child(zygote)

    run(scenario)


def test_more_forks_than_the_socket_holds(task: Path) -> None:
    async def scenario() -> None:
        zygote = Zygote(own())
        await zygote.start()
        # Stopped, it takes nothing: messages and descriptors wait on our side.
        os.kill(zygote.pid, signal.SIGSTOP)
        children = [Child(zygote) for _ in range(400)]
        zygote.kill(children[-1].number)
        os.kill(zygote.pid, signal.SIGCONT)
        pids = [await child.pid for child in children]
        assert len(set(pids)) == 400
        assert await children[-1].status == signal.SIGKILL
        children[0].start(task)
        await zygote.close()
        assert not any(map(alive, pids))

    uvloop.run(asyncio.sleep(0))  # the first loop of a process opens a pipe that stays
    gc.collect()  # what earlier tests have left must not be closed in between, nor what this one leaves stay
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    run(scenario)
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors + 1


def test_death_of_the_zygote_is_told() -> None:
    async def scenario() -> None:
        zygote = Zygote(own())
        await zygote.start()
        child = Child(zygote)
        pid = await child.pid
        os.kill(zygote.pid, signal.SIGKILL)
        assert await child.status == signal.SIGKILL
        assert not zygote.alive
        await asyncio.to_thread(until, lambda: not alive(pid), "an environment survived its zygote")
        await zygote.close()
        assert not exists(zygote.pid)

    run(scenario)


def test_what_is_no_interpreter_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        broken = tmp_path / "bin" / "python3.12"
        broken.parent.mkdir()
        broken.write_text("#!/bin/sh\nexit 5\n")
        broken.chmod(0o755)
        zygote = Zygote(Interpreter((3, 12), broken, tmp_path))
        with pytest.raises(
            EnvironmentUnavailable, match=r"python3\.12 did not start as a zygote \(exit status"
        ):
            await zygote.start()
        assert not zygote.alive
        await zygote.close()

    run(scenario)


def test_start_can_be_cancelled() -> None:
    async def scenario() -> None:
        zygote = Zygote(own())
        task = asyncio.get_running_loop().create_task(zygote.start())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not exists(zygote.pid)

    run(scenario)


PLATFORM = """
import asyncio, sys
from pathlib import Path
from tests.execution.test_zygote import Child, own, run
from lambent.execution.zygote import Zygote

async def scenario():
    zygote = Zygote(own())
    await zygote.start()
    child = Child(zygote)
    child.start(Path(sys.argv[1]))
    print(zygote.pid, await child.pid, child.invoke(), flush=True)
    await asyncio.sleep(600)

run(scenario)
"""


def test_nothing_survives_kill_9_of_the_platform(task: Path) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PLATFORM, task],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}"},
    ) as platform:
        assert platform.stdout is not None
        pids = [int(word) for word in platform.stdout.readline().split()]
        assert len(pids) == 3
        assert all(map(alive, pids))
        platform.kill()
    until(lambda: not any(map(alive, pids)), "something survived the platform")
