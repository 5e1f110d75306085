"""moto's process: started when it is needed, replaced when it fails."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.errors import NeighbourDown
from lambent.neighbours.moto import Moto
from lambent.neighbours.neighbours import Neighbours

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.neighbours.call import Call

CallOf = Any
SOURCE = Path(__file__).parents[2] / "src"


async def status(neighbours: Neighbours, call: Call) -> int:
    answer = await neighbours.send(call)
    answer.close()
    return answer.status


def pid_of(neighbours: Neighbours) -> int:
    pid = neighbours.facts()["moto"]["pid"]
    assert isinstance(pid, int)
    return pid


def children() -> set[int]:
    return set(map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()))


def variables(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_one_process_on_first_use_and_none_before(run: Any, call: CallOf) -> None:
    async def scenario() -> None:
        others = children()  # of tests before this one
        neighbours = Neighbours()
        assert neighbours.facts() == {"moto": {"state": "not started"}}
        assert not neighbours.moto_started
        answers = await asyncio.gather(*(status(neighbours, call()) for _ in range(8)))
        assert answers == [200] * 8
        pid = pid_of(neighbours)
        assert children() - others == {pid}
        await neighbours.close()
        assert pid not in children()
        with pytest.raises(NeighbourDown, match="stopping"):
            await neighbours.send(call())

    run(scenario)


def test_what_it_had_at_hand_fails_at_once_and_it_is_started_again(run: Any, call: CallOf) -> None:
    async def scenario() -> None:
        neighbours = Neighbours()
        assert await status(neighbours, call(method=b"PUT", target=b"/kept")) == 200
        first = pid_of(neighbours)
        os.kill(first, signal.SIGSTOP)
        waiting = [asyncio.ensure_future(neighbours.send(call())) for _ in range(3)]
        await asyncio.sleep(0.05)
        os.kill(first, signal.SIGKILL)
        begun = time.monotonic()
        for one in waiting:
            with pytest.raises(NeighbourDown, match="ended while it had this request"):
                await one
        assert time.monotonic() - begun < 1
        # Nobody has asked for anything, and there is another one.
        await until(lambda: neighbours.facts()["moto"].get("pid") not in (None, first))
        assert await status(neighbours, call(method=b"HEAD", target=b"/kept")) == 404
        await neighbours.close()

    run(scenario)


def test_a_stuck_one_is_ended(run: Any, call: CallOf) -> None:
    async def scenario() -> None:
        neighbours = Neighbours(moto=Moto(probe_every=0.1, probe_seconds=0.5))
        assert await status(neighbours, call()) == 200
        first = pid_of(neighbours)
        os.kill(first, signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(NeighbourDown):
            await neighbours.send(call())
        assert time.monotonic() - begun < 3
        assert await status(neighbours, call()) == 200
        assert pid_of(neighbours) != first
        await neighbours.close()

    run(scenario)


def test_one_that_keeps_failing_is_not_started_for_ever(run: Any, call: CallOf) -> None:
    async def scenario() -> None:
        neighbours = Neighbours()
        assert await status(neighbours, call()) == 200
        for _ in range(3):
            pid = pid_of(neighbours)
            os.kill(pid, signal.SIGKILL)
            await until(
                lambda pid=pid: neighbours.facts()["moto"].get("pid") not in (None, pid)  # type: ignore[misc]
            )
        os.kill(pid_of(neighbours), signal.SIGKILL)
        await until(lambda: neighbours.facts()["moto"]["state"] == "failed")
        await asyncio.sleep(0.05)
        assert neighbours.facts()["moto"] == {"state": "failed", "reason": "it ended: exit status -9"}
        assert await status(neighbours, call()) == 200
        await neighbours.close()

    run(scenario)


def test_reset_forgets_everything_and_keeps_the_process(run: Any, call: CallOf) -> None:
    async def scenario() -> None:
        neighbours = Neighbours()
        await neighbours.reset()
        assert not neighbours.moto_started
        assert await status(neighbours, call(method=b"PUT", target=b"/bucket")) == 200
        pid = pid_of(neighbours)
        assert await status(neighbours, call(method=b"HEAD", target=b"/bucket")) == 200
        await neighbours.reset()
        assert await status(neighbours, call(method=b"HEAD", target=b"/bucket")) == 404
        assert pid_of(neighbours) == pid
        await neighbours.close()

    run(scenario)


@pytest.mark.parametrize("stopped", [False, True])
def test_it_ends_with_the_platform(stopped: bool) -> None:
    """Killed with SIGKILL, which nobody can act upon, and even where moto itself stands still."""
    program = (
        "import asyncio, sys\n"
        "from lambent.neighbours.process import MotoProcess\n"
        "async def main():\n"
        "    process = await MotoProcess.start(30)\n"
        "    print(process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    variables = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=variables) as platform:
        assert platform.stdout is not None
        pid = int(platform.stdout.readline())
        if stopped:
            os.kill(pid, signal.SIGSTOP)
        platform.kill()
        deadline = time.monotonic() + 5
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.005)


def test_its_variables_hold_nothing_of_the_platforms(
    run: Any, call: CallOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the platform")
    monkeypatch.setenv("LAMBENT_CREDENTIALS", "KEY:secret")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111111111111")

    async def scenario() -> None:
        neighbours = Neighbours()
        assert await status(neighbours, call()) == 200
        found = variables(pid_of(neighbours))
        assert b"of the platform" not in found
        assert b"LAMBENT_" not in found
        assert b"MOTO_ACCOUNT_ID" not in found
        await neighbours.close()

    run(scenario)
