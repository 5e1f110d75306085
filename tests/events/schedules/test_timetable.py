from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lambent.events.schedules import Timetable, parse_expression
from lambent.store import Statement, open_database
from lambent.store.staged import Staged, nothing, submit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.events.conftest import SimulatedClock

    from lambent.store import Database

MINUTE = 60_000
HOUR = 60 * MINUTE
# 2023-11-14 22:13:20 UTC, what the simulated clock begins with
START = 1_700_000_000_000


class Fired:
    """What a timetable has done, in memory and in the table that its transactions write to."""

    def __init__(self, database: Database, clock: Any) -> None:
        self.database = database
        self.clock = clock
        self.calls: list[tuple[str, int, int]] = []
        self.finished: list[str] = []

    def fire(self, key: str, due_ms: int) -> Staged | None:
        self.calls.append((key, due_ms, self.clock.wall_ms()))
        return Staged((Statement("INSERT INTO fired (key, due_ms) VALUES (?, ?)", (key, due_ms)),), nothing)

    def finish(self, key: str) -> Staged | None:
        self.finished.append(key)
        return None

    @property
    def keys(self) -> list[str]:
        return [key for key, _, _ in self.calls]

    async def rows(self) -> list[tuple[Any, ...]]:
        return await self.database.read("SELECT key, due_ms FROM fired ORDER BY due_ms, key")


async def opened(path: Path, clock: Any) -> tuple[Database, Timetable, Fired]:
    database = await open_database(path / "lambent.db", "normal")
    await database.write(Statement("CREATE TABLE IF NOT EXISTS fired (key TEXT, due_ms BIGINT)"))
    timetable = await Timetable.open(database, clock)
    fired = Fired(database, clock)
    timetable.on("rule", fired.fire, finished=fired.finish)
    return database, timetable, fired


async def closed(database: Database, timetable: Timetable) -> None:
    await timetable.close()
    await database.close()


async def put(database: Database, timetable: Timetable, key: str, expression: str, **options: Any) -> None:
    when = parse_expression(expression, timezone=options.pop("timezone", "UTC"))
    staged = timetable.stage_put("rule", key, when, **options)
    await written(database, staged)


async def written(database: Database, staged: Staged) -> None:
    """Write; returns when it has settled."""
    done = asyncio.Event()

    def settled(error: Any) -> None:
        staged.settled(error)
        done.set()

    submit(database, Staged(staged.statements, settled))
    await done.wait()


async def passing(clock: SimulatedClock, ms: int, step_ms: int = MINUTE) -> None:
    """Let time pass while the store's thread works."""
    while ms > 0:
        await clock.advance(min(step_ms, ms))
        await quiet(clock)
        ms -= step_ms


async def quiet(clock: SimulatedClock) -> None:
    for _ in range(5):
        await asyncio.sleep(0.001)
        await clock.advance(0)


async def test_what_is_put_happens_at_its_time_and_is_written_with_the_next(
    tmp_path: Path, clock: Any
) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await put(database, timetable, "a", "rate(5 minutes)")
    await put(database, timetable, "b", "cron(0/10 * * * ? *)")
    await passing(clock, 4 * MINUTE)
    assert fired.calls == []
    await passing(clock, 17 * MINUTE)
    first_b = 1_700_000_400_000  # 22:20:00
    expected = [("a", START + each * 5 * MINUTE) for each in (1, 2, 3, 4)]
    expected += [("b", first_b), ("b", first_b + 10 * MINUTE)]
    assert sorted(expected) == sorted(await fired.rows())
    assert all(at - due < 1000 for _, due, at in fired.calls)
    await closed(database, timetable)
