"""The screens at the counter: WebSockets, to which each new order is sent as soon as it is in the table."""

from lambent import Connection, ConnectionGone, Router, post_to_connection
from shop.tables import Order, Screen, orders, screens

router = Router()
counter = router.channel("counter")


@counter.on_connect
def switched_on(connection: Connection) -> None:
    screens.put(Screen(connection.id, connection.endpoint))


@counter.on_disconnect
def switched_off(connection: Connection) -> None:
    screens.delete(connection.id)


@counter.action("orders")
def waiting() -> list[Order]:
    """What is returned is sent to the screen that has asked: `{"action": "orders"}`."""
    return sorted(orders.scan(), key=lambda order: order.placed)


@router.table_stream("orders", events=["INSERT"])
def show(new: Order) -> None:
    for screen in screens.scan():
        try:
            post_to_connection(screen.endpoint, screen.id, {"new": new})
        except ConnectionGone:
            screens.delete(screen.id)
