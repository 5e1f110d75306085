"""422 tells everything that is wrong with a request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

import attrs
import msgspec
import pydantic
import pytest
from tests.app.conftest import answer_of, event_of

from lambent import App

if TYPE_CHECKING:
    from tests.app.conftest import Answer


class Item(msgspec.Struct, rename="camel"):
    sku: str
    unit_price: Annotated[float, msgspec.Meta(gt=0)]


class Order(msgspec.Struct):
    customer: str
    items: list[Item]
    gift: Item | None = None
    numbers: dict[str, int] = {}


@dataclass
class Line:
    sku: str
    quantity: int = 1
    tags: list[str] = field(default_factory=list)


@attrs.define
class Sheet:
    sku: str
    quantity: int = 1
    tags: list[str] = attrs.field(factory=list)


class Row(TypedDict):
    sku: str
    quantity: NotRequired[int]
    tags: NotRequired[list[str]]


class Model(pydantic.BaseModel):
    sku: str
    quantity: int = 1
    tags: list[str] = []


class Tagged(msgspec.Struct, tag=True):
    sku: str
    quantity: int = 1


def posted(declared: Any, value: Any) -> Answer:
    app = App()

    def handler(body: Any) -> None: ...

    handler.__annotations__["body"] = declared
    app.post("/")(handler)
    body = json.dumps(value)
    return answer_of(
        app(event_of("v2", "POST", "/", body=body, headers=[("Content-Type", "application/json")]))
    )


def wrong(declared: Any, value: Any) -> dict[str, str]:
    answer = posted(declared, value)
    assert answer.status == 422
    return {one["name"]: one["message"] for one in answer.json["details"]}


def test_members_of_members() -> None:
    given = {
        "items": [{"sku": 1}, {"sku": "a", "unitPrice": -1}, {"sku": "b", "unitPrice": 1}],
        "gift": {"unitPrice": "x"},
        "numbers": {"a": "b"},
    }
    assert wrong(Order, given) == {
        "customer": "It is missing",
        "items[0].sku": "Expected `str`, got `int`",
        "items[0].unitPrice": "It is missing",
        "items[1].unitPrice": "Expected `float` > 0.0",
        "gift.sku": "It is missing",
        "gift.unitPrice": "Expected `float`, got `str`",
        "numbers[...]": "Expected `int`, got `str`",
    }


@pytest.mark.parametrize("declared", [Line, Sheet, Row, Model])
def test_every_kind_of_object(declared: Any) -> None:
    assert wrong(declared, {"quantity": "x", "tags": ["a", 1]}).keys() == {"sku", "quantity", "tags[1]"}
    assert wrong(list[declared], [{"sku": "a"}, {}, {"sku": 1}]).keys() == {"[1].sku", "[2].sku"}


@pytest.mark.parametrize(
    ("declared", "value"),
    [(Tagged, {"type": "Tagged", "sku": 1, "quantity": "x"}), (Order, []), (int | str, [1]), (Order, None)],
)
def test_what_msgspec_says_is_said_otherwise(declared: Any, value: Any) -> None:
    assert len(wrong(declared, value)) == 1


def test_there_is_an_end_to_it() -> None:
    assert len(wrong(list[int], ["x"] * 1000)) == 100
    assert len(wrong(list[int], ["x"] * 2001)) == 1
    # Of a million values only some are looked at, and what follows is not found so.
    assert len(wrong(list[list[int]], [[1] * 1000] * 999 + [[1] * 998 + ["x", "y"]])) == 1
