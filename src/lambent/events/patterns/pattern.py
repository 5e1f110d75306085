"""One pattern, compiled."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from lambent.events.patterns.compiler import compile_pattern
from lambent.events.patterns.errors import InvalidPattern
from lambent.events.patterns.event_fields import Values, fields_of
from lambent.events.patterns.places import NOWHERE, Place, apart, joined, narrowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambent.events.patterns.fields import FieldTest


class Pattern:
    """An event pattern. Made by `parse`, then never changed.

    `alternatives` are conjunctions of fields in the order of their paths: an event matches if all fields of one of
    them let it through, without taking values from different elements of one array. `paths` are the paths of all
    fields with every beginning of each.
    """

    __slots__ = ("alternatives", "paths")

    def __init__(self, alternatives: Sequence[Mapping[str, FieldTest]]) -> None:
        self.alternatives: tuple[tuple[FieldTest, ...], ...] = tuple(
            tuple(fields[path] for path in sorted(fields, key=_in_java)) for fields in alternatives
        )
        self.paths = frozenset(
            beginning for fields in alternatives for path in fields for beginning in beginnings(path)
        )

    @classmethod
    def parse(cls, text: str | bytes | dict[str, Any]) -> Self:
        """The pattern that a text says, or an object that is one already.

        Raises InvalidPattern with the reason as EventBridge words it.
        """
        if isinstance(text, dict):
            text = json.dumps(text)
        elif isinstance(text, bytes):
            try:
                text = text.decode()
            except UnicodeDecodeError:
                raise InvalidPattern("Invalid UTF-8") from None
        return cls(compile_pattern(text))

    def matches(self, event: Any) -> bool:
        """Whether a decoded JSON event matches. What is not an object never does."""
        if type(event) is not dict:
            return False
        values = fields_of(event, self.paths)
        return any(holds(fields, values) for fields in self.alternatives)


def holds(fields: Sequence[FieldTest], values: Values) -> bool:
    """Whether every field finds a value among an event's, all of them in elements that go together."""
    for at, field in enumerate(fields):
        found = values.get(field.path)
        if found is None:
            if not field.absent:
                return False
        elif found[0][1] or len(found) > 1:
            # In arrays: what follows depends on where values are found.
            return _holds_in_arrays(fields[at:], values)
        elif not field(found[0][0]):
            return False
    return True


def _holds_in_arrays(fields: Sequence[FieldTest], values: Values) -> bool:
    places: set[Place] = {NOWHERE}
    for at, field in enumerate(fields):
        found = values.get(field.path, ())
        following = apart(places, {there for _, there in found}) if field.absent else set()
        if found:
            following |= joined(places, {there for value, there in found if field(value)})
        if not following:
            return False
        if following != {NOWHERE}:
            later = frozenset(
                array
                for further in fields[at + 1 :]
                for _, there in values.get(further.path, ())
                for array, _ in there
            )
            following = narrowed(following, later)
        places = following
    return True


@lru_cache(4096)
def beginnings(path: str) -> tuple[str, ...]:
    """Every beginning of a path that ends before a dot, and the path."""
    return (*[path[:at] for at, character in enumerate(path) if character == "."], path)


def _in_java(path: str) -> bytes:
    # Texts compare by their UTF-16 units there.
    return path.encode("utf-16-be", "surrogatepass")
