"""Changes of DynamoDB tables."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pydantic
import pytest
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBStreamEvent

from lambent import App, AppError, UnknownEvent
from lambent.app.logger import Logger
from lambent.app.sources.table_stream import Change
from lambent.app.sources.window import Window
from lambent.testing import Client
from lambent.testing.events import LambdaContext, dynamodb_stream
from lambent.testing.events import Window as EventWindow

CONTEXT = LambdaContext()
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
OLD = {"id": 1, "price": Decimal("9.50"), "tags": {"a"}, "raw": b"\x00", "note": None}
NEW = {**OLD, "price": 10}
CHANGES: list[tuple[dict[str, Any] | None, dict[str, Any] | None]] = [(None, OLD), (OLD, NEW), (NEW, None)]


class Order(msgspec.Struct):
    id: int
    price: float
    tags: set[str]
    raw: bytes
    note: str | None


class Exact(msgspec.Struct):
    price: Decimal


class OrderModel(pydantic.BaseModel):
    id: int
    price: Decimal


def new_app() -> tuple[App, io.StringIO]:
    log = io.StringIO()
    return App("shop", logger=Logger("shop", stream=log)), log


def test_a_change_in_plain_values() -> None:
    app, _ = new_app()
    got: list[Change[dict[str, Any]]] = []

    @app.table_stream("orders")
    def handle(change: Change[dict[str, Any]]) -> None:
        got.append(change)

    event = dynamodb_stream(CHANGES, table="orders", time=NOON)
    assert app(event, CONTEXT) == {"batchItemFailures": []}
    assert [one.event_name for one in got] == ["INSERT", "MODIFY", "REMOVE"]
    assert [(one.old, one.new) for one in got] == CHANGES
    assert all(one.keys == {"id": 1} for one in got)
    assert type(got[1].new["price"]) is int  # type: ignore[index]
    for ours, theirs in zip(got, DynamoDBStreamEvent(event).records, strict=True):
        record = theirs.dynamodb
        assert record is not None
        assert ours.sequence_number == ours.identifier == record.sequence_number
        assert ours.size == record.size_bytes
        assert ours.view_type == "NEW_AND_OLD_IMAGES"
        assert ours.event_id == theirs.event_id
        assert ours.created_at == NOON
        assert (ours.table, ours.arn) == ("orders", theirs.event_source_arn)
        assert not ours.is_ttl


@pytest.mark.parametrize("annotation", [Change, Change[Any]])
def test_changes_without_a_type(annotation: Any) -> None:
    app, _ = new_app()
    got = []

    def handle(change: Any) -> None:
        got.append(change.new)

    handle.__annotations__["change"] = annotation
    app.table_stream("orders")(handle)
    app(dynamodb_stream(CHANGES[:1], table="orders"), CONTEXT)
    assert got == [OLD]


def test_typed_changes() -> None:
    app, log = new_app()
    got = []

    @app.table_stream("orders")
    def handle(change: Change[Order]) -> None:
        got.append((change.old, change.new))
        assert change.new is change.new

    before, after = Order(1, 9.5, {"a"}, b"\x00", None), Order(1, 10, {"a"}, b"\x00", None)
    assert app(dynamodb_stream(CHANGES, table="orders"), CONTEXT) == {"batchItemFailures": []}
    assert got == [(None, before), (before, after), (after, None)]
    event = dynamodb_stream([(None, {"id": 1, "price": "free"}), (None, OLD)], table="orders")
    (failure,) = app(event, CONTEXT)["batchItemFailures"]
    assert failure["itemIdentifier"] == event["Records"][0]["dynamodb"]["SequenceNumber"]
    assert "new.price: Expected `float`, got `str`" in log.getvalue()


def test_images_and_keys_by_name() -> None:
    app, _ = new_app()
    got: list[Any] = []

    @app.table_stream("orders")
    def handle(new: Exact | None, old: OrderModel | None, keys: dict[str, Any]) -> None:
        got.append((new, old, keys))

    @app.table_stream("plain")
    def plain(old: dict[str, Any] | None, new, context: Any) -> None:  # type: ignore[no-untyped-def]
        got.append((new, old))

    app(dynamodb_stream(CHANGES, table="orders"), CONTEXT)
    model = OrderModel(id=1, price=Decimal("9.50"))
    assert got[:2] == [(Exact(Decimal("9.50")), None, {"id": 1}), (Exact(Decimal(10)), model, {"id": 1})]
    got.clear()
    app(dynamodb_stream(CHANGES, table="plain"), CONTEXT)
    assert got == [(OLD, None), (NEW, OLD), (None, NEW)]


def test_changes_of_other_kinds_are_passed_over() -> None:
    app, _ = new_app()
    got = []

    @app.table_stream("orders", events=["INSERT", "MODIFY"])
    def handle(new: Exact) -> None:
        got.append(new)

    assert app(dynamodb_stream(CHANGES, table="orders"), CONTEXT) == {"batchItemFailures": []}
    assert len(got) == 2
    assert app(dynamodb_stream(CHANGES[2:], table="orders"), CONTEXT) == {"batchItemFailures": []}


def _item(number: int) -> dict[str, Any]:
    return {"id": number}


MIXED: list[tuple[dict[str, Any] | None, dict[str, Any] | None]] = [
    (None, _item(0)),
    (None, _item(1)),
    (_item(0), _item(0)),
    (_item(1), None),
    (None, _item(1)),
]


@pytest.mark.parametrize("concurrency", [None, 3])
@pytest.mark.parametrize("fails_at", [None, 0, 2, 3, 4])
@pytest.mark.parametrize("after_failure", ["stop", "continue"])
def test_handlers_of_one_table_take_turns(
    concurrency: int | None, fails_at: int | None, after_failure: Any
) -> None:
    """What happened and what is reported is as with one handler that looks at the event's name."""
    app, _ = new_app()
    got: list[tuple[str, int]] = []
    wrong = None if fails_at is None else dynamodb_stream(MIXED[: fails_at + 1])["Records"][-1]["eventName"]
    event = dynamodb_stream(MIXED, table="orders")
    numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]

    def seen(change: Change[Any]) -> None:
        if fails_at is not None and change.sequence_number == numbers[fails_at]:
            assert change.event_name == wrong
            raise ValueError("no")
        got.append((change.event_name, numbers.index(change.sequence_number)))

    @app.table_stream("orders", events=["INSERT"], after_failure=after_failure)
    def inserted(change: Change[Any]) -> None:
        seen(change)

    @app.table_stream("orders", events=["REMOVE"], after_failure=after_failure, concurrency=concurrency)
    async def removed(change: Change[Any]) -> None:
        seen(change)

    @app.table_stream("orders", events=["MODIFY"], after_failure=after_failure)
    def modified(changes: list[Change[Any]]) -> None:
        for change in changes:
            seen(change)

    with Client(app) as client:
        reported = client.invoke(event)["batchItemFailures"]
    names = ["INSERT", "INSERT", "MODIFY", "REMOVE", "INSERT"]
    places = range(5) if after_failure == "continue" else range(5 if fails_at is None else fails_at)
    assert got == [(names[place], place) for place in places if place != fails_at]
    assert [one["itemIdentifier"] for one in reported] == ([] if fails_at is None else [numbers[fails_at]])


