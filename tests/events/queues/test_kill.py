"""kill -9 of a process that works with queues, again and again: what it was told stays true."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambent.events.queues import Queues
from lambent.store import open_database

if TYPE_CHECKING:
    from tests.events.conftest import SimulatedClock

WORKER = Path(__file__).with_name("worker.py")


def killed_run(database: Path, seed: str, lines: int) -> list[list[Any]]:
    """What a worker says until it is killed, `lines` lines after its start."""
    said: list[bytes] = []
    with subprocess.Popen([sys.executable, WORKER, database, seed], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            while len(said) < lines:
                line = process.stdout.readline()
                assert line, "the worker has ended by itself"
                said.append(line)
        finally:
            process.kill()
        said += process.stdout.readlines()
    return [json.loads(line) for line in said if line.endswith(b"\n")]


class Ledger:
    """What is known of one queue from outside."""

    def __init__(self) -> None:
        self.tried: set[str] = set()
        self.sent: set[str] = set()
        self.deleting: set[str] = set()
        self.deleted: set[str] = set()
        self.order: dict[str, list[str]] = defaultdict(list)

    def note(self, what: str, rest: list[Any]) -> None:
        if what == "try":
            self.tried.update(rest)
            for body in rest:
                self.order[body[0]].append(body)
        elif what == "got":
            self.check_order(rest[0])
        else:
            getattr(self, what).update(rest)

    def check_order(self, received: list[str]) -> None:
        """Nothing of a group before what was sent to it earlier, and what was deleted never again."""
        assert not self.deleted & set(received)
        seen: set[str] = set()
        for body in received:
            for earlier in self.order[body[0]]:
                if earlier == body:
                    break
                assert earlier not in self.sent or earlier in self.deleting or earlier in seen, (
                    earlier,
                    body,
                )
            seen.add(body)


class Standard(Ledger):
    def check_order(self, received: list[str]) -> None:
        """There is no order, but what was deleted does not come again."""
        assert not self.deleted & set(received)


async def test_what_was_acknowledged_survives(tmp_path: Path, clock: SimulatedClock) -> None:
    path = tmp_path / "lambent.db"
    ledgers = {"standard": Standard(), "q.fifo": Ledger()}
    dice = random.Random()  # noqa: S311 - other moments every time
    for run in range(4):
        for what, *rest in killed_run(path, str(run), dice.randint(5, 400)):
            if what != "ready":
                ledgers[rest[0]].note(what, rest[1:])

    database = await open_database(path, "normal")
    clock = type(clock)(int(time.time() * 1000) + 60_000)
    queues = await Queues.open(database, clock)
    for name, ledger in ledgers.items():
        queue = queues.queue("000000000000", "us-east-1", name)
        left: list[str] = []
        while sum(queue.counts()):
            received = queue.take(10)
            bodies = [one.body for one in received]
            ledger.check_order(bodies)
            left += bodies
            ledger.deleting.update(bodies)
            queue.delete([one.receipt for one in received], lambda _outcomes, _error: None)
            await clock.advance(10)
            await database.write()
        assert len(left) == len(set(left)), "received twice without a reason"
        assert ledger.sent - ledger.deleting <= set(left), "acknowledged, and lost"
        assert set(left) <= ledger.tried
    await queues.close()
    await database.close()
