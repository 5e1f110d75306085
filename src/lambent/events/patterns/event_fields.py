"""An event as the values at its paths.

Arrays are left out of paths: what stands in one stands at the path of the array. So that a pattern does not take one
value from one element and another value from another, each value remembers in which elements it stands
(event-ruler's README, "JSON Array Matching").
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Container

    from lambent.events.patterns.places import Place

Values: TypeAlias = "dict[str, list[tuple[Any, Place]]]"
"""Values that are neither objects nor arrays by their paths, names joined by dots."""


_DEPTH: Final = 50
"""Arrays within more arrays than that are not looked at: each value in them would remember all of those."""


class _Arrays:
    """The numbers of an event's arrays: the arrays in the elements of one array share theirs, as their elements are
    told from each other by those around them. So there are as many numbers as there are kinds of arrays, however many
    orders have items each.
    """

    __slots__ = ("_found", "_numbers")

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, str, int], int] = {}
        # How many arrays stand at one place, which takes a name with a dot beside names without.
        self._found: dict[tuple[str, Place], int] = {}

    def number(self, path: str, place: Place) -> int:
        """The number of an array that stands there; higher than those of the arrays around it."""
        before = self._found.get((path, place), 0)
        self._found[path, place] = before + 1
        around = place[-1][0] if place else -1
        return self._numbers.setdefault((around, path, before), len(self._numbers))


def fields_of(event: dict[str, Any], wanted: Container[str]) -> Values:
    """The values of an event at paths that are `wanted`, which has every beginning of each path as well.

    A dot in a name is like one between names, so {"a.b": 1} has the value that {"a": {"b": 1}} has.
    """
    values: Values = {}
    with suppress(RecursionError):  # what is nested a thousand levels deep is not looked at
        _object(event, "", (), wanted, values, _Arrays())
    return values


def _object(
    found: dict[str, Any], path: str, place: Place, wanted: Container[str], values: Values, arrays: _Arrays
) -> None:
    for name, value in found.items():
        below = f"{path}.{name}" if path else name
        if below not in wanted:
            continue
        kind = type(value)
        if kind is dict:
            _object(value, below, place, wanted, values, arrays)
        elif kind is list:
            _array(value, below, place, wanted, values, arrays)
        elif below in values:
            values[below].append((value, place))
        else:
            values[below] = [(value, place)]


def _array(
    found: list[Any], path: str, place: Place, wanted: Container[str], values: Values, arrays: _Arrays
) -> None:
    if len(place) >= _DEPTH:
        return
    array = arrays.number(path, place)
    for index, value in enumerate(found):
        kind = type(value)
        if kind is dict:
            _object(value, path, (*place, (array, index)), wanted, values, arrays)
        elif kind is list:
            _array(value, path, (*place, (array, index)), wanted, values, arrays)
        else:
            values.setdefault(path, []).append((value, place))
