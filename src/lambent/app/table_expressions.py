"""DynamoDB's expressions: conditions, filters, keys and updates, with the names and values that stand in them.

Every name is replaced by a placeholder, so that none collides with the reserved words ("Reserved words in DynamoDB" of
the developer guide has 573: `name`, `count`, `status`, `items`, …).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PLACEHOLDERS = r"([#:])([A-Za-z0-9_]+)"


class Sought(NamedTuple):
    """What is said of a sort key: at most one of these is not None."""

    sort: Any
    begins_with: Any
    between: tuple[Any, Any] | None
    least: Any
    most: Any


class Changes(NamedTuple):
    """What an update does to attributes."""

    set: dict[str, Any]
    add: dict[str, Any]
    remove: tuple[str, ...]


def changes(
    set: Mapping[str, Any] | None,  # noqa: A002 - DynamoDB's word
    add: Mapping[str, Any] | None,
    remove: Iterable[str],
) -> Changes:
    """Raises ValueError when nothing would change, or an attribute would twice."""
    found = Changes(dict(set or {}), dict(add or {}), (remove,) if isinstance(remove, str) else tuple(remove))
    names = [*found.set, *found.add, *found.remove]
    if not names:
        raise ValueError("an update changes something: give set, add or remove")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"an update changes an attribute once, and {', '.join(twice)} would be changed twice"
        )
    return found


class Expression:
    """Collects the expressions of one request. `given` are the values that the caller's expressions name."""

    def __init__(self, given: Mapping[str, Any] | None) -> None:
        self._given = dict(given or {})
        self._unused = set(self._given)
        self._members: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def members(self) -> dict[str, Any]:
        """What goes into the request. Raises ValueError for values that no expression names."""
        if self._unused:
            raise ValueError(f"no expression has the value {', '.join(map(repr, sorted(self._unused)))}")
        found = dict(self._members)
        if self._names:
            found["ExpressionAttributeNames"] = self._names
        if self._values:
            found["ExpressionAttributeValues"] = self._values
        return found

    def condition(self, told: str | None, own: tuple[str, str] | None) -> None:
        """A condition for writing: the caller's, and one of ours, a function and the attribute that it is about."""
        texts = [] if own is None else [f"{own[0]}({self._name(own[1])})"]
        if told:
            texts.append(f"({self._text(told)})")
        if texts:
            self._members["ConditionExpression"] = " AND ".join(texts)

    def filter(self, told: str | None) -> None:
        """A filter of what is read."""
        if told:
            self._members["FilterExpression"] = self._text(told)

    def sought(self, where: str, name: str, sort_name: str | None, key: Any, sought: Sought) -> None:
        """A partition key and what is said of the sort key. Raises ValueError when that is more than one thing."""
        parts = [f"{self._name(name)} = {self._value(key)}"]
        said = [what for what, value in sought._asdict().items() if value is not None]
        if len(said) > 1:
            raise ValueError(f"{where}: of the sort key one thing can be said, not {' and '.join(said)}")
        if said:
            if sort_name is None:
                raise ValueError(f"{where}: there is no sort key of which {said[0]} could be said")
            at = self._name(sort_name)
            (value,) = (value for value in sought if value is not None)
            if said[0] == "begins_with":
                parts.append(f"begins_with({at}, {self._value(value)})")
            elif said[0] == "between":
                first, last = value
                parts.append(f"{at} BETWEEN {self._value(first)} AND {self._value(last)}")
            else:
                sign = {"sort": "=", "least": ">=", "most": "<="}[said[0]]
                parts.append(f"{at} {sign} {self._value(value)}")
        self._members["KeyConditionExpression"] = " AND ".join(parts)

    def update(self, changes: Changes) -> None:
        """What an update does."""
        parts = []
        if changes.set:
            parts.append("SET " + ", ".join(self._pair(one, " = ") for one in changes.set.items()))
        if changes.add:
            parts.append("ADD " + ", ".join(self._pair(one, " ") for one in changes.add.items()))
        if changes.remove:
            parts.append("REMOVE " + ", ".join(map(self._name, changes.remove)))
        self._members["UpdateExpression"] = " ".join(parts)

    def _pair(self, one: tuple[str, Any], between: str) -> str:
        return f"{self._name(one[0])}{between}{self._value(one[1])}"

    def _text(self, told: str) -> str:
        """A caller's expression with our placeholders. Raises ValueError for a value that was not given."""

        def replaced(found: re.Match[str]) -> str:
            kind, name = found.groups()
            if kind == "#":
                return self._name(name)
            if name not in self._given:
                raise ValueError(f"{told!r}: there is no value {name!r}: give values={{{name!r}: …}}")
            self._unused.discard(name)
            return self._value(self._given[name])

        return re.sub(_PLACEHOLDERS, replaced, told)

    def _name(self, name: str) -> str:
        for placeholder, there in self._names.items():
            if there == name:
                return placeholder
        placeholder = f"#n{len(self._names)}"
        self._names[placeholder] = name
        return placeholder

    def _value(self, value: Any) -> str:
        from lambent.app.attribute_values import to_attribute

        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = to_attribute(value)
        return placeholder
