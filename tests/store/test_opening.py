# ruff: noqa: ASYNC220, ASYNC240 - a test's loop has nothing else to do
from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lambent.store import DirectoryInUse, Statement, StoreError, open_database

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.store import Durability

_HOLDER = """
import asyncio, sys
from lambent.store import open_database
async def main():
    database = await open_database(sys.argv[1], "normal")
    print("open", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def holder(path: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"open\n"
    return process


def test_a_second_process_is_told_who_has_the_directory_until_that_one_dies(path: Path) -> None:
    async def reopen() -> None:
        await (await open_database(path)).close()

    with holder(path) as process:
        with pytest.raises(DirectoryInUse, match=rf"{path.parent} is in use .*\(pid {process.pid}\)"):
            asyncio.run(reopen())
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    asyncio.run(reopen())


async def test_one_process_cannot_open_a_directory_twice(path: Path) -> None:
    first = await open_database(path)
    with pytest.raises(DirectoryInUse):
        await open_database(path)
    await first.close()
    await (await open_database(path)).close()


async def test_children_do_not_inherit_the_lock(path: Path) -> None:
    database = await open_database(path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        await database.close()
        await (await open_database(path)).close()
        child.communicate(b"\n", timeout=10)


@pytest.mark.parametrize("prefix", ["", "sqlite://"])
async def test_a_path_and_a_url_open_the_same(path: Path, prefix: str) -> None:
    database = await open_database(f"{prefix}{path}")
    await database.close()
    assert path.exists()


async def test_other_kinds_of_databases_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mysql:// databases are not supported"):
        await open_database("mysql://host/lambent")


@pytest.mark.parametrize(("durability", "level"), [("full", 2), ("normal", 1)])
async def test_durability_sets_when_sqlite_syncs(path: Path, durability: Durability, level: int) -> None:
    database = await open_database(path, durability)
    assert await database.write(Statement("PRAGMA synchronous")) == [[(level,)]]
    assert await database.read("PRAGMA journal_mode") == [("wal",)]
    await database.close()


async def test_a_file_that_is_no_database_is_an_error_and_is_not_kept_locked(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, however long one looks at it" * 100)
    for _ in range(2):
        with pytest.raises(StoreError, match="not a database"):
            await open_database(path)


async def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    await (await open_database(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'tomorrow', 'x', 0)")
    connection.close()
    with pytest.raises(StoreError, match="migration 9999, which this version does not know"):
        await open_database(path)


async def test_migrations_are_recorded_once(path: Path) -> None:
    for _ in range(2):
        database = await open_database(path)
        numbers = await database.read("SELECT number FROM schema_migrations ORDER BY number")
        await database.close()
        assert numbers == [(number,) for number in range(1, len(numbers) + 1)]
