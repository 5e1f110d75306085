"""A full disk: nothing is acknowledged that is not stored, and everything goes on when there is room again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lambent.events.queues import NewMessage
from lambent.events.queues.receipts import receipt
from lambent.invocation.request_id import new_request_id
from lambent.store import Statement, StorageFull, StoreError

if TYPE_CHECKING:
    from tests.events.queues.conftest import Store


async def fill(store: Store) -> None:
    [[(pages,)]] = await store.database.write(Statement("PRAGMA page_count"))
    await store.database.write(Statement(f"PRAGMA max_page_count = {pages!r}"))


async def empty(store: Store) -> None:
    await store.database.write(Statement("PRAGMA max_page_count = 1000000"))


@pytest.mark.parametrize("name", ["orders", "orders.fifo"])
async def test_what_does_not_fit_is_refused_and_what_was_stored_stays(store: Store, name: str) -> None:
    await store.open()
    queue = await store.create(name)
    big = "x" * 500_000
    (first,) = await store.send(queue, "first", group="g", deduplication_id="1")
    await fill(store)
    for _ in range(2):
        with pytest.raises(StorageFull):
            await store.send(queue, big, group="g", deduplication_id="2")
    assert queue.counts() == (1, 0, 0)
    (received,) = queue.take(10)
    assert received.message_id == first.message_id
    assert await store.delete(queue, received) == [None], "deleting needs no room"
    await empty(store)
    (second,) = await store.send(queue, big, group="g", deduplication_id="2")
    await store.crash()
    queue = store.queue(name)
    (received,) = queue.take(10)
    assert received.message_id == second.message_id
    (third,) = await store.send(queue, "third", group="g", deduplication_id="3")
    if queue.fifo:
        assert int(third.sequence or 0) > int(second.sequence or 0) > int(first.sequence or 0)
    await store.close()


async def test_what_cannot_be_looked_up_changes_nothing(store: Store) -> None:
    await store.open()
    queue = await store.create("orders.fifo")
    new = NewMessage(body="a", group="g", deduplication_id="1")
    with pytest.raises(StoreError):
        queue.send(
            [new, NewMessage(body="b", group="g", deduplication_id="\ud800")], lambda _sent, _error: None
        )
    await asyncio.wait_for(store.send(queue, "a", group="g", deduplication_id="1"), 5)
    (a,) = queue.take(10)
    await store.database.close()
    with pytest.raises(StoreError):
        await store.delete(queue, a, receipt(queue.numbering.last + 1, 1, new_request_id()))
    assert queue.counts() == (0, 1, 0), "it is in somebody's hands"
    await store.crash()
    await store.close()


async def test_what_cannot_be_deleted_is_there_again(store: Store) -> None:
    await store.open()
    queue = await store.create("orders.fifo", VisibilityTimeout="30")
    await store.send(queue, "a", group="g", deduplication_id="1")
    await store.send(queue, "b", group="g", deduplication_id="2")
    (a,) = queue.take(1)
    database = store.database
    await database.close()
    with pytest.raises(Exception, match="closed"):
        await store.delete(queue, a)
    assert queue.counts() == (1, 1, 0)
    assert queue.take(1) == [], "b comes after a, which is still in somebody's hands"
    await store.crash()
    queue = store.queue("orders.fifo")
    assert [one.body for one in queue.take(10)] == ["a", "b"]
    await store.close()
