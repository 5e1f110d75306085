"""What matches what. Behaviour of event-ruler and of answers that AWS gave to TestEventPattern."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from lambent.events.patterns import Pattern

# Condition of one field, values that match, values that do not. `...` stands for no value.
_CONDITIONS: list[tuple[list[Any], list[Any], list[Any]]] = [
    (["b"], ["b", ["a", "b"]], ["B", "bb", "", 1, None, ..., [], ["a"], {"b": 1}]),
    ([""], [""], [" ", None, ...]),
    ([None], [None, [None]], [0, False, "", "null", ..., [], {}]),
    ([True], [True], [False, 1, "true", None]),
    ([1], [1, 1.0, [0, 1]], [True, "1", 1.5, ...]),
    ([300], [300.0, 3.0e2], [301]),
    ([0.1], [0.1], [0.10000001]),
    ([123456789012], [123456789012], [123456789013]),
    ([9007199254740993], [9007199254740993], [9007199254740992]),
    (["b", 2, None], ["b", 2, None], ["c", 3, True]),
    (["10.0.0.1"], ["10.0.0.1", "010.00.0.1"], ["10.0.0.2", 10]),
    (["::1"], ["::1", "0:0:0:0:0:0:0:1"], ["::2", "0.0.0.1"]),
    (["10.0.0.256"], ["10.0.0.256"], ["10.0.0.255"]),
    ([{"exactly": "10.0.0.1"}], ["10.0.0.1"], ["010.0.0.1"]),
    ([{"prefix": "ab"}], ["ab", "abc", ["x", "abc"]], ["a", "xab", "AB", 1, None, ...]),
    ([{"prefix": ""}], ["", "x"], [1, True, None, ...]),
    ([{"suffix": ".png"}], [".png", "a.png"], ["a.PNG", "a.png ", 1, None, ...]),
    ([{"equals-ignore-case": "aBc-ß"}], ["abc-ß", "ABC-ß", "abc-SS"], ["abc-ss", "abc", None, ...]),
    ([{"equals-ignore-case": ""}], [""], ["a", None]),
    ([{"prefix": {"equals-ignore-case": "EventB"}}], ["eventbridge", "EVENTB"], ["event", "xeventb", 1]),
    ([{"suffix": {"equals-ignore-case": ".png"}}], ["a.PNG", ".png"], ["a.pn", "png"]),
    ([{"wildcard": "*"}], ["", "a"], [1, None, ...]),
    ([{"wildcard": ""}], [""], ["a", None]),
    ([{"wildcard": "a*b*c"}], ["abc", "aXbYc", "abbcc", "abcbc"], ["ab", "acb", "xabc", "abcx"]),
    ([{"wildcard": "*aba"}], ["aba", "ababa", "xaba"], ["abab", "ab"]),
    ([{"wildcard": "ab*ba"}], ["abba", "abXba"], ["aba", "abab"]),
    ([{"wildcard": r"a\*\\*"}], ["a*\\", "a*\\b"], ["ab\\", "a*"]),
    ([{"wildcard": "a*\n*z"}], ["a\nz", "ab\n\nz"], ["az"]),
    ([{"anything-but": "b"}], ["c", "", 1, None, True, ["b", "c"]], ["b", ..., [], ["b"], {"x": 1}]),
    ([{"anything-but": ["b", "c"]}], ["d", None, 5], ["b", "c", ["b", "c"], ...]),
    ([{"anything-but": 0}], [1, "0", None, False], [0, 0.0, ...]),
    ([{"anything-but": [1, 2]}], [3, "1", None], [1, 2.0, ...]),
    ([{"anything-but": {"prefix": "in"}}], ["on", 12, None], ["in", "init", ...]),
    ([{"anything-but": {"prefix": ["in", "on"]}}], ["un", 12, None], ["init", "one", ...]),
    ([{"anything-but": {"suffix": [".txt", ".rtf"]}}], [".png", None], ["a.txt", ".rtf", ...]),
    ([{"anything-but": {"equals-ignore-case": ["a", "b"]}}], ["c", None, 1], ["A", "b", ...]),
    ([{"anything-but": {"wildcard": "*/dir/*"}}], ["dir", None, 1], ["a/dir/b", "/dir/", ...]),
    ([{"anything-but": {"wildcard": ["a*", "*z"]}}], ["bcd", None], ["ab", "yz", ...]),
    ([{"anything-but": {"wildcard": ""}}], ["a", None], ["", ...]),
    ([{"numeric": ["=", 3.018e2]}], [301.8], [301.81, "301.8", None, ...]),
    ([{"numeric": [">", 0, "<=", 5]}], [0.1, 5, [9, 3]], [0, 5.1, "3", True, None, ...]),
    ([{"numeric": [">=", -1, "<", 1]}], [-1, 0, 0.999999], [1, -1.1]),
    ([{"numeric": ["<", 10]}], [9.99, -1e300], [10, "9"]),
    ([{"numeric": [">=", 10]}], [10, 1e300], [9.99]),
    ([{"numeric": [">", 0]}], [9007199254740992], [9007199254740993, True]),
    (
        [{"cidr": "10.0.0.0/24"}],
        ["10.0.0.0", "10.0.0.255"],
        ["10.0.1.0", "9.255.255.255", "x", 10, None, ...],
    ),
    ([{"cidr": "10.0.0.77/24"}], ["10.0.0.0", "10.0.0.255"], ["10.0.1.0"]),
    ([{"cidr": "2001:db8::/32"}], ["2001:db8::1", "2001:0DB8:ffff::"], ["2001:db9::", "32.1.13.184"]),
    ([{"cidr": "::ffff:0:0/96"}], ["::ffff:a00:1"], ["::ffff:10.0.0.1", "10.0.0.1"]),
    ([{"cidr": "fe80::/16"}], ["fe80::1"], ["fe80::1%eth0"]),
    ([{"cidr": "1.2.3.4/-0"}, {"cidr": "0177.0.0.0/+24"}], ["8.8.8.8"], ["::"]),
    ([{"equals-ignore-case": "\u212a"}], ["k", "\u212a"], ["K"]),
    ([{"equals-ignore-case": "k"}], ["K"], ["\u212a"]),
    ([{"equals-ignore-case": "\ufb01\u0131"}], ["FII", "\ufb01I"], ["fiI", "fi"]),
    ([{"numeric": [">", 1]}, 5, {"anything-but": {"prefix": "x"}}], [10**400], []),
    ([{"numeric": [">", 1]}], [2], [10**400]),
    ([{"cidr": "0.0.0.0/0"}], ["255.255.255.255"], ["::ffff:0a00:0001", "::1", "1.2.3", "1.2.3.400"]),
    ([{"exists": True}], ["", None, 0, False, [None]], [..., [], {}, {"x": 1}]),
    ([{"exists": False}], [..., [], {}, {"x": 1}], ["", None, 0, [None]]),
    ([{"exists": False}, "b", {"prefix": "z"}], [..., "b", "zz"], ["c", None]),
    ([{"numeric": [">", 100]}, {"anything-but": "101"}], ["42", 101, 99], ["101"]),
]


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        pytest.param(condition, value, expected, id=f"{json.dumps(condition)}-{value!r}")
        for condition, matching, others in _CONDITIONS
        for expected, values in ((True, matching), (False, others))
        for value in values
    ],
)
def test_conditions(condition: list[Any], value: Any, expected: bool) -> None:
    pattern = Pattern.parse({"detail": {"field": condition}})
    detail = {} if value is ... else {"field": value}
    assert pattern.matches({"detail": {**detail, "other": 1}, "source": "x"}) is expected


# Pattern, event, whether it matches.
_STRUCTURES: dict[str, tuple[Any, Any, bool]] = {
    "all fields have to match": ({"a": [1], "b": [2]}, {"a": 1, "b": 3}, False),
    "a missing field": ({"d": {"a": [{"exists": True}], "b": [{"exists": True}]}}, {"d": {"a": 1}}, False),
    "names have a case": ({"a": [1]}, {"A": 1}, False),
    "an intermediate field does not exist": (
        {"dynamodb": {"key": [{"exists": True}]}},
        {"dynamodb": {"key": {"S": "x"}}},
        False,
    ),
    "JSON within JSON stays a text": ({"detail": {"k": ["v"]}}, {"detail": '{"k": "v"}'}, False),
    "dots in patterns": ({"detail.state": [1]}, {"detail": {"state": 1}}, True),
    "dots in events": ({"detail": {"state": {"x": [1]}}}, {"detail": {"state.x": 1}}, True),
    "dots at the root of events": ({"detail": {"state": [1]}}, {"detail.state": 1}, True),
    "dots in both": ({"a.b": {"c": [1]}}, {"a": {"b.c": 1}}, True),
    "the same path as value and as object": (
        {"lines": {"points": [2], "points.pp": ["x"]}},
        {"lines": [{"points": [[{"pp": "x"}, 2]]}]},
        True,
    ),
    # Arrays.
    "in one element": ({"d": {"a": [1], "b": [2]}}, {"d": [{"a": 1, "b": 2}]}, True),
    "in two elements": ({"d": {"a": [1], "b": [2]}}, {"d": [{"a": 1}, {"b": 2}]}, False),
    "in the third element": (
        {"d": {"a": [1], "b": [2]}},
        {"d": [{"a": 1}, {"b": 2}, {"a": 1, "b": 2}]},
        True,
    ),
    "different values of elements": (
        {"e": {"first": ["Anna"], "last": ["Jones"]}},
        {"e": [{"first": "Anna", "last": "Smith"}, {"first": "Peter", "last": "Jones"}]},
        False,
    ),
    "nested arrays are one": (
        {"e": {"first": ["Anna"]}},
        {"e": [[{"first": "John"}, {"first": "Anna"}], []]},
        True,
    ),
    "elements of nested arrays": (
        {"e": {"first": ["Anna"], "last": ["Doe"]}},
        {"e": [[{"first": "John", "last": "Doe"}, {"first": "Anna", "last": "Smith"}]]},
        False,
    ),
    "inner elements": ({"u": {"t": {"k": [1], "v": [2]}}}, {"u": [{"t": [{"k": 1}, {"v": 2}]}]}, False),
    "an outer element for inner ones": (
        {"u": {"n": [1], "t": {"k": [1], "v": [2]}}},
        {"u": [{"n": 1, "t": [{"k": 1}]}, {"n": 2, "t": [{"k": 1, "v": 2}]}]},
        False,
    ),
    "outer and inner elements": (
        {"u": {"n": [1], "t": {"k": [1], "v": [2]}}},
        {"u": [{"n": 2, "t": [{"k": 1, "v": 2}]}, {"n": 1, "t": [{"k": 9}, {"k": 1, "v": 2}]}]},
        True,
    ),
    "two arrays do not hinder each other": (
        {"a": {"x": [1]}, "b": {"y": [2]}},
        {"a": [{"x": 0}, {"x": 1}], "b": [{"y": 2}]},
        True,
    ),
    "values in an array have no element": (
        {"t": ["a"], "u": ["b"]},
        {"t": ["x", "a"], "u": ["b", "y"]},
        True,
    ),
    "an element with something else": (
        {"a": {"id": [{"exists": True}]}},
        {"a": [{"k": 1}, {"id": 1}, {"k": 2}]},
        True,
    ),
    "absent from the element": (
        {"d": {"a": [1], "b": [{"exists": False}]}},
        {"d": [{"a": 1}, {"a": 2, "b": 3}]},
        True,
    ),
    "absent from no element": ({"d": {"a": [1], "b": [{"exists": False}]}}, {"d": [{"a": 1, "b": 2}]}, False),
    "absence is asked in the order of paths": (
        # Nothing says yet which element counts when "a" is looked for.
        {"d": {"a": [{"exists": False}], "b": [1]}},
        {"d": [{"b": 1}, {"a": 1}]},
        False,
    ),
    "an empty array has no value": ({"resources": [None]}, {"resources": []}, False),
    "anything but one element": (
        {"u": {"s": [{"anything-but": "x"}], "n": ["bob"]}},
        {"u": [{"n": "al", "s": "x"}, {"n": "bob", "s": "y"}]},
        True,
    ),
    # $or.
    "either": ({"s": ["x"], "$or": [{"a": [1]}, {"b": [2]}]}, {"s": "x", "b": 2}, True),
    "neither": ({"s": ["x"], "$or": [{"a": [1]}, {"b": [2]}]}, {"s": "x", "b": 1}, False),
    "either without the rest": ({"s": ["x"], "$or": [{"a": [1]}, {"b": [2]}]}, {"s": "y", "b": 2}, False),
    "fields behind $or": ({"$or": [{"a": [1]}, {"b": [2]}], "s": ["x"]}, {"s": "y", "b": 2}, False),
    "$or below": ({"d": {"$or": [{"a": [1]}, {"b": {"c": [2]}}]}}, {"d": {"b": {"c": 2}}}, True),
    "two $or": (
        {"$or": [{"a": [1]}, {"b": [1]}], "d": {"$or": [{"a": [1]}, {"b": [1]}]}},
        {"b": 1, "d": {"a": 1}},
        True,
    ),
    "$or in $or": (
        {"$or": [{"a": [1]}, {"b": [1], "$or": [{"c": [1]}, {"d": [1]}]}]},
        {"b": 1, "d": 1},
        True,
    ),
    "half of $or in $or": (
        {"$or": [{"a": [1]}, {"b": [1], "$or": [{"c": [1]}, {"d": [1]}]}]},
        {"b": 1},
        False,
    ),
    "$or overrides a field": ({"a": [1], "$or": [{"a": [2]}, {"b": [2]}]}, {"a": 2}, True),
    "no value or another": (
        {"d": {"N": {"S": [{"anything-but": ["roses"]}, {"exists": False}]}}},
        {"d": {"M": 1}},
        True,
    ),
    "$or as a field with objects": ({"$or": {"a": [1]}}, {"$or": {"a": 1}}, True),
    "$or as a field with values": ({"d": {"$or": ["x", 1]}}, {"d": {"$or": 1}}, True),
    "$or as a field with match types": ({"$or": [{"prefix": "a"}, {"suffix": "b"}]}, {"$or": "zb"}, True),
    "the other $or": ({"$OR": ["x"]}, {"$OR": "y"}, False),
    # Events that are no objects.
    "an array": ({"a": [{"exists": False}]}, [], False),
    "nothing": ({"a": [{"exists": False}]}, None, False),
    "an empty object": ({"a": [{"exists": False}]}, {}, True),
}


@pytest.mark.parametrize(("pattern", "event", "expected"), _STRUCTURES.values(), ids=_STRUCTURES)
def test_structures(pattern: Any, event: Any, expected: bool) -> None:
    assert Pattern.parse(json.dumps(pattern)).matches(event) is expected


def test_the_later_of_two_fields_with_one_name_counts() -> None:
    pattern = Pattern.parse('{"a": [1], "a": [{"prefix": "x"}]}')
    assert pattern.matches({"a": "xy"})
    assert not pattern.matches({"a": 1})


def test_texts_bytes_and_objects_are_parsed() -> None:
    for pattern in (
        '{"é": ["\\u00e9", "\\ud83d\\ude00"]}',
        '{"é": ["é", "😀"]}'.encode(),
        {"é": ["é", "😀"]},
    ):
        assert Pattern.parse(pattern).matches({"é": "😀"})


def test_many_elements_do_not_multiply() -> None:
    pattern = Pattern.parse({"d": {"a": [1], "b": [1], "c": [1]}, "e": {"a": [1], "b": [1]}, "f": {"x": [1]}})
    elements = [{"a": 1, "b": 1, "c": 2} for _ in range(3_000)]
    assert not pattern.matches({"d": elements, "e": elements, "f": elements})
    assert pattern.matches({"d": [*elements, {"a": 1, "b": 1, "c": 1}], "e": elements, "f": {"x": 1}})


def test_suffixes_of_any_case_are_looked_for_in_one_place() -> None:
    pattern = Pattern.parse({"a": [{"suffix": {"equals-ignore-case": "ä" * 1_300 + "b"}}]})
    begun = time.process_time()
    assert not pattern.matches({"a": "ä" * 125_000})
    assert time.process_time() - begun < 0.1
    assert pattern.matches({"a": "x" + "Ä" * 1_300 + "B"})
