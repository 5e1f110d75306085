"""Run with pytest, in this folder: no AWS, no platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app import Order, Orders, app
from lambent.testing import Client, capture_logs, capture_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client() -> Iterator[Client]:
    """A client whose shop has no orders yet."""
    with Client(app, raise_errors=True) as client, client.override(Orders, Orders()):
        yield client


def test_orders_are_found_again(client: Client) -> None:
    with capture_metrics() as blobs:
        placed = client.post("/orders", json={"item": "tea", "count": 2})
    assert placed.status == 201
    assert client.get("/orders/1").json(Order) == Order(1, "tea", 2)
    assert blobs[0]["Ordered"] == [2.0]


def test_bad_orders_are_refused(client: Client) -> None:
    answer = client.post("/orders", json={"item": "tea", "count": 0})
    assert answer.status == 422
    assert client.get("/orders/1").json() == {"error": "no order 1", "code": "NOT_FOUND"}


def test_receipts_fail_one_by_one(client: Client) -> None:
    with capture_logs() as logs:
        result = client.send("receipts", [{"order": 1, "email": "a@b.c"}, {"order": 2, "email": "?"}])
    assert result.failed == [1]
    assert logs[0]["message"] == "Receipt sent"


def test_orders_are_counted_at_night(client: Client) -> None:
    client.post("/orders", json={"item": "tea"})
    assert client.tick("count_orders") == 1
