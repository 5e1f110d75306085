from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lambent.events.schedules import Timetable, parse_expression
from lambent.store import Statement, StorageFull, StoreError, open_database
from lambent.store.staged import Staged, nothing, submit, together

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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


async def passing(fired: Fired, ms: int, step_ms: int = MINUTE) -> None:
    """Let time pass while the store's thread works."""
    while ms > 0:
        await fired.clock.advance(min(step_ms, ms))
        await quiet(fired)
        ms -= step_ms


async def quiet(fired: Fired) -> None:
    """Wait until what has been written is written, and what follows from it."""
    for _ in range(3):
        await fired.database.write(Statement("DELETE FROM fired WHERE key = ''"))
        await fired.clock.advance(0)


async def test_what_is_put_happens_at_its_time_and_is_written_with_the_next(
    tmp_path: Path, clock: Any
) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await put(database, timetable, "a", "rate(5 minutes)")
    await put(database, timetable, "b", "cron(0/10 * * * ? *)")
    await passing(fired, 4 * MINUTE)
    assert fired.calls == []
    await passing(fired, 17 * MINUTE)
    first_b = 1_700_000_400_000  # 22:20:00
    expected = [("a", START + each * 5 * MINUTE) for each in (1, 2, 3, 4)]
    expected += [("b", first_b), ("b", first_b + 10 * MINUTE)]
    assert sorted(expected) == sorted(await fired.rows())
    assert all(at - due < 1000 for _, due, at in fired.calls)
    await closed(database, timetable)


