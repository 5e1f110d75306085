"""A day of asynchronous events, with crashes, full disks and functions that fail: each event has one end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from lambent.store import Staged, Statement, StorageFull, StoreError
from lambent.store.staged import nothing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.events.destinations.conftest import World

    from lambent.invocation.outcome import Outcome

    Opened = Callable[[], Awaitable[World]]

MINUTE, HOUR = 60_000, 3_600_000


class Brittle:
    """The database as one life of the platform sees it: it may be full, and nobody hears of it after a crash."""

    def __init__(self, database: Any, full: bool) -> None:
        self._database = database
        self.full = full
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def submit(self, statements: Any, done: Any) -> None:
        if self.dead:
            return

        def heard(results: Any, error: StoreError | None) -> None:
            if not self.dead:
                done(results, error)

        if self.full:
            asyncio.get_running_loop().call_soon(heard, None, StorageFull("no space"))
        else:
            self._database.submit(statements, heard)


class Day:
    """What happens, by chance."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.database = world.database
        self.chance = random.Random(seed)  # noqa: S311 - chance, no secret
        self.accepted: dict[str, tuple[str, int]] = {}
        self.doubtful: set[str] = set()
        self.number = 0
        self.life: Brittle

    async def begin(self, *, full: bool = False) -> None:
        """A start of the platform."""
        world = self.world
        self.life = Brittle(self.database, full)
        world.database = self.life
        queue = world.open()
        queue.outcomes = self._outcome
        await queue.open()

    def _outcome(self, outcome: Outcome) -> Staged:
        row = (outcome.request_id, outcome.condition, outcome.invoke_count, self.world.clock.steady_ms())
        return Staged((Statement("INSERT INTO ends VALUES (?, ?, ?, ?)", row),), nothing)

    async def pass_time(self, by_ms: int) -> None:
        end = self.world.clock.steady_ms() + by_ms
        while (left := end - self.world.clock.steady_ms()) > 0:
            await self.world.clock.advance(min(left, 2 * MINUTE))
            await self.database.write()  # whatever was submitted before is done

    async def crash(self) -> None:
        queue = self.world.queue
        if self.chance.random() < 0.5:
            await asyncio.sleep(0)  # more or less of what was submitted is heard of
        self.life.dead = queue._closed = queue._stopping = True
        self.world.running.clear()
        self.doubtful |= {request_id for request_id, (_, at) in self.accepted.items() if at < 0}
        await self.database.write()
        await self.begin(full=self.chance.random() < 0.2)

    def send(self) -> None:
        world, chance = self.world, self.chance
        for _ in range(chance.randrange(1, 8)):
            name = chance.choice(["one", "two", "three"])
            self.number += 1
            request_id = f"{self.number:036}"
            self.accepted[request_id] = (name, -1)

            def accepted(error: object, request_id: str = request_id, name: str = name) -> None:
                if error is None:
                    self.accepted[request_id] = (name, world.clock.steady_ms())
                else:
                    del self.accepted[request_id]

            target = world.resolve("", "", name)
            world.queue.accept(target, None, b"%d" % self.number, request_id, "", b"", accepted)

    def end_runs(self) -> None:
        running = sorted(self.world.running, key=lambda run: run.request_id)
        for run in self.chance.sample(running, self.chance.randrange(len(running) + 1)):
            if run in self.world.running:
                ends = (run.succeed, run.fail, run.fail, run.fail, run.break_down)
                self.chance.choice(ends)()

    async def go_on(self) -> None:
        kind = self.chance.random()
        if kind < 0.4:
            self.send()
        elif kind < 0.75:
            self.end_runs()
        elif kind < 0.8:
            self.world.concurrency["three"] = self.chance.choice([0, 1, 2, 50])
        elif kind < 0.85:
            self.life.full = not self.life.full
        elif kind < 0.9:
            await self.crash()
        if self.chance.random() < 0.7:  # else the next comes while this is under way
            await self.pass_time(int(10 ** self.chance.uniform(0, 6.5)))


@pytest.mark.parametrize("seed", range(2))
async def test_a_day_of_crashes(opened: Opened, seed: int) -> None:
    world = await opened()
    await world.queue.drain(0)
    await world.database.write(
        Statement("CREATE TABLE ends (request_id TEXT, condition TEXT, invoke_count INTEGER, at_ms BIGINT)")
    )
    told = "arn:aws:sqs:us-east-1:000000000000:told"
    world.add("one", on_success=told)
    world.add("two", on_success=told, maximum_age_s=300, maximum_attempts=1)
    world.add("three", on_success=told)
    day = Day(world, seed)
    await day.begin()
    began = world.clock.steady_ms()
    while world.clock.steady_ms() < began + 24 * HOUR:
        await day.go_on()
    # Tomorrow everything works.
    day.life.full = False
    world.concurrency.clear()
    for _ in range(80):
        await day.pass_time(5 * MINUTE)
        for run in list(world.running):
            run.succeed()
    rows: list[Any] = await day.database.read("SELECT * FROM ends")
    assert await world.rows() == 0
    assert len(world.queue) == 0
    memory = world.queue._memory
    assert (memory._events_left, memory._bytes_left) == (20_000, 64_000_000)

    assert len(rows) > 100
    ends = Counter(row[0] for row in rows)
    assert set(ends.values()) == {1}
    certain = {request_id for request_id, (_, at) in day.accepted.items() if at >= 0}
    assert certain <= ends.keys() <= day.accepted.keys()
    assert ends.keys() - certain <= day.doubtful
    conditions = Counter(row[1] for row in rows)
    assert conditions.keys() == {
        "Success",
        "RetriesExhausted",
        "EventAgeExceeded",
        "ZeroReservedConcurrency",
    }
    last_run: dict[str, int] = {}
    for run in world.runs:
        last_run[run.request_id] = run.at_ms
    for request_id, condition, count, at_ms in rows:
        assert last_run.get(request_id, 0) <= at_ms  # nothing runs that has ended
        name = day.accepted[request_id][0]
        if condition == "RetriesExhausted":
            assert count == {"two": 2}.get(name, 3)
        elif condition == "Success":
            assert 1 <= count <= {"two": 2}.get(name, 3)
