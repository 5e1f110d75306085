"""The order in which the records of a batch are handled: in each of its lanes one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Lanes(Protocol):
    """Puts the records of a batch, as their places in it, into lanes."""

    def __call__(self, records: list[dict[str, Any]], /) -> list[list[int]]: ...


def lane_each(records: list[dict[str, Any]]) -> list[list[int]]:
    """Each record in a lane of its own."""
    return [[place] for place in range(len(records))]


def lane_of_all(records: list[dict[str, Any]]) -> list[list[int]]:
    """All records in one lane: one after the other."""
    return [list(range(len(records)))]


class LanesBy:
    """A lane for each value of `key`; what has none, as only tests send it, is in one lane."""

    def __init__(self, key: Callable[[dict[str, Any]], Any]) -> None:
        self._key = key

    def __call__(self, records: list[dict[str, Any]], /) -> list[list[int]]:
        found: dict[Any, list[int]] = {}
        for place, record in enumerate(records):
            try:
                key = self._key(record)
            except (KeyError, TypeError, AttributeError):
                key = None
            found.setdefault(key, []).append(place)
        return list(found.values())
