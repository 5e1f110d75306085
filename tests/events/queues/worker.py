"""A process that sends, receives and deletes until it is killed, and says on stdout what it is told.

Lines are JSON: ["try", queue, body, …] before messages are sent, ["sent", …] when they are durable, ["got", queue,
[body, …]] per receive, ["deleting", queue, body, …] before and ["deleted", …] after a delete.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambent.clock import SystemClock
from lambent.events.queues import NewMessage, Queues
from lambent.store import open_database

if TYPE_CHECKING:
    from lambent.events.queues import Queue, Received

GROUPS = ("a", "b", "c")


def say(*line: Any) -> None:
    os.write(1, (json.dumps(line) + "\n").encode())


def work(queue: Queue, dice: random.Random, run: str, numbers: itertools.count[int]) -> None:
    name = queue.name
    if dice.random() < 0.6:
        new = []
        for _ in range(dice.randint(1, 5)):
            group = dice.choice(GROUPS)
            body = f"{group}-{run}-{next(numbers):06d}"
            new.append(
                NewMessage(body=body, group=group if queue.fifo else None, delay_s=dice.choice((None, 0)))
            )
        bodies = [one.body for one in new]
        say("try", name, *bodies)
        queue.send(new, lambda sent, _error: say("sent", name, *bodies) if sent else None)
    received = queue.take(dice.randint(1, 10))
    if received:
        finish(queue, dice, received)


def finish(queue: Queue, dice: random.Random, received: list[Received]) -> None:
    name, bodies = queue.name, [one.body for one in received]
    say("got", name, bodies)
    kept = dice.randint(0, len(received))
    done, rest = received[:kept], received[kept:]
    if done:
        say("deleting", name, *(one.body for one in done))
        queue.delete(
            [one.receipt for one in done],
            lambda outcomes, _error: say("deleted", name, *bodies[:kept]) if outcomes else None,
        )
    if rest:
        queue.change_visibility([(one.receipt, 0) for one in rest], lambda _outcomes, _error: None)


async def main(path: str, seed: str) -> None:
    database = await open_database(Path(path), "normal")
    queues = await Queues.open(database, SystemClock())
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "1"}
    pair = [
        await queues.create("000000000000", "us-east-1", "standard", {"VisibilityTimeout": "1"}, {}),
        await queues.create("000000000000", "us-east-1", "q.fifo", fifo, {}),
    ]
    dice, numbers = random.Random(seed), itertools.count()  # noqa: S311 - to be repeated
    say("ready")
    while True:
        for queue in pair:
            work(queue, dice, seed, numbers)
        await asyncio.sleep(dice.choice((0, 0, 0.001)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
