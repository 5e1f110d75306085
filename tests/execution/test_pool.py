"""What a pool decides by time, and by the end of zygotes; its life with real environments is in tests/platform."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lambent.execution.errors import EnvironmentUnavailable
from lambent.execution.interpreters import Interpreters
from lambent.execution.invocation import Invocation
from lambent.execution.memory import MemoryWatch
from lambent.execution.nursery import Nursery
from lambent.execution.pool import Pool
from lambent.execution.workspace import Workspace
from lambent.execution.zygote import Zygote

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.execution.process import ProcessOwner, RuntimeProcess


class _Environment(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]  # SimpleNamespace has none


def pool(timeout_ms: int) -> Pool:
    unused: Any = None
    return Pool(
        SimpleNamespace(timeout_ms=timeout_ms),  # type: ignore[arg-type]
        unused,
        unused,
        SimpleNamespace(armed=True),  # type: ignore[arg-type]
        unused,
    )


def test_one_without_a_process_does_not_keep_older_ones_from_being_reaped() -> None:
    async def scenario() -> None:
        reaped: list[str] = []
        made = pool(1000)

        def idle(name: str, process: object, seconds: float) -> Any:
            environment = _Environment(process=process, close=lambda: reaped.append(name))
            made.busy[environment] = 0  # type: ignore[index]
            made.ended(environment)  # type: ignore[arg-type]
            environment.idle_since = time.monotonic() - seconds

        idle("old", SimpleNamespace(asking=True), 60)
        idle("young", SimpleNamespace(asking=True), 1)
        idle("crashed", None, 1)
        made.reap(30)
        assert reaped == ["old"]

    asyncio.run(scenario())


def test_deadlines_are_on_a_clock_that_does_not_jump() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        made = pool(50)
        over: asyncio.Future[int] = loop.create_future()

        def timed_out() -> None:
            over.set_result(time.perf_counter_ns())

        environment: Any = _Environment(timed_out=timed_out)
        began_ns = time.perf_counter_ns()
        made.began(environment, began_ns)
        assert made.busy[environment] == began_ns + 50_000_000
        ended_ns = await asyncio.wait_for(over, 10)
        assert ended_ns >= began_ns + 50_000_000

    asyncio.run(scenario())


class _Doomed:
    """A nursery whose zygote is killed each time it has given a process."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self._nursery = Nursery(zygote, spares=0)

    @property
    def alive(self) -> bool:
        return self._nursery.alive

    private_view = False

    def expect(self, version: object) -> None: ...

    def take(self, owner: ProcessOwner, init: bytes) -> RuntimeProcess:
        process = self._nursery.take(owner, init)
        os.kill(self._zygote.pid, signal.SIGKILL)
        return process

    async def close(self) -> None:
        await self._nursery.close()


def test_zygotes_that_die_at_once_are_not_started_for_ever(tmp_path: Path) -> None:
    interpreter = Interpreters().nearest("python3.12")

    async def scenario() -> None:
        started = []
        loop = asyncio.get_running_loop()

        async def start() -> _Doomed:
            zygote = Zygote(interpreter, private_view=False)
            await zygote.start()
            started.append(_Doomed(zygote))
            return started[-1]

        log = SimpleNamespace(
            name="s", init_start=lambda *_: None, init_report=lambda *_: None, append=lambda *_: None
        )
        spec: Any = SimpleNamespace(
            timeout_ms=60_000,
            version="$LATEST",
            runtime_version="",
            runtime_version_arn="",
            substitute="",
            log_group="/aws/lambda/f",
            function_name="f",
            memory_mb=128,
            initialization="on-demand",
            init=lambda *_: b"\0\0\0\0",
        )
        with ThreadPoolExecutor(1) as executor:
            workspace = Workspace(tmp_path / "environments", lambda *_: log, executor)  # type: ignore[arg-type]
            workspace.open()
            watch = MemoryWatch(list)
            made = Pool(spec, await start(), workspace, watch, start)
            failed: asyncio.Future[Invocation] = loop.create_future()
            made.submit(Invocation(b"{}", b"", b"", b"", failed.set_result))
            invocation = await asyncio.wait_for(failed, 30)
            assert isinstance(invocation.failure, EnvironmentUnavailable)
            assert "ended 5 times in a row" in str(invocation.failure)
            assert len(started) == 5
            assert made.finished
            made.close()
            watch.close()
            for nursery in started:
                await nursery.close()

    asyncio.run(scenario())
