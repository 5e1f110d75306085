# ruff: noqa: ASYNC240 - a test's loop has nothing else to do
from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from lambent.store import Conflict, StorageFull, StoreClosed, StoreError, open_database, schema
from lambent.store.database import Statement
from lambent.store.sqlite import SqliteDatabase
from lambent.store.staged import Staged, submit, together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lambent.store.database import Results

_CREATE = Statement(
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, revision INTEGER NOT NULL)"
)
_INSERT = "INSERT INTO notes (body, revision) VALUES (?, 1) RETURNING id"


@asynccontextmanager
async def notes(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(path, "normal", schema.bundled())
    try:
        await database.write(_CREATE)
        yield database
    finally:
        await database.close()


async def bodies(database: SqliteDatabase) -> list[object]:
    return [body for (body,) in await database.read("SELECT body FROM notes ORDER BY id")]


async def test_rows_are_read_back_after_the_write_returns(path: Path) -> None:
    async with notes(path) as database:
        assert await database.write(Statement(_INSERT, ("one",)), Statement(_INSERT, ("two",))) == [
            [(1,)],
            [(2,)],
        ]
        assert await database.read("SELECT id, body FROM notes WHERE id = ?", (2,)) == [(2, "two")]


async def test_every_type_comes_back_as_it_went(path: Path) -> None:
    async with notes(path) as database:
        values = (None, 2**62, 1.5, "ü\n", b"\0\xff")
        assert await database.write(Statement("SELECT ?, ?, ?, ?, ?", values)) == [[values]]


async def test_a_failed_expectation_undoes_the_whole_transaction_and_only_that(path: Path) -> None:
    async with notes(path) as database:
        await database.write(Statement(_INSERT, ("kept",)))
        outcomes = await asyncio.gather(
            database.write(Statement(_INSERT, ("before",))),
            database.write(
                Statement(_INSERT, ("undone",)),
                Statement("UPDATE notes SET revision = 3 WHERE id = 1 AND revision = 2", expect=1),
            ),
            database.write(Statement(_INSERT, ("after",))),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], Conflict)
        assert await bodies(database) == ["kept", "before", "after"]


@pytest.mark.parametrize(
    "update", ["UPDATE notes SET revision = ?", "UPDATE notes SET revision = ? RETURNING id"]
)
async def test_an_expectation_counts_affected_or_returned_rows(path: Path, update: str) -> None:
    async with notes(path) as database:
        await database.write(Statement(_INSERT, ("a",)), Statement(_INSERT, ("b",)))
        await database.write(Statement(update, (2,), expect=2))
        with pytest.raises(Conflict, match="2 rows where 1 were expected"):
            await database.write(Statement(update, (3,), expect=1))
        assert await database.read("SELECT DISTINCT revision FROM notes") == [(2,)]


async def test_a_taken_key_is_a_conflict(path: Path) -> None:
    async with notes(path) as database:
        taken = Statement("INSERT INTO notes (id, body, revision) VALUES (1, 'x', 1)")
        await database.write(taken)
        with pytest.raises(Conflict):
            await database.write(taken)


@pytest.mark.parametrize(
    "statement",
    [
        Statement("SELEKT 1"),
        Statement("SELECT * FROM missing"),
        Statement("SELECT ?, ?", (1,)),
        Statement("SELECT ?", ("\ud800",)),
        Statement("SELECT ?", (2**63,)),
    ],
    ids=["syntax", "table", "parameters", "half a surrogate pair", "a large number"],
)
async def test_a_wrong_statement_harms_only_its_own_transaction(path: Path, statement: Statement) -> None:
    async with notes(path) as database:
        wrong, right = await asyncio.gather(
            database.write(Statement(_INSERT, ("undone",)), statement),
            database.write(Statement(_INSERT, ("kept",))),
            return_exceptions=True,
        )
        assert type(wrong) is StoreError
        assert right == [[(1,)]]
        assert await bodies(database) == ["kept"]
        with pytest.raises(StoreError):
            await database.read(statement.sql, statement.params)


async def test_submitted_transactions_keep_their_order_and_call_back_on_the_loop(path: Path) -> None:
    async with notes(path) as database:
        seen: list[object] = []
        last = asyncio.get_running_loop().create_future()

        def done(results: Results | None, error: StoreError | None) -> None:
            assert error is None
            assert asyncio.get_running_loop() is last.get_loop()
            assert results is not None
            seen.append(results[0][0][0])
            if len(seen) == 3000:
                last.set_result(None)

        for number in range(3000):
            database.submit([Statement(_INSERT, (str(number),))], done)
        await last
        assert seen == list(range(1, 3001))
        assert await bodies(database) == [str(number) for number in range(3000)]


