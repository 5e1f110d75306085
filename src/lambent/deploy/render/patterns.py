"""Rules of buses for the handlers of a unit.

A rule hands an event on without saying which rule it was, and the app calls every handler whose pattern fits. If two
rules of a unit fitted the same event, each handler would be called twice. So handlers whose patterns may fit the same
event have one rule between them, with `$or` ("Using $or matching" in the EventBridge user guide); those that exclude
each other have a rule each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.deploy.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.deploy.manifest import EventTrigger


_LARGEST: Final = 2048
"""Characters of a pattern: "EventBridge quotas"."""


def joined_rules(triggers: Iterable[EventTrigger]) -> list[EventTrigger]:
    """The rules to make: those that may fit the same event for the same unit are one, by the name of the first.

    Raises RenderError where that one is too large.
    """
    groups: list[list[EventTrigger]] = []
    for one in triggers:
        own = [one]
        for group in [group for group in groups if any(_meet(one, other) for other in group)]:
            groups.remove(group)
            own = [*group, *own]
        groups.append(own)
    joined = []
    for group in groups:
        group.sort(key=lambda one: one.name)
        patterns: list[dict[str, Any]] = []
        for one in group:
            if one.pattern not in patterns:
                patterns.append(one.pattern)
        if len(patterns) == 1:
            check_pattern(f"unit {group[0].unit}, event {group[0].name}:", patterns[0])
            joined.append(group[0])
        else:
            told = ", ".join(one.name for one in group)
            pattern: dict[str, Any] = {"$or": patterns}
            check_pattern(
                f"unit {group[0].unit}: one event may be for all of {told}, so they share a rule, and",
                pattern,
                hint="Give them values of source or detail-type that exclude each other, or units of their own.",
            )
            joined.append(msgspec.structs.replace(group[0], pattern=pattern))
    return sorted(joined, key=lambda one: one.name)


def check_pattern(what: str, pattern: dict[str, Any], *, hint: str | None = None) -> None:
    """Raise RenderError for a pattern that is larger than a rule's may be."""
    size = len(msgspec.json.encode(pattern))
    if size > _LARGEST:
        raise RenderError(
            f"{what} its pattern has {size:,} bytes: EventBridge takes {_LARGEST:,}",
            hint=hint or "Match less in the pattern, and look at the rest in the handler.",
        )


def _meet(one: EventTrigger, other: EventTrigger) -> bool:
    return one.unit == other.unit and one.bus == other.bus and not disjoint(one.pattern, other.pattern)


def disjoint(one: Any, other: Any) -> bool:
    """Whether no event fits both patterns, as far as plain values tell: a member has other values in each."""
    if isinstance(one, dict) and isinstance(other, dict):
        return any(key in other and disjoint(value, other[key]) for key, value in one.items() if key != "$or")
    if isinstance(one, list) and isinstance(other, list):
        plain = all(not isinstance(value, dict) for value in [*one, *other])
        return plain and not any(value in other for value in one)
    return False
