"""Dead letters: when messages go to another queue, what they keep, and moving them back."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from tests.events.queues.conftest import ACCOUNT

from lambent.events.queues import InvalidParameter, MoveNotFound, QueueNotFound
from lambent.store import Statement, StoreError

if TYPE_CHECKING:
    from tests.events.conftest import SimulatedClock
    from tests.events.queues.conftest import Store

    from lambent.events.queues import Queue, Received


async def pipe(store: Store, kind: str = "", receives: int = 1) -> tuple[Queue, Queue]:
    """A queue and the one for its dead letters."""
    await store.open()
    grave = await store.create(f"grave{kind}")
    policy = {"deadLetterTargetArn": grave.arn, "maxReceiveCount": receives}
    queue = await store.create(f"orders{kind}", RedrivePolicy=json.dumps(policy))
    return queue, grave


async def test_a_poison_message_goes_with_its_count(store: Store, clock: SimulatedClock) -> None:
    queue, grave = await pipe(store, receives=2)
    sent_ms = clock.wall_ms()
    (sent,) = await store.send(queue, "poison", attributes=b"{}", md5_attributes="m", trace="Root=1")
    for count in (1, 2):
        (received,) = queue.take(1)
        assert received.receive_count == count
        await clock.advance(30_000)
    polled: list[str] = []
    grave.receive(1, None, 20, lambda received: polled.extend(one.body for one in received))
    await store.send(queue, "good")
    assert [one.body for one in queue.take(10)] == ["good"]
    await store.settle()
    assert polled == ["poison"]
    await store.crash()
    assert sum(store.queue("orders").counts()) == 1, "good, and nothing else"
    grave = store.queue("grave")
    await clock.advance(30_000)
    (dead,) = grave.take(10)
    assert dead.message_id == sent.message_id
    assert dead.receive_count >= 3, "twice before it came here"
    assert dead.sent_ms == sent_ms, "a standard queue keeps the age"
    assert (dead.attributes, dead.md5_attributes, dead.trace) == (b"{}", "m", "Root=1")
    assert dead.source_arn == queue.arn
    await store.close()


async def test_the_next_of_a_group_comes_when_the_first_is_buried(
    store: Store, clock: SimulatedClock
) -> None:
    queue, grave = await pipe(store, ".fifo")
    await store.send(queue, "a", group="g", deduplication_id="1")
    await store.send(queue, "b", group="g", deduplication_id="2")
    queue.take(1, 0)
    await clock.advance(1000)
    got: list[str] = []
    queue.receive(10, None, 20, lambda received: got.extend(one.body for one in received))
    assert got == []
    await store.settle()
    assert got == ["b"]
    (dead,) = grave.take(10)
    assert (dead.body, dead.group, dead.deduplication_id) == ("a", "g", "1")
    assert dead.sent_ms == clock.wall_ms(), "a FIFO queue does not keep the age"
    await store.close()


async def test_policies_are_checked(store: Store) -> None:
    await store.open()
    grave = await store.create("grave")
    fifo = await store.create("grave.fifo")

    def policy(arn: str, count: object = 1) -> str:
        return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})

    for text in (
        policy(grave.arn + "x"),
        policy(fifo.arn),
        policy("dummy"),
        policy(grave.arn, 0),
        policy(grave.arn, 1001),
        policy(grave.arn, "x"),
        '{"maxReceiveCount": 1}',
        "[]",
    ):
        with pytest.raises(InvalidParameter, match="for parameter RedrivePolicy is invalid"):
            await store.create("orders", RedrivePolicy=text)
    await store.queues.set_attributes(grave, {"RedriveAllowPolicy": '{"redrivePermission":"denyAll"}'})
    with pytest.raises(InvalidParameter):
        await store.create("orders", RedrivePolicy=policy(grave.arn))
    source = grave.arn.replace("grave", "orders")
    await store.queues.set_attributes(
        grave,
        {"RedriveAllowPolicy": json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [source]})},
    )
    queue = await store.create("orders", RedrivePolicy=policy(grave.arn, "5"))
    assert store.queues.sources(grave) == [queue]
    with pytest.raises(InvalidParameter):
        await store.create("others", RedrivePolicy=policy(grave.arn))
    await store.queues.set_attributes(queue, {"RedrivePolicy": ""})
    assert store.queues.sources(grave) == []
    assert "RedrivePolicy" not in queue.attributes()
    await store.close()


async def bury(store: Store, queue: Queue, *texts: str) -> None:
    await store.send(queue, *texts)
    for _ in range(2):
        for _ in texts:
            queue.take(10, 0)
    await store.settle()
    assert queue.counts() == (0, 0, 0)


async def test_dead_letters_are_moved_back(store: Store, clock: SimulatedClock) -> None:
    queue, grave = await pipe(store)
    await bury(store, queue, "a", "b")
    assert grave.counts() == (2, 0, 0)
    handle = await store.queues.moves.start(grave.arn)
    (listed,) = store.queues.moves.list(grave.arn, 10)
    assert (listed.handle, listed.status, listed.moved, listed.to_move) == (handle, "COMPLETED", 2, 2)
    received = queue.take(10)
    assert [one.body for one in received] == ["a", "b"]
    assert [(one.receive_count, one.source_arn) for one in received] == [(1, "")] * 2
    assert grave.counts() == (0, 0, 0)
    await store.close()
    await store.open()
    assert [one.status for one in store.queues.moves.list(grave.arn, 10)] == ["COMPLETED"]
    assert store.queue("grave").counts() == (0, 0, 0)
    await store.close()


async def test_a_move_goes_on_after_a_crash_and_can_be_cancelled(store: Store, clock: SimulatedClock) -> None:
    queue, grave = await pipe(store)
    await bury(store, queue, *(str(i) for i in range(9)))
    other = await store.create("other")
    handle = await store.queues.moves.start(grave.arn, other.arn, 1)
    with pytest.raises(InvalidParameter, match="There is already a task running"):
        await store.queues.moves.start(grave.arn)
    for _ in range(3):
        await clock.advance(1000)
        await store.settle()
    moved = other.counts()[0]
    assert 3 <= moved <= 4
    await store.crash()
    grave, other = store.queue("grave"), store.queue("other")
    await clock.advance(2000)
    await store.settle()
    assert other.counts()[0] > moved
    assert other.counts()[0] + sum(grave.counts()) == 9
    cancelled = await store.queues.moves.cancel(ACCOUNT, handle)
    assert cancelled == other.counts()[0]
    await clock.advance(5000)
    await store.settle()
    assert store.queues.moves.list(grave.arn)[0].status == "CANCELLED"
    assert sum(grave.counts()) == 9 - cancelled
    with pytest.raises(InvalidParameter, match="Value for parameter TaskHandle is invalid"):
        await store.queues.moves.cancel(ACCOUNT, "foobared")
    with pytest.raises(MoveNotFound, match="Task does not exist"):
        await store.queues.moves.cancel(ACCOUNT, handle)
    await store.close()


async def test_moves_that_cannot_begin_or_go_on(store: Store, clock: SimulatedClock) -> None:
    queue, grave = await pipe(store)
    moves = store.queues.moves
    with pytest.raises(MoveNotFound, match="SourceArn parameter doesn't exist"):
        await moves.start(grave.arn + "x")
    with pytest.raises(MoveNotFound, match="DestinationArn parameter doesn't exist"):
        await moves.start(grave.arn, grave.arn + "x")
    with pytest.raises(InvalidParameter, match="Source queue must be configured as a Dead Letter Queue"):
        await moves.start(queue.arn, grave.arn)
    await bury(store, queue, "a", "b")
    other = await store.create("other")
    await moves.start(grave.arn, other.arn, 1)
    await store.queues.delete(other)
    await clock.advance(2000)
    await store.settle()
    (failed,) = moves.list(grave.arn)
    assert (failed.status, failed.failure) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    await store.send(grave, "sent here")
    await moves.start(grave.arn)
    await clock.advance(2000)
    await store.settle()
    assert moves.list(grave.arn)[0].failure == "CouldNotDetermineMessageSource"
    assert grave.counts() == (2, 0, 0), "one had gone before its queue was deleted"
    await store.close()


async def test_nothing_goes_to_queues_of_other_accounts_and_regions(store: Store) -> None:
    _, grave = await pipe(store)
    for account, region, reason in (
        ("222222222222", "us-east-1", "Dead-letter target owner should be same as the source"),
        (ACCOUNT, "eu-west-1", "Dead letter target does not exist"),
    ):
        other = await store.queues.create(account, region, "other", {}, {})
        text = json.dumps({"deadLetterTargetArn": other.arn, "maxReceiveCount": 1})
        with pytest.raises(InvalidParameter, match=reason):
            await store.create("victim", RedrivePolicy=text)
    with pytest.raises(MoveNotFound, match="DestinationArn parameter doesn't exist"):
        await store.queues.moves.start(grave.arn, grave.arn.replace(f"{ACCOUNT}:grave", "222222222222:other"))
    await store.close()


async def test_nobody_cancels_moves_of_others(store: Store, clock: SimulatedClock) -> None:
    queue, grave = await pipe(store)
    await bury(store, queue, "a", "b", "c")
    handle = await store.queues.moves.start(grave.arn, None, 1)
    with pytest.raises(MoveNotFound, match="Task does not exist"):
        await store.queues.moves.cancel("222222222222", handle)
    assert await store.queues.moves.cancel(ACCOUNT, handle) == 1
    await store.close()


async def test_a_move_that_could_not_be_written_goes_on(store: Store, clock: SimulatedClock) -> None:
    queue, grave = await pipe(store)
    await bury(store, queue, "a", "b")
    refuse = "CREATE TRIGGER full BEFORE DELETE ON messages BEGIN SELECT RAISE(ABORT, 'full'); END"
    await store.database.write(Statement(refuse))
    await store.queues.moves.start(grave.arn)
    await clock.advance(2500)
    await store.settle()
    assert store.queues.moves.list(grave.arn)[0].status == "RUNNING"
    await store.database.write(Statement("DROP TRIGGER full"))
    await clock.advance(1000)
    await store.settle()
    (move,) = store.queues.moves.list(grave.arn)
    assert (move.status, move.moved) == ("COMPLETED", 2)
    assert [one.body for one in queue.take(10)] == ["a", "b"]
    await store.close()


async def test_a_queue_made_anew_has_no_moves(store: Store, clock: SimulatedClock) -> None:
    queue, grave = await pipe(store)
    await bury(store, queue, "a", "b", "c")
    await store.queues.moves.start(grave.arn, None, 1)
    await store.queues.delete(grave)
    grave = await store.create("grave")
    await bury(store, queue, "d")
    await clock.advance(5000)
    await store.settle()
    assert grave.counts() == (2, 0, 0), "the one that was moved, and d"
    assert store.queues.moves.list(grave.arn, 10) == []
    await store.crash()
    assert store.queues.moves.list(grave.arn, 10) == []
    await store.close()


async def test_what_came_from_the_queue_itself_is_not_moved_in_circles(
    store: Store, clock: SimulatedClock
) -> None:
    queue, _ = await pipe(store)
    policy = {"deadLetterTargetArn": queue.arn, "maxReceiveCount": 1}
    await store.queues.set_attributes(queue, {"RedrivePolicy": json.dumps(policy)})
    await store.send(queue, "a")
    queue.take(1, 0)
    assert queue.take(1, 0) == []
    await store.settle()
    await store.queues.moves.start(queue.arn)
    (move,) = store.queues.moves.list(queue.arn)
    assert (move.status, move.failure) == ("FAILED", "CouldNotDetermineMessageSource")
    assert queue.counts() == (1, 0, 0)
    await store.close()


async def test_nothing_comes_to_a_queue_that_is_being_deleted(store: Store) -> None:
    queue, grave = await pipe(store)
    await store.send(queue, "a")
    queue.take(1, 0)
    refuse = "CREATE TRIGGER full BEFORE DELETE ON queues BEGIN SELECT RAISE(ABORT, 'full'); END"
    await store.database.write(Statement(refuse))
    with pytest.raises(StoreError):
        await store.queues.delete(grave)
    await store.send(grave, "x")
    assert store.queue("grave").counts() == (1, 0, 0)
    await store.database.write(Statement("DROP TRIGGER full"))
    deleting = asyncio.ensure_future(store.queues.delete(grave))
    await asyncio.sleep(0)
    with pytest.raises(QueueNotFound):
        await store.send(grave, "y")
    assert [one.body for one in queue.take(1)] == ["a"], "there is nowhere that it could go"
    await deleting
    await store.close()


async def test_many_dead_letters_go_in_portions(store: Store, clock: SimulatedClock) -> None:
    queue, grave = await pipe(store, receives=1000)
    for _ in range(1500 // 10):
        await store.send(queue, *(str(i) for i in range(10)))
    await store.send(queue, "last", delay_s=1)
    while queue.take(10, 1):
        pass
    policy = {"deadLetterTargetArn": grave.arn, "maxReceiveCount": 1}
    await store.queues.set_attributes(queue, {"RedrivePolicy": json.dumps(policy)})
    await clock.advance(1000)
    received: list[list[Received]] = []
    queue.receive(10, None, 20, received.append)
    assert 0 < queue.burials <= 500
    while not received:
        await store.settle()
    assert [one.body for one in received[0]] == ["last"]
    await store.settle()
    assert grave.counts() == (1500, 0, 0)
    await store.close()


async def test_a_dead_letter_that_cannot_go_does_not_spin(
    store: Store, clock: SimulatedClock, caplog: pytest.LogCaptureFixture
) -> None:
    queue, grave = await pipe(store)
    await store.send(queue, "poison")
    queue.take(1, 0)
    await clock.advance(50)
    await store.database.close()
    polled: list[object] = []
    queue.receive(1, None, 20, polled.append)
    for _ in range(100):
        await clock.advance(600)
    assert polled == [[]]
    assert 1 <= len([line for line in caplog.messages if "could not go to" in line]) <= 2
    await store.queues.close()
    await store.open()
    queue, grave = store.queue("orders"), store.queue("grave")
    assert queue.take(1) == []
    await store.settle()
    assert [one.body for one in grave.take(1)] == ["poison"]
    await store.close()


async def test_dead_letters_of_dead_letters(store: Store) -> None:
    await store.open()
    last = await store.create("q3")

    def policy(arn: str) -> str:
        return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})

    middle = await store.create("q2", RedrivePolicy=policy(last.arn))
    first = await store.create("q1", RedrivePolicy=policy(middle.arn))
    assert json.loads(first.attributes()["RedrivePolicy"])["maxReceiveCount"] == 1
    await store.send(first, "a")
    for queue, count in ((first, 1), (middle, 2), (last, 3)):
        got: list[Received] = []
        queue.receive(1, 0, 0, got.extend)
        assert [(one.body, one.receive_count) for one in got] == [("a", count)]
        answers: list[list[Received]] = []
        if queue is not last:
            queue.receive(1, 0, 0, answers.append)
            assert answers == [], "not before it has gone"
            await store.settle()
            assert answers == [[]]
    await store.close()


async def test_what_comes_after_a_dead_letter_comes_with_the_same_receive(store: Store) -> None:
    queue, _ = await pipe(store, ".fifo")
    await store.send(queue, "a", group="g", deduplication_id="1")
    await store.send(queue, "b", group="g", deduplication_id="2")
    queue.take(1, 0)
    got: list[str] = []
    queue.receive(10, None, 0, lambda received: got.extend(one.body for one in received))
    await store.settle()
    assert got == ["b"]
    await store.close()
