"""A day of deliveries with services that come and go, and restarts: each parcel arrives or ends as a dead letter."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from lambent.events.deliveries import Retry
from lambent.neighbours.service_calls import ServiceAnswer, ServiceCall

from .conftest import TOPIC, Services, parcel

if TYPE_CHECKING:
    from lambent.events.queues import Queue

    from .conftest import Opened, Outbox

DAY_MS = 86_400_000
STEP_MS = 300_000


class Moody(Services):
    """Takes, refuses or fails as chance has it; remembers what it took."""

    def __init__(self, chance: random.Random, took: list[str]) -> None:
        super().__init__()
        self._chance = chance
        self._took = took

    async def __call__(self, call: ServiceCall) -> ServiceAnswer:
        status = self._chance.choices([200, 503, 429, 403], [4, 5, 4, 1])[0]
        if status == 200:
            self._took.append(call.parameters["Message"])
        return ServiceAnswer(status, [], b"{}")


async def settle(box: Outbox) -> None:
    """Let everything that is due now be attempted and written."""
    while True:
        now = box.clock.steady_ms()
        await box.clock.advance(0)
        rows = await box.database.read("SELECT COUNT(*) FROM deliveries WHERE due_ms <= ?", (now,))
        if rows == [(0,)]:
            return
        await box.until_written()


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_day(outbox: Opened, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same day in each run
    took: list[str] = []
    letters: list[str] = []
    sent = 0
    begun = False
    end_ms = 0
    while True:
        async with outbox(Moody(chance, took)) as box:
            queue = await box.queue("letters", MessageRetentionPeriod="1209600")
            if not begun:
                begun, end_ms = True, box.clock.steady_ms() + DAY_MS
            for _ in range(chance.randrange(40)):
                for _ in range(chance.randrange(3)):
                    retry = Retry(chance.randrange(60, 40_000), chance.randrange(8))
                    target = f"{TOPIC}-{chance.randrange(3)}"
                    await box.hand_over(
                        parcel(target, f'{{"n":{sent}}}', retry=retry, dead_letter_arn=queue.arn)
                    )
                    sent += 1
                await settle(box)
                await box.clock.advance(chance.randrange(STEP_MS * 2))
                await settle(box)
            if box.clock.steady_ms() > end_ms:
                while await box.rows():
                    await box.clock.advance(STEP_MS)
                    await settle(box)
                visible = queue.counts()[0]

                def taken(queue: Queue = queue, visible: int = visible) -> bool:
                    letters.extend(one.body for one in queue.take(10))
                    return len(letters) >= visible

                await box.until(taken)
                break
    every = [f'{{"n":{number}}}' for number in range(sent)]
    assert sorted(took + letters) == sorted(every)
    assert took
    assert letters
    assert json.loads(letters[0])
