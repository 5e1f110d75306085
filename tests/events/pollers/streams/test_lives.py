"""A day of a mapping: shards come and go, the function fails, the service fails, clocks jump, the platform crashes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.events.pollers.streams.conftest import World

    OpenWorld = Callable[[], Any]

_DAY_MS = 86_400_000
_FAULTS: tuple[tuple[str, int], ...] = (
    ("ExpiredIteratorException", 400),
    ("ProvisionedThroughputExceededException", 400),
    ("InternalFailure", 500),
)


class Life:
    """What was put, what the function has done with it, and whether it was in order."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)  # noqa: S311 - a repeatable one
        self.open = ["shardId-0"]
        self.put: dict[str, list[int]] = {}
        """By key, in order."""
        self.done: dict[str, set[int]] = {}
        self.number = 0
        self.fails = 0.2

    def answer(self, event: dict[str, Any]) -> Any:
        """The function: it fails now and then, as a whole or from a record on."""
        records = self.world.function.data(event)
        failing = self.random.random() < self.fails
        sequences = [
            record["kinesis"]["sequenceNumber"]
            if "kinesis" in record
            else record["dynamodb"]["SequenceNumber"]
            for record in event["Records"]
        ]
        good = self.random.randrange(len(records)) if failing else len(records)
        for key, number in records[:good]:
            done = self.done.setdefault(key, set())
            before = self.put[key][: self.put[key].index(number)]
            assert done.issuperset(before), f"{number} of {key} came before {set(before) - done}"
            done.add(number)
        if not failing:
            return None
        if self.random.random() < 0.5:
            raise RuntimeError("now and then")
        return {"batchItemFailures": [{"itemIdentifier": sequences[good]}]}

    async def act(self) -> None:
        """Something happens."""
        world, chance = self.world, self.random
        match chance.randrange(9):
            case 0 | 1 | 2:
                shard = chance.choice(self.open)
                for _ in range(chance.randrange(40)):
                    # A key stays in the shards that came of its first one.
                    key = f"{shard}-{chance.randrange(4)}"
                    self.number += 1
                    self.put.setdefault(key, []).append(self.number)
                    world.service.put([key, self.number], shard=shard, key=key)
            case 3 if len(world.service.shards) < 12:
                shard = self.open.pop(chance.randrange(len(self.open)))
                new = [f"shardId-{len(world.service.shards) + n}" for n in range(2)]
                world.service.split(shard, *new)
                self.open += new
            case 4:
                world.crash()
                await world.start()
            case 5:
                await world.stop()
                await world.clock.advance(chance.randrange(_DAY_MS // 100))
                await world.start()
            case 6:
                operation = chance.choice(["GetRecords", "GetShardIterator", "ListShards"])
                world.service.faults[operation].append(chance.choice(_FAULTS))
            case 7:
                world.clock.jump(chance.choice([-3_600_000, 3_600_000]))
            case _:
                world.poller.wake(shards=chance.random() < 0.5)
        # Mostly not for long: much has to be under way when something happens.
        await world.rest(chance.choice([10, 100, 1_000, 60_000]))

    def complete(self) -> bool:
        """Whether everything was done."""
        return all(self.done.get(key, set()).issuperset(numbers) for key, numbers in self.put.items())


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_left_out_and_each_key_stays_in_order(open_world: OpenWorld, seed: int) -> None:
    world: World
    async with open_world() as world:
        life = Life(world, seed)
        world.function.answer = life.answer
        await world.map(
            "kinesis" if seed % 2 else "dynamodb",
            batch_size=7,
            parallelization_factor=1 + seed,
            report_item_failures=True,
            bisect_on_error=seed > 1,
        )
        await world.start()
        for _ in range(60):
            await life.act()
        life.fails = 0
        await world.until(life.complete, 1_000)
        assert life.number > 100
