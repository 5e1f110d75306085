"""A day of virtual time: messages, failing and throttled functions, clocks that jump, a full disk, and crashes.

What has to hold: every message is processed, or ends in the dead-letter queue after as many receives as are allowed;
one that was deleted is never seen again; a group has one batch at a time and is processed in its order.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.mapping import Mapping, Settings
from lambent.events.pollers.calls import FunctionCalls
from lambent.events.pollers.poller import Parts
from lambent.events.pollers.sqs import SqsPoller
from lambent.events.queues import NewMessage, Queues
from lambent.store import StorageFull, open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lambent.events.queues import Queue
    from lambent.store import Database
    from lambent.store.database import Done, Statement

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:worker"
DAY_MS = 24 * 3600 * 1000
RECEIVES = 8
TIMEOUT_MS = 20_000


class Disk:
    """A database whose disk may be full."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def submit(self, statements: Sequence[Statement], done: Done) -> None:
        if self.full:
            asyncio.get_running_loop().call_soon(done, None, StorageFull("disk full"))
        else:
            self._database.submit(statements, done)


class Node:
    """What a crash takes away: everything but the database and what the function has done."""

    def __init__(self, path: Path, clock: Any, functions: Any, *, fifo: bool, reports: bool) -> None:
        self.path, self.clock, self.functions, self.fifo, self.reports = path, clock, functions, fifo, reports

    async def start(self) -> None:
        self.disk = Disk(await open_database(self.path / "lambent.db", "normal"))
        database: Any = self.disk
        self.queues = await Queues.open(database, self.clock)
        suffix = ".fifo" if self.fifo else ""
        kind = {"FifoQueue": "true"} if self.fifo else {}
        self.dead = await self.queues.create(ACCOUNT, REGION, f"dead{suffix}", dict(kind), {})
        self.queue = await self.queues.create(
            ACCOUNT,
            REGION,
            f"orders{suffix}",
            {
                **kind,
                "VisibilityTimeout": "30",
                "MessageRetentionPeriod": "1209600",
                "RedrivePolicy": f'{{"deadLetterTargetArn":"{self.dead.arn}","maxReceiveCount":{RECEIVES}}}',
            },
            {},
        )
        mapping = Mapping(
            id="m",
            account=ACCOUNT,
            region=REGION,
            source_kind="sqs",
            source_arn=self.queue.arn,
            function_arn=FUNCTION,
            settings=Settings(
                batch_size=4,
                batching_window_s=0 if self.fifo else 3,
                maximum_concurrency=3,
                report_item_failures=self.reports,
            ),
            state="Enabled",
            target="Enabled",
            modified_ms=0,
        )
        self.functions.listeners.clear()
        self.functions.version.timeout_s = TIMEOUT_MS // 1000
        parts = Parts(
            calls=FunctionCalls(self.functions, self.clock),
            queues=self.queues,
            deliveries=None,  # type: ignore[arg-type]
            call_service=None,  # type: ignore[arg-type]
            clock=self.clock,
            database=database,
            elsewhere=frozenset(),
            processed=lambda _mapping, _text: None,
        )
        self.poller = SqsPoller(mapping, parts)
        await self.poller.start()

    async def crash(self) -> Node:
        """Nothing is told that it ends, but for the database, which must let go of its file."""
        await self.disk.close()
        for run in self.functions.runs:
            run.ended = True
        self.functions.runs.clear()
        again = Node(
            self.path,
            type(self.clock)(self.clock.steady_ms() + 1),
            self.functions,
            fifo=self.fifo,
            reports=self.reports,
        )
        await again.start()
        return again


async def written(node: Node) -> None:
    for _ in range(3):  # what was written may have led to more
        done = asyncio.Event()
        node.disk._database.submit([], _setter(done))
        await done.wait()
        for _ in range(5):
            await asyncio.sleep(0)


def _setter(event: asyncio.Event) -> Callable[..., None]:
    return lambda *_outcome: event.set()


def group_of(record: Any) -> str:
    return str(record["attributes"].get("MessageGroupId", record["messageId"]))


