"""What the functions of the shop say to each other."""

import msgspec


class Receipt(msgspec.Struct):
    order: str
    email: str


class Day(msgspec.Struct):
    """A report is wanted: of all orders until this day."""

    day: str


class Report(msgspec.Struct):
    day: str
    orders: int
    cents: int


class Done(msgspec.Struct, rename="camel"):
    """What Lambda tells a destination of a report."""

    response_payload: Report
