"""A small shop: orders over HTTP, receipts out of a queue, and a look at the stock every night."""

from __future__ import annotations

from typing import Annotated

import msgspec

from lambent import App, Logger, Metrics, NotFound

logger = Logger("shop")
metrics = Metrics("Shop", "orders")
app = App("shop", logger=logger)


class NewOrder(msgspec.Struct):
    item: str
    count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class Order(msgspec.Struct):
    id: int
    item: str
    count: int


class Receipt(msgspec.Struct):
    order: int
    email: str


class Orders:
    """Orders in memory: for as long as the execution environment lives. A real shop has a table."""

    def __init__(self) -> None:
        self._orders: dict[int, Order] = {}

    def place(self, new: NewOrder) -> Order:
        order = Order(len(self._orders) + 1, new.item, new.count)
        self._orders[order.id] = order
        return order

    def find(self, order_id: int) -> Order | None:
        return self._orders.get(order_id)

    def __len__(self) -> int:
        return len(self._orders)


app.provide(Orders)


@app.post("/orders", status=201)
def place(new: NewOrder, orders: Orders) -> Order:
    order = orders.place(new)
    metrics.add_metric("Ordered", "Count", order.count)
    return order


@app.get("/orders/{order_id}")
def find(order_id: int, orders: Orders) -> Order:
    order = orders.find(order_id)
    if order is None:
        raise NotFound(f"no order {order_id}")
    return order


@app.queue("receipts")
def send_receipt(receipt: Receipt) -> None:
    if "@" not in receipt.email:
        raise ValueError(f"{receipt.email!r} is no address")
    logger.info("Receipt sent", extra={"order": receipt.order})


@app.schedule("cron(0 3 * * ? *)")
def count_orders(orders: Orders) -> int:
    logger.info("Orders so far", extra={"orders": len(orders)})
    return len(orders)
