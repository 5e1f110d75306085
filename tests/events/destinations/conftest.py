"""The async queue with functions whose runs the test ends, on a real database."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from lambent.execution.invocation import Invocation
from lambent.functions import FunctionNotFound, FunctionVersion, Target
from lambent.functions.attachments import EventInvokeConfig, Options
from lambent.functions.record import FunctionRecord
from lambent.invocation.async_queue import AsyncQueue
from lambent.invocation.errors import FunctionNotReady, PlatformFailure, Throttled, ThrottleReason
from lambent.store import Staged, open_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambent.functions import Reference
    from lambent.invocation.outcome import Outcome
    from lambent.store import Database

    Clock = Any

ACCOUNT, REGION = "000000000000", "us-east-1"
ERROR = b'{"errorMessage": "intentional failure", "errorType": "Exception"}'


def version(name: str, number: str = "$LATEST") -> FunctionVersion:
    return FunctionVersion(
        account=ACCOUNT,
        region=REGION,
        name=name,
        version=number,
        uid=f"{name}-{number}",
        revision_id="",
        last_modified=0,
        role="arn:aws:iam::000000000000:role/any",
        code_sha256="",
        code_hash="",
        code_size=0,
        state="Active",
    )


class Run:
    """An invocation that has begun."""

    def __init__(
        self, world: World, name: str, payload: bytes, request_id: str, trace: str, finished: Any
    ) -> None:
        self.world = world
        self.name = name
        self.payload = payload
        self.request_id = request_id
        self.trace = trace
        self.at_ms = world.clock.steady_ms()
        self._finished = finished

    def _end(self, result: bytes = b"null", *, error: bool = False, failure: Exception | None = None) -> None:
        self.world.running.discard(self)
        invocation = Invocation(self.payload, self.request_id.encode(), b"", b"", self._finished)
        invocation.result, invocation.function_error, invocation.failure = result, error, failure
        self._finished(invocation)

    def succeed(self, result: bytes = b'"done"') -> None:
        self._end(result)

    def fail(self, result: bytes = ERROR) -> None:
        self._end(result, error=True)

    def break_down(self) -> None:
        self._end(failure=PlatformFailure("no process could be started"))


class World:
    """Registry, invoker and runner in one: functions with as much concurrency as a test gives them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.registry = self
        self.functions: dict[str, FunctionRecord] = {}
        self.concurrency: dict[str, int] = {}
        self.runs: list[Run] = []
        self.running: set[Run] = set()
        self.throttles: list[int] = []
        self.outcomes: list[Outcome] = []
        self.database: Database
        self.queue: AsyncQueue
        self.closing: asyncio.Task[None]
        self._ids = itertools.count(1)

    def add(self, name: str = "one", *, loop: str = "Terminate", **config: Any) -> FunctionRecord:
        latest = replace(version(name), dead_letter_target=config.pop("dead_letter", None))
        record = FunctionRecord(
            id=f"id-{name}",
            account=ACCOUNT,
            region=REGION,
            name=name,
            revision=1,
            latest=latest,
            serving=latest,
            versions={"1": version(name, "1")},
            tags={},
            event_invoke={
                config.pop("qualifier", "$LATEST"): EventInvokeConfig(
                    modified_ms=0, **{"on_failure": "arn:aws:sqs:us-east-1:000000000000:failed", **config}
                )
            },
            options={"": Options(recursive_loop=loop)},  # type: ignore[arg-type]
        )
        self.functions[name] = record
        return record

    # ------------------------------------------------------------ the registry

    def resolve(self, _account: str, _region: str, name: str, qualifier: str | None = None) -> Target:
        record, found = self._named(name, qualifier)
        return Target(found, found.arn if qualifier is None else f"{found.arn}:{qualifier}", record)

    def record(self, reference: Reference) -> FunctionRecord:
        return self._named(reference.name, None)[0]

    def version(self, reference: Reference) -> tuple[FunctionRecord, FunctionVersion]:
        return self._named(reference.name, reference.qualifier)

    def _named(self, name: str, qualifier: str | None) -> tuple[FunctionRecord, FunctionVersion]:
        record = self.functions.get(name)
        if record is None:
            raise FunctionNotFound(name)
        return record, record.latest if qualifier in (None, "$LATEST") else record.versions[qualifier]

    def reserved_concurrency(self, _account: str, _region: str, name: str) -> int | None:
        return self.concurrency.get(name)

    # ------------------------------------------------------------ invoker and runner

    def runner(self, target: Target) -> Any:
        world, name, found = self, target.version.name, target.version
        if found.state == "Failed":
            raise FunctionNotReady(found.arn, found.state, None, None)

        class Runner:
            def invoke(
                self, payload: bytes, request_id: bytes, trace: bytes, _extra: bytes, finished: Any
            ) -> None:
                limit = world.concurrency.get(name)
                if limit is not None and sum(run.name == name for run in world.running) >= limit:
                    world.throttles.append(world.clock.steady_ms())
                    raise Throttled(ThrottleReason.RESERVED)
                run = Run(world, name, payload, request_id.decode(), trace.decode("latin-1"), finished)
                world.runs.append(run)
                world.running.add(run)

        return Runner()

    # ------------------------------------------------------------ what tests do

    def open(self) -> AsyncQueue:
        """A queue as after a start of the platform."""
        self.queue = AsyncQueue(self.database, self, self.clock)  # type: ignore[arg-type]
        self.queue.outcomes = self._note
        return self.queue

    def _note(self, outcome: Outcome) -> Staged:
        def settled(error: object) -> None:
            if error is None:
                self.outcomes.append(outcome)

        return Staged((), settled)

    async def send(
        self, event: Any = None, name: str = "one", qualifier: str | None = None, trace: str = ""
    ) -> str:
        request_id = f"{next(self._ids):036}"
        target = self.resolve(ACCOUNT, REGION, name, qualifier)
        staged = self.queue.stage(target, qualifier, msgspec.json.encode(event), request_id, trace, b"")
        error = None
        try:
            await self.database.write(*staged.statements)
        except BaseException as failure:
            error = failure
            raise
        finally:
            staged.settled(error)  # type: ignore[arg-type]
        return request_id

    async def rows(self) -> int:
        ((count,),) = await self.database.read("SELECT count(*) FROM async_events")
        assert isinstance(count, int)
        return count

    async def until(self, condition: Callable[[], Any], *, moving: bool = False) -> None:
        """Give the loop and the store's thread time until something has happened; with `moving` the clock goes on."""
        deadline = asyncio.get_running_loop().time() + 10
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, "waited too long"
            if moving:
                await self.clock.advance(100)
            await asyncio.sleep(0.0005)

    async def ended(self, count: int = 1) -> Outcome:
        """Wait until so many events have ended; the latest."""
        await self.until(lambda: len(self.outcomes) >= count)
        assert len(self.outcomes) == count
        return self.outcomes[-1]


@pytest.fixture
def world(clock: Clock, tmp_path: Path) -> World:
    """To be opened by the test: `await opened(world, tmp_path)`."""
    return World(clock)


@pytest.fixture
def opened(world: World, tmp_path: Path) -> Callable[[], Any]:
    """Opens the database and the queue."""

    async def open_() -> World:
        database = world.database = await open_database(tmp_path / "lambent.db", "normal")

        async def close() -> None:
            try:
                await asyncio.Event().wait()
            finally:  # with the test's loop
                await database.close()

        world.closing = asyncio.create_task(close())
        await asyncio.sleep(0)
        await world.open().open()
        return world

    return open_
