from __future__ import annotations

import pytest

from lambent.events.patterns import InvalidPattern
from lambent.events.pollers.filters import data_of, filters_of


def test_one_pattern_is_enough() -> None:
    filters = filters_of(('{"body": {"a": [1]}}', '{"body": {"b": [{"exists": true}]}}'))
    assert filters is not None
    assert filters.matches({"body": {"a": 1}})
    assert filters.matches({"body": {"b": None}})
    assert not filters.matches({"body": {"a": 2}})


def test_text_and_json_never_match_each_other() -> None:
    json_filter = filters_of(('{"body": {"a": ["x"]}}',))
    text_filter = filters_of(('{"body": ["x"]}',))
    assert json_filter is not None
    assert text_filter is not None
    for filters, body, wanted in (
        (json_filter, '{"a": "x"}', True),
        (json_filter, "x", False),
        (text_filter, "x", True),
        (text_filter, '{"a": "x"}', False),
        (text_filter, '["x"]', False),
    ):
        assert filters.matches({"body": data_of(body)}) is wanted


def test_not_even_where_something_is_to_be_absent() -> None:
    inside = filters_of(('{"body": {"a": [{"exists": false}]}}',))
    whole = filters_of(('{"body": [{"exists": false}]}',))
    assert inside is not None
    assert whole is not None
    assert inside.matches({"body": {}})
    assert not inside.matches({"body": "text"})
    assert not whole.matches({"body": {"a": 1}})
    assert whole.matches({"messageId": "1"})


@pytest.mark.parametrize(
    ("data", "decoded"),
    [
        ('{"a": 1}', {"a": 1}),
        (b' [{"a": 1}]', [{"a": 1}]),
        ("12", "12"),
        ("{not json", "{not json"),
        (b"text", "text"),
        (b"\xff", None),
        ("", ""),
    ],
)
def test_what_patterns_see(data: str | bytes, decoded: object) -> None:
    assert data_of(data) == decoded


def test_without_filters_everything_is_wanted() -> None:
    assert filters_of(None) is None
    assert filters_of(()) is None
    with pytest.raises(InvalidPattern):
        filters_of(('"text"',))
