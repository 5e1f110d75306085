"""Orders over HTTP. What does not fit its declaration is answered with 422."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import msgspec

from lambent import FunctionCallError, Logger, NotFound, Queue, Router, ServiceUnavailable, invoke
from shop.messages import Receipt
from shop.tables import Item, Order, orders

logger = Logger("shop")
router = Router("/orders", tags=["orders"])
receipts = Queue("receipts")


class NewOrder(msgspec.Struct):
    item: Item
    count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    email: str | None = None


class Price(msgspec.Struct):
    cents: int


@router.post("/", status=201)
def place(new: NewOrder) -> Order:
    try:
        price = invoke("price", {"item": new.item, "count": new.count}, response_type=Price)
    except FunctionCallError as error:
        logger.exception("No price")
        raise ServiceUnavailable("there are no prices at the moment") from error
    order = Order(uuid4().hex, new.item, new.count, price.cents, datetime.now(UTC))
    orders.put(order, new=True)
    if new.email is not None:
        receipts.send(Receipt(order.id, new.email))
    logger.info("Order placed", extra={"order": order.id})
    return order


@router.get("/", auth=False)
def latest(item: Item = "tea", limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10) -> list[Order]:
    """The latest first: `/orders?item=cups&limit=5`."""
    return list(orders.query(item, index="by_item", reverse=True, limit=limit))


@router.get("/{order_id}", auth=False)
def find(order_id: str) -> Order:
    order = orders.get(order_id)
    if order is None:
        raise NotFound(f"no order {order_id}")
    return order
