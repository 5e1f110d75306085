"""Attribute values both ways, with boto3's and Powertools' conversions as oracles."""

from __future__ import annotations

import base64
import dataclasses
import enum
import uuid
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from aws_lambda_powertools.shared.dynamodb_deserializer import TypeDeserializer
from boto3.dynamodb.types import Binary, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from lambent.app.attribute_values import from_attribute, from_attributes, to_attribute, to_attributes

B = base64.b64encode(b"\x00\xffdata").decode()


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ({"S": ""}, ""),
        ({"S": "ü"}, "ü"),
        ({"N": "5"}, 5),
        ({"N": "-0"}, 0),
        ({"N": "1.0"}, 1),
        ({"N": "1E+2"}, 100),
        ({"N": "9.50"}, Decimal("9.50")),
        (
            {"N": "0.1000000000000000000000000000000000001"},
            Decimal("0.1000000000000000000000000000000000001"),
        ),
        ({"N": "99999999999999999999999999999999999999"}, 99999999999999999999999999999999999999),
        ({"N": "1E-130"}, Decimal("1E-130")),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"B": B}, b"\x00\xffdata"),
        ({"B": b"raw"}, b"raw"),
        ({"SS": ["a", "b"]}, {"a", "b"}),
        ({"NS": ["1", "2.5"]}, {1, Decimal("2.5")}),
        ({"BS": [B]}, {b"\x00\xffdata"}),
        ({"L": []}, []),
        ({"M": {}}, {}),
        ({"M": {"a": {"L": [{"N": "1"}, {"M": {"b": {"NULL": True}}}]}}}, {"a": [1, {"b": None}]}),
    ],
)
def test_reads_each_type(attribute: dict[str, Any], value: Any) -> None:
    found = from_attribute(attribute)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "attribute",
    [{}, {"X": "1"}, {"S": "a", "N": "1"}, {"N": "one"}, {"N": "NaN"}, {"N": "Infinity"}, {"N": "1E+999999999"}, "S",
     None, {"B": "not base64"}, {"L": [{"Q": 1}]}, {"M": []}, {"N": 5.5j}],
)  # fmt: skip
def test_refuses_what_is_no_attribute_value(attribute: Any) -> None:
    with pytest.raises(ValueError, match="no attribute value"):
        from_attribute(attribute)


class Color(enum.Enum):
    RED = "red"


class Tag(str, enum.Enum):  # noqa: UP042 - what older code has
    NEW = "new"


class Line(msgspec.Struct, rename="camel"):
    item_id: int
    tags: set[str]


@dataclasses.dataclass
class Point:
    x: float


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (0.1, {"N": "0.1"}),
        (1e-7, {"N": "1E-7"}),
        (-0.0, {"N": "0"}),
        (10**37, {"N": str(10**37)}),
        (10**100, {"N": str(10**100)}),
        (Decimal("1.50"), {"N": "1.50"}),
        ((1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}),
        (frozenset({2}), {"NS": ["2"]}),
        (bytearray(b"x"), {"B": "eA=="}),
        (memoryview(b"x"), {"B": "eA=="}),
        (Color.RED, {"S": "red"}),
        (Tag.NEW, {"S": "new"}),
        (Line(1, {"a"}), {"M": {"itemId": {"N": "1"}, "tags": {"SS": ["a"]}}}),
        (Point(1.5), {"M": {"x": {"N": "1.5"}}}),
        (uuid.UUID(int=1), {"S": "00000000-0000-0000-0000-000000000001"}),
    ],
)
def test_writes_what_is_not_of_its_own_types(value: Any, attribute: dict[str, Any]) -> None:
    assert to_attribute(value) == attribute


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), Decimal("1E+126"), Decimal("1E-131"), 10**126, int("1" * 39), set(), 1e300],
)
def test_refuses_values_that_dynamodb_cannot_hold(value: Any) -> None:
    with pytest.raises(ValueError, match="DynamoDB"):
        to_attribute(value)


@pytest.mark.parametrize("value", [object(), {1: "a"}, {1, "a"}, {None}, print])
def test_refuses_types_that_dynamodb_has_not(value: Any) -> None:
    with pytest.raises(TypeError):
        to_attribute(value)


numbers = st.integers(-(10**38) + 1, 10**38 - 1) | st.decimals(
    min_value=-(10**20), max_value=10**20, places=8, allow_nan=False, allow_infinity=False
)
scalars = st.none() | st.booleans() | st.text() | st.binary() | numbers
values = st.recursive(
    scalars
    | st.sets(st.text(), min_size=1)
    | st.sets(st.binary(), min_size=1)
    | st.sets(numbers, min_size=1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values, max_size=4))
def test_what_is_written_is_read_again(item: dict[str, Any]) -> None:
    assert from_attributes(to_attributes(item)) == item


@given(values)
def test_agrees_with_boto3_and_powertools(value: Any) -> None:
    theirs = TypeSerializer().serialize(value)
    assert _sorted(_plain(to_attribute(value))) == _sorted(_plain(theirs))
    assert from_attribute(theirs) == value
    assert from_attribute(theirs) == TypeDeserializer().deserialize(_plain(theirs))


def _plain(value: Any) -> Any:
    """Binary values as bytes: ours are base64, boto3's its own type."""
    if isinstance(value, dict):
        return {
            name: base64.b64decode(one)
            if name == "B" and isinstance(one, str)
            else [base64.b64decode(each) if isinstance(each, str) else _plain(each) for each in one]
            if name == "BS"
            else _plain(one)
            for name, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.value if isinstance(value, Binary) else value


def _sorted(value: Any) -> Any:
    """Sets in an order, and numbers as numbers: 0E-8 is 0."""
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, one in value.items():
        if name == "N":
            found[name] = _number(one)
        elif name == "NS":
            found[name] = sorted(map(_number, one))
        else:
            found[name] = sorted(one) if name in ("SS", "BS") else _sorted(one)
    return found


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value
