"""Direct invocations."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pydantic
import pytest

from lambent import App, AppError, Invocation, UnknownEvent, ValidationFailed
from lambent.app import current
from lambent.testing.events import ClientContext, LambdaContext

CONTEXT = LambdaContext()


class Order(msgspec.Struct):
    quantity: int


class Price(msgspec.Struct, rename="camel"):
    total_price: Decimal


class Model(pydantic.BaseModel):
    quantity: int


@dataclasses.dataclass
class Data:
    at: datetime


def test_events_and_results_are_what_is_declared() -> None:
    app = App()

    @app.invocation()
    def price(order: Order) -> Price:
        return Price(Decimal("9.5") * order.quantity)

    assert app({"quantity": 2}, CONTEXT) == {"totalPrice": "19.0"}
    assert price(Order(2)) == Price(Decimal("19.0"))


@pytest.mark.parametrize("event", [None, 5, "text", [1, 2], {}, {"a": {"b": None}}, True])
def test_any_json_comes_and_goes(event: Any) -> None:
    app = App()
    app.invocation()(lambda value: value)
    assert app(event, CONTEXT) == event


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (None, None),
        (Model(quantity=1), {"quantity": 1}),
        ([Model(quantity=1)], [{"quantity": 1}]),
        (Data(datetime(2026, 1, 2, tzinfo=UTC)), {"at": "2026-01-02T00:00:00Z"}),
        ((1, {"a"}), [1, ["a"]]),
        ({1: UUID(int=1), "b": b"x"}, {"1": "00000000-0000-0000-0000-000000000001", "b": "eA=="}),
    ],
)
def test_results_are_what_lambda_can_send(result: Any, expected: Any) -> None:
    app = App()
    app.invocation()(lambda: result)
    sent = app({}, CONTEXT)
    assert json.loads(json.dumps(sent)) == expected


def test_results_that_are_no_json() -> None:
    app = App()
    app.invocation()(lambda: object())
    with pytest.raises(NotImplementedError, match="type object cannot be sent as JSON"):
        app({}, CONTEXT)


def test_named_handlers_are_chosen_by_a_member() -> None:
    app = App("shop")

    @app.invocation("refund")
    def refund(event: dict[str, Any]) -> str:
        return f"refund {event['order']}"

    @app.invocation("price")
    def price(order: Order) -> int:
        return order.quantity * 2

    @app.invocation("Query.orders", member="field")
    def orders() -> str:
        return "orders"

    assert app({"action": "refund", "order": 7}, CONTEXT) == "refund 7"
    assert app({"action": "price", "quantity": 7}, CONTEXT) == 14
    assert app({"field": "Query.orders"}, CONTEXT) == "orders"
    for event in ({"action": "other"}, {"action": ["refund"]}, {}, "refund", None):
        with pytest.raises(UnknownEvent, match=r"action 'refund' or 'price'; field 'Query\.orders'"):
            app(event, CONTEXT)
    app.invocation()(lambda event: "others")
    assert app({"action": "other"}, CONTEXT) == "others"
    assert app(None, CONTEXT) == "others"


def test_what_is_wrong_is_said_at_import() -> None:
    app = App()

    def handle(event: Any) -> None: ...

    app.invocation()(handle)
    app.invocation("a")(lambda event: None)
    with pytest.raises(AppError, match=r"^Both .* are for direct invocations: "):
        app.invocation()(lambda event: None)
    with pytest.raises(AppError, match="action 'a'"):
        app.invocation("a")(lambda event: None)


def test_the_caller_sees_what_was_not_valid() -> None:
    app = App()

    @app.invocation()
    def handle(order: Order) -> None: ...

    with pytest.raises(
        ValidationFailed, match="Validation failed: quantity: Expected `int`, got `str`"
    ) as caught:
        app({"quantity": "x"}, CONTEXT)
    assert caught.value.details == [
        {"in": "body", "name": "quantity", "message": "Expected `int`, got `str`"}
    ]

    class Wrong(Exception):
        pass

    @app.invocation("fail")
    def fail() -> None:
        raise Wrong

    with pytest.raises(Wrong):
        app({"action": "fail"}, CONTEXT)


@pytest.mark.parametrize("is_async", [False, True])
def test_middleware_services_and_coroutines(is_async: bool) -> None:
    app = App()
    happened: list[Any] = []

    class Session:
        pass

    def session() -> Iterator[Session]:
        try:
            yield Session()
            happened.append("commit")
        except ValueError:
            happened.append("roll back")
            raise

    app.provide(session, lifetime="invocation")

    @app.middleware
    def double(invocation: Any, call_next: Any) -> Any:
        happened.append(invocation.event)
        return call_next(invocation) * 2

    def handle(value: int, session: Session, invocation: Invocation, context: Any) -> int:
        assert invocation.context is context is CONTEXT
        if value < 0:
            raise ValueError(value)
        return value

    async def handle_later(value: int, session: Session, invocation: Invocation, context: Any) -> int:
        await asyncio.sleep(0)
        return handle(value, session, invocation, context)

    app.invocation()(handle_later if is_async else handle)
    assert app(4, CONTEXT) == 8
    with pytest.raises(ValueError, match="-1"):
        app(-1, CONTEXT)
    app.loop.close()
    assert happened == [4, "commit", -1, "roll back"]


def test_correlation_ids_of_callers() -> None:
    app = App()

    @app.invocation()
    def handle(event: Any) -> Any:
        return [event, current.correlation_id.get()]

    current.correlation_id.set("of another invocation")
    assert app({"a": 1}, CONTEXT) == [{"a": 1}, None]
    context = LambdaContext(client_context=ClientContext(custom={"correlation-id": "c-1"}))
    assert app({"a": 1}, context) == [{"a": 1}, "c-1"]
    assert app({"lambent:call": {"correlation_id": "c-2"}, "payload": [1]}, CONTEXT) == [[1], "c-2"]
    assert app({"payload": 1, "other": 2}, CONTEXT) == [{"payload": 1, "other": 2}, None]
