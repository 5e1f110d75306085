"""A function whose runs a test ends, in place of registry, invoker and runners. Whole platforms: tests/platform."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.pollers.calls import FunctionCalls
from lambent.events.pollers.poller import Parts
from lambent.events.queues import Queues
from lambent.execution.invocation import Invocation
from lambent.functions import FunctionNotFound
from lambent.invocation.errors import Throttled, ThrottleReason
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambent.clock import Clock
    from lambent.store import Database

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:worker"


class Run:
    """One invocation that has begun."""

    def __init__(self, payload: bytes, trace: bytes, finished: Callable[[Invocation], None]) -> None:
        self.event: Any = json.loads(payload)
        self.payload = payload
        self.trace = trace.decode()
        self._invocation = Invocation(payload, b"", trace, b"", finished)
        self.ended = False
        self.deadline_ms = 0

    @property
    def bodies(self) -> list[str]:
        return [record["body"] for record in self.event["Records"]]

    def end(self, result: Any = None, *, error: bool = False, failure: Exception | None = None) -> None:
        """What it returns, or that it has failed."""
        self.ended = True
        self._invocation.result = result if isinstance(result, bytes) else json.dumps(result).encode()
        self._invocation.function_error = error
        self._invocation.failure = failure
        self._invocation.finished(self._invocation)


class Functions:
    """One function, as far as mappings see it."""

    def __init__(self) -> None:
        self.registry = self
        self.generation = 1
        self.runs: list[Run] = []
        self.concurrency = 1_000
        self.there = True
        self.reserved: int | None = None
        self.recursive_loop = "Terminate"
        self.listeners: list[Callable[[Any, Any], None]] = []
        self.version = SimpleNamespace(
            account=ACCOUNT, region=REGION, name="worker", version="$LATEST", arn=FUNCTION, role="", uid="1",
            timeout_s=3,
        )  # fmt: skip

    @property
    def running(self) -> list[Run]:
        return [run for run in self.runs if not run.ended]

    def change(self, **members: Any) -> None:
        """What an update of the function does."""
        for name, value in members.items():
            setattr(self, name, value)
        self.generation += 1
        for listener in self.listeners:
            listener(self.version, self.version if self.there else None)

    def subscribe(self, listener: Callable[[Any, Any], None]) -> None:
        self.listeners.append(listener)

    def resolve(self, *_name: object) -> Any:
        if not self.there:
            raise FunctionNotFound(FUNCTION)
        function = SimpleNamespace(
            id="worker-id",
            reserved_concurrency=self.reserved,
            settings=SimpleNamespace(recursive_loop=self.recursive_loop),
        )
        return SimpleNamespace(version=self.version, invoked_arn=FUNCTION, function=function, shares=())

    def runner(self, _target: object) -> Functions:
        return self

    def invoke(
        self, payload: bytes, _id: bytes, trace: bytes, _extra: bytes, finished: Callable[[Invocation], None]
    ) -> None:
        if len(self.running) >= self.concurrency:
            raise Throttled(ThrottleReason.RESERVED)
        self.runs.append(Run(payload, trace, finished))


class World:
    """Queues on a real database, and the function."""

    def __init__(self, database: Database, queues: Queues, clock: Clock, functions: Functions) -> None:
        self.database = database
        self.queues = queues
        self.clock = clock
        self.functions = functions
        self.calls = FunctionCalls(functions, clock)  # type: ignore[arg-type]
        self.results: list[str] = []
        self.parts = Parts(
            calls=self.calls,
            queues=queues,
            deliveries=None,  # type: ignore[arg-type]
            call_service=self._no_service,
            clock=clock,
            database=database,
            elsewhere=frozenset(),
            processed=lambda _mapping, text: self.results.append(text),
        )

    async def _no_service(self, call: Any) -> Any:
        raise AssertionError(f"{call} was not expected")

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait, without time passing, until something is so."""
        for _ in range(2_000):
            if condition():
                return
            await asyncio.sleep(0.001)
        raise AssertionError("it did not come to that")

    async def settled(self) -> None:
        """Wait until everything that was written is durable and has had its consequences."""
        for _ in range(3):  # what was written may have led to more
            await self.database.write()
            for _ in range(5):
                await asyncio.sleep(0)


@pytest.fixture
def functions() -> Functions:
    """The function of the mappings."""
    return Functions()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock, functions: Functions) -> Callable[[], Any]:
    """Opens the world, within a test's loop."""

    async def open_() -> World:
        database = await open_database(tmp_path / "lambent.db", "normal")
        return World(database, await Queues.open(database, clock), clock, functions)

    return open_
