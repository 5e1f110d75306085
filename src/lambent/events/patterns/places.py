"""Places of values in arrays, and which of them go together.

Two values go together unless they stand in different elements of one array. Events may have arrays of thousands of
elements, so places are brought together by hashing, never pair by pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

Place: TypeAlias = tuple[tuple[int, int], ...]
"""The array elements around a value: (number of the array in the event, index), ascending by array."""

NOWHERE: Place = ()


def joined(places: Collection[Place], others: Collection[Place]) -> set[Place]:
    """Every place that is around one of `places` and one of `others` that go together."""
    found: set[Place] = set()
    for arrays, group in _by_arrays(places):
        for other_arrays, other_group in _by_arrays(others):
            common = arrays & other_arrays
            if common == other_arrays:
                # Nothing is added to places that are in there.
                there = {_within(other, common) for other in other_group}
                found.update(place for place in group if _within(place, common) in there)
                continue
            partners: dict[Place, list[Place]] = {}
            for other in other_group:
                partners.setdefault(_within(other, common), []).append(other)
            for place in group:
                for other in partners.get(_within(place, common), ()):
                    found.add(tuple(sorted({*place, *other})))
    return found


def apart(places: Collection[Place], others: Collection[Place]) -> set[Place]:
    """Those of `places` that go together with none of `others`."""
    left = set(places)
    for other_arrays, other_group in _by_arrays(others):
        for arrays, group in _by_arrays(left):
            common = arrays & other_arrays
            there = {_within(other, common) for other in other_group}
            left.difference_update([place for place in group if _within(place, common) in there])
    return left


def narrowed(places: Iterable[Place], arrays: frozenset[int]) -> set[Place]:
    """Places of which only some arrays still matter."""
    return {_within(place, arrays) for place in places}


def _within(place: Place, arrays: frozenset[int]) -> Place:
    return tuple(element for element in place if element[0] in arrays)


def _by_arrays(places: Iterable[Place]) -> Iterator[tuple[frozenset[int], list[Place]]]:
    groups: dict[tuple[int, ...], list[Place]] = {}
    for place in places:
        groups.setdefault(tuple(array for array, _ in place), []).append(place)
    return iter([(frozenset(arrays), group) for arrays, group in groups.items()])
