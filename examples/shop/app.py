"""A small shop: orders over HTTP, receipts out of a queue, a look at the orders every night, and screens at the counter
that show each new order at once.

Run its tests with pytest in this folder. The guides are in docs/app of the repository.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from lambent import (
    CORS,
    App,
    Connection,
    ConnectionGone,
    Invocation,
    Logger,
    Metrics,
    NotFound,
    Queue,
    post_to_connection,
)

if TYPE_CHECKING:
    from collections.abc import Callable

logger = Logger("shop")
metrics = Metrics("Shop", "orders")
app = App("shop", logger=logger, middleware=[CORS(origins=["https://shop.example"])])
receipts = Queue("receipts")


# What comes in and goes out. What does not fit is answered with 422, or comes again if it is out of a queue.


class NewOrder(msgspec.Struct):
    item: Literal["tea", "cups"]
    count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    email: str | None = None


class Order(msgspec.Struct):
    id: int
    item: str
    count: int


class Receipt(msgspec.Struct):
    order: int
    email: str


class SoldOut(Exception):
    """There is not enough of it."""


# Services: handlers ask for them by type, and tests give them others.


@app.provide
class Orders:
    """Orders in memory: for as long as the execution environment lives. A real shop has a table."""

    def __init__(self) -> None:
        self._orders: dict[int, Order] = {}
        self._stock = {"tea": 500, "cups": 12}

    def place(self, new: NewOrder) -> Order:
        """A new order. Raises SoldOut."""
        if new.count > self._stock[new.item]:
            raise SoldOut(f"there are {self._stock[new.item]} {new.item} left")
        self._stock[new.item] -= new.count
        order = Order(len(self._orders) + 1, new.item, new.count)
        self._orders[order.id] = order
        return order

    def find(self, order_id: int) -> Order | None:
        return self._orders.get(order_id)

    def all(self) -> list[Order]:
        return list(self._orders.values())


@app.provide
class Counter:
    """The screens at the counter, and where to send to them: in memory, too."""

    def __init__(self) -> None:
        self.screens: dict[str, str] = {}

    def show(self, what: object) -> None:
        """Send to all, and forget those that have been switched off."""
        for screen, endpoint in list(self.screens.items()):
            try:
                post_to_connection(endpoint, screen, what)
            except ConnectionGone:
                del self.screens[screen]


# Around every handler.


@app.middleware
def timed(invocation: Invocation, call_next: Callable[[Any], Any]) -> Any:
    began = perf_counter()
    try:
        return call_next(invocation)
    finally:
        metrics.add_metric("Duration", "Milliseconds", (perf_counter() - began) * 1000)


# Requests.


@app.post("/orders", status=201)
def place(new: NewOrder, orders: Orders) -> Order:
    order = orders.place(new)
    metrics.add_metric("Ordered", "Count", order.count)
    if new.email is not None:
        receipts.send(Receipt(order.id, new.email))
    return order


@app.get("/orders")
def latest(
    orders: Orders, item: str | None = None, limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10
) -> list[Order]:
    """The latest first: `/orders?item=tea&limit=5`."""
    return [order for order in reversed(orders.all()) if item in (None, order.item)][:limit]


@app.get("/orders/{order_id}")
def find(order_id: int, orders: Orders) -> Order:
    order = orders.find(order_id)
    if order is None:
        raise NotFound(f"no order {order_id}")
    return order


@app.error_handler(SoldOut)
def sold_out(error: SoldOut) -> tuple[dict[str, str], int]:
    return {"error": str(error), "code": "SOLD_OUT"}, 409


# Messages, the clock, a table's changes.


@app.queue("receipts")
def send_receipt(receipt: Receipt) -> None:
    if "@" not in receipt.email:
        raise ValueError(f"{receipt.email!r} is no address")
    logger.info("Receipt sent", extra={"order": receipt.order})


@app.schedule("cron(0 3 * * ? *)")
def count_orders(orders: Orders) -> int:
    count = len(orders.all())
    logger.info("Orders so far", extra={"orders": count})
    return count


@app.table_stream("orders", events=["INSERT"])
def show_new(new: Order, counter: Counter) -> None:
    counter.show({"new": new})


@app.table_stream("orders", events=["REMOVE"])
def show_removed(keys: dict[str, Any], counter: Counter) -> None:
    counter.show({"removed": keys["id"]})


# The counter's screens: WebSockets.

counter_channel = app.channel("counter")


@counter_channel.on_connect
def switched_on(connection: Connection, counter: Counter) -> None:
    counter.screens[connection.id] = connection.endpoint


@counter_channel.on_disconnect
def switched_off(connection: Connection, counter: Counter) -> None:
    counter.screens.pop(connection.id, None)


@counter_channel.action("orders")
def waiting(orders: Orders) -> list[Order]:
    """What is returned is sent to the screen that has asked."""
    return orders.all()
