"""Tables, against moto's DynamoDB, and against what tests have in memory: both have to do the same."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, TypedDict

import boto3
import msgspec
import pytest

from lambent import AWSError, ConditionFailed, Table, UnexpectedItem
from lambent.app.client import connection
from lambent.app.errors import AppError
from lambent.app.table_expressions import Expression
from lambent.testing import memory_tables

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "eu-west-1",
    "LAMBENT_TABLE_ORDERS": "shop-test-orders",
    "LAMBENT_TABLE_LINES": "arn:aws:dynamodb:eu-west-1:123456789012:table/shop-test-lines",
}


class Order(msgspec.Struct):
    id: int
    item: str
    count: int = 1
    status: str | None = None
    price: float = 0.5
    tags: set[str] | None = None
    placed: datetime | None = None


class Line(TypedDict):
    order: str
    at: str
    name: str


orders = Table("orders", Order, key="id", indexes={"by_status": ("status", "id"), "by_item": "item"})
plain = Table("orders", key="id")
lines = Table("lines", Line, key="order", sort="at")
TABLES: dict[Table[Any], str] = {orders: "shop-test-orders", lines: "shop-test-lines"}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """moto's server."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(params=["moto", "memory"])
def dynamodb(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """boto3's client: of moto's server, and of what tests have in memory. Both tables are there, and empty."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    if request.param == "memory":
        with memory_tables(orders, lines):
            yield boto3.client("dynamodb", "eu-west-1", endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
            connection.close()
        return
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", request.getfixturevalue("moto"))
    client = boto3.client("dynamodb", "eu-west-1", endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
    for table, name in TABLES.items():
        _create(client, table, name)
    yield client
    connection.close()
    for name in TABLES.values():
        client.delete_table(TableName=name)


def _create(client: Any, table: Table[Any], name: str) -> None:
    """As a deployment makes it."""
    keys = [(table.key, table.sort), *table.indexes.values()]
    schemas = [
        [
            {"AttributeName": attribute, "KeyType": kind}
            for attribute, kind in zip(pair, ("HASH", "RANGE"), strict=True)
            if attribute is not None
        ]
        for pair in keys
    ]
    names = sorted({attribute for pair in keys for attribute in pair if attribute is not None})
    indexes = [
        {"IndexName": index, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
        for index, schema in zip(table.indexes, schemas[1:], strict=True)
    ]
    client.create_table(
        TableName=name,
        KeySchema=schemas[0],
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": table.type_of(one)} for one in names],
        BillingMode="PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )


def test_items_come_back_as_they_were(dynamodb: Any) -> None:
    order = Order(7, "tea", 3, "paid", 12.25, {"new", "gift"}, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    orders.put(order)
    assert orders.get(7) == order
    assert orders.get(7, consistent=True) == order
    assert orders.get(8) is None
    stored = dynamodb.get_item(TableName="shop-test-orders", Key={"id": {"N": "7"}})["Item"]
    assert stored["tags"] == {"SS": ["gift", "new"]}
    assert stored["placed"] == {"S": "2026-01-02T03:04:05Z"}
    assert plain.get(7) == {**stored_values(order), "price": Decimal("12.25")}


def stored_values(order: Order) -> dict[str, Any]:
    return {**msgspec.to_builtins(order), "tags": order.tags}


@pytest.mark.usefixtures("dynamodb")
def test_what_has_no_index_key_is_not_in_the_index() -> None:
    orders.put(Order(1, "tea"))
    orders.put(Order(2, "cups", status="paid"))
    assert [order.id for order in orders.query("paid", index="by_status")] == [2]
    assert orders.get(1) == Order(1, "tea")


@pytest.mark.usefixtures("dynamodb")
def test_new_items_are_new() -> None:
    orders.put(Order(1, "tea"), new=True)
    with pytest.raises(
        ConditionFailed, match="orders: the item id=1 is not as it was expected to be"
    ) as failed:
        orders.put(Order(1, "cups"), new=True)
    assert (failed.value.table, failed.value.key) == ("orders", {"id": 1})
    assert str(pickle.loads(pickle.dumps(failed.value))) == str(failed.value)  # noqa: S301 - our own
    assert orders.get(1) == Order(1, "tea")
    orders.put(Order(1, "cups"))
    assert orders.get(1) == Order(1, "cups")


@pytest.mark.usefixtures("dynamodb")
def test_updates_change_what_they_say() -> None:
    orders.put(Order(1, "tea", 5, "new"))
    changed = orders.update(1, set={"status": "paid"}, add={"count": -2}, remove=["tags"])
    assert changed == orders.get(1) == Order(1, "tea", 3, "paid")
    with pytest.raises(ConditionFailed):
        orders.update(1, add={"count": -4}, condition="#count >= :least", values={"least": 4})
    with pytest.raises(ConditionFailed, match="id=2"):
        orders.update(2, add={"count": 1})
    assert plain.update(2, add={"count": 1}, create=True) == {"id": 2, "count": 1}


@pytest.mark.usefixtures("dynamodb")
def test_deleting_tells_what_was_there() -> None:
    orders.put(Order(1, "tea"))
    with pytest.raises(ConditionFailed):
        orders.delete(1, condition="#item = :item", values={"item": "cups"})
    assert orders.delete(1) == Order(1, "tea")
    assert orders.delete(1) is None


HOURS = [{"order": "a", "at": f"2026-01-0{day}", "name": f"line {day}"} for day in range(1, 6)]


@pytest.mark.parametrize(
    ("options", "days"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"reverse": True, "limit": 2}, [5, 4]),
        ({"sort": "2026-01-03"}, [3]),
        ({"begins_with": "2026-01-0"}, [1, 2, 3, 4, 5]),
        ({"between": ("2026-01-02", "2026-01-04")}, [2, 3, 4]),
        ({"least": "2026-01-04"}, [4, 5]),
        ({"most": "2026-01-02", "consistent": True}, [1, 2]),
        ({"filter": "#name <> :one", "values": {"one": "line 1"}, "limit": 2}, [2, 3]),
    ],
)
@pytest.mark.usefixtures("dynamodb")
def test_queries_say_one_thing_of_the_sort_key(options: dict[str, Any], days: list[int]) -> None:
    for line in HOURS:
        lines.put(Line(**line))  # type: ignore[typeddict-item] # what it has
    lines.put(Line(order="b", at="2026-01-01", name="another order's"))
    assert [line["name"] for line in lines.query("a", **options)] == [f"line {day}" for day in days]


@pytest.mark.usefixtures("dynamodb")
def test_pages_are_turned() -> None:
    """DynamoDB answers 1 MB at a time."""
    for number in range(4):
        lines.put(Line(order="a", at=str(number), name="x" * 390_000))
    assert [line["at"] for line in lines.query("a")] == ["0", "1", "2", "3"]
    assert sorted(line["at"] for line in lines.scan()) == ["0", "1", "2", "3"]
    assert len(list(lines.scan(limit=3))) == 3
    assert [line["at"] for line in lines.scan(filter="#at > :at", values={"at": "1"}, limit=1)] in (
        ["2"],
        ["3"],
    )


@pytest.mark.usefixtures("dynamodb")
def test_async_handlers_have_the_same() -> None:
    async def work() -> list[Any]:
        await orders.aput(Order(1, "tea"))
        await orders.aput(Order(2, "tea"))
        found = [
            await orders.aget(1),
            await orders.aupdate(1, set={"count": 2}),
            sorted([order.id async for order in orders.aquery("tea", index="by_item")]),
            [order.id async for order in orders.ascan(limit=1)] in ([1], [2]),
            await orders.adelete(1),
        ]
        connection.close()
        return found

    assert asyncio.run(work()) == [Order(1, "tea"), Order(1, "tea", 2), [1, 2], True, Order(1, "tea", 2)]


MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: lines.get("a"),
        TypeError,
        r"Table 'lines': an item is told by a key \(order\) and a sort key \(at\)",
    ),
    (lambda: orders.get(1, 2), TypeError, r"Table 'orders': an item is told by a key \(id\)$"),
    (
        lambda: plain.put({"item": "tea"}),
        ValueError,
        "Table 'orders': the item has no 'id', which is its key",
    ),
    (lambda: plain.put(5), TypeError, "an item has members, and int has none"),  # type: ignore[arg-type]
    (lambda: orders.update(1), ValueError, "an update changes something: give set, add or remove"),
    (lambda: orders.update(1, set={"a": 1}, remove="a"), ValueError, "a would be changed twice"),
    (
        lambda: orders.query("paid", index="by_day"),
        AppError,
        "no index 'by_day'; declared: by_status, by_item",
    ),
    (lambda: orders.query(1, sort=2), ValueError, "there is no sort key of which sort could be said"),
    (lambda: lines.query("a", sort="1", least="0"), ValueError, "one thing can be said, not sort and least"),
    (lambda: orders.scan(limit=0), ValueError, "limit is 0: at least 1"),
    (lambda: orders.scan(filter="#count > :n"), ValueError, "there is no value 'n': give values={'n': …}"),
    (lambda: orders.scan(values={"n": 1}), ValueError, "no expression has the value 'n'"),
    (lambda: Table("a table", key="id"), AppError, "'a table' is no name of a table"),
    (lambda: Table("orders", Order, key="nr").type_of("nr"), AppError, "Order has no member 'nr'"),
    (lambda: Table("orders", int, key="nr").type_of("nr"), AppError, "has no members that are known"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[one[2] for one in MISTAKES])
def test_mistakes_are_told(mistake: tuple[Any, type[Exception], str]) -> None:
    work, kind, message = mistake
    with pytest.raises(kind, match=message):
        work()


@pytest.mark.usefixtures("dynamodb")
def test_refusals_are_dynamodbs() -> None:
    with pytest.raises(AWSError, match="ValidationException"):
        orders.update(1, set={"id": 2}, create=True)
    with pytest.raises(AWSError, match="ResourceNotFoundException"):
        list(Table("nowhere", key="id").scan())


@pytest.mark.usefixtures("dynamodb")
def test_an_item_that_does_not_fit_is_told() -> None:
    plain.put({"id": 1, "count": "many"})
    with pytest.raises(
        UnexpectedItem, match=r"orders: the item \{'id': 1\} is no Order: item: It is missing; count"
    ):
        orders.get(1)


class Size(Enum):
    SMALL = 1
    LARGE = 2


@dataclass
class Shapes:
    text: str
    number: int
    money: Decimal | None
    data: bytes
    when: datetime
    size: Size
    kind: Literal["tea", "cups"]
    least: Annotated[int, msgspec.Meta(ge=1)]
    flag: bool
    parts: list[int]
    several: int | str
    inner: Order


@pytest.mark.parametrize(
    ("attribute", "kind"),
    [
        ("text", "S"),
        ("number", "N"),
        ("money", "N"),
        ("data", "B"),
        ("when", "S"),
        ("size", "N"),
        ("kind", "S"),
        ("least", "N"),
        ("flag", None),
        ("parts", None),
        ("several", None),
        ("inner", None),
    ],
)
def test_keys_have_the_type_that_is_declared(attribute: str, kind: str | None) -> None:
    table = Table("shapes", Shapes, key=attribute)
    if kind is None:
        with pytest.raises(AppError, match=f"Table 'shapes': Shapes.{attribute} is .*cannot be a key"):
            table.type_of(attribute)
    else:
        assert table.type_of(attribute) == kind


CONDITIONS = [
    ("#count = :two AND NOT #item <> :tea", True),
    ("#count < :two OR begins_with(#item, :t)", True),
    ("#count BETWEEN :one AND :two", True),
    ("#item IN (:tea, :t)", True),
    ("(#count >= :two) AND attribute_not_exists(#state)", False),  # None is an attribute, too
    ("attribute_type(#state, :null)", True),
    ("contains(#item, :t) AND size(#item) > :two", True),
    ("contains(#tags, :tea)", True),
    ("attribute_exists(#nothing) OR #nothing = :one", False),
    ("#item < :two", False),  # other types are not compared; moto's own error is 500
]
GIVEN = {"one": 1, "two": 2, "tea": "tea", "t": "t", "null": "NULL"}


@pytest.mark.usefixtures("dynamodb")
def test_conditions_are_dynamodbs(request: pytest.FixtureRequest) -> None:
    plain.put({"id": 1, "item": "tea", "count": 2, "state": None, "tags": {"tea", "new"}})
    is_moto = "moto" in request.node.name
    for condition, wanted in CONDITIONS[:-1] if is_moto else CONDITIONS:
        values = {
            name: value for name, value in GIVEN.items() if f":{name}" in re.findall(r":\w+", condition)
        }
        found = list(plain.scan(filter=condition, values=values))
        assert bool(found) is wanted, condition


def test_updates_of_other_clients_are_understood(dynamodb: Any) -> None:
    plain.put({"id": 1, "count": 2, "tags": {"a", "b"}, "list": [1]})
    dynamodb.update_item(
        TableName="shop-test-orders",
        Key={"id": {"N": "1"}},
        UpdateExpression="SET #c = #c - :one, again = if_not_exists(again, :one), #l = list_append(#l, :list)"
        " DELETE tags :b",
        ExpressionAttributeNames={"#c": "count", "#l": "list"},
        ExpressionAttributeValues={":one": {"N": "1"}, ":list": {"L": [{"N": "2"}]}, ":b": {"SS": ["b"]}},
    )
    assert plain.get(1) == {"id": 1, "count": 1, "again": 1, "tags": {"a"}, "list": [1, 2]}


def test_names_in_expressions_may_be_any() -> None:
    expression = Expression({"n": 1})
    expression.condition("#count > :n OR #count = :n", ("attribute_exists", "order-id"))
    assert expression.members() == {
        "ConditionExpression": "attribute_exists(#n0) AND (#n1 > :v0 OR #n1 = :v1)",
        "ExpressionAttributeNames": {"#n0": "order-id", "#n1": "count"},
        "ExpressionAttributeValues": {":v0": {"N": "1"}, ":v1": {"N": "1"}},
    }


@pytest.mark.parametrize("item", [{"id": ""}, {"id": b""}, {"id": True}, {"id": None}])
def test_what_cannot_be_a_key_is_refused_in_memory_too(item: dict[str, Any]) -> None:
    with memory_tables(plain), pytest.raises(AWSError, match="ValidationException"):
        plain.put(item)


@pytest.mark.parametrize(
    ("operation", "members", "told"),
    [
        (
            "get_item",
            {"Key": {"id": {"S": "a"}}, "ProjectionExpression": "v"},
            "GetItem with ProjectionExpression",
        ),
        ("put_item", {"Item": {"id": {"S": "a"}}, "Expected": {}}, "PutItem with Expected"),
        ("scan", {"Select": "COUNT"}, "Scan with Select"),
        (
            "update_item",
            {"Key": {"id": {"S": "a"}}, "UpdateExpression": "REMOVE v", "ReturnValues": "UPDATED_OLD"},
            "UpdateItem with ReturnValues UPDATED_OLD",
        ),
        (
            "update_item",
            {"Key": {"id": {"S": "a"}}, "UpdateExpression": "REMOVE v.w"},
            "changes whole attributes only, and 'REMOVE v.w' changes a part of v",
        ),
    ],
)
def test_what_is_not_in_memory_is_told(operation: str, members: dict[str, Any], told: str) -> None:
    with memory_tables(plain):
        client = boto3.client("dynamodb")
        with pytest.raises(client.exceptions.ClientError, match=told):
            getattr(client, operation)(TableName="orders", **members)


def test_keys_of_dicts_and_sizes_of_anything_in_memory() -> None:
    notes = Table("notes", key="id", sort="at")
    with memory_tables(notes):
        for at in (1, "one", b"one"):
            notes.put({"id": "a", "at": at, "v": at})
        assert len(list(notes.query("a"))) == 3
        assert [note["v"] for note in notes.scan(filter="size(#v) > :n", values={"n": 2})] == ["one", b"one"]
