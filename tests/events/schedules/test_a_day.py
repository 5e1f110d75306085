"""A day of a timetable: entries come and go, clocks are set, store and timetable end in the middle of things."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.schedules import Timetable, parse_expression
from lambent.events.schedules.expressions import Rate
from lambent.store import Statement, open_database
from lambent.store.staged import Staged, submit, together

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.events.schedules import When
    from lambent.store import Database, StoreError

MINUTE = 60_000
EXPRESSIONS = [
    ("rate(1 minute)", "UTC"),
    ("rate(7 minutes)", "UTC"),
    ("rate(2 hours)", "UTC"),
    ("cron(* * * * ? *)", "UTC"),
    ("cron(0/5 * * * ? *)", "America/New_York"),
    ("cron(30 0-23/2 * * ? *)", "Asia/Kolkata"),
    ("cron(0 0 1 1 ? *)", "UTC"),
]


class Expected:
    """One entry as it has to be."""

    def __init__(self, when: When, now_ms: int) -> None:
        self.when = when
        self.anchor_ms = now_ms
        self.due_ms = self.after(now_ms)

    def after(self, ms: int) -> int | None:
        if isinstance(self.when, Rate):
            every = self.when.every_ms
            return self.anchor_ms + ((ms - self.anchor_ms) // every + 1) * every
        return self.when.next_ms(ms)


class Day:
    """The timetable, and what it has to do according to what is durable."""

    def __init__(self, path: Path, clock: Any, chance: random.Random) -> None:
        self.path = path
        self.clock = clock
        self.chance = chance
        self.expected: dict[str, Expected] = {}
        self.happened: list[tuple[str, int]] = []
        self.wrong: list[str] = []
        self.database: Database
        self.timetable: Timetable

    async def start(self) -> None:
        self.database = await open_database(self.path / "lambent.db", "normal")
        await self.database.write(Statement("CREATE TABLE IF NOT EXISTS happened (key TEXT, due_ms BIGINT)"))
        self.timetable = await Timetable.open(self.database, self.clock)
        self.timetable.on("k", self.fire)
        self.timetable.start()

    async def crash(self) -> None:
        """End with whatever is on its way."""
        if self.chance.random() < 0.5:
            await self.clock.advance(self.chance.randrange(MINUTE))
        await self.database.close()
        await self.timetable.close()

    def fire(self, key: str, due_ms: int) -> Staged:
        now_ms = self.clock.wall_ms()
        one = self.expected.get(key)
        if one is None or one.due_ms != due_ms or due_ms > now_ms:
            self.wrong.append(f"{key} at {due_ms}, not {one and one.due_ms}")

        def settled(error: StoreError | None) -> None:
            if error is None and one is not None:
                self.happened.append((key, due_ms))
                one.due_ms = one.after(max(due_ms, now_ms))

        return Staged((Statement("INSERT INTO happened VALUES (?, ?)", (key, due_ms)),), settled)

    def change(self) -> None:
        """Add, replace or remove something; without waiting for it."""
        key = f"key{self.chance.randrange(30)}"
        if self.chance.random() < 0.3:
            staged = self.timetable.stage_remove("k", key)
            new = None
        else:
            expression, timezone = self.chance.choice(EXPRESSIONS)
            when = parse_expression(expression, timezone=timezone)
            staged = self.timetable.stage_put("k", key, when)
            new = Expected(when, self.clock.wall_ms())

        def settled(error: StoreError | None) -> None:
            if error is not None:
                return
            if new is None:
                self.expected.pop(key, None)
            else:
                self.expected[key] = new

        submit(self.database, together([staged, Staged((), settled)]))

    async def quiet(self) -> None:
        for _ in range(3):
            await self.database.write(Statement("DELETE FROM happened WHERE key = ''"))
            await self.clock.advance(101)

    async def check(self) -> None:
        """Nothing happened that should not have, nothing is late, and memory and disk say the same."""
        await self.quiet()
        assert self.wrong == []
        now_ms = self.clock.wall_ms()
        late = {
            key: one.due_ms
            for key, one in self.expected.items()
            if one.due_ms is not None and one.due_ms < now_ms - 1000
        }
        assert late == {}
        rows: list[Any] = []
        for _ in range(5):
            rows = await self.database.read("SELECT key, due_ms FROM happened ORDER BY key, due_ms")
            if rows == sorted(self.happened):
                return
            await self.quiet()  # it was written in this moment
        assert rows == sorted(self.happened)


@pytest.mark.parametrize("seed", range(2))
async def test_each_time_is_handed_over_once(tmp_path: Path, clock: Any, seed: int) -> None:
    day = Day(tmp_path, clock, random.Random(seed))  # noqa: S311
    await day.start()
    crashes = jumps = ahead = 0
    end_ms = clock.steady_ms() + 24 * 60 * MINUTE
    while clock.steady_ms() < end_ms:
        what = day.chance.random()
        if what < 0.4:
            day.change()
        elif what < 0.45:
            crashes += 1
            await day.crash()
            await clock.advance(day.chance.randrange(30 * MINUTE))
            await day.start()
        elif what < 0.5:
            jumps += 1
            # Never back by so much in all that it must have been wrong before.
            new_ahead = day.chance.randrange(-80 * MINUTE, 80 * MINUTE)
            clock.jump(new_ahead - ahead)
            ahead = new_ahead
        else:
            await clock.advance(day.chance.randrange(10 * MINUTE))
        if day.chance.random() < 0.5:
            await day.check()
    await day.check()
    assert min(crashes, jumps) > 3
    assert len(day.happened) > 1000
    await day.timetable.close()
    await day.database.close()
    await asyncio.sleep(0)
