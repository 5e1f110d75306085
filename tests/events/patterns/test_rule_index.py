"""Many patterns against one event: the same answers as each pattern gives alone, and soon."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.events.patterns import InvalidPattern, Pattern, RuleIndex

_NAMES = st.sampled_from(["a", "b", "c"])
_TEXTS = st.sampled_from(
    ["", "a", "ab", "aba", "B", "AB", "b*", "10.0.0.1", "10.0.0.77", "K", "ſß", "ß", "aXbXa"]
)
_NUMBERS = st.sampled_from([-1, 0, 1, 1.0, 1.5, 2, 9007199254740993])
_LITERALS = st.sampled_from([None, True, False])
_WILDCARDS = st.sampled_from(["*", "", "a*", "*a", "a*a", "*b*", "ab", "a*b*a", "*X*a", r"b\*", "*aX*"])


def _listed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=1, max_size=3)


@st.composite
def _numeric(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted(
        draw(st.lists(st.sampled_from([-1, 0, 1, 1.5, 2]), min_size=2, max_size=2, unique=True))
    )
    below, above = draw(st.sampled_from(["<", "<="])), draw(st.sampled_from([">", ">="]))
    return {
        "numeric": draw(st.sampled_from([["=", low], [below, low], [above, low], [above, low, below, high]]))
    }


_AFFIXES = st.sampled_from(["a", "ab", "B", "ß", "a*"])
_CONDITIONS = st.one_of(
    _TEXTS,
    _NUMBERS,
    _LITERALS,
    _TEXTS.map(lambda text: {"exactly": text}),
    _TEXTS.map(lambda text: {"prefix": text}),
    _TEXTS.map(lambda text: {"suffix": text}),
    _TEXTS.map(lambda text: {"equals-ignore-case": text}),
    _AFFIXES.map(lambda text: {"prefix": {"equals-ignore-case": text}}),
    _AFFIXES.map(lambda text: {"suffix": {"equals-ignore-case": text}}),
    _WILDCARDS.map(lambda text: {"wildcard": text}),
    _listed(_TEXTS).map(lambda texts: {"anything-but": texts}),
    _listed(st.sampled_from([0, 1, 1.5])).map(lambda numbers: {"anything-but": numbers}),
    st.tuples(st.sampled_from(["prefix", "suffix"]), _listed(_AFFIXES)).map(
        lambda found: {"anything-but": {found[0]: found[1]}}
    ),
    _listed(_TEXTS).map(lambda texts: {"anything-but": {"equals-ignore-case": texts}}),
    _listed(_WILDCARDS).map(lambda texts: {"anything-but": {"wildcard": texts}}),
    st.sampled_from(["10.0.0.0/24", "10.0.0.64/26", "0.0.0.0/0", "::/0"]).map(lambda block: {"cidr": block}),
    st.booleans().map(lambda there: {"exists": there}),
    _numeric(),
)
_ALTERNATIVES = st.lists(_CONDITIONS, min_size=1, max_size=3)


def _objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(_NAMES, values, min_size=1, max_size=3)


_OBJECTS = st.recursive(_objects(_ALTERNATIVES), _objects, max_leaves=4)
_OBJECTS_AND_OR = st.one_of(
    _OBJECTS,
    st.tuples(_OBJECTS, st.lists(_OBJECTS, min_size=2, max_size=3)).map(
        lambda both: {**both[0], "$or": both[1]}
    ),
)


def _is_valid(pattern: Any) -> bool:
    try:
        Pattern.parse(pattern)
    except InvalidPattern:  # too many wildcards
        return False
    return True


_PATTERNS = _OBJECTS_AND_OR.filter(_is_valid)
_VALUES = st.one_of(_TEXTS, _NUMBERS, _LITERALS)
_EVENTS = st.recursive(
    st.dictionaries(_NAMES, _VALUES | st.lists(_VALUES, max_size=2), max_size=3),
    lambda inner: st.dictionaries(
        _NAMES, inner | st.lists(inner | _VALUES, max_size=3) | _VALUES, max_size=3
    ),
    max_leaves=8,
).filter(lambda event: isinstance(event, dict))


@settings(max_examples=40, deadline=None)
@given(
    patterns=st.lists(_PATTERNS, min_size=1, max_size=12),
    removed=st.sets(st.integers(0, 11)),
    again=st.lists(_PATTERNS, max_size=3),
    events=st.lists(_EVENTS, min_size=1, max_size=6),
)
def test_an_index_answers_as_each_pattern_does(
    patterns: list[Any], removed: set[int], again: list[Any], events: list[Any]
) -> None:
    compiled = {at: Pattern.parse(pattern) for at, pattern in enumerate(patterns)}
    index: RuleIndex[int] = RuleIndex()
    for at, pattern in compiled.items():
        index.put(at, pattern)
    for at in removed & compiled.keys():
        index.remove(at)
        del compiled[at]
    for at, pattern in enumerate(again):
        compiled[at] = Pattern.parse(pattern)
        index.put(at, compiled[at])
    assert len(index) == len(compiled)
    for event in events:
        expected = {at for at, pattern in compiled.items() if pattern.matches(event)}
        found = index.matching(event)
        assert set(found) == expected
        assert len(found) == len(expected)
    for at in compiled:
        index.remove(at)
    assert not index._fields
    assert not index._wanted
    assert not index._anchored


def _event(at: int) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "0b5cb4a2-5a3c-4ca1-8ee4-6a8be0a4f3a3",
        "source": "shop.orders",
        "detail-type": "OrderPlaced",
        "account": "000000000000",
        "region": "us-east-1",
        "time": "2026-11-21T15:00:00Z",
        "resources": [],
        "detail": {
            "id": f"order-{at}",
            "file": f"in/{at}/image-{at}.png",
            "amount": at + 0.5,
            "address": f"10.{at // 256 % 256}.{at % 256}.7",
            "state": "placed",
            "items": [{"sku": f"sku-{at}", "quantity": 2}, {"sku": "sku-x", "quantity": 9}],
        },
    }


# One rule of many by its number; an event matches the rule of its number, and few others.
_SHAPES: dict[str, Any] = {
    "exact": lambda at: {"source": ["shop.orders"], "detail": {"id": [f"order-{at}"]}},
    "prefix": lambda at: {"source": ["shop.orders"], "detail": {"file": [{"prefix": f"in/{at}/"}]}},
    "suffix": lambda at: {"detail": {"file": [{"suffix": f"/image-{at}.png"}]}},
    "wildcard": lambda at: {"detail": {"file": [{"wildcard": f"in/*/image-{at}.*"}]}},
    "wildcard inside": lambda at: {"detail": {"file": [{"wildcard": f"*-{at}.*"}]}},
    "ignoring case": lambda at: {"detail": {"id": [{"equals-ignore-case": f"ORDER-{at}"}]}},
    "range": lambda at: {"detail": {"amount": [{"numeric": [">", at, "<=", at + 1]}]}},
    "open ranges": lambda at: {"detail": {"amount": [{"numeric": [">", at]}], "id": [f"order-{at}"]}},
    "anything but": lambda at: {"detail": {"state": [{"anything-but": f"s{at}"}], "id": [f"order-{at}"]}},
    "anything but prefix": lambda at: {
        "detail": {"state": [{"anything-but": {"prefix": f"s{at}"}}], "amount": [at + 0.5]}
    },
    "cidr": lambda at: {"detail": {"address": [{"cidr": f"10.{at // 256 % 256}.{at % 256}.0/24"}]}},
    "absent": lambda at: {"detail": {f"none-{at}": [{"exists": False}], "id": [f"order-{at}"]}},
    "required": lambda at: {"detail": {f"none-{at}": [{"exists": True}], "state": ["placed"]}},
    "either": lambda at: {"$or": [{"detail": {"id": [f"order-{at}"]}}, {"other": {"id": [at]}}]},
    "elements": lambda at: {"detail": {"items": {"sku": [f"sku-{at}"], "quantity": [{"numeric": [">", 1]}]}}},
    "split elements": lambda at: {"detail": {"items": {"sku": [f"sku-{at}"], "quantity": [9]}}},
}


@pytest.mark.parametrize("shape", _SHAPES)
def test_thousands_of_rules_cost_little_more_than_ten(shape: str) -> None:
    few, many = _filled(shape, 10), _filled(shape, 1_000)
    events = [_event(at) for at in random.Random(1).sample(range(10), 5)]  # noqa: S311 - which events does not matter
    for event, at in zip(events, [int(event["detail"]["id"][6:]) for event in events], strict=True):
        expected = [] if shape in ("required", "split elements") else [at]
        assert few.matching(event) == many.matching(event) == expected
    # One more look at each rule would cost 100 µs and more.
    assert _seconds(many, events) < _seconds(few, events) * 2 + 40e-6


def _filled(shape: str, count: int) -> RuleIndex[int]:
    index: RuleIndex[int] = RuleIndex()
    for at in range(count):
        index.put(at, Pattern.parse(_SHAPES[shape](at)))
    return index


def _seconds(index: RuleIndex[int], events: list[dict[str, Any]]) -> float:
    """The best of many times for one event."""
    best = 1.0
    for _ in range(10):
        for event in events:
            begin = time.perf_counter()
            index.matching(event)
            best = min(best, time.perf_counter() - begin)
    return best
