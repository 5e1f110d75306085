from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.schedules import Schedules, Timetable
from lambent.events.schedules.errors import ScheduleNotFound
from lambent.events.schedules.schedule import Group, Schedule, Settings
from lambent.store import Statement, open_database
from lambent.store.staged import Staged, nothing

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.events.deliveries import Parcel
    from lambent.store import Database

MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_700_000_000_000  # 2023-11-14 22:13:20
PLACE: dict[str, Any] = {"account": "000000000000", "region": "us-east-1"}
TARGET = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "arn:aws:iam::000000000000:role/r"}


class World:
    """Schedules whose parcels go into a table, in the transaction that hands them over."""

    def __init__(self, path: Path, clock: Any) -> None:
        self.path = path
        self.clock = clock
        self.database: Database
        self.timetable: Timetable
        self.schedules: Schedules

    async def start(self) -> None:
        self.database = await open_database(self.path / "lambent.db", "normal")
        await self.database.write(
            Statement("CREATE TABLE IF NOT EXISTS handed (source TEXT, body TEXT, at_ms BIGINT)")
        )
        self.timetable = await Timetable.open(self.database, self.clock)
        self.schedules = await Schedules.open(self.database, self.clock, self.timetable, self)  # type: ignore[arg-type]
        self.timetable.start()
        await self.quiet()

    async def stop(self) -> None:
        await self.timetable.close()
        await self.database.close()

    def stage(self, parcels: list[Parcel]) -> Staged:
        return Staged(
            tuple(
                Statement(
                    "INSERT INTO handed (source, body, at_ms) VALUES (?, ?, ?)",
                    (parcel.source_arn.rpartition("/")[2], parcel.body, self.clock.wall_ms()),
                )
                for parcel in parcels
            ),
            nothing,
        )

    async def handed(self) -> list[tuple[str, int]]:
        """Which schedules have happened, and how long after the beginning in minutes."""
        rows = await self.database.read("SELECT source, at_ms FROM handed ORDER BY at_ms, source")
        return [(str(source), (int(at_ms) - START) // MINUTE) for source, at_ms in rows]  # type: ignore[arg-type]

    async def create(self, name: str, expression: str, group: str = "default", **settings: Any) -> Schedule:
        made = Settings(**{"expression": expression, "target": TARGET, **settings})
        schedule = await self.schedules.create(
            made, **PLACE, partition="aws", group=group, name=name, token=""
        )
        await self.quiet()
        return schedule

    async def update(self, name: str, expression: str, **settings: Any) -> None:
        changed = Settings(**{"expression": expression, "target": TARGET, **settings})
        await self.schedules.update(changed, **PLACE, group="default", name=name)
        await self.quiet()

    async def names(self) -> list[str]:
        page = await self.schedules.page(**PLACE, size=100)
        return [schedule.name for schedule in page.schedules]

    async def passing(self, minutes: int) -> None:
        for _ in range(minutes):
            await self.clock.advance(MINUTE)
            await self.quiet()

    async def quiet(self) -> None:
        for _ in range(3):
            await self.database.write(Statement("DELETE FROM handed WHERE source = ''"))
            await self.clock.advance(100)  # what is due is looked at ten times a second


@pytest.fixture
def world(tmp_path: Path, clock: Any) -> World:
    return World(tmp_path, clock)


async def test_a_rate_begins_at_once_and_keeps_its_rhythm(world: World) -> None:
    await world.start()
    await world.create("r", "rate(10 minutes)")
    await world.create("s", "rate(10 minutes)", start_ms=START + 5 * MINUTE)
    await world.passing(7)
    await world.update("r", "rate(10 minutes)", description="another")
    await world.passing(7)
    await world.update("r", "rate(10 minutes)", state="DISABLED")
    await world.passing(10)
    await world.update("r", "rate(10 minutes)")
    await world.passing(10)
    assert [at for name, at in await world.handed() if name == "r"] == [0, 10, 30]
    assert [at for name, at in await world.handed() if name == "s"] == [5, 15, 25]
    await world.update("r", "rate(1 hour)")
    assert (await world.handed())[-1][0] == "r"
    await world.stop()


async def test_what_is_over_is_deleted_when_that_is_asked_for(world: World) -> None:
    await world.start()
    await world.create("kept", "at(2023-11-14T22:20:00)")
    await world.create("once", "at(2023-11-14T22:20:00)", after_completion="DELETE")
    await world.create("zone", "at(2023-11-14T23:20:00)", timezone="Europe/Berlin", after_completion="DELETE")
    await world.create("ended", "rate(2 minutes)", end_ms=START + 3 * MINUTE, after_completion="DELETE")
    await world.create("goes on", "rate(1 day)", after_completion="DELETE")
    assert len(await world.names()) == 5
    await world.passing(10)
    assert await world.names() == ["goes on", "kept"]
    handed = [name for name, _ in await world.handed()]
    assert sorted(handed) == ["ended", "ended", "goes on", "kept", "once", "zone"]
    await world.update("kept", "at(2023-11-14T22:20:00)", description="it has happened")
    await world.passing(2)
    assert len(await world.handed()) == 6
    await world.stop()


async def test_a_time_that_has_just_passed_is_not_lost(world: World) -> None:
    await world.start()
    await world.create("late", "at(2023-11-14T22:13:18)")
    await world.create("too late", "at(2023-11-13T22:13:00)")
    await world.passing(2)
    assert [name for name, _ in await world.handed()] == ["late"]
    await world.stop()


async def test_what_waits_in_its_window_outlasts_an_update(world: World) -> None:
    await world.start()
    window: dict[str, Any] = {"window_mode": "FLEXIBLE", "window_minutes": 600}
    expressions = {"once": "at(2023-11-14T22:20:00)", "cron": "cron(20 22 * * ? *)"}
    for name, expression in expressions.items():
        await world.create(name, expression, **window)
        assert await world.handed() == []
    await world.passing(10)
    waiting = set(expressions) - {name for name, _ in await world.handed()}
    for name in waiting:
        await world.update(name, expressions[name], window_mode="OFF")
    await world.passing(2)
    assert sorted(name for name, _ in await world.handed()) == ["cron", "once"]
    for name, expression in expressions.items():
        await world.update(name, expression, window_mode="OFF", description="it has happened")
    await world.passing(2)
    assert len(await world.handed()) == 2
    await world.stop()


async def test_what_was_missed_happens_once_on_start(world: World) -> None:
    await world.start()
    await world.create("rate", "rate(10 minutes)")
    await world.create("once", "at(2023-11-14T22:20:00)", after_completion="DELETE")
    await world.create("off", "rate(10 minutes)", state="DISABLED")
    await world.stop()
    await world.clock.advance(35 * MINUTE)
    await world.start()
    assert sorted(name for name, _ in await world.handed()) == ["once", "rate", "rate"]
    assert await world.names() == ["off", "rate"]
    await world.passing(6)
    assert [at for name, at in await world.handed() if name == "rate"] == [0, 35, 40]
    await world.stop()


async def test_groups_take_their_schedules_with_them(world: World) -> None:
    await world.start()
    for name in ("team", "team2"):
        await world.schedules.create_group(Group(**PLACE, partition="aws", name=name))
    await world.create("a", "rate(1 minute)", group="team")
    await world.create("b", "rate(1 minute)", group="team2")
    await world.passing(2)
    before = len([name for name, _ in await world.handed() if name == "a"])
    assert before >= 2
    await world.schedules.delete_group(**PLACE, partition="aws", name="team")
    await world.passing(3)
    assert len([name for name, _ in await world.handed() if name == "a"]) == before
    assert await world.names() == ["b"]
    with pytest.raises(ScheduleNotFound):
        await world.create("a", "rate(1 minute)", group="team")
    assert await world.database.read("SELECT key FROM timetable") == [("000000000000:us-east-1:team2/b",)]
    await world.schedules.clear()
    assert await world.names() == []
    assert await world.database.read("SELECT key FROM timetable") == []
    await world.stop()


async def test_a_group_that_goes_in_this_moment_takes_what_comes(world: World) -> None:
    await world.start()
    await world.schedules.create_group(Group(**PLACE, partition="aws", name="team"))
    # As if another had deleted it: it is gone in the database, and still in memory.
    await world.database.write(Statement("DELETE FROM schedule_groups"))
    with pytest.raises(ScheduleNotFound, match="group team"):
        await world.create("a", "rate(1 minute)", group="team")
    assert await world.names() == []
    await world.stop()


async def test_a_deleted_schedule_does_not_happen(world: World) -> None:
    await world.start()
    await world.create("a", "rate(5 minutes)")
    await world.schedules.delete(**PLACE, group="default", name="a")
    await world.passing(11)
    assert len(await world.handed()) == 1
    with pytest.raises(ScheduleNotFound):
        await world.schedules.delete(**PLACE, group="default", name="a")
    with pytest.raises(ScheduleNotFound):
        await world.update("a", "rate(5 minutes)")
    await world.stop()
