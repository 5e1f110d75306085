"""FIFO queues: order by message group, deduplication, and what a restart leaves of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.events.queues import InvalidParameter, MissingParameter, NewMessage
from lambent.events.queues.receipts import receipt
from lambent.store.staged import submit

if TYPE_CHECKING:
    from tests.events.conftest import SimulatedClock
    from tests.events.queues.conftest import Store

    from lambent.events.queues import Queue, Received, Sent
    from lambent.store import StoreError


async def fifo(store: Store, **attributes: str) -> Queue:
    await store.open()
    return await store.create("q.fifo", **{"ContentBasedDeduplication": "true", **attributes})


async def send(store: Store, queue: Queue, *bodies: str) -> None:
    """Bodies like g1-m1: the group comes before the hyphen."""
    for body in bodies:
        await store.send(queue, body, group=body.partition("-")[0])


def bodies(received: list[Received]) -> list[str]:
    return [one.body for one in received]


async def test_a_receive_takes_a_group_before_the_next(store: Store) -> None:
    queue = await fifo(store)
    await send(store, queue, "g1-m1", "g2-m1", "g1-m2", "g1-m3")
    received = queue.take(10)
    assert bodies(received) == ["g1-m1", "g1-m2", "g1-m3", "g2-m1"]
    numbers = [int(one.sequence or 0) for one in received]
    assert numbers[:3] == sorted(numbers[:3])
    assert all(len(one.sequence or "") == 20 for one in received)
    await store.close()


async def test_a_group_in_flight_waits_and_others_do_not(store: Store, clock: SimulatedClock) -> None:
    queue = await fifo(store, VisibilityTimeout="1")
    await send(store, queue, "g1-m1", "g1-m2", "g1-m3", "g1-m4", "g2-m1", "g3-m1")
    assert bodies(queue.take(2)) == ["g1-m1", "g1-m2"]
    assert bodies(queue.take(1)) == ["g2-m1"]
    await clock.advance(1000)
    assert bodies(queue.take(10, 0)) == ["g3-m1", "g1-m1", "g1-m2", "g1-m3", "g1-m4", "g2-m1"]
    await store.close()


async def test_a_visibility_of_zero_ends_with_the_receive(store: Store) -> None:
    queue = await fifo(store)
    await send(store, queue, "g1-m1", "g2-m1", "g2-m2", "g3-m1", "g1-m2")
    assert bodies(queue.take(3, 0)) == ["g1-m1", "g1-m2", "g2-m1"]
    assert bodies(queue.take(10, 0)) == ["g3-m1", "g1-m1", "g1-m2", "g2-m1", "g2-m2"]
    await store.close()


async def test_what_is_given_back_comes_before_the_rest_of_its_group(store: Store) -> None:
    queue = await fifo(store)
    await send(store, queue, "g1-m1", "g1-m2", "g1-m3", "g2-m1")
    first, second = queue.take(2)
    await store.change(queue, (first, 0))
    (other, again) = queue.take(3)
    assert bodies([other, again]) == ["g2-m1", "g1-m1"], "g1-m2 is in flight and g1-m3 behind it"
    await store.delete(queue, again)
    assert queue.take(3) == []
    await store.delete(queue, second)
    assert bodies(queue.take(3)) == ["g1-m3"]
    await store.close()


async def test_a_group_that_comes_back_piece_by_piece_is_offered_to_the_end(store: Store) -> None:
    queue = await fifo(store)
    await send(store, queue, "g1-m1", "g1-m2", "g1-m3")
    received = queue.take(3)
    for one in received:
        await store.change(queue, (one, 0))
    assert queue.stock.order.available() == 3
    got: list[str] = []
    for _ in range(3):
        queue.receive(1, None, 20, lambda polled: got.extend(bodies(polled)))
        (last,) = list(queue.stock.flight.all())
        await store.delete(queue, receipt(last.row, last.count, last.message_id))
    assert got == ["g1-m1", "g1-m2", "g1-m3"]
    assert queue.stock.order.available() == 0
    await store.close()


async def test_after_a_partial_delete_the_group_still_waits(store: Store) -> None:
    queue = await fifo(store)
    await send(store, queue, "g1-m1", "g1-m2", "g1-m3")
    first, second = queue.take(2)
    polled: list[Received] = []
    queue.receive(10, None, 20, polled.extend)
    await store.delete(queue, second)
    assert polled == [], "m3 comes after m1"
    await store.delete(queue, first)
    assert bodies(polled) == ["g1-m3"]
    await store.close()


async def test_the_next_waits_until_a_delete_is_durable(store: Store) -> None:
    queue = await fifo(store)
    await send(store, queue, "g1-m1", "g1-m2")
    (first,) = queue.take(1)
    queue.delete([first.receipt], lambda _outcomes, _error: None)
    assert queue.take(1) == []
    await store.settle()
    assert bodies(queue.take(1)) == ["g1-m2"]
    await store.close()


async def test_a_receipt_handle_ends_with_its_timeout(store: Store, clock: SimulatedClock) -> None:
    queue = await fifo(store, VisibilityTimeout="2")
    await send(store, queue, "g1-m1")
    (first,) = queue.take(1)
    await store.change(queue, (first, 10))
    await clock.advance(5000)
    assert queue.counts() == (0, 1, 0)
    await clock.advance(5000)
    (error,) = await store.delete(queue, first)
    assert isinstance(error, InvalidParameter)
    assert str(error) == (
        f"Value {first.receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    )
    (second,) = queue.take(1)
    assert await store.delete(queue, second) == [None]
    assert await store.delete(queue, second) == [None]
    await store.close()


async def test_the_delay_is_that_of_the_queue(store: Store, clock: SimulatedClock) -> None:
    queue = await fifo(store, DelaySeconds="2")
    await send(store, queue, "g1-m1", "g1-m2")
    await store.send(queue, "g1-m3", group="g1", delay_s=0)
    assert queue.take(10) == []
    assert queue.counts() == (0, 0, 3)
    polled: list[Received] = []
    queue.receive(10, None, 20, polled.extend)
    await clock.advance(2000)
    assert bodies(polled) == ["g1-m1", "g1-m2", "g1-m3"]
    await store.close()


async def test_what_a_fifo_queue_needs(store: Store) -> None:
    queue = await fifo(store, ContentBasedDeduplication="false")
    with pytest.raises(MissingParameter, match="must contain the parameter MessageGroupId"):
        await store.send(queue, "a", deduplication_id="1")
    with pytest.raises(InvalidParameter, match="ContentBasedDeduplication enabled or MessageDeduplicationId"):
        await store.send(queue, "a", group="g")
    await store.close()


async def test_duplicates_are_answered_like_the_first_for_five_minutes(
    store: Store, clock: SimulatedClock
) -> None:
    queue = await fifo(store)
    (first,) = await store.send(queue, "a", group="g")
    (received,) = queue.take(1)
    await store.delete(queue, received)
    (second,) = await store.send(queue, "b", group="other", deduplication_id=received.deduplication_id)
    assert (second.message_id, second.sequence) == (first.message_id, first.sequence)
    assert second.md5_body != first.md5_body
    assert queue.take(1) == []
    await store.crash()
    queue = store.queue("q.fifo")
    await clock.advance(299_999)
    (third,) = await store.send(queue, "a", group="g")
    assert third.message_id == first.message_id
    await clock.advance(1)
    (fourth,) = await store.send(queue, "a", group="g")
    assert fourth.message_id != first.message_id
    assert int(fourth.sequence or 0) > int(first.sequence or 0)
    assert bodies(queue.take(1)) == ["a"]
    await clock.advance(400_000)
    await store.settle()
    assert await store.database.read("SELECT * FROM message_deduplication") == []
    await store.close()


async def test_duplicates_of_what_is_not_durable_yet_wait_for_it(store: Store) -> None:
    queue = await fifo(store)
    answers: list[tuple[str, list[Sent] | None]] = []

    def send(name: str, *texts: str) -> None:
        def done(sent: list[Sent] | None, _error: StoreError | None) -> None:
            answers.append((name, sent))

        queue.send([NewMessage(body=text, group="g") for text in texts], done)

    send("first", "a")
    send("same", "a")
    send("mixed", "b", "a", "b")
    assert answers == []
    await store.settle()
    got = dict(answers)
    assert set(got) == {"first", "same", "mixed"}
    first, same, mixed = (got[name] or [] for name in ("first", "same", "mixed"))
    assert same[0].message_id == first[0].message_id == mixed[1].message_id
    assert mixed[0].message_id == mixed[2].message_id
    assert bodies(queue.take(10)) == ["a", "b"]
    await store.close()


async def test_a_staged_duplicate_needs_the_first_one(store: Store) -> None:
    queue = await fifo(store)
    queue.send([NewMessage(body="a", group="g")], lambda _sent, _error: None)
    (sent,), staged = queue.stage([NewMessage(body="a", group="g")])
    submit(store.database, staged)
    await store.settle()
    (received,) = queue.take(10)
    assert received.message_id == sent.message_id
    await store.close()


@pytest.mark.parametrize(
    ("before", "after", "delivered"),
    [
        ("queue", "messageGroup", False),
        ("messageGroup", "queue", True),
        ("messageGroup", "messageGroup", True),
        ("queue", "queue", False),
    ],
)
async def test_scopes_of_deduplication(store: Store, before: str, after: str, delivered: bool) -> None:
    queue = await fifo(store, DeduplicationScope=before)
    await store.send(queue, "a", group="g1", deduplication_id="1")
    await store.queues.set_attributes(queue, {"DeduplicationScope": after})
    await store.send(queue, "b", group="g2", deduplication_id="1")
    assert bodies(queue.take(10)) == (["a", "b"] if delivered else ["a"])
    await store.close()


async def test_a_purge_forgets_what_was_sent(store: Store) -> None:
    queue = await fifo(store)
    await send(store, queue, "g1-m1")
    await store.queues.purge(queue)
    await send(store, queue, "g1-m1")
    assert bodies(queue.take(10)) == ["g1-m1"]
    await store.close()


async def test_a_backlog_keeps_the_order_of_every_group_also_when_one_is_stuck(store: Store) -> None:
    queue = await fifo(store)
    texts = [f"g{i % 7}-{i}" for i in range(6000)]
    for at in range(0, 6000, 100):
        queue.send(
            [NewMessage(body=text, group=text.partition("-")[0]) for text in texts[at : at + 100]],
            lambda _sent, _error: None,
        )
    await store.settle()
    assert queue.counts() == (6000, 0, 0)
    (stuck,) = queue.take(1)
    got: list[str] = []
    while received := queue.take(10):
        got += bodies(received)
        await store.delete(queue, *received)
    for group in range(1, 7):
        assert [text for text in got if text.startswith(f"g{group}-")] == [
            text for text in texts if text.startswith(f"g{group}-")
        ]
    assert not any(text.startswith("g0-") for text in got)
    await store.delete(queue, stuck)
    assert bodies(queue.take(3)) == ["g0-7", "g0-14", "g0-21"]
    await store.close()


async def test_a_restart_keeps_the_order_and_what_is_in_flight(store: Store, clock: SimulatedClock) -> None:
    queue = await fifo(store, VisibilityTimeout="30")
    await send(store, queue, "g1-m1", "g1-m2", "g2-m1")
    queue.take(1)
    await clock.advance(50)
    await store.settle()
    await store.crash()
    queue = store.queue("q.fifo")
    assert queue.counts() == (2, 1, 0)
    assert bodies(queue.take(10)) == ["g2-m1"]
    await clock.advance(30_000)
    assert bodies(queue.take(10)) == ["g1-m1", "g1-m2", "g2-m1"]
    await store.close()


async def test_handles_hold_after_a_restart_however_many_are_in_flight(
    store: Store, clock: SimulatedClock
) -> None:
    await store.open()
    queue = await store.create("orders.fifo", VisibilityTimeout="60")
    for group in range(1500):
        names = [NewMessage(body=text, group=str(group), deduplication_id=f"{group}{text}") for text in "ab"]
        queue.send(names, lambda _sent, _error: None)
    await store.settle()
    received = [one for _ in range(1500) for one in queue.take(1)][::2]
    assert len({one.group for one in received}) == len(received)
    await store.close()
    await store.open()
    queue = store.queue("orders.fifo")
    last = received[-1]
    assert await store.change(queue, (received[-2], 0)) == [None]
    assert await store.delete(queue, last) == [None]
    (again,) = (one for _ in range(1500) for one in queue.take(1) if one.group == last.group)
    assert (last.body, again.body) == ("a", "b")
    await store.close()


async def test_a_receive_is_repeated_under_its_id(store: Store, clock: SimulatedClock) -> None:
    queue = await fifo(store)
    await send(store, queue, "g1-m1", "g1-m2", "g2-m1")

    def receive(attempt: str | None) -> list[Received]:
        got: list[Received] = []
        queue.receive(2, 20, 0, got.extend, attempt)
        return got

    first = receive("try")
    await clock.advance(15_000)
    assert receive("try") == first
    await clock.advance(15_000)
    assert receive("try") == first, "the second try has begun another visibility timeout"
    assert bodies(receive("other")) == ["g2-m1"]
    await store.delete(queue, first[0])
    assert receive("try") == [], "one of them is gone, the other one in flight"
    await clock.advance(20_000)
    assert bodies(receive("try")) == ["g1-m2", "g2-m1"]
    await store.close()


async def test_a_receive_that_is_repeated_for_less_time_ends_earlier(
    store: Store, clock: SimulatedClock
) -> None:
    await store.open()
    queue = await store.create("orders.fifo")
    await store.send(queue, "a", group="g", deduplication_id="1")
    received: list[list[Received]] = []
    for seconds in (100, 5):
        queue.receive(1, seconds, 0, received.append, "attempt")
    queue.receive(1, None, 20, received.append)
    await clock.advance(5000)
    assert [bodies(one) for one in received] == [["a"]] * 3
    await store.close()


async def test_large_messages_are_not_repeated_for_long(store: Store, clock: SimulatedClock) -> None:
    queue = await fifo(store)
    groups = [f"g{number}" for number in range(6)]
    await send(store, queue, *(f"{group}-{'x' * 1_000_000}" for group in groups))
    got: list[Received] = []
    for group in groups:
        queue.receive(1, 20, 0, got.extend, group)
    assert [one.group for one in got] == groups
    for group in ("g0", "g5"):
        queue.receive(1, 20, 0, got.extend, group)
    assert got[6:] == got[5:6]
    await store.close()
