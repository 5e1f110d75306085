"""Flushing, back-pressure and a full disk."""

from __future__ import annotations

import asyncio
import logging
from importlib import resources
from typing import Any

import pytest

from lambent.observe import LogGroupNotFound, LogQuery, log_store, log_writer
from lambent.store import Statement, StorageFull, open_database

ACCOUNT, REGION = "000000000000", "us-east-1"


def test_events_reach_the_disk_without_being_asked_for(run: Any, open_logs: Any, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            logs.stream().append(1, "x")
            async with asyncio.timeout(10):
                while logs.group().stored_bytes == 0:
                    await asyncio.sleep(0.01)

    run(scenario)


def test_100_mb_neither_stay_in_memory_nor_get_lost(run: Any, open_logs: Any, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream = logs.stream()
            store = logs.store
            line, written, most = "x" * 4000 + "\n", 0, 0
            while written < 100 << 20:
                for _ in range(64):
                    stream.append(1, line)
                written += 64 * len(line)
                if store.saturated:
                    drained = asyncio.Event()
                    store.when_drained(drained.set)
                    await drained.wait()
                    assert not store.saturated
                most = max(most, store.backlog_bytes)
                await asyncio.sleep(0)
            await store.flush()
            assert (tmp_path / "logs.db-wal").stat().st_size < 64 << 20
            assert most <= log_writer.SATURATED_BYTES + (2 << 20)
            assert store.dropped_events == 0
            while logs.group().trimming:
                await asyncio.sleep(0.01)
            assert logs.group().stored_bytes <= log_store.GROUP_LIMIT_BYTES

    run(scenario)


def test_who_ignores_the_back_pressure_loses_events_and_nothing_else(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream = logs.stream()
            for _ in range(1000):  # 100 MB without giving the writer a chance
                stream.append(1, "x" * 100_000)
            assert logs.store.saturated
            assert logs.store.dropped_events > 0
            await logs.store.flush()
            assert not logs.store.saturated
            stream.append(2, "still there")
            assert (await logs.events(start_ms=2))[0].message == "still there"

    run(scenario)


def test_a_full_disk_keeps_logs_in_memory_until_there_is_room(run: Any, tmp_path: Any, caplog: Any) -> None:
    async def scenario() -> None:
        migrations = resources.files("lambent.observe").joinpath("migrations")
        database = await open_database(tmp_path / "logs.db", "normal", migrations=migrations)
        store = log_store.LogStore(database)
        await store.load()
        pages = (await database.read("PRAGMA page_count"))[0][0]
        # SQLite answers "database or disk is full" beyond this size.
        await database.write(Statement(f"PRAGMA max_page_count = {pages!r}"))
        stream = store.stream(ACCOUNT, REGION, "/g", "s")
        usage = store.usage.function(ACCOUNT, REGION, "f")
        usage.invoked(10, 128, error=False)
        for _ in range(100):
            stream.append(1, "x" * 1000)
        with caplog.at_level(logging.WARNING):
            await store.flush()
        assert "kept in memory" in caplog.text
        with pytest.raises(StorageFull):
            await store.create_group(ACCOUNT, REGION, "/other", tags={"large": "x" * 100_000})
        with pytest.raises(LogGroupNotFound):
            store.find_group(ACCOUNT, REGION, "/other")
        await database.write(Statement("PRAGMA max_page_count = 100000"))
        await store.flush()
        group = store.find_group(ACCOUNT, REGION, "/g")
        page = await store.events(group, LogQuery())
        assert len(page.events) == 100
        rows = await database.read("SELECT requests FROM function_usage")
        assert rows == [(1,)]
        await store.close()

    run(scenario)


def test_flushes_of_many_callers_share_the_work(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            for number in range(200):
                logs.stream(f"s{number}", f"/g{number % 10}").append(1, str(number))
            await asyncio.gather(*(logs.store.flush() for _ in range(50)))
            total = sum([len(await logs.events(f"/g{number}")) for number in range(10)])
            assert total == 200

    run(scenario)


def test_reading_does_not_wait_for_a_load_to_end(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream, usage = logs.stream(), logs.store.usage.function(ACCOUNT, REGION, "f")
            loaded = True

            async def load() -> None:
                while loaded:
                    stream.append(1, "x")
                    usage.invoked(1, 128, error=False)
                    await asyncio.sleep(0)

            task = asyncio.create_task(load())
            async with asyncio.timeout(10):
                # One page: on a busy machine the load adds more than a page while one is read, so that there
                # is no last page.
                while len((await logs.store.events(logs.group(), LogQuery(limit=10))).events) < 3:
                    await asyncio.sleep(0)
            loaded = False
            await task

    run(scenario)
