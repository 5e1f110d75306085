"""Whatever happens in whatever order, crashes among it, over hours of simulated time: what queues promise holds."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from lambent.events.queues import Limits, NewMessage, Queues, Received, Sent
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.events.conftest import SimulatedClock

    from lambent.events.queues import Queue, QueueError
    from lambent.store import StoreError

RECEIVES = 3
VISIBILITY_S = 30
SMALL = Limits(window=20, low=6, chunk=5, bodies=40)
"""Most of what this test sends is in the database only."""


class Known:
    """A message as those know it who send and receive it."""

    def __init__(self, sent: Sent, group: str) -> None:
        self.sent = sent
        self.group = group
        self.receives = 0
        self.deleting = False
        self.deleted = False
        self.buried = False
        self.held: Received | None = None
        self.until_ms = 0


class Machine(RuleBasedStateMachine):
    """A standard queue and a FIFO queue, each with a queue for dead letters, used by one process that may crash."""

    make_clock: Callable[[], SimulatedClock]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = self.make_clock()
        self.crashes = 0
        self.numbers = 0
        self.known: dict[str, dict[str, Known]] = {"standard": {}, "q.fifo": {}}
        self.remembered: dict[str, tuple[str, int]] = {}
        self.run(self.open())
        self.run(self.create())

    def run(self, steps: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(steps, 30))

    async def open(self) -> None:
        self.database = await open_database(self.folder / "lambent.db", "normal")
        self.queues = await Queues.open(self.database, self.clock, SMALL)

    async def create(self) -> None:
        for name in self.known:
            kind = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
            grave = await self.queues.create("0" * 12, "us-east-1", f"grave-{name}", kind, {})
            policy = json.dumps({"deadLetterTargetArn": grave.arn, "maxReceiveCount": RECEIVES})
            await self.queues.create("0" * 12, "us-east-1", name, {**kind, "RedrivePolicy": policy}, {})

    def queue(self, name: str) -> Queue:
        return self.queues.queue("0" * 12, "us-east-1", name)

    async def settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            await self.database.write()

    # ------------------------------------------------------------ what happens

    @rule(
        name=st.sampled_from(["standard", "q.fifo"]),
        count=st.integers(1, 12),
        group=st.sampled_from("abc"),
        identity=st.one_of(st.none(), st.sampled_from("xyz")),
        delay=st.sampled_from([None, 0, 5, 900]),
        durable=st.booleans(),
    )
    def send(
        self, name: str, count: int, group: str, identity: str | None, delay: int | None, durable: bool
    ) -> None:
        fifo = name.endswith(".fifo")
        new = []
        for at in range(count):
            self.numbers += 1
            named = identity if identity is not None and at == 0 else str(self.numbers)
            new.append(
                NewMessage(
                    body=str(self.numbers),
                    group=group if fifo else None,
                    deduplication_id=named if fifo else None,
                    delay_s=None if fifo else delay,
                )
            )
        now = self.clock.steady_ms()

        def done(sent: list[Sent] | None, error: StoreError | None) -> None:
            assert sent is not None, error
            for one, message in zip(sent, new, strict=True):
                before = self.remembered.get(message.deduplication_id or "")
                if fifo and before is not None and now < before[1]:
                    assert one.message_id == before[0], "sent twice within five minutes"
                    continue
                assert one.message_id not in self.known[name], "not sent, though it was five minutes ago"
                self.known[name][one.message_id] = Known(one, group)
                if message.deduplication_id:
                    self.remembered[message.deduplication_id] = (one.message_id, now + 300_000)

        self.queue(name).send(new, done)
        # Not durable: the next rule may be a crash. Then nobody knows of it, and the ids may be remembered or not.
        if durable or identity is not None:
            self.run(self.settle())
        else:
            self.run(asyncio.sleep(0))

    @rule(
        name=st.sampled_from(["standard", "q.fifo"]),
        maximum=st.integers(1, 10),
        visibility=st.sampled_from([None, 0, 1, 3600]),
    )
    def take(self, name: str, maximum: int, visibility: int | None) -> None:
        now = self.clock.steady_ms()
        self.received(name, self.queue(name).take(maximum, visibility))
        for known in self.known[name].values():
            if known.held is not None and known.until_ms < 0:
                known.until_ms = now + 1000 * (VISIBILITY_S if visibility is None else visibility)

    def received(self, name: str, messages: list[Received]) -> None:
        now = self.clock.steady_ms()
        batch: set[str] = set()
        for message in messages:
            known = self.known[name].get(message.message_id)
            if known is None:
                continue  # sent before a crash, and nobody was told
            assert not known.deleted, "deleted, and received again"
            assert not known.buried, "in two queues"
            if not self.crashes:
                assert message.receive_count == known.receives + 1
                assert known.held is None or known.until_ms <= now, "in somebody's hands"
            assert message.receive_count <= RECEIVES
            if name == "q.fifo":
                for earlier in self.known[name].values():
                    if earlier is known:
                        break
                    if earlier.group == known.group and not earlier.buried and not earlier.deleting:
                        grave = earlier.receives >= RECEIVES  # on its way to the dead letters
                        assert earlier.sent.message_id in batch or grave, "before what was sent earlier"
            batch.add(message.message_id)
            known.receives = max(known.receives + 1, message.receive_count)
            known.held, known.until_ms = message, -1

    def held(self, name: str) -> list[Known]:
        return [one for one in self.known[name].values() if one.held is not None and not one.deleting]

    @rule(
        name=st.sampled_from(["standard", "q.fifo"]),
        picks=st.lists(st.integers(0, 50), max_size=10),
        durable=st.booleans(),
    )
    def delete(self, name: str, picks: list[int], durable: bool) -> None:
        held = self.held(name)
        chosen = [one for at, one in enumerate(held) if at in picks]

        def done(outcomes: list[QueueError | None] | None, error: StoreError | None) -> None:
            assert outcomes is not None, error
            for known, outcome in zip(chosen, outcomes, strict=True):
                if outcome is None:
                    known.deleted = True
                else:
                    assert name == "q.fifo", "a handle of a standard queue stays good"
                    known.deleting = False

        for known in chosen:
            known.deleting = True
        self.queue(name).delete([one.held.receipt for one in chosen if one.held], done)
        if durable:
            self.run(self.settle())

    @rule(
        name=st.sampled_from(["standard", "q.fifo"]),
        pick=st.integers(0, 50),
        seconds=st.sampled_from([0, 0, 10, 600]),
    )
    def change_visibility(self, name: str, pick: int, seconds: int) -> None:
        held = self.held(name)
        if not held:
            return
        known = held[pick % len(held)]
        outcomes: list[QueueError | None] = []
        assert known.held is not None
        self.queue(name).change_visibility(
            [(known.held.receipt, seconds)], lambda told, _error: outcomes.extend(told or ())
        )
        if outcomes == [None]:
            known.until_ms = self.clock.steady_ms() + seconds * 1000

    @rule(by_ms=st.sampled_from([10, 50, 1000, 5000, 30_000, 300_000, 3_600_000]))
    def time_passes(self, by_ms: int) -> None:
        self.run(self.clock.advance(by_ms))

    @rule()
    def the_wall_clock_is_set(self) -> None:
        self.clock.jump(-3_600_000 if self.clock.wall_ms() > self.clock.steady_ms() else 7_200_000)

    @rule()
    def restart(self) -> None:
        self.run(self.stop())
        self.run(self.open())

    @precondition(lambda self: self.crashes < 3)
    @rule()
    def crash(self) -> None:
        self.crashes += 1
        old = self.queues
        self.run(self.database.close())
        old._journal.forget()
        old._sweeper.close()
        old.moves.close()
        for name in ("standard", "q.fifo"):
            self.queue(name).close()
            self.queue(f"grave-{name}").close()
        for known in (*self.known["standard"].values(), *self.known["q.fifo"].values()):
            if known.deleting and not known.deleted:
                known.deleted = False  # it may have gone or not
        self.run(self.open())

    async def stop(self) -> None:
        await self.queues.close()
        await self.settle()
        await self.database.close()

    # ------------------------------------------------------------ what has to be true in the end

    def teardown(self) -> None:
        try:
            self.run(self.check())
        finally:
            self.run(self.stop())
            self.loop.close()
            shutil.rmtree(self.folder)

    async def check(self) -> None:
        await self.settle()
        await self.clock.advance(3_600_000 + 900_000)
        for name, all_known in self.known.items():
            left: list[str] = []
            for queue in (self.queue(name), self.queue(f"grave-{name}")):
                for _ in range(1000):
                    received = queue.take(10)
                    await self.settle()  # dead letters go meanwhile, one of a group at a time
                    if not received and not sum(queue.counts()):
                        break
                    if queue.name == name:
                        self.received(name, received)
                    for message in received:
                        known = all_known.get(message.message_id)
                        if known is not None and queue.name != name:
                            known.buried = True
                            assert known.receives >= RECEIVES or self.crashes, "a dead letter too early"
                    left += [one.message_id for one in received]
                    queue.delete([one.receipt for one in received], lambda _outcomes, _error: None)
                    for message in received:
                        if (one := all_known.get(message.message_id)) is not None:
                            one.deleting = True
                    await self.settle()
                await self.settle()
            assert len(left) == len(set(left)), "a message is there twice"
            lost = [
                known.sent
                for identity, known in all_known.items()
                if identity not in left and not known.deleted and not (known.deleting and self.crashes)
            ]
            assert not lost
            assert self.queue(name).counts() == (0, 0, 0)
        for table in ("messages", "message_receives"):
            assert await self.database.read(f"SELECT * FROM {table}") == [], "nobody knows of it any more"  # noqa: S608


def test_whatever_happens(clock: SimulatedClock) -> None:
    Machine.make_clock = type(clock)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shorter histories would take minutes to find
        ),
    )
