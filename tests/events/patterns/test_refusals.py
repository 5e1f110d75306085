"""Patterns that are none, in EventBridge's words.

Reasons with positions are what AWS answered to TestEventPattern, as recorded by LocalStack
(`test_events_patterns.snapshot.json`); those of the second table follow event-ruler's tests.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent.events.patterns import InvalidPattern, Pattern

_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_ANYTHING_BUT = "Value of anything-but must be an array or single string/number value."
_EITHER_CASE = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
_AFFIX = "prefix/suffix match pattern must be a string"


def _reason(pattern: str) -> str:
    with pytest.raises(InvalidPattern) as refusal:
        Pattern.parse(pattern)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("pattern", "reason", "column"),
    [
        ('{"int": 42}', '"int" must be an object or an array', 11),
        ('{"string": "my-value"}', '"string" must be an object or an array', 13),
        ('{"resources": []}', "Empty arrays are not allowed", 17),
        ('{"my_key": [{"EXISTS": true}]}', "Unrecognized match type EXISTS", 28),
        ('{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}', "Unrecognized match type NUMERIC", 36),
        ('{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}', "Bad numeric range operator: >", 49),
        ('{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}', "Value of < must be numeric", 50),
        (
            '{"detail-type": [{"equals-ignore-case": {"prefix": "ec2"}}]}',
            "equals-ignore-case match pattern must be a string",
            42,
        ),
        ('{"EventBusArn": [{"wildcard": 123}]}', "wildcard match pattern must be a string", 34),
        ('{"EventBusArn": [{"wildcard": ["a*b"]}]}', "wildcard match pattern must be a string", 32),
        ('{"time": [{"prefix": 123}]}', "prefix match pattern must be a string", 25),
        ('{"time": [{"prefix": ["2022-07-13"]}]}', "prefix match pattern must be a string", 23),
        ('{"FileName": [{"suffix": 123}]}', "suffix match pattern must be a string", 29),
        ('{"FileName": [{"suffix": [".png"]}]}', "suffix match pattern must be a string", 27),
        (
            '{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}',
            "prefix match pattern must be a string",
            43,
        ),
        ('{"detail": {"state": [{"anything-but": {"equals-ignore-case": 123}}]}}', _EITHER_CASE, 66),
        ('{"detail": {"state": [{"anything-but": {"prefix": 123}}]}}', _AFFIX, 54),
        ('{"detail": {"FileName": [{"anything-but": {"suffix": 123}}]}}', _AFFIX, 57),
        (
            '{"detail": {"FileName": [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}]}}',
            _ANYTHING_BUT,
            55,
        ),
        ('{"key": [{"wildcard": "abc**def"}]}', "Consecutive wildcard characters at pos 4", 33),
        (r'{"key": [{"wildcard": "a*c\def"}]}', "Unrecognized character escape 'd' (code 100)", 28),
        ("this is valid json but not a dict", f"Unrecognized token 'this': was expecting {_VALUES}", 5),
        (
            "{'bad': 'quotation'}",
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
            2,
        ),
        ('{"not": closed mark"', f"Unrecognized token 'closed': was expecting {_VALUES}", 15),
        ('["not", "a", "dict", "but valid json"]', "Filter is not an object", 2),
    ],
)
def test_reasons_name_the_place(pattern: str, reason: str, column: int) -> None:
    assert _reason(pattern) == f'{reason}\n at [Source: (String)"{pattern}"; line: 1, column: {column}]'


@pytest.mark.parametrize(
    ("pattern", "reason", "column"),
    [
        ('{"detail": {"state": [{"anything-but": {"equals-ignore-case": [123, 456]}}]}}', _EITHER_CASE, 67),
        (
            '{"detail": {"state": [{"anything-but": {"wildcard": [123, "*/dir/*"]}}]}}',
            "wildcard match pattern must be a string",
            57,
        ),
        ('{"detail": {"FileName": [{"anything-but": {"suffix": [123, ".txt"]}}]}}', _AFFIX, 58),
        ('{"detail": {"state": [{"anything-but": {"prefix": [123, "test"]}}]}}', _AFFIX, 55),
    ],
)
def test_reasons_in_lists_name_the_place_twice(pattern: str, reason: str, column: int) -> None:
    place = f'\n at [Source: (String)"{pattern}"; line: 1, column: {column}]'
    assert _reason(pattern) == reason + place + place


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ('{"a": [{"cidr": "bad"}]}', "Malformed CIDR, one '/' required"),
        ('{"a": [{"cidr": "10.0.0.0/x"}]}', "Malformed CIDR, mask bits must be an integer"),
        ('{"a": [{"cidr": "10.0.0.0/-1"}]}', "Malformed CIDR, mask bits must not be negative"),
        ('{"a": [{"cidr": "xx.11.xx/8"}]}', "Nonstandard IP address: xx.11.xx"),
        ('{"a": [{"cidr": "xxxx:db8:1234:1a00::/64"}]}', "Nonstandard IP address: xxxx:db8:1234:1a00::"),
        ('{"a": [{"cidr": "10.0.0.300/8"}]}', "Invalid IP address: 10.0.0.300"),
        ('{"a": [{"cidr": "10.0.0.0/32"}]}', "IPv4 mask bits must be < 32"),
        ('{"a": [{"cidr": "::/128"}]}', "IPv6 mask bits must be < 128"),
        (
            '{"a": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}',
            (
                "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences "
                "after a wildcard character"
            ),
        ),
    ],
)
def test_reasons_without_a_place(pattern: str, reason: str) -> None:
    assert _reason(pattern) == reason


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "Filter is not an object"),
        (
            '{"a": [NaN]}',
            "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
        ),
        ("{}", "Empty objects are not allowed"),
        ('{"a": {}}', "Empty objects are not allowed"),
        ('{"a": [[1]]}', "Match value must be String, number, true, false, or null"),
        ('{"a": [{}]}', "Match expression name not found"),
        ('{"a": [{"prefix": "b", "suffix": "c"}]}', "Only one key allowed in match expression"),
        ('{"a": [{"prefix": {"wildcard": "b"}}]}', "Unsupported prefix pattern: wildcard"),
        ('{"a": [{"suffix": {}}]}', "Suffix expression name not found"),
        ('{"a": [{"exactly": 33}]}', "exact match pattern must be a string"),
        ('{"a": [{"exists": "yes"}]}', "exists match pattern must be either true or false."),
        ('{"a": [{"numeric": 5}]}', "Value of numeric must be an array."),
        ('{"a": [{"numeric": []}]}', "Invalid member in numeric match: ]"),
        ('{"a": [{"numeric": [5]}]}', "Invalid member in numeric match: 5"),
        ('{"a": [{"numeric": ["<>", 5]}]}', "Unrecognized numeric range operator: <>"),
        ('{"a": [{"numeric": ["=", true]}]}', "Value of equals must be numeric"),
        ('{"a": [{"numeric": ["<", 1, ">", 0]}]}', "Too many elements in numeric expression"),
        ('{"a": [{"numeric": [">", 1, "<", 3, 4]}]}', "Too many terms in numeric range expression"),
        ('{"a": [{"numeric": [">", 1, "<", 1]}]}', "Bottom must be less than top"),
        ('{"a": [{"numeric": [">", 1, 2]}]}', "Bad value in numeric range: 2"),
        ('{"a": [{"numeric": ["=", 1E309]}]}', "Cannot compare number : 1E309"),
        ('{"a": [{"numeric": ["=", 1E-325]}]}', "Cannot compare number : 1E-325"),
        ('{"a": [{"anything-but": null}]}', _ANYTHING_BUT),
        (
            '{"a": [{"anything-but": ["b", null]}]}',
            "Inside anything but list, start|null|boolean is not supported.",
        ),
        (
            '{"a": [{"anything-but": ["b", 1]}]}',
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        ('{"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}', "Unsupported anything-but pattern: cidr"),
        ('{"a": [{"anything-but": {"prefix": ""}}]}', "Null prefix/suffix not allowed"),
        ('{"a": [{"anything-but": {"suffix": ["b", ""]}}]}', "Null prefix/suffix not allowed"),
        ('{"a": [{"anything-but": {"prefix": "b"}, "c": 1}]}', "Too many elements in numeric expression"),
        (r'{"a": [{"wildcard": "a\\b"}]}', "Invalid escape character at pos 2"),
        (r'{"a": [{"anything-but": {"wildcard": "é\\"}}]}', "Invalid escape character at pos 3"),
        # $or that is not the operator is a field.
        ('{"$or": 5}', '"$or" must be an object or an array'),
        ('{"$or": [{"a": [1]}]}', "Unrecognized match type a"),
        ('{"$or": [{"a": [1]}, 2]}', "Unrecognized match type a"),
        ('{"$or": [{}, {}]}', "Match expression name not found"),
        ('{"$or": [{"numeric": [1]}, {"a": [1]}]}', "Invalid member in numeric match: 1"),
        ('{"a": [{"anything-but": {"wildcard": []}}]}', "Empty arrays are not allowed"),
        (
            '{"a": [1, 2 3]}',
            "Unexpected character ('3' (code 51)): was expecting comma to separate Array entries",
        ),
        (
            '{"a": [1], }',
            "Unexpected character ('}' (code 125)): was expecting double-quote to start field name",
        ),
        (
            '{"a" [1]}',
            "Unexpected character ('[' (code 91)): was expecting a colon to separate field name and value",
        ),
        ('{"a": [1}', "Unexpected close marker '}': expected ']' (for Array starting at [Source: (String)"),
        ('{"a": [1', "Unexpected end-of-input: expected close marker for Array (start marker at [Source: "),
        ('{"a": ["b', "Unexpected end-of-input: was expecting closing quote for a string value"),
        ('{"a": [01]}', "Invalid numeric value: Leading zeroes not allowed"),
        (
            '{"a": [1.]}',
            "Unexpected character (']' (code 93)) in numeric value: Decimal point not followed by a digit",
        ),
        (
            '{"a": ["\n"]}',
            (
                "Illegal unquoted character ((CTRL-CHAR, code 10)): has to be escaped using backslash to be "
                "included in string value"
            ),
        ),
    ],
)
def test_reasons(pattern: str, reason: str) -> None:
    assert _reason(pattern).startswith(reason)


_TOO_COMPLEX = "Rule is too complex - try using fewer wildcard characters"


@pytest.mark.parametrize(
    "wildcards",
    [
        ["*:*:*:*:*:event-bus/*"],
        ["*a*a*a*a*a*a*a*a*"],
        ["*aaaaaaaaaaaa"],
        [f"*/datasync/*.{kind}" for kind in ("bif", "tif", "tiff", "svs")],
    ],
)
def test_wildcards_that_are_too_complex(wildcards: list[str]) -> None:
    for field in ([{"wildcard": text} for text in wildcards], [{"anything-but": {"wildcard": wildcards}}]):
        assert _reason(json.dumps({"a": field, "b": [1]})).startswith(_TOO_COMPLEX)


@pytest.mark.parametrize(
    "wildcards",
    [
        ["/Users/*/dir/dir/dir/dir/dir/doc.txt"],
        ["*/datasync/*.bif", "*/datasync/*.tif"],
        ["*.bif", "*.tiff", "*.tif", "*.svs", "*.png"],
        ["aaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaab*"],
        [f"{name}/*" for name in "abcdefghijklmnop"],
        ["*a*b*c*d*"],
    ],
)
def test_wildcards_that_are_not(wildcards: list[str]) -> None:
    Pattern.parse({"a": [{"wildcard": text} for text in wildcards]})


def test_places_count_lines_and_long_patterns_are_cut() -> None:
    pattern = '{\n  "a": [' + " " * 600 + "]}"
    assert _reason(pattern).endswith(f'"{pattern[:500]}"[truncated 112 chars]; line: 2, column: 610]')


def _parallel(count: int) -> str:
    return json.dumps({"d": {f"f{at}": {"$or": [{"x": [1]}, {"y": [1]}]} for at in range(count)}})


def _nested(count: int) -> str:
    pattern: dict[str, Any] = {"a": [1]}
    for _ in range(count):
        pattern = {"$or": [pattern, {"b": [1]}]}
    return json.dumps(pattern)


def test_or_has_a_limit() -> None:
    for pattern in (_parallel(9), _nested(9)):
        Pattern.parse(pattern)
    for pattern in (_parallel(10), _parallel(30), _nested(10), _nested(40)):
        assert "more than 1000 rule combinations" in _reason(pattern)


def test_depth_has_a_limit() -> None:
    for depth in (10, 40, 80):
        Pattern.parse('{"a":' * depth + "[1]" + "}" * depth)
    for depth in (300, 600, 5_000):
        _reason('{"$or": [' * depth + '{"a": [1]}' + ', {"b": [1]}]}' * depth)
    for depth in (150, 5_000):
        assert "levels deep" in _reason('{"a":' * depth + "[1]" + "}" * depth)
    event: list[Any] = ["x"]
    for _ in range(5_000):
        event = [event]
    assert not Pattern.parse({"a": ["x"]}).matches({"a": event})


def test_what_follows_the_pattern_is_not_read() -> None:
    assert Pattern.parse('{"a": [1]} and more').matches({"a": 1})
