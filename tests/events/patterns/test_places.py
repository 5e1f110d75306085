"""Values that are taken together stand in elements that go together: the same as trying every combination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

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
