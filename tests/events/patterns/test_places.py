"""Values that are taken together stand in elements that go together: the same as trying every combination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.events.patterns import Pattern
from lambent.events.patterns.event_fields import fields_of
from lambent.events.patterns.fields import FieldTest
from lambent.events.patterns.pattern import holds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.events.patterns.event_fields import Values

_PATHS = ["a", "b", "c", "d"]
_PLACES = st.dictionaries(st.integers(0, 2), st.integers(0, 2), max_size=3).map(
    lambda place: tuple(sorted(place.items()))
)
_FOUND = st.lists(st.tuples(st.sampled_from(["yes", "no"]), _PLACES), max_size=4)


def _combined(fields: Sequence[FieldTest], values: Values, chosen: dict[int, int]) -> bool:
    """As event-ruler walks: a field after the other, each value of it that goes with those before."""
    if not fields:
        return True
    first, rest = fields[0], fields[1:]
    fitting = [
        (value, dict(place))
        for value, place in values.get(first.path, [])
        if all(chosen.get(array, index) == index for array, index in place)
    ]
    if first.absent and not fitting and _combined(rest, values, chosen):
        return True
    return any(first(value) and _combined(rest, values, {**chosen, **place}) for value, place in fitting)


@settings(max_examples=150, deadline=None)
@given(found=st.lists(_FOUND, min_size=4, max_size=4), absent=st.lists(st.booleans(), min_size=4, max_size=4))
def test_every_combination(
    found: list[list[tuple[str, tuple[tuple[int, int], ...]]]], absent: list[bool]
) -> None:
    fields = [
        FieldTest(path, texts=frozenset({"yes"}), absent=maybe)
        for path, maybe in zip(_PATHS, absent, strict=True)
    ]
    values: Values = {path: list(values) for path, values in zip(_PATHS, found, strict=True) if values}
    assert holds(fields, values) is _combined(fields, values, {})


def test_arrays_in_elements_of_an_array_are_of_one_kind() -> None:
    """Otherwise every order would be compared with every other one."""
    items = [{"name": "a", "count": 1}, {"name": "b", "count": 2}]
    event: dict[str, Any] = {"orders": [{"items": items} for _ in range(100)], "others": [[1], [2]]}
    paths = {"orders", "orders.items", "orders.items.name", "others"}
    values = fields_of(event, paths)
    assert {array for found in values.values() for _, place in found for array, _ in place} == {0, 1, 2}
    pattern = Pattern.parse({"orders": {"items": {"name": ["a"], "count": [2]}}})
    assert not pattern.matches(event)
    event["orders"].append({"items": [{"name": "a", "count": 2}]})
    assert pattern.matches(event)


def test_arrays_of_one_path_by_a_name_with_a_dot() -> None:
    event = {"a": {"b": [{"x": 1, "y": 2}]}, "a.b": [{"x": 3, "y": 4}]}
    pattern = Pattern.parse({"a": {"b": {"x": [1], "y": [4]}}})
    assert pattern.matches(event)  # they are not elements of one array
    assert not Pattern.parse({"a": {"b": {"x": [1], "y": [3]}}}).matches(event)


def test_arrays_within_hundreds_of_arrays_are_not_looked_at() -> None:
    nested: Any = 1
    for _ in range(200):
        nested = [nested]
    assert not Pattern.parse({"a": [1]}).matches({"a": nested})
    assert Pattern.parse({"a": [1]}).matches({"a": [nested, [[1]]]})
