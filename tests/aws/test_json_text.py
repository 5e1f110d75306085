from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.aws.json_text import describe_json_error

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: "


@pytest.mark.parametrize(
    ("data", "message", "line", "column"),
    [
        # The first two are AWS-recorded: test_lambda_invoke_payload_encoding_error.
        (b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt", "Invalid UTF-8 start byte 0x87", 1, 3),
        (
            b"\x99\xeb,j\x07\xa1zYh",
            f"Unexpected character ((CTRL-CHAR, code 153)): expected a valid value {VALUES}",
            1,
            1,
        ),
        (b"not json", f"Unrecognized token 'not': was expecting {VALUES}", 1, 4),
        (
            b"{'a': 1}",
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
            1,
            2,
        ),
        (
            b'{"a" 1}',
            "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value",
            1,
            6,
        ),
        (
            b'{"a":1 "b":2}',
            "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries",
            1,
            8,
        ),
        (b"[1\n 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", 2, 2),
        (b'{"a": }', f"Unexpected character ('}}' (code 125)): expected a valid value {VALUES}", 1, 7),
        (b'"abc', "Unexpected end-of-input in VALUE_STRING", 1, 5),
        (
            b'{"a":1',
            f"Unexpected end-of-input: expected close marker for Object (start marker at {SOURCE}1, column: 1])",
            1,
            7,
        ),
        (b"01", "Invalid numeric value: Leading zeroes not allowed", 1, 2),
        (
            b"[NaN]",
            "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
            1,
            5,
        ),
        (
            b"-Infinity",
            "Non-standard token '-Infinity': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
            1,
            10,
        ),
        (b'"\xff"', "Invalid UTF-8 start byte 0xff", 1, 3),
        (b'"\xc3("', "Invalid UTF-8 middle byte 0x28", 1, 4),
        (b'"\xed\xa0\x80"', "Invalid UTF-8 middle byte 0xa0", 1, 4),
        (
            b'"\\u12x4"',
            "Unexpected character ('x' (code 120)): expected a hex-digit for character escape sequence",
            1,
            6,
        ),
    ],
)  # fmt: skip
def test_complaints_name_what_is_wrong_and_where(data: bytes, message: str, line: int, column: int) -> None:
    said = describe_json_error(data)
    assert said == f"Could not parse payload into json: {message}\n at {SOURCE}{line}, column: {column}]"


@given(st.binary(max_size=40) | st.text('{}[]",:\\ \n01e-.tnula', max_size=30).map(str.encode))
def test_anything_that_is_not_json_gets_a_complaint(data: bytes) -> None:
    try:
        json.loads(data.decode())
    except ValueError:
        said = describe_json_error(data)
        assert said is not None
        assert said.startswith("Could not parse payload into json: ")
    else:
        assert describe_json_error(data) is None or b"NaN" in data or b"Infinity" in data


@pytest.mark.parametrize(
    "data",
    [b'"\\ud800"', b"[" * 1000 + b"]" * 1000, b"-0.0e-1", b' {"a" : [ true , null ] } ', '"\u20ac"'.encode()],
)
def test_json_gets_none(data: bytes) -> None:
    assert describe_json_error(data) is None


def test_nesting_has_a_limit() -> None:
    said = describe_json_error(b"[" * 1001 + b"]" * 1001)
    assert said is not None
    assert "Document nesting depth (1001) exceeds the maximum allowed (1000" in said