def test_what_no_handler_of_a_table_wants_is_a_success() -> None:
    app, log = new_app()
    got = []
    app.table_stream("orders", events=["INSERT"])(lambda new: got.append(new))
    app.table_stream("orders", events=["REMOVE"])(lambda old: got.append(old))
    assert app(dynamodb_stream(CHANGES, table="orders"), CONTEXT) == {"batchItemFailures": []}
    assert got == [OLD, NEW]
    event = dynamodb_stream(CHANGES, table="orders")
    event["Records"][0] = "none"
    with pytest.raises(ExceptionGroup):
        app(
            {"Records": [event["Records"][2], {"eventSourceARN": event["Records"][2]["eventSourceARN"]}]},
            CONTEXT,
        )
    assert "It is no record of a table stream" in log.getvalue()


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ({}, {}, "both .*one.* and .*two.* are for INSERT and MODIFY and REMOVE"),
        ({"events": ["INSERT", "MODIFY"]}, {"events": ["MODIFY"]}, "are for MODIFY: one handler"),
        ({"events": ["INSERT"]}, {"events": ["REMOVE"], "batch_size": 10}, "with batch_size=100 and 10"),
        ({"events": ["INSERT"], "bisect": True}, {"events": ["REMOVE"]}, "with bisect=True and False"),
        ({"events": ["INSERT"]}, {"events": ["REMOVE"], "concurrency": 0}, "concurrency is 0"),
    ],
)
def test_handlers_that_are_no_neighbours(first: Any, second: Any, text: str) -> None:
    app, _ = new_app()
    got: list[Any] = []

    def one(change: Change[Any]) -> None:
        got.append(change)

    def two(change: Change[Any]) -> None: ...

    app.table_stream("orders", **first)(one)
    with pytest.raises(AppError, match=text):
        app.table_stream("orders", **second)(two)
    app(dynamodb_stream(CHANGES[:1], table="orders"), CONTEXT)
    assert len(got) == 1


def test_windows_of_tables_with_several_handlers() -> None:
    app, _ = new_app()
    app.table_stream("orders", events=["INSERT"])(lambda new: None)

    @app.table_stream("orders", events=["REMOVE"])
    def removed(keys: dict[str, Any], window: Window) -> None:
        window.state["removed"] = window.state.get("removed", 0) + 1

    with pytest.raises(AppError, match="asks for a window"):
        app(dynamodb_stream(CHANGES, table="orders"), CONTEXT)
    answer = app(dynamodb_stream(CHANGES, table="orders", window=EventWindow(0, 60)), CONTEXT)
    assert answer == {"batchItemFailures": [], "state": {"removed": 1}}


