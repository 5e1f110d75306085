"""The async queue on a real database, with runs that the test ends; whole lives are in tests/platform."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lambent.clock import SystemClock
from lambent.execution.invocation import Invocation
from lambent.functions import FunctionNotFound
from lambent.invocation.async_queue import AsyncQueue
from lambent.invocation.errors import Throttled, ThrottleReason
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambent.store import Database

VERSION = SimpleNamespace(
    account="000000000000",
    region="us-east-1",
    name="one",
    version="$LATEST",
    dead_letter_target=None,
    role="",
)
FUNCTION = SimpleNamespace(id="1", arn="arn:one", event_invoke={}, latest=VERSION)
TARGET: Any = SimpleNamespace(version=VERSION, function=FUNCTION, drawn=lambda: TARGET)


class Invoker:
    """Stands for invoker, registry and runner: notes each run, or is out of concurrency."""

    def __init__(self) -> None:
        self.registry = self
        self.runs: list[tuple[bytes, Callable[[Invocation], None]]] = []
        self.throttled = False
        self.broken = False

    def resolve(self, *_name: object) -> object:
        return TARGET

    def runner(self, _target: object) -> Invoker:
        return self

    def record(self, _reference: object) -> object:
        return FUNCTION

    def version(self, _reference: object) -> object:
        return FUNCTION, VERSION

    def reserved_concurrency(self, *_name: object) -> None:
        return None

    def invoke(
        self, payload: bytes, _id: bytes, _trace: bytes, _extra: bytes, finished: Callable[[Invocation], None]
    ) -> None:
        if self.throttled:
            raise Throttled(ThrottleReason.ACCOUNT)
        if self.broken:
            raise RuntimeError("nobody has thought of this")
        self.runs.append((payload, finished))

    def fail(self) -> None:
        """End the latest run with a function error."""
        payload, finished = self.runs[-1]
        invocation = Invocation(payload, b"", b"", b"", finished)
        invocation.function_error = True
        invocation.result = b"{}"
        finished(invocation)


async def opened(path: Path, invoker: Any) -> tuple[Database, AsyncQueue]:
    database = await open_database(path / "lambent.db", "normal")
    queue = AsyncQueue(database, invoker, SystemClock(), retry_seconds=(0, 0))
    await queue.open()
    return database, queue


async def send(queue: AsyncQueue, payload: bytes) -> None:
    accepted = asyncio.get_running_loop().create_future()
    queue.accept(TARGET, None, payload, payload.decode() * 36, "", b"", accepted.set_result)
    assert await accepted is None
    await asyncio.sleep(0)


def run(scenario: Any) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 10))


def test_a_stop_does_not_wait_for_events_that_were_about_to_be_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        invoker = Invoker()
        invoker.throttled = True
        database, queue = await opened(tmp_path, invoker)
        await send(queue, b"1")
        await queue.drain(1)
        again = AsyncQueue(database, invoker, SystemClock())  # type: ignore[arg-type]
        await again.open()
        await again.drain(60)
        assert len(again) == 0
        assert await database.read("SELECT count(*) FROM async_events") == [(1,)]
        await database.close()

    run(scenario)


def test_clear_forgets_what_runs_and_what_is_held_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        invoker = Invoker()
        database, queue = await opened(tmp_path, invoker)
        await send(queue, b"1")
        invoker.throttled = True
        await send(queue, b"2")  # and its function's events wait for a while
        assert len(queue) == 2
        await queue.clear()
        assert len(queue) == 0
        invoker.throttled = False
        invoker.fail()
        await send(queue, b"3")
        assert [payload for payload, _ in invoker.runs] == [b"1", b"3"]
        await database.close()

    run(scenario)


def test_nothing_is_kept_of_a_function_without_events(tmp_path: Path) -> None:
    async def scenario() -> None:
        invoker = Invoker()
        database, queue = await opened(tmp_path, invoker)
        await send(queue, b"1")
        await send(queue, b"2")
        assert len(queue._lanes) == 1
        for _ in range(3):  # one after the other, to the end of their attempts
            invoker.fail()
        invoker.runs = invoker.runs[:1]
        for _ in range(3):
            invoker.fail()
            await asyncio.sleep(0)
        while len(queue):
            await asyncio.sleep(0)
        assert queue._lanes == {}
        invoker.throttled = True
        await send(queue, b"3")
        assert len(queue._lanes) == 1  # held back
        await queue.clear()
        await database.close()

    run(scenario)


def test_events_of_a_missing_function_leave_nothing_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        invoker = Invoker()
        database, queue = await opened(tmp_path, invoker)

        def gone(*_name: object) -> object:
            raise FunctionNotFound("arn")

        invoker.resolve = gone  # type: ignore[method-assign]
        await send(queue, b"1")
        while len(queue):
            await asyncio.sleep(0)
        assert queue._lanes == {}
        while await database.read("SELECT 1 FROM async_events"):
            await asyncio.sleep(0)
        await database.close()

    run(scenario)


def test_a_fault_nobody_has_thought_of_takes_no_place(tmp_path: Path) -> None:
    async def scenario() -> None:
        invoker = Invoker()
        database, queue = await opened(tmp_path, invoker)
        invoker.broken = True
        await send(queue, b"1")
        assert len(queue) == 1, "it is tried again"
        assert queue._lanes == {}
        invoker.broken = False
        await send(queue, b"2")
        while len(invoker.runs) < 2:
            await asyncio.sleep(0.05)
        assert [payload for payload, _ in invoker.runs] == [b"2", b"1"]
        await queue.clear()
        await database.close()

    run(scenario)


def test_an_event_runs_whatever_becomes_of_its_caller(tmp_path: Path) -> None:
    async def scenario() -> None:
        invoker = Invoker()
        database, queue = await opened(tmp_path, invoker)

        def gone(_error: object) -> None:
            raise ConnectionError

        queue.accept(TARGET, None, b"1", "1" * 36, "", b"", gone)
        while not invoker.runs:
            await asyncio.sleep(0)
        await queue.clear()
        await database.close()

    run(scenario)
