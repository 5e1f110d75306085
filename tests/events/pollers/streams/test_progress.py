"""What is kept of streams with many shards, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.events.pollers.streams.progress import OpenWindow, Progress, ShardProgress
from lambent.store import Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.events.pollers.streams.conftest import World

    OpenWorld = Callable[[], Any]


async def test_thousands_of_shards(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        await world.map()
        progress = Progress(world.database, world.mapping.id)
        shards = {
            f"shardId-{n}": ShardProgress(
                shard_id=f"shardId-{n}", stream="one", since_ms=n, finished=n % 2 == 0
            )
            for n in range(2_100)
        }
        await progress.begin(shards.values(), ())
        assert await progress.read() == shards
        await progress.begin((), list(shards)[:2_000])
        assert len(await progress.read()) == 100


async def test_what_is_written_is_read(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        await world.map()
        progress = Progress(world.database, world.mapping.id)
        shard = ShardProgress(shard_id="shardId-0", stream="one")
        await progress.begin([shard], ())
        window = OpenWindow(1_700_000_000_000, msgspec.Raw(b'{"n": [1, "\xc3\xbc"]}'))
        changed = msgspec.structs.replace(shard, sequence="7", window=window)
        await world.database.write(progress.statement(changed))
        found = (await progress.read())["shardId-0"]
        assert found.sequence == "7"
        assert found.window is not None
        assert bytes(found.window.state) == bytes(window.state)
        # Of another stream that had the same name nothing is written any more.
        await world.database.write(
            progress.statement(msgspec.structs.replace(changed, stream="two", sequence="8"))
        )
        assert (await progress.read())["shardId-0"].sequence == "7"


async def test_progress_goes_with_its_mapping(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        await world.map()
        progress = Progress(world.database, world.mapping.id)
        await progress.begin([ShardProgress(shard_id="shardId-0", stream="one")], ())
        await world.database.write(Statement("DELETE FROM event_source_mappings"))
        assert await world.database.read("SELECT * FROM stream_progress") == []
