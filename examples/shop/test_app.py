"""Run with pytest, in this folder: no AWS, no platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app import Counter, Order, Orders, app
from lambent.testing import Client, capture_calls, capture_logs, capture_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client() -> Iterator[Client]:
    """A client whose shop has no orders yet, and no screens."""
    with (
        Client(app, raise_errors=True) as client,
        client.override(Orders, Orders()),
        client.override(Counter, Counter()),
    ):
        yield client


def test_orders_are_found_again(client: Client) -> None:
    with capture_metrics() as blobs:
        placed = client.post("/orders", json={"item": "tea", "count": 2})
    assert placed.status == 201
    assert client.get("/orders/1").json(Order) == Order(1, "tea", 2)
    assert blobs[0]["Ordered"] == [2.0]


def test_the_latest_orders_come_first(client: Client) -> None:
    for item in ("tea", "cups", "tea"):
        client.post("/orders", json={"item": item})
    assert [order.id for order in client.get("/orders").json(list[Order])] == [3, 2, 1]
    assert [order.id for order in client.get("/orders?item=tea&limit=1").json(list[Order])] == [3]


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"item": "tea", "count": 0}, 422),
        ({"item": "coffee"}, 422),
        ({"item": "cups", "count": 13}, 409),
    ],
)
def test_bad_orders_are_refused(client: Client, order: dict[str, object], status: int) -> None:
    assert client.post("/orders", json=order).status == status
    assert client.get("/orders/1").json() == {"error": "no order 1", "code": "NOT_FOUND"}


def test_who_leaves_an_address_gets_a_receipt(client: Client) -> None:
    with capture_calls() as calls:
        client.post("/orders", json={"item": "tea", "email": "a@b.c"})
        client.post("/orders", json={"item": "tea"})
    assert [message.body for message in calls.sent["receipts"]] == [{"order": 1, "email": "a@b.c"}]


def test_receipts_fail_one_by_one(client: Client) -> None:
    with capture_logs() as logs:
        result = client.send("receipts", [{"order": 1, "email": "a@b.c"}, {"order": 2, "email": "?"}])
    assert result.failed == [1]
    assert logs[0]["message"] == "Receipt sent"


def test_orders_are_counted_at_night(client: Client) -> None:
    client.post("/orders", json={"item": "tea"})
    assert client.tick("count_orders") == 1


def test_screens_show_what_changes(client: Client) -> None:
    client.post("/orders", json={"item": "cups"})
    with client.connect("counter") as screen:
        screen.send({"action": "orders"})
        with client.connect("counter"):
            pass  # is switched off again, and gets nothing
        assert client.table_change("orders", new=Order(2, "tea", 1)).ok
        assert client.table_change("orders", old=Order(1, "cups", 1)).ok
    assert screen.received == [
        [{"id": 1, "item": "cups", "count": 1}],
        {"new": {"id": 2, "item": "tea", "count": 1}},
        {"removed": 1},
    ]


def test_browsers_may_call_it(client: Client) -> None:
    answer = client.get("/orders", headers={"origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
