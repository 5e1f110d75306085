"""A day of rules that come, go and change, events, schedules and restarts: every queue gets what it should, once."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.bus import Target

from .conftest import ACCOUNT, REGION, events_in, new

if TYPE_CHECKING:
    from .conftest import Opened, World

SOURCES = ["a", "b", "c"]
QUEUES = ["one", "two"]
MINUTE_MS = 60_000
STEP_MINUTES = 10


class Model:
    """What should be there: rules by name, and how many events each queue should have got from each source."""

    def __init__(self) -> None:
        self.rules: dict[str, dict[str, Any]] = {}
        self.expected: Counter[tuple[str, str]] = Counter()
        self.found: Counter[tuple[str, str]] = Counter()

    def put(self, source: str) -> None:
        for rule in self.rules.values():
            if rule["on"] and source in rule["sources"]:
                for queue in rule["queues"]:
                    self.expected[queue, source] += 1

    def pass_until(self, now_ms: int) -> None:
        for rule in self.rules.values():
            while rule["on"] and rule["next_ms"] is not None and rule["next_ms"] <= now_ms:
                rule["next_ms"] += rule["every_ms"]
                for queue in rule["queues"]:
                    self.expected[queue, "aws.events"] += 1


async def change(here: World, model: Model, chance: random.Random) -> None:
    """Make, change, switch or remove a rule."""
    rules = here.buses.rules
    name = f"rule-{chance.randrange(4)}"
    old = model.rules.get(name)
    now = here.clock.wall_ms()
    what = chance.choice(["pattern", "schedule", "switch", "delete"])
    if what in ("pattern", "schedule"):
        sources = chance.sample(SOURCES, chance.randrange(1, 3))
        minutes = chance.choice([STEP_MINUTES, 30, 90])
        scheduled = what == "schedule"
        await rules.put(
            ACCOUNT,
            REGION,
            None,
            name,
            pattern=None if scheduled else json.dumps({"source": sources}),
            schedule=f"rate({minutes} minutes)" if scheduled else None,
        )
        queues = chance.sample(QUEUES, chance.randrange(1, 3))
        for queue in QUEUES:
            await rules.remove_targets(ACCOUNT, REGION, None, name, [queue])
        targets = [Target(id=one, arn=(await here.queue(one)).arn) for one in queues]
        await rules.put_targets(ACCOUNT, REGION, None, name, targets)
        every = minutes * MINUTE_MS if scheduled else 0
        # An enabled schedule that is the same as before goes on as it was.
        same = old is not None and old["on"] and old["every_ms"] == every and scheduled
        model.rules[name] = {
            "on": True,
            "sources": [] if scheduled else sources,
            "queues": queues,
            "every_ms": every,
            "next_ms": None if not scheduled else old["next_ms"] if same and old else now + every,
        }
    elif old is None:
        return
    elif what == "switch":
        await rules.enable(ACCOUNT, REGION, None, name, on=not old["on"])
        old["on"] = not old["on"]
        if old["on"] and old["next_ms"] is not None:
            old["next_ms"] = now + old["every_ms"]
    else:
        await rules.remove_targets(ACCOUNT, REGION, None, name, QUEUES)
        await rules.delete(ACCOUNT, REGION, None, name)
        del model.rules[name]


async def collect(here: World, model: Model) -> None:
    """Take what the queues have got; what is to come is waited for a little."""
    for _ in range(500):
        for name in QUEUES:
            while events := events_in(await here.queue(name)):
                model.found.update((name, event["source"]) for event in events)
        if model.found == model.expected:
            return
        await asyncio.sleep(0.002)
        await here.clock.advance(0)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_day(world: Opened, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same day in each run
    model = Model()
    for _ in range(8):
        async with world() as here:
            for _ in range(chance.randrange(8)):
                await change(here, model, chance)
                for source in chance.choices(SOURCES, k=chance.randrange(3)):
                    await here.put(new(source))
                    model.put(source)
                # Step by step: a schedule that is passed over several times at once fires once.
                for _ in range(chance.randrange(9)):
                    await here.clock.advance(STEP_MINUTES * MINUTE_MS)
                    model.pass_until(here.clock.wall_ms())
                    await collect(here, model)
            await collect(here, model)
            assert model.found == model.expected
    assert model.found