async def test_the_first_and_the_last_time(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await put(database, timetable, "from", "rate(1 hour)", start_ms=START + 10 * MINUTE)
    await put(database, timetable, "until", "rate(1 minute)", end_ms=START + 3 * MINUTE + 1)
    await put(database, timetable, "once", "at(2023-11-14T22:30:00)")
    await put(database, timetable, "never", "rate(1 hour)", end_ms=START + MINUTE)
    await put(database, timetable, "past", "at(2023-11-14T22:00:00)")
    await put(database, timetable, "late", "at(2023-11-14T22:00:00)", since_ms=START - HOUR)
    await put(database, timetable, "cron", "cron(* * * * ? *)", start_ms=START + 90 * MINUTE)
    await passing(fired, 100 * MINUTE)
    assert [due for key, due, _ in fired.calls if key == "from"] == [START + 10 * MINUTE, START + 70 * MINUTE]
    assert fired.keys.count("until") == 3
    assert fired.keys.count("once") == fired.keys.count("late") == 1
    assert {"never", "past"}.isdisjoint(fired.keys)
    assert min(due for key, due, _ in fired.calls if key == "cron") == 1_700_005_440_000  # 23:44
    assert sorted(fired.finished) == ["late", "once", "until"]
    assert await database.read("SELECT key FROM timetable ORDER BY key") == [("cron",), ("from",)]
    await closed(database, timetable)


async def test_what_was_missed_happens_once_on_start(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await put(database, timetable, "often", "rate(1 minute)")
    await put(database, timetable, "once", "at(2023-11-14T22:30:00)")
    await put(database, timetable, "until", "rate(1 minute)", end_ms=START + 5 * MINUTE)
    await put(database, timetable, "later", "rate(1 day)")
    await closed(database, timetable)

    await clock.advance(10 * HOUR + 30_000)
    database, timetable, fired = await opened(tmp_path, clock)
    await quiet(fired)
    assert fired.calls == []
    timetable.start()
    await quiet(fired)
    assert sorted(fired.keys) == ["often", "once", "until"]
    assert sorted(fired.finished) == ["once", "until"]
    await passing(fired, MINUTE)
    # In its old rhythm.
    assert [(key, due) for key, due, _ in fired.calls[3:]] == [("often", START + 10 * HOUR + MINUTE)]
    await closed(database, timetable)


async def test_an_entry_that_is_replaced_or_removed(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    for key in ("changed", "removed", "kept"):
        await put(database, timetable, key, "rate(5 minutes)")
    await put(database, timetable, "changed", "rate(1 hour)")
    await written(database, timetable.stage_remove("rule", "removed"))
    await passing(fired, 6 * MINUTE)
    assert fired.keys == ["kept"]
    await passing(fired, HOUR)
    assert fired.keys.count("changed") == 1
    await put(database, timetable, "kept", "at(2001-01-01T00:00:00)")
    fired.calls.clear()
    await passing(fired, HOUR)
    assert set(fired.keys) == {"changed"}
    await closed(database, timetable)


async def test_nothing_happens_while_a_change_is_not_durable(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await put(database, timetable, "a", "rate(5 minutes)")
    removal = timetable.stage_remove("rule", "a")
    await passing(fired, 6 * MINUTE)
    assert fired.calls == []
    # It never will be: the entry is what it was, and late.
    removal.settled(StoreError("no"))
    await passing(fired, MINUTE)
    assert fired.keys == ["a"]
    await closed(database, timetable)


async def test_a_prefix_of_keys_is_removed_at_once(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    for key in ("a/1", "a/2", "ab/1"):
        await put(database, timetable, key, "rate(1 minute)")
    await written(database, timetable.stage_remove_all("rule", "a/"))
    await passing(fired, MINUTE)
    assert fired.keys == ["ab/1"]
    await timetable.clear()
    await passing(fired, 5 * MINUTE)
    assert fired.keys == ["ab/1"]
    await closed(database, timetable)


async def test_windows_spread_what_has_one_time(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    noon = 1_700_049_600_000
    for number in range(40):
        await put(database, timetable, f"{number}", "cron(0 12 * * ? *)", window_s=600)
    await passing(fired, noon - 1000 - START, step_ms=24 * HOUR)
    await passing(fired, 11 * MINUTE, step_ms=500)
    assert sorted(fired.keys) == sorted(str(number) for number in range(40))
    assert {due for _, due, _ in fired.calls} == {noon}
    late = [at - noon for _, _, at in fired.calls]
    assert min(late) >= 0
    assert max(late) <= 600_000 + 1000
    assert max(late) - min(late) > 200_000
    await passing(fired, 24 * HOUR, step_ms=24 * HOUR)
    assert set(fired.keys[40:]) == set(fired.keys[:40])
    await closed(database, timetable)


async def test_a_time_whose_window_is_not_over_is_not_left_out(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await put(database, timetable, "a", "rate(1 hour)", window_s=5400)
    await passing(fired, 24 * HOUR, step_ms=10 * MINUTE)
    dues = [due for _, due, _ in fired.calls]
    assert dues == [START + number * HOUR for number in range(1, len(dues) + 1)]
    assert len(dues) >= 22
    await closed(database, timetable)


async def test_the_clock_is_set_forward(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await put(database, timetable, "a", "cron(0 * * * ? *)")
    await put(database, timetable, "b", "at(2023-11-15T03:00:00)")
    clock.jump(6 * HOUR)
    await quiet(fired)
    # What was passed over, once.
    assert sorted(fired.keys) == ["a", "b"]
    await passing(fired, HOUR)
    assert sorted(fired.keys) == ["a", "a", "b"]
    assert fired.calls[-1][1] == 1_700_024_400_000  # 05:00
    await closed(database, timetable)


async def test_the_clock_is_set_back_a_little(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await put(database, timetable, "a", "cron(0 * * * ? *)")
    await passing(fired, 2 * HOUR)
    assert len(fired.calls) == 2
    clock.jump(-HOUR)
    await passing(fired, HOUR)
    # 23:00 comes twice, and happened.
    assert len(fired.calls) == 2
    await passing(fired, HOUR)
    assert len({due for _, due, _ in fired.calls}) == len(fired.calls) == 3
    await closed(database, timetable)


async def test_the_clock_was_wrong_by_years(tmp_path: Path, clock: Any) -> None:
    year = 365 * 24 * HOUR
    clock.jump(10 * year)
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await put(database, timetable, "cron", "cron(0 * * * ? *)")
    await put(database, timetable, "rate", "rate(1 hour)")
    await put(database, timetable, "started", "rate(1 hour)", start_ms=START + 11 * year)
    await put(database, timetable, "once", "at(2023-11-14T23:30:00)", since_ms=0)
    await passing(fired, HOUR)
    assert fired.keys.count("once") == fired.keys.count("rate") == fired.keys.count("cron") == 1
    fired.calls.clear()
    clock.jump(-10 * year)
    await passing(fired, 3 * HOUR)
    assert fired.keys.count("cron") in (2, 3)
    assert fired.keys.count("rate") in (2, 3)
    assert set(fired.keys) == {"cron", "rate"}
    assert all(abs(at - due) < 2 * MINUTE for _, due, at in fired.calls)
    # And after a start, when it was set back while nothing ran.
    clock.jump(20 * year)
    await passing(fired, HOUR)
    await closed(database, timetable)
    clock.jump(-20 * year)
    database, timetable, fired = await opened(tmp_path, clock)
    timetable.start()
    await passing(fired, 2 * HOUR)
    assert {"cron", "rate"} <= set(fired.keys)
    await closed(database, timetable)


async def test_one_that_cannot_be_written_does_not_hold_up_the_others(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    refusing = True

    def fire(key: str, due_ms: int) -> Staged | None:
        staged = fired.fire(key, due_ms)
        assert staged is not None
        if key == "bad" and refusing:
            return Staged(
                (*staged.statements, Statement("DELETE FROM fired WHERE key = 'x'", expect=1)), nothing
            )
        return staged

    timetable.on("rule", fire)
    timetable.start()
    for key in ("a", "bad", "z"):
        await put(database, timetable, key, "rate(1 hour)")
    await passing(fired, HOUR)
    await passing(fired, 5000, step_ms=500)
    due = START + HOUR
    assert await fired.rows() == [("a", due), ("z", due)]
    assert fired.keys.count("bad") in range(4, 9)  # about once a second
    refusing = False
    await passing(fired, 3000, step_ms=500)
    assert await fired.rows() == [("a", due), ("bad", due), ("z", due)]
    await closed(database, timetable)


async def test_what_raises_is_logged_and_comes_again_at_its_next_time(
    tmp_path: Path, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    database, timetable, fired = await opened(tmp_path, clock)

    def fire(key: str, due_ms: int) -> Staged | None:
        fired.fire(key, due_ms)
        raise LookupError(key)

    timetable.on("rule", fire)
    timetable.start()
    await put(database, timetable, "a", "rate(1 hour)")
    await passing(fired, 2 * HOUR)
    assert [due for _, due, _ in fired.calls] == [START + HOUR, START + 2 * HOUR]
    assert "rule a failed at its time" in caplog.text
    await closed(database, timetable)


async def test_many_more_than_fit_into_memory(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    prepared: list[int] = []

    async def prepare(keys: Any) -> None:
        prepared.append(len(keys))

    timetable.on("rule", fired.fire, prepare=prepare)
    timetable.start()
    # A horizon in between, then puts on both sides of it, in every order.
    numbers = [number * 7919 % 6_000 for number in range(6_000)]
    when = parse_expression("rate(1 day)")
    parts = [timetable.stage_put("rule", f"{n:05}", when, start_ms=START + HOUR + n * 20) for n in numbers]
    await written(database, together(parts))
    await put(database, timetable, "same", "rate(1 day)", start_ms=START + HOUR)
    await passing(fired, HOUR - MINUTE, step_ms=HOUR)
    for n in (5, 3000, 5999):
        await written(database, timetable.stage_remove("rule", f"{n:05}"))
    await passing(fired, 3 * MINUTE + 5000, step_ms=1000)
    expected = sorted([f"{n:05}" for n in range(6_000) if n not in (5, 3000, 5999)] + ["same"])
    assert sorted(fired.keys) == expected
    assert max(at - due for _, due, at in fired.calls) <= 2000
    # Together, what is due within a moment.
    assert len(prepared) < 1000
    await closed(database, timetable)


async def test_thousands_of_one_moment(tmp_path: Path, clock: Any) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    when = parse_expression("cron(0 * * * ? *)")
    await written(database, together([timetable.stage_put("rule", f"{n}", when) for n in range(3000)]))
    timetable.start()
    await passing(fired, HOUR, step_ms=HOUR)
    for _ in range(200):
        await quiet(fired)
        if len(fired.calls) == 3000:
            break
    assert len(set(fired.keys)) == len(fired.calls) == 3000
    await passing(fired, 30 * MINUTE, step_ms=HOUR)
    assert len(await fired.rows()) == 3000
    await closed(database, timetable)


async def test_an_expression_that_is_not_understood_any_more_is_left_alone(
    tmp_path: Path, clock: Any
) -> None:
    database, timetable, fired = await opened(tmp_path, clock)
    await put(database, timetable, "a", "cron(* * * * ? *)", timezone="Europe/Berlin")
    await put(database, timetable, "b", "cron(* * * * ? *)")
    await database.write(Statement("UPDATE timetable SET timezone = 'Mars/Olympus' WHERE key = 'a'"))
    timetable.start()
    await passing(fired, 3 * MINUTE)
    assert set(fired.keys) == {"b"}
    await closed(database, timetable)


class FullNowAndThen:
    """A database whose disk is full when a test says so."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.full = False
        self.refused = 0

    def submit(self, statements: Any, done: Any) -> None:
        if self.full:
            self.refused += 1
            asyncio.get_running_loop().call_soon(done, None, StorageFull("no space left for the database"))
        else:
            self._database.submit(statements, done)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


async def test_a_full_disk_delays_what_is_due_and_loses_nothing(tmp_path: Path, clock: Any) -> None:
    database = await open_database(tmp_path / "lambent.db", "normal")
    await database.write(Statement("CREATE TABLE fired (key TEXT, due_ms BIGINT)"))
    disk = FullNowAndThen(database)
    timetable = await Timetable.open(disk, clock)
    fired = Fired(database, clock)
    timetable.on("rule", fired.fire)
    timetable.start()
    for number in range(300):
        await put(database, timetable, f"{number}", "rate(10 minutes)")
    disk.full = True
    await passing(fired, 10 * MINUTE + 5000, step_ms=1000)
    assert await fired.rows() == []
    assert 4 <= disk.refused <= 20  # now and then, and not each of them
    disk.full = False
    await passing(fired, 3000, step_ms=1000)
    rows = await fired.rows()
    assert sorted({key for key, _ in rows}) == sorted(str(number) for number in range(300))
    assert len(rows) == 300
    await closed(database, timetable)
