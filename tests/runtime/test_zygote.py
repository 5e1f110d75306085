"""Zygotes: whatever an environment starts ends with it, and everything ends with the platform."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.conftest import Environment, Lab, Start, ZygoteProcess

# Starts processes that try to get away, and tells their ids: a child, one in its own session, one whose
# parent has ended, one that ignores every signal, one stopped, one that execs, and the children of those.
TREE = """
import os, signal, subprocess, sys, time
def spawn(*actions):
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(read)
        for action in actions:
            action()
        os.write(write, b"%d\\n" % os.getpid())
        while True:
            signal.pause()
    os.close(write)
    return read
def orphan():
    if os.fork():
        os._exit(0)
def deaf():
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
def family():
    os.fork(); os.fork()
def stop():
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
def handler(event, context):
    pipes = [
        spawn(), spawn(os.setsid), spawn(orphan), spawn(deaf), spawn(os.setsid, orphan, os.setsid, deaf),
        spawn(orphan, family, orphan, family), spawn(os.setpgrp, stop), spawn(os.setsid, deaf, orphan, orphan),
    ]
    pids = [int(os.read(pipe, 64).split()[0]) for pipe in pipes]
    daemon = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM HUP INT; sleep 600 & wait"], start_new_session=True)
    if event == "exit":
        os._exit(3)
    if event == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    return pids + [daemon.pid]
"""


def descendants(pid: int) -> set[int]:
    """All processes below one."""
    children: dict[int, set[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), set()).add(int(stat.parent.name))
    found: set[int] = set()
    left = {pid}
    while left:
        left = set().union(*(children.get(one, set()) for one in left)) - found
        found |= left
    return found


@pytest.fixture(params=[True, False], ids=["view", "plain"])
def zygote(request: pytest.FixtureRequest, lab: Lab) -> Iterator[ZygoteProcess]:
    """A zygote of its own."""
    zygote = lab.launch(view=request.param)
    yield zygote
    zygote.close()


def test_kill_ends_the_whole_tree(start: Start, zygote: ZygoteProcess) -> None:
    environment = start(TREE, zygote=zygote)
    told = set(environment.invoke().value)
    tree = descendants(environment.pid)
    assert told <= tree
    assert len(tree) > 15
    environment.kill()
    assert os.WTERMSIG(environment.gone()) == signal.SIGKILL
    assert not [pid for pid in tree if start.lab.alive(pid)]
    assert descendants(zygote.process.pid) == set()


@pytest.mark.parametrize(("event", "status"), [("exit", 3 << 8), ("crash", signal.SIGSEGV)])
def test_end_of_the_main_process_ends_the_whole_tree(
    start: Start, zygote: ZygoteProcess, event: str, status: int
) -> None:
    environment = start(TREE, zygote=zygote)
    environment.send(b'"%s"' % event.encode())
    assert environment.gone() & 0xFF7F == status
    assert descendants(zygote.process.pid) == set()


def test_other_environments_and_their_orphans_live_on(start: Start, zygote: ZygoteProcess) -> None:
    victim = start(TREE, zygote=zygote)
    other = start(TREE, zygote=zygote)
    victim.invoke()
    kept = set(other.invoke().value)
    victim.kill()
    victim.gone()
    assert kept <= descendants(other.pid)
    assert all(start.lab.alive(pid) for pid in kept)
    assert len(other.invoke().value) == 9


def test_hanging_up_on_an_environment_ends_it(start: Start, zygote: ZygoteProcess) -> None:
    environment = start(TREE, zygote=zygote)
    environment.invoke()
    environment.socket.shutdown(socket.SHUT_RDWR)
    assert environment.gone() == 0
    assert descendants(zygote.process.pid) == set()


def test_hanging_up_on_an_unused_environment_ends_it(zygote: ZygoteProcess) -> None:
    environment = zygote.fork()
    assert environment.pid
    environment.socket.close()
    assert environment.gone() == 0


@pytest.mark.parametrize("end", ["hang up", "terminate"])
def test_end_of_the_zygote_ends_everything(start: Start, zygote: ZygoteProcess, end: str) -> None:
    environments = [start(TREE, zygote=zygote) for _ in range(3)]
    for environment in environments:
        environment.invoke()
    tree = descendants(zygote.process.pid)
    assert len(tree) > 45
    if end == "hang up":
        zygote.control.close()
    else:
        zygote.process.terminate()
    assert zygote.process.wait(20) == 0
    assert not [pid for pid in tree if start.lab.alive(pid)]
    zygote.environments.clear()
    for environment in environments:
        environment.close()


def test_killing_the_zygote_ends_the_environments(start: Start, lab: Lab, zygote: ZygoteProcess) -> None:
    environments = [start("def handler(e, c): pass", zygote=zygote) for _ in range(3)]
    pids = [environment.pid for environment in environments]
    zygote.process.kill()
    lab.until(lambda: not any(map(lab.alive, pids)), "an environment survived its zygote")
    zygote.environments.clear()
    for environment in environments:
        environment.close()


def test_a_chain_of_forks_does_not_get_away(start: Start, zygote: ZygoteProcess) -> None:
    # Each process forks the next one and ends: its id is never the one that was just looked up.
    environment = start(
        "import os\n"
        "def handler(event, context):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        while True:\n"
        "            if os.fork():\n"
        "                os._exit(0)\n"
        "    return 1\n",
        zygote=zygote,
    )
    environment.invoke()
    environment.kill()
    environment.gone()
    assert descendants(zygote.process.pid) == set()


def test_many_at_once(start: Start, zygote: ZygoteProcess) -> None:
    source = {"app.py": "def handler(event, context): return event\n"}
    environments = [start.begin(source, zygote=zygote) for _ in range(60)]
    for number, environment in enumerate(environments):
        assert environment.receive().kind == b"R"
        assert environment.invoke(number).value == number
    assert len({environment.pid for environment in environments}) == 60
    for environment in environments:
        environment.kill()
    assert {environment.gone() for environment in environments} == {int(signal.SIGKILL)}


def test_killing_twice_and_strangers_is_harmless(start: Start, zygote: ZygoteProcess) -> None:
    environment: Environment = start("def handler(e, c): return 1", zygote=zygote)
    zygote.send(b"K", 4711)
    assert environment.invoke().value == 1
    environment.kill()
    environment.kill()
    environment.gone()
    again = start("def handler(e, c): return 2", zygote=zygote)
    assert again.invoke().value == 2


def test_interrupting_the_terminal_does_not_reach_environments(start: Start, zygote: ZygoteProcess) -> None:
    environment = start("def handler(e, c): return 1", zygote=zygote)
    os.kill(zygote.process.pid, signal.SIGINT)
    assert environment.invoke().value == 1
    assert os.getpgid(environment.pid) == environment.pid