@pytest.mark.parametrize(("fifo", "reports"), [(False, False), (True, True)])
async def test_a_day(tmp_path: Path, clock: Any, functions: Any, fifo: bool, reports: bool) -> None:
    chance = random.Random(f"{fifo}{reports}")  # noqa: S311 - the same day each time
    node = Node(tmp_path, clock, functions, fifo=fifo, reports=reports)
    await node.start()
    sent: list[str] = []
    processed: dict[str, int] = {}
    order: dict[str, list[int]] = {}
    gone: set[str] = set()  # processed, and so deleted
    number = 0

    def send(queue: Queue) -> None:
        nonlocal number
        bodies = [str(number + offset) for offset in range(chance.randint(1, 10))]
        number += len(bodies)
        group = f"g{chance.randint(0, 3)}" if fifo else None
        messages = [
            NewMessage(body=body, group=group, deduplication_id=body if fifo else None) for body in bodies
        ]
        queue.send(messages, lambda done, _error: sent.extend(bodies) if done else None)

    def end(run: Any) -> None:
        records = run.event["Records"]
        if chance.random() < 0.15:
            run.end({"errorMessage": "no"}, error=True)
            return
        good = len(records)
        if reports and chance.random() < 0.3:
            good = chance.randrange(len(records))
        for record in records[:good]:
            body = record["body"]
            processed[body] = processed.get(body, 0) + 1
            order.setdefault(group_of(record), []).append(int(body))
            if not node.disk.full:
                gone.add(body)
        failures = [{"itemIdentifier": record["messageId"]} for record in records[good:]]
        run.end({"batchItemFailures": failures} if reports else None)

    def check() -> None:
        assert len(functions.running) <= 3
        for run in functions.running:
            run.deadline_ms = run.deadline_ms or node.clock.steady_ms() + TIMEOUT_MS
            assert gone.isdisjoint(run.bodies), "a message is back that was deleted"
        if fifo:
            groups = [
                group for run in functions.running for group in {group_of(r) for r in run.event["Records"]}
            ]
            assert len(groups) == len(set(groups)), "a group is processed twice at once"

    async def pass_time(by_ms: int) -> None:
        end_ms = node.clock.steady_ms() + by_ms
        while (now := node.clock.steady_ms()) < end_ms:
            # No function runs for longer than its timeout, and none longer than messages are hidden.
            due_ms = min([end_ms, *(run.deadline_ms for run in functions.running)])
            await node.clock.advance(
                min(max(due_ms - now, 0), 15_000 if sum(node.queue.counts()) else 600_000)
            )
            await written(node)
            for run in functions.running:
                if 0 < run.deadline_ms <= node.clock.steady_ms():
                    run.end({"errorMessage": "Task timed out"}, error=True)
            await written(node)
            check()

    start = clock.steady_ms()
    while node.clock.steady_ms() - start < DAY_MS:
        match chance.choices(
            ("send", "end", "wait", "sleep", "throttle", "crash", "full", "jump"),
            (15, 60, 25, 15, 4, 4, 2, 3),
        )[0]:
            case "send":
                send(node.queue)
            case "end" if functions.running:
                end(chance.choice(functions.running))
            case "wait":
                await pass_time(chance.randint(1, 3_000))
            case "sleep":
                await pass_time(chance.randint(60_000, 3_600_000))
            case "throttle":
                functions.concurrency = chance.choice((0, 1, 2, 1_000))
            case "full":
                node.disk.full = True
                await pass_time(chance.randint(1, 60_000))
                node.disk.full = False
            case "jump":
                node.clock.jump(chance.randint(-7_200_000, 7_200_000))
            case "crash":
                node = await node.crash()
        await written(node)
        check()

    # Everything comes to its end when nothing goes wrong any more.
    functions.concurrency = 1_000
    for _ in range(2_000):
        for run in functions.running:
            records = run.event["Records"]
            for record in records:
                processed[record["body"]] = processed.get(record["body"], 0) + 1
                order.setdefault(group_of(record), []).append(int(record["body"]))
            run.end()
        await pass_time(5_000)
        if not functions.running and not sum(node.queue.counts()):
            break
    assert node.queue.counts() == (0, 0, 0)
    letters: set[str] = set()
    while messages := node.dead.take(10):
        letters.update(message.body for message in messages)
        deleted = asyncio.Event()
        node.dead.delete([message.receipt for message in messages], _setter(deleted))
        await deleted.wait()
    assert set(sent) <= set(processed) | letters
    assert letters.isdisjoint(gone)
    if fifo:
        for numbers in order.values():
            firsts = list(dict.fromkeys(numbers))
            assert firsts == sorted(firsts), "a message was skipped"
    await node.poller.stop()
    await node.queues.close()
    await node.disk.close()
