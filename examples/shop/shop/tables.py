"""What is kept. Deploying makes the tables as they are declared here."""

from datetime import datetime
from typing import Literal

import msgspec

from lambent import Table

Item = Literal["tea", "cups"]


class Order(msgspec.Struct):
    id: str
    item: Item
    count: int
    cents: int
    placed: datetime


class Screen(msgspec.Struct):
    """A screen at the counter: a WebSocket connection, and where to send to it."""

    id: str
    endpoint: str


orders = Table("orders", Order, key="id", indexes={"by_item": ("item", "placed")})
screens = Table("screens", Screen, key="id")
