"""The shop in this process: no AWS, no platform, milliseconds."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app import app
from lambent.testing import Calls, Client, capture_calls, capture_logs, memory_tables
from shop.messages import Day
from shop.tables import Order, orders, screens

PRICES = {"price": {"cents": 900}}
TEA = Order("a", "tea", 1, 450, datetime(2026, 11, 20, tzinfo=UTC))
CUPS = Order("b", "cups", 2, 2400, datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of a shop that has no orders yet."""
    monkeypatch.setenv("SHOP_KEY", "open sesame")
    with memory_tables(orders, screens), Client(app, raise_errors=True) as client:
        yield client


@pytest.fixture
def calls() -> Iterator[Calls]:
    """What the shop asks others for, and what these answer."""
    with capture_calls(PRICES) as calls:
        yield calls


def test_orders_are_found_again(client: Client, calls: Calls) -> None:
    placed = client.post("/orders", json={"item": "tea", "count": 2})
    assert placed.status == 201
    order = placed.json(Order)
    assert (order.item, order.count, order.cents) == ("tea", 2, 900)
    assert client.get(f"/orders/{order.id}").json(Order) == order
    assert [(call.name, call.payload) for call in calls.invoked] == [("price", {"item": "tea", "count": 2})]


def test_the_latest_orders_come_first(client: Client, calls: Calls) -> None:
    ids = [client.post("/orders", json={"item": "tea"}).json()["id"] for _ in range(3)]
    client.post("/orders", json={"item": "cups"})
    assert [order["id"] for order in client.get("/orders?item=tea&limit=2").json()] == ids[:0:-1]


@pytest.mark.parametrize("order", [{"item": "tea", "count": 0}, {"item": "coffee"}, {}])
def test_bad_orders_are_refused(client: Client, order: dict[str, object]) -> None:
    assert client.post("/orders", json=order).status == 422
    assert client.get("/orders/1").json() == {"error": "no order 1", "code": "NOT_FOUND"}


def test_without_prices_nothing_is_sold(client: Client) -> None:
    with capture_calls({"price": ValueError("out of order")}), capture_logs() as logs:
        assert client.post("/orders", json={"item": "tea"}).status == 503
    assert logs[0]["message"] == "No price"
    assert list(orders.scan()) == []


def test_who_leaves_an_address_gets_a_receipt(client: Client, calls: Calls) -> None:
    order = client.post("/orders", json={"item": "tea", "email": "a@b.c"}).json()
    client.post("/orders", json={"item": "tea"})
    assert [message.body for message in calls.sent["receipts"]] == [{"order": order["id"], "email": "a@b.c"}]


def test_receipts_fail_one_by_one(client: Client) -> None:
    with capture_logs() as logs:
        result = client.send("receipts", [{"order": "a", "email": "a@b.c"}, {"order": "b", "email": "?"}])
    assert result.failed == [1]
    assert logs[0]["message"] == "Receipt sent"


def test_screens_show_what_is_new(client: Client) -> None:
    orders.put(TEA)
    with client.connect("counter") as screen:
        screen.send({"action": "orders"})
        with client.connect("counter"):
            pass  # is switched off again, and gets nothing
        assert client.table_change("orders", new=CUPS).ok
    answered, shown = screen.received
    assert [order["id"] for order in answered] == ["a"]
    assert shown["new"]["id"] == "b"
    assert list(screens.scan()) == []


def test_the_office_wants_a_report_every_night(client: Client, calls: Calls) -> None:
    client.tick("nightly")
    (call,) = calls.invoked
    assert (call.name, call.type) == ("reports", "Event")
    orders.put(TEA)
    orders.put(CUPS)
    report = client.invoke(Day("2026-11-21"))
    assert report == {"day": "2026-11-21", "orders": 2, "cents": 2850}
    with capture_logs() as logs:
        assert client.send("reports", [{"version": "1.0", "responsePayload": report}]).ok
    assert (logs[0]["message"], logs[0]["cents"]) == ("Report", 2850)


@pytest.mark.parametrize(
    ("token", "allowed"), [("Bearer open sesame", True), ("Bearer abracadabra", False), (None, False)]
)
def test_who_has_the_key_may_order(client: Client, token: str | None, allowed: bool) -> None:
    assert client.authorize("POST", "/orders", token=token).allowed is allowed


def test_screens_need_the_key_too(client: Client) -> None:
    assert client.authorize("$connect", api_id="counter", query={"key": "open sesame"}).allowed
    assert not client.authorize("$connect", api_id="counter").allowed
