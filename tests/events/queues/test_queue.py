"""Standard queues: sending, receiving, visibility, deleting, and what a restart leaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lambent.events.queues import (
    InvalidParameter,
    MessageNotInFlight,
    NewMessage,
    PurgeInProgress,
    QueueNotFound,
    ReceiptHandleInvalid,
    receipts,
)
from lambent.events.queues.lending import lend, stage_lent
from lambent.invocation.request_id import new_request_id
from lambent.store import Statement
from lambent.store.staged import submit, together

if TYPE_CHECKING:
    from tests.events.conftest import SimulatedClock
    from tests.events.queues.conftest import Store

    from lambent.events.queues import QueueError, Received


async def test_a_message_is_sent_received_and_deleted(store: Store) -> None:
    await store.open()
    queue = await store.create()
    (sent,) = await store.send(
        queue, "hello", attributes=b'{"a":1}', md5_attributes="md5", trace="Root=1", sender="me", lineage="L"
    )
    assert sent.md5_body == "5d41402abc4b2a76b9719d911017c592"
    assert sent.sequence is None
    assert queue.counts() == (1, 0, 0)
    (received,) = queue.take(10)
    assert received.message_id == sent.message_id
    assert (received.body, received.attributes, received.md5_attributes) == ("hello", b'{"a":1}', "md5")
    assert (received.trace, received.sender, received.lineage) == ("Root=1", "me", "L")
    assert (received.receive_count, received.sent_ms) == (1, store.clock.wall_ms())
    assert queue.counts() == (0, 1, 0)
    assert queue.take(10) == []
    assert await store.delete(queue, received) == [None]
    assert queue.counts() == (0, 0, 0)
    assert await store.delete(queue, received) == [None]
    await store.close()


async def test_what_is_not_deleted_in_time_is_received_again(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create(VisibilityTimeout="20")
    await store.send(queue, "a")
    (first,) = queue.take(1)
    await clock.advance(19_999)
    assert queue.take(1) == []
    await clock.advance(1)
    (second,) = queue.take(1)
    assert second.receive_count == 2
    assert second.first_received_ms == first.first_received_ms
    assert second.receipt != first.receipt
    # An old receipt handle of a standard queue still deletes.
    assert await store.delete(queue, first) == [None]
    await clock.advance(60_000)
    assert queue.take(1) == []
    await store.close()


async def test_a_message_that_waits_again_can_be_deleted(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create()
    await store.send(queue, "a", "b")
    received = queue.take(2, visibility_s=5)
    await clock.advance(5000)
    assert queue.counts() == (2, 0, 0)
    await store.delete(queue, received[0])
    assert queue.counts() == (1, 0, 0)
    assert [one.body for one in queue.take(2)] == ["b"]
    await store.close()


async def test_visibility_is_changed(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create()
    await store.send(queue, "a")
    (first,) = queue.take(1)
    assert await store.change(queue, (first, 100)) == [None]
    await clock.advance(99_000)
    assert queue.counts() == (0, 1, 0)
    assert await store.change(queue, (first, 0)) == [None]
    assert queue.counts() == (1, 0, 0)
    assert await store.change(queue, (first, 10)) == [None], "nobody else has received it meanwhile"
    assert queue.counts() == (0, 1, 0)
    (error,) = await store.change(queue, (first, 43_200))
    assert isinstance(error, InvalidParameter)
    assert "beyond the limit [43200 seconds]" in str(error)
    await store.delete(queue, first)
    (error,) = await store.change(queue, (first, 10))
    assert isinstance(error, MessageNotInFlight)
    await store.close()


async def test_what_comes_back_comes_before_what_was_sent_later(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create()
    await store.send(queue, "a", "b", "c")
    a, b = queue.take(2, visibility_s=3)
    await store.send(queue, "d")
    await store.change(queue, (b, 0))
    await clock.advance(3000)
    assert [one.body for one in queue.take(10)] == ["a", "b", "c", "d"]
    assert a.body == "a"
    await store.close()


async def test_a_purge_takes_everything(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create()
    for at in range(0, 3000, 100):
        queue.send([NewMessage(body=str(at + i)) for i in range(100)], lambda _sent, _error: None)
    await store.settle()
    (held,) = queue.take(1)
    await store.send(queue, "delayed", delay_s=5)
    queue.send([NewMessage(body="not durable yet")], lambda _sent, _error: None)
    await store.queues.purge(queue)
    assert queue.counts() == (0, 0, 0)
    with pytest.raises(
        PurgeInProgress, match="Only one PurgeQueue operation on orders is allowed every 60 seconds"
    ):
        await store.queues.purge(queue)
    await store.send(queue, "new")
    assert await store.delete(queue, held) == [None]
    await store.crash()
    queue = store.queue()
    await clock.advance(60_000)
    assert [one.body for one in queue.take(10)] == ["new"]
    await store.settle()
    while await store.database.read("SELECT id FROM messages LIMIT 2 OFFSET 1"):
        await store.settle()
    await store.close()


@pytest.mark.parametrize("name", ["orders", "orders.fifo"])
async def test_what_comes_while_a_queue_is_purged_stays(
    store: Store, clock: SimulatedClock, name: str
) -> None:
    await store.open()
    queue = await store.create(name)
    for at in range(0, 2500, 100):
        queue.send(
            [NewMessage(body="old", group="g", deduplication_id=str(at + i)) for i in range(100)],
            lambda _sent, _error: None,
        )
    await store.settle()
    queue.take(3)
    purge = asyncio.ensure_future(store.queues.purge(queue))
    await asyncio.sleep(0)
    sending = [
        asyncio.ensure_future(store.send(queue, text, group="g", deduplication_id=text)) for text in "abc"
    ]
    await purge
    await asyncio.gather(*sending)
    assert queue.counts() == (3, 0, 0)
    await clock.advance(60_000)
    a, *_ = queue.take(1)
    purge = asyncio.ensure_future(store.queues.purge(queue))
    await asyncio.sleep(0)
    sent = asyncio.ensure_future(store.send(queue, "d", group="g", deduplication_id="d"))
    await asyncio.gather(purge, sent)
    assert await store.delete(queue, a) == [None]
    assert [one.body for one in queue.take(10)] == ["d"]
    await store.close()


async def test_a_deleted_queue_leaves_nothing(store: Store) -> None:
    await store.open()
    queue = await store.create()
    await store.send(queue, "a", "b")
    (held,) = queue.take(1)
    answers: list[list[Received]] = []
    queue.take(1)
    queue.receive(1, None, 20, answers.append)
    await store.queues.delete(queue)
    assert answers == [[]]
    with pytest.raises(QueueNotFound):
        store.queue()
    with pytest.raises(QueueNotFound):
        queue.send([NewMessage(body="x")], lambda _sent, _error: None)
    await store.crash()
    again = await store.create()
    assert again.number > queue.number
    assert again.counts() == (0, 0, 0)
    (error,) = await store.delete(again, held)
    assert isinstance(error, ReceiptHandleInvalid)
    while await store.database.read("SELECT id FROM messages"):
        await store.settle()
    await store.close()


async def test_messages_expire(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create(MessageRetentionPeriod="60", VisibilityTimeout="20")
    for at in range(0, 2500, 100):
        queue.send([NewMessage(body=str(at + i)) for i in range(100)], lambda _sent, _error: None)
    await store.settle()
    queue.take(1)
    await clock.advance(59_000)
    await store.send(queue, "younger")
    assert queue.counts()[0] == 2501
    await clock.advance(1_001)
    assert [one.body for one in queue.take(1)] in (["younger"], [])
    await clock.advance(40_000)
    await store.settle()
    assert queue.counts() == (1, 0, 0)
    assert len(await store.database.read("SELECT id FROM messages")) == 1
    await store.close()


async def test_delayed_messages_come_when_they_are_due(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create(DelaySeconds="10")
    await store.send(queue, "later", delay_s=30)
    await store.send(queue, "by default")
    await store.send(queue, "now", delay_s=0)
    assert queue.counts() == (1, 0, 2)
    got: list[str] = []
    queue.watch(lambda: got.extend(one.body for one in queue.take(10)))
    await clock.advance(10_000)
    assert got == ["now", "by default"]
    await clock.advance(20_000)
    assert got == ["now", "by default", "later"]
    await store.close()


async def test_long_polls_are_served_at_once_in_order_of_arrival(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create()
    answers: dict[str, list[str]] = {}

    def poll(name: str) -> object:
        def done(received: list[Received]) -> None:
            answers[name] = [one.body for one in received]

        return queue.receive(1, None, 20, done)

    poll("first")
    cancelled = poll("cancelled")
    poll("second")
    poll("third")
    cancelled.cancel()  # type: ignore[attr-defined]
    await store.send(queue, "a", "b")
    assert answers == {"first": ["a"], "second": ["b"]}
    await clock.advance(19_999)
    assert "third" not in answers
    await clock.advance(1)
    assert answers["third"] == []
    assert "cancelled" not in answers
    await store.close()


@pytest.mark.parametrize("name", ["orders", "orders.fifo"])
async def test_handles_that_somebody_has_made_up_are_refused(store: Store, name: str) -> None:
    await store.open()
    queue = await store.create(name, VisibilityTimeout="0")
    await store.send(queue, "waits", group="g", deduplication_id="1")
    queue.take(1)
    await store.send(queue, "held", group="h", deduplication_id="2")
    held = next(one for _ in range(2) for one in queue.take(2, 30) if one.body == "held")
    row = receipts.read(held.receipt).row
    refused: list[QueueError | None] = []
    for at in (row - 1, row):
        made_up = receipts.receipt(at, held.receive_count, new_request_id())
        (error,) = await store.delete(queue, made_up)
        assert isinstance(error, ReceiptHandleInvalid)
        queue.change_visibility([(made_up, 0)], lambda outcomes, _error: refused.extend(outcomes or ()))
    assert len(refused) == 2
    assert all(refused)
    assert sum(queue.counts()) == 2
    await store.close()


async def test_handles_of_others_are_refused(store: Store) -> None:
    await store.open()
    queue, other = await store.create("one"), await store.create("two")
    await store.send(other, "a")
    (received,) = other.take(1)
    wrong = await store.delete(queue, received, "nonsense", "AAAA")
    assert [type(one) for one in wrong] == [ReceiptHandleInvalid] * 3
    assert other.counts() == (0, 1, 0)
    await store.close()


async def test_a_restart_keeps_messages_receives_and_handles(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create(VisibilityTimeout="100")
    await store.send(queue, "a", "b", attributes=b"{}", trace="t")
    await store.send(queue, "late", delay_s=900)
    (held,) = queue.take(1)
    await store.close()
    await clock.advance(10_000)

    await store.open()
    queue = store.queue()
    assert queue.counts() == (1, 1, 1)
    (other,) = queue.take(10)
    assert (other.body, other.trace, other.receive_count) == ("b", "t", 1)
    assert await store.delete(queue, held, other) == [None, None]
    await clock.advance(890_000)
    (late,) = queue.take(10)
    assert late.body == "late"
    await store.close()
    await store.open()
    assert store.queue().counts() == (0, 1, 0)
    await store.close()


async def test_a_clock_that_was_set_back_before_a_restart_holds_nothing_up(
    store: Store, clock: SimulatedClock
) -> None:
    await store.open()
    queue, fifo = await store.create(VisibilityTimeout="30"), await store.create("orders.fifo")
    await store.send(queue, "a", "b")
    await store.send(queue, "later", delay_s=10)
    await store.send(fifo, "a", group="g", deduplication_id="1")
    assert [one.body for one in queue.take(1)] == ["a"]
    await store.close()
    store.clock = clock = type(clock)(clock.wall_ms() - 86_400_000)
    await store.open()
    queue, fifo = store.queue(), store.queue("orders.fifo")
    assert [one.body for one in queue.take(10)] == ["b"]
    assert [one.body for one in fifo.take(10)] == ["a"]
    await clock.advance(10_000)
    assert [one.body for one in queue.take(10)] == ["later"]
    await clock.advance(20_000)
    assert [one.body for one in queue.take(1)] == ["a"]
    await clock.advance(270_000)
    await store.send(fifo, "another", group="h", deduplication_id="1")
    assert [one.body for one in fifo.take(10)] == ["a", "another"]
    await store.close()


async def test_a_crash_loses_at_most_that_something_was_received(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create()
    await store.send(queue, "a", "b", "c")
    a, b = queue.take(2)
    await store.delete(queue, a)
    await clock.advance(50)
    await store.settle()
    queue.take(1)
    await store.crash()
    queue = store.queue()
    assert queue.counts() == (1, 1, 0), "b is still in flight, c is visible early"
    assert await store.delete(queue, b) == [None]
    await clock.advance(30_000)
    assert [one.body for one in queue.take(10)] == ["c"]
    await store.close()


async def test_a_handle_deletes_also_when_a_crash_has_forgotten_the_receive(store: Store) -> None:
    await store.open()
    queue = await store.create()
    await store.send(queue, "a", "b", "c")
    _, b, _ = queue.take(3)
    await store.crash()
    queue = store.queue()
    assert queue.counts() == (3, 0, 0)
    assert await store.delete(queue, b, b) == [None, None]
    assert [one.body for one in queue.take(10)] == ["a", "c"]
    await store.close()


async def test_hand_offs_are_part_of_somebodys_transaction(store: Store) -> None:
    await store.open()
    queue, other = await store.create("from"), await store.create("to")
    await store.send(queue, "a")
    lent = lend(queue, 1)
    (sent,), staged = other.stage([NewMessage(body="b")])
    gone = stage_lent(queue, lent)
    assert other.counts() == (0, 0, 0)
    submit(store.database, together([staged, gone]))
    await store.settle()
    assert other.counts() == (1, 0, 0)
    assert queue.counts() == (0, 0, 0)
    assert other.take(1)[0].message_id == sent.message_id
    await store.crash()
    assert store.queue("from").counts() == (0, 0, 0)
    assert store.queue("to").counts() == (1, 0, 0), "received, which nobody has written"
    await store.close()


async def test_a_backlog_is_counted_and_comes_in_order(store: Store) -> None:
    await store.open()
    queue = await store.create()
    for at in range(0, 5000, 100):
        queue.send([NewMessage(body=str(at + i)) for i in range(100)], lambda _sent, _error: None)
    await store.settle()
    assert queue.counts() == (5000, 0, 0)
    assert len(queue.stock.order) == 2000
    got: list[str] = []
    while received := queue.take(10):
        got += [one.body for one in received]
        queue.delete([one.receipt for one in received], lambda _outcomes, _error: None)
    assert got == [str(i) for i in range(5000)]
    await store.settle()
    assert queue.counts() == (0, 0, 0)
    await store.send(queue, "one more")
    assert [one.body for one in queue.take(10)] == ["one more"]
    await store.close()


async def test_a_backlog_is_there_after_a_restart(store: Store, clock: SimulatedClock) -> None:
    await store.open()
    queue = await store.create()
    for at in range(0, 3000, 100):
        queue.send([NewMessage(body=str(at + i)) for i in range(100)], lambda _sent, _error: None)
    await store.settle()
    last = queue.take(10)[-1]
    await store.database.write(Statement("DELETE FROM messages WHERE id > ?", (2900 + (1 << 42),)))
    await store.crash()
    queue = store.queue()
    assert last.body == "9"
    assert sum(queue.counts()) == 2900
    await clock.advance(1000)
    assert sum(queue.counts()) == 2900
    got: set[str] = set()
    while received := queue.take(10):
        got |= {one.body for one in received}
    assert got == {str(i) for i in range(2900)}
    await store.close()
