"""Groups, streams, retention, restarts."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import Any

import pytest

from lambent.observe import LogGroupExists, LogGroupNotFound, LogStreamExists, LogStreamNotFound
from lambent.store.errors import MigrationError

ACCOUNT, REGION = "000000000000", "us-east-1"


def test_everything_is_there_after_a_restart(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            group = await logs.store.create_group(ACCOUNT, REGION, "/a", tags={"k": "v"}, kms_key="key")
            await logs.store.set_retention(group, 7)
            now = int(time.time() * 1000)
            logs.stream("s", "/a").append(now, "one")
            logs.stream("t", "/b").append(now, "two")
        async with open_logs() as logs:
            a, b = logs.store.groups(ACCOUNT, REGION)
            assert (a.name, a.tags, a.retention_days, a.kms_key) == ("/a", {"k": "v"}, 7, "key")
            assert (b.name, b.tags, b.retention_days) == ("/b", {}, None)
            assert a.stored_bytes > 0
            assert await logs.texts("/a") == ["one"]
            logs.stream("s", "/a").append(now, "three")
            assert await logs.texts("/a") == ["one", "three"]

    run(scenario)


def test_groups_are_apart_by_account_and_region(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            for account, region in [(ACCOUNT, REGION), (ACCOUNT, "eu-west-1"), ("1" * 12, REGION)]:
                logs.store.stream(account, region, "/g", "s").append(1, f"{account} {region}")
            assert await logs.texts("/g") == [f"{ACCOUNT} {REGION}"]
            assert [group.region for group in logs.store.groups(ACCOUNT, "eu-west-1")] == ["eu-west-1"]

    run(scenario)


def test_a_group_exists_once(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            await logs.store.create_group(ACCOUNT, REGION, "/g")
            with pytest.raises(LogGroupExists):
                await logs.store.create_group(ACCOUNT, REGION, "/g")
            with pytest.raises(LogGroupNotFound):
                logs.store.find_group(ACCOUNT, REGION, "/other")

    run(scenario)


def test_deleting_a_group_deletes_its_events_for_good(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            logs.stream("s", "/g").append(1, "old")
            await logs.store.flush()
            await logs.store.delete_group(logs.group("/g"))
            logs.stream("s", "/g").append(2, "new")
        async with open_logs() as logs:
            assert await logs.texts("/g") == ["new"]

    run(scenario)


def test_streams_are_described(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            group = logs.group()
            await logs.store.create_stream(group, "empty")
            logs.stream("b").append(2000, "x")
            logs.stream("a").append(3000, "x")
            logs.stream("b").append(2500, "x")
            found = {
                stream.name: (stream.first_ms, stream.last_ms) for stream in await logs.store.streams(group)
            }
            assert found == {"a": (3000, 3000), "b": (2000, 2500), "empty": (None, None)}
            by_event = await logs.store.streams(group, by_last_event=True, descending=True)
            assert [stream.name for stream in by_event] == ["a", "b", "empty"]
            assert [stream.name for stream in await logs.store.streams(group, prefix="em")] == ["empty"]
            with pytest.raises(LogStreamExists):
                await logs.store.create_stream(group, "a")

    run(scenario)


@pytest.mark.parametrize("by_last_event", [False, True])
@pytest.mark.parametrize("descending", [False, True])
def test_streams_in_pages(run: Any, open_logs: Any, by_last_event: bool, descending: bool) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            for number in range(23):
                logs.stream(f"s{number:02}").append(1000 + number % 5, "x")
            options = {"by_last_event": by_last_event, "descending": descending}
            whole = [stream.name for stream in await logs.store.streams(logs.group(), **options, limit=100)]
            assert len(whole) == 23
            found: list[str] = []
            after = None
            while page := await logs.store.streams(logs.group(), **options, after=after, limit=7):
                found += [stream.name for stream in page]
                after = (page[-1].last_ms or 0, page[-1].name)
            assert found == whole

    run(scenario)


def test_a_deleted_stream_takes_its_events_and_may_come_back(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            gone, kept = logs.stream("gone"), logs.stream("kept")
            gone.append(1, "old")
            kept.append(1, "kept")
            await logs.store.delete_stream(logs.group(), "gone")
            with pytest.raises(LogStreamNotFound):
                await logs.store.delete_stream(logs.group(), "gone")
            assert await logs.texts() == ["kept"]
            gone.append(2, "new")
            assert await logs.texts() == ["kept", "new"]
        async with open_logs() as logs:
            assert await logs.texts() == ["kept", "new"]

    run(scenario)


def test_put_events_needs_its_stream_and_may_be_older(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            with pytest.raises(LogStreamNotFound):
                await logs.store.put_events(logs.group(), "s", [(1, "x")])
            await logs.store.create_stream(logs.group(), "s")
            await logs.store.put_events(logs.group(), "s", [(5, "b"), (6, "c")])
            await logs.store.put_events(logs.group(), "s", [(1, "a"), (5, "b2")])
            assert await logs.texts() == ["a", "b", "b2", "c"]
            (stream,) = await logs.store.streams(logs.group())
            assert (stream.first_ms, stream.last_ms) == (1, 6)

    run(scenario)


def test_a_database_of_a_newer_version_is_refused(run: Any, open_logs: Any, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with open_logs():
            pass
        with contextlib.closing(sqlite3.connect(tmp_path / "logs.db")) as database, database:
            database.execute("INSERT INTO schema_migrations VALUES (9999, 'future', 'x', 0)")
        with pytest.raises(MigrationError, match="newer"):
            async with open_logs():
                pass

    run(scenario)
