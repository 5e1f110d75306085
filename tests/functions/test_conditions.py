"""Condition operators: every one of them, and what a missing key means to it."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.functions.conditions import conditions_met, known_operator, like

QUEUE = "arn:aws:sqs:us-east-1:111111111111:orders"


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "met"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", "a*c?", "abbcd", True),
        ("StringLike", "a.c", "abc", False),
        ("StringNotLike", "a*", "abc", False),
        ("ArnLike", "arn:aws:sqs:*:111111111111:ord*", QUEUE, True),
        ("ArnEquals", "arn:aws:sqs:*:111111111111:orders", QUEUE, True),
        ("ArnLike", "arn:aws:sqs:*:orders", QUEUE, False),
        ("ArnLike", "*", QUEUE, False),
        ("ArnNotLike", "arn:aws:sqs:*:*:*", QUEUE, False),
        ("ArnNotEquals", "arn:aws:sns:*:*:*", QUEUE, True),
        ("Bool", "true", "true", True),
        ("Bool", "True", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "true", "false", False),
        ("BinaryEquals", "YQ==", "YQ==", True),
        ("NumericEquals", "10", "10.0", True),
        ("NumericNotEquals", 10, "10", False),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "10", False),
        ("NumericGreaterThanEquals", "10", "10", True),
        ("NumericLessThan", "10", "few", False),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "1767225601", True),
        ("DateEquals", "2026-01-01", "2026-01-01T00:00:00Z", True),
        ("DateNotEquals", "2026-01-01", "2026-01-01T00:00:00Z", False),
        ("DateLessThanEquals", "2026-01-01", "2026-01-01", True),
        ("DateGreaterThanEquals", "2026-01-01", "2025-01-01", False),
        ("DateLessThan", "9" * 400, "2026-01-01", False),
        ("DateLessThan", "9" * 17, "2026-01-01", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "11.1.2.3", False),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
        ("IpAddress", "10.0.0.0/8", "somewhere", False),
        ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", True),
        ("Null", "true", "a", False),
        ("Null", "false", "a", True),
        ("StringEqualsIfExists", "a", "b", False),
        ("ForAnyValue:StringEquals", ["a", "b"], ("b", "c"), True),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c", "d"), False),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), False),
        ("StringNotEquals", "a", ("a", "b"), False),
        ("ForAnyValue:StringNotEquals", "a", ("a", "b"), True),
        ("StringResembles", "a", "a", False),
    ],
)
def test_operators(operator: str, wanted: Any, value: Any, met: bool) -> None:
    assert conditions_met({operator: {"aws:Key": wanted}}, {"aws:key": value}) is met


@pytest.mark.parametrize(
    ("operator", "met"),
    [
        ("StringEquals", False),
        ("StringEqualsIfExists", True),
        ("StringNotEquals", True),
        ("ArnNotLike", True),
        ("NumericNotEquals", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("Bool", False),
    ],
)
def test_a_key_that_is_missing(operator: str, met: bool) -> None:
    assert conditions_met({operator: {"aws:Key": "1"}}, {}) is met
    assert conditions_met({"Null": {"aws:Key": "true"}}, {})
    assert not conditions_met({"Null": {"aws:Key": "false"}}, {})


def test_everything_has_to_hold() -> None:
    condition = {
        "StringEquals": {"a": "1", "b": "2"},
        "NumericLessThan": {"c": "3"},
    }
    full = {"a": "1", "b": "2", "c": "2"}
    assert conditions_met(condition, full)
    for key in full:
        assert not conditions_met(condition, {**full, key: "9"})
    assert conditions_met({}, {})


def test_known_operators() -> None:
    for name in ("StringEquals", "ForAllValues:ArnLikeIfExists", "Null", "DateLessThan"):
        assert known_operator(name)
    for name in ("stringequals", "NullIfExists", "ForSome:StringEquals", "StringEquals ", ""):
        assert not known_operator(name)


@pytest.mark.parametrize(
    ("pattern", "value", "same"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("**", "ab", True),
        ("?", "", False),
        ("a*", "a", True),
        ("*a", "ba", True),
        ("*a", "ab", False),
        ("a*b*c", "aXbYbZc", True),
        ("a*b*c", "aXbYbZ", False),
        ("a?c*", "abc", True),
        ("*ab?", "aabab!", True),
        ("[a]", "a", False),
        ("a\nb*", "a\nbc\n", True),
    ],
)
def test_wildcards(pattern: str, value: str, same: bool) -> None:
    assert like(pattern, value) is same


def test_a_mean_pattern_takes_no_time() -> None:
    assert not like("*a" * 5_000 + "b", "a" * 5_000)