@pytest.mark.parametrize("declared", [Exact, dict, dict[str, Any]])
def test_a_stream_without_images_says_what_is_missing(declared: Any) -> None:
    app, log = new_app()
    app.table_stream("orders", events=["INSERT"])(_takes(new=declared))
    event = dynamodb_stream(CHANGES[:1], table="orders", view="KEYS_ONLY")
    assert len(app(event, CONTEXT)["batchItemFailures"]) == 1
    assert "new: Expected `object`, got `null`" in log.getvalue()


def _takes(**annotations: Any) -> Any:
    names = ", ".join(annotations)
    made: dict[str, Any] = {}
    exec(f"def handle({names}): ...", made)  # noqa: S102 - handlers with these parameters
    made["handle"].__annotations__ = annotations
    return made["handle"]


@pytest.mark.parametrize(
    ("handler", "options", "text"),
    [
        (_takes(new=Order), {}, "'new' is None for REMOVE"),
        (_takes(old=Order), {}, "'old' is None for INSERT"),
        (_takes(order=Order), {}, "takes a Change, or parameters named new, old and keys"),
        (_takes(new=Order | Exact), {"events": ["INSERT"]}, "cannot be made from an item"),
        (_takes(new=Any), {"events": ["DELETE"]}, "some of INSERT, MODIFY, REMOVE"),
        (_takes(new=Any), {"events": []}, "some of INSERT, MODIFY, REMOVE"),
    ],
)
def test_what_is_wrong_is_said_at_import(handler: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(AppError, match=text):
        App().table_stream("orders", **options)(handler)


def test_items_removed_when_their_time_was_over() -> None:
    app, _ = new_app()
    got = []

    @app.table_stream("orders")
    def handle(change: Change[Any]) -> None:
        got.append(change.is_ttl)

    app(dynamodb_stream([(OLD, None)], table="orders", expired=True), CONTEXT)
    app(dynamodb_stream([(OLD, None)], table="orders"), CONTEXT)
    assert got == [True, False]


def test_tables_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = new_app()
    got = []
    app.table_stream("orders")(lambda keys: got.append(keys))
    monkeypatch.setenv("LAMBENT_TABLE_ORDERS", "shop-prod-orders")
    app(dynamodb_stream(CHANGES[:1], table="orders"), CONTEXT)
    app(dynamodb_stream(CHANGES[:1], table="shop-prod-orders"), CONTEXT)
    assert len(got) == 2
    with pytest.raises(UnknownEvent, match="table/others/stream"):
        app(dynamodb_stream(CHANGES[:1], table="others"), CONTEXT)


def test_the_checkpoint_is_the_first_that_powertools_reports() -> None:
    app, _ = new_app()
    seen = []

    @app.table_stream("orders")
    def handle(change: Change[dict[str, Any]]) -> None:
        seen.append(change.event_name)
        if change.event_name != "INSERT":
            raise ValueError

    def oracle(record: Any) -> None:
        if record.event_name.name != "INSERT":
            raise ValueError

    event = dynamodb_stream(CHANGES, table="orders")
    with BatchProcessor(EventType.DynamoDBStreams)(event["Records"], oracle) as processor:
        processor.process()
    assert app(event, CONTEXT)["batchItemFailures"] == processor.response()["batchItemFailures"][:1]
    assert seen == ["INSERT", "MODIFY"]


def test_concurrency_keeps_the_order_of_items() -> None:
    app, _ = new_app()
    ended = []
    running, most = 0, 0

    @app.table_stream("orders", concurrency=8)
    async def handle(new: dict[str, Any] | None) -> None:
        nonlocal running, most
        assert new is not None
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001 * (3 - new["n"]))
        running -= 1
        ended.append((new["id"], new["n"]))

    changes = [(None, {"id": item, "n": n}) for n in range(3) for item in "ab"]
    assert app(dynamodb_stream(changes, table="orders"), CONTEXT) == {"batchItemFailures": []}
    app.loop.close()
    assert most == 2
    for item in "ab":
        assert [n for one, n in ended if one == item] == [0, 1, 2]


def test_windows() -> None:
    app, _ = new_app()

    @app.table_stream("orders")
    def handle(keys: dict[str, Any], window: Window) -> None:
        window.state["n"] = window.state.get("n", 0) + keys["id"]

    event = dynamodb_stream(CHANGES, table="orders", window=EventWindow(NOON, NOON, state={"n": 1}))
    assert app(event, CONTEXT) == {"batchItemFailures": [], "state": {"n": 4}}
