"""Scalars as text."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.aws.errors import SerializationError
from lambent.aws.model import ServiceModel, Shape
from lambent.aws.text import decode_base64, encode_base64, text_formatter, text_parser


def _shape(**model: Any) -> Shape:
    metadata = {"protocol": "rest-json", "apiVersion": "", "endpointPrefix": "x"}
    service = ServiceModel("x", {"metadata": metadata, "operations": {}, "shapes": {"S": model}})
    return service.shape({"shape": "S"})


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("string", "a b", "a b"),
        ("integer", -5, "-5"),
        ("long", 2**40, "1099511627776"),
        ("double", 0.5, "0.5"),
        ("double", math.inf, "Infinity"),
        ("double", -math.inf, "-Infinity"),
        ("boolean", True, "true"),
        ("boolean", False, "false"),
        ("blob", b"\xff\x00", "/wA="),
    ],
)
def test_scalars(kind: str, value: object, text: str) -> None:
    assert text_formatter(_shape(type=kind), "iso8601")(value) == text
    assert text_parser(_shape(type=kind))(text) == value


def test_nan() -> None:
    assert text_formatter(_shape(type="double"), "iso8601")(math.nan) == "NaN"
    assert math.isnan(text_parser(_shape(type="double"))("NaN"))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "1.5"),
        ("integer", ""),
        ("integer", str(2**31)),
        ("integer", "9" * 5000),
        ("long", str(2**63)),
        ("double", "much"),
        ("boolean", "yes"),
        ("timestamp", "soon"),
        ("blob", "!"),
        ("blob", "é"),
    ],
)
def test_text_that_is_no_such_scalar(kind: str, text: str) -> None:
    with pytest.raises(SerializationError):
        text_parser(_shape(type=kind))(text)


def test_timestamp_formats_of_the_place_and_of_the_model() -> None:
    assert text_formatter(_shape(type="timestamp"), "iso8601")(0) == "1970-01-01T00:00:00Z"
    assert text_formatter(_shape(type="timestamp"), "rfc822")(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert text_formatter(_shape(type="timestamp", timestampFormat="unixTimestamp"), "iso8601")(0) == "0"


def test_json_values_in_headers() -> None:
    shape = _shape(type="string", jsonvalue=True, location="header")
    assert text_parser(shape)("eyJhIjogWzFdfQ==") == {"a": [1]}
    assert text_parser(shape)(text_formatter(shape, "iso8601")({"a": 1})) == {"a": 1}
    with pytest.raises(SerializationError):
        text_parser(shape)("e30")


@given(data=st.binary(max_size=100))
def test_base64(data: bytes) -> None:
    assert decode_base64(encode_base64(data)) == data


def test_base64_of_other_things() -> None:
    assert encode_base64("é") == "w6k="
    assert decode_base64("d6\nk=\r\n") == b"w\xa9"