async def test_a_callback_that_fails_keeps_nothing_from_the_others(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with notes(path) as database:

        def fail(_results: object, _error: object) -> None:
            raise RuntimeError("of one alone")

        database.submit([Statement(_INSERT, ("one",))], fail)
        assert await database.write(Statement(_INSERT, ("two",))) == [[(2,)]]
        told: list[StoreError | None] = []
        submit(
            database,
            together(
                [
                    Staged((Statement(_INSERT, ("three",)),), lambda e: fail(None, e)),
                    Staged((Statement(_INSERT, ("four",)),), told.append),
                ]
            ),
        )
        await database.write()
        assert told == [None]
    assert caplog.text.count("RuntimeError: of one alone") == 2


async def test_a_cancelled_write_still_happens(path: Path) -> None:
    async with notes(path) as database:
        task = asyncio.ensure_future(database.write(Statement(_INSERT, ("wanted no more",))))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.write(Statement(_INSERT, ("next",)))
        assert await bodies(database) == ["wanted no more", "next"]


async def test_close_finishes_what_was_submitted_and_refuses_the_rest(path: Path) -> None:
    database = await SqliteDatabase.open(path, "normal", schema.bundled())
    await database.write(_CREATE)
    pending = [asyncio.ensure_future(database.write(Statement(_INSERT, (str(n),)))) for n in range(100)]
    await asyncio.sleep(0)
    await asyncio.gather(database.close(), database.close())
    assert len(await asyncio.gather(*pending)) == 100
    with pytest.raises(StoreClosed):
        await database.write(Statement(_INSERT, ("late",)))
    with pytest.raises(StoreClosed):
        await database.read("SELECT 1")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM notes").fetchone() == (100,)
    connection.close()


async def test_readers_cannot_write(path: Path) -> None:
    async with notes(path) as database:
        with pytest.raises(StoreError):
            await database.read("INSERT INTO notes (body, revision) VALUES ('x', 1)")


async def test_the_log_is_copied_into_the_database_while_it_is_open(path: Path) -> None:
    async with notes(path) as database:
        await asyncio.gather(*(database.write(Statement(_INSERT, ("x" * 500,))) for _ in range(6000)))
        await database.write(Statement(_INSERT, ("last",)))
        # Copied after the answer, while nobody waits.
        async with asyncio.timeout(10):
            while path.stat().st_size < 1_000_000:
                await asyncio.sleep(0.01)


async def test_a_full_database_is_reported_and_the_store_goes_on(path: Path) -> None:
    async with notes(path) as database:
        await database.write(Statement(_INSERT, ("kept",)))
        # The store's own connection: SQLite then fails as on a full disk, at that many pages.
        writer = database._writer
        pages = cast("int", writer.execute("PRAGMA page_count").fetchone()[0])
        writer.execute(f"PRAGMA max_page_count = {pages + 5}").fetchall()
        outcomes = await asyncio.gather(
            *(database.write(Statement(_INSERT, ("x" * 4000,))) for _ in range(50)), return_exceptions=True
        )
        full = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert full
        assert {type(outcome) for outcome in full} == {StorageFull}
        writer.execute("PRAGMA max_page_count = 1073741823").fetchall()
        await database.write(Statement(_INSERT, ("after",)))
        rows = await bodies(database)
        assert rows[0] == "kept"
        assert rows[-1] == "after"
        assert len(rows) == 2 + len(outcomes) - len(full)
        assert await database.read("PRAGMA integrity_check") == [("ok",)]


_ON_SMALL_DISK = """
import asyncio, sys, pathlib, shutil
from lambent.store import open_database, Statement, StorageFull
async def main():
    root = pathlib.Path(sys.argv[1])
    database = await open_database(root / "lambent.db", "full")
    await database.write(Statement("CREATE TABLE notes (body TEXT)"))
    (root / "ballast").write_bytes(b"x" * 200_000)
    kept = 0
    try:
        while True:
            await database.write(Statement("INSERT INTO notes VALUES (?)", ("x" * 20_000,)))
            kept += 1
    except StorageFull:
        pass
    (root / "ballast").unlink()
    await database.write(Statement("INSERT INTO notes VALUES ('after')"))
    await database.close()
    database = await open_database(root / "lambent.db", "full")
    assert await database.read("SELECT COUNT(*) FROM notes") == [(kept + 1,)]
    assert await database.read("PRAGMA integrity_check") == [("ok",)]
    await database.close()
    print("kept", kept)
asyncio.run(main())
"""


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("needs a small file system of its own")
    mounted = f'mount -t tmpfs -o size=2m none {tmp_path} && exec {sys.executable} -c "$SCRIPT" {tmp_path}'
    privately = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    if subprocess.run([*privately, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine permits no private mounts")
    run = subprocess.run(
        [*privately, "sh", "-c", mounted],
        env={**os.environ, "SCRIPT": _ON_SMALL_DISK, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.split()[1]) > 5


_WRITER = """
import asyncio, sys
from lambent.store import open_database, Statement
async def main():
    database = await open_database(sys.argv[1], "full")
    await database.write(Statement(
        "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, writer INTEGER, step INTEGER)"))
    await database.write(Statement("CREATE TABLE IF NOT EXISTS sums (writer INTEGER PRIMARY KEY, total INTEGER)"))
    async def write(writer):
        step = 0
        while True:
            step += 1
            [[(key,)], _] = await database.write(
                Statement("INSERT INTO notes (writer, step) VALUES (?, ?) RETURNING id", (writer, step)),
                Statement("INSERT INTO sums VALUES (?, 1) ON CONFLICT (writer) DO UPDATE SET total = total + 1",
                          (writer,)))
            print(key, flush=True)
    await asyncio.gather(*(write(writer) for writer in range(16)))
asyncio.run(main())
"""


@pytest.mark.parametrize("commits", [1, 100, 5000])
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, commits: int) -> None:
    path = tmp_path / "lambent.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    acknowledged: set[int] = set()
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, env=environment
        ) as process:
            assert process.stdout is not None
            acknowledged.update(int(process.stdout.readline()) for _ in range(commits))
            process.send_signal(signal.SIGKILL)
            # What was still in the pipe had been acknowledged too; the last line may be torn.
            acknowledged.update(int(line) for line in process.stdout if line.endswith(b"\n"))

    async def check() -> None:
        database = await open_database(path, "full")
        stored = {key for (key,) in await database.read("SELECT id FROM notes")}
        assert acknowledged <= stored
        # Transactions are whole: the count of rows and the running totals were written together.
        assert await database.read("SELECT SUM(total) FROM sums") == [(len(stored),)]
        assert await database.read("PRAGMA integrity_check") == [("ok",)]
        await database.close()

    asyncio.run(check())
