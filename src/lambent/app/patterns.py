"""Event patterns: which events a handler is for, as rules of EventBridge say it.

A pattern is compiled once; `compiled(pattern)` gives a function of an event. What patterns may say is in "Comparison
operators for use in event patterns" of the EventBridge user guide; what AWS does where that is silent, and which
patterns it refuses, is known from Event Ruler, AWS's own matcher, which is open source:

- Only leaves are compared. Of a list in an event any element may match; but members of objects in a list have to match
  within the same object.
- `{"detail": {"state.status": […]}}` and `{"detail": {"state": {"status": […]}}}` are the same, in events too.
- `{"exists": false}` is also true of an object, as it is no leaf, and of an empty list.
- `$or` is an alternative only as a list of two or more objects without operators as names; otherwise it is a name.
- Numbers are compared as numbers: 300, 300.0 and 3.0e2 are one. `numeric` is for -5.0e9 to 5.0e9.
- `anything-but` needs a value, which may be null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.pattern_values import OPERATORS, BadPattern, equals, operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.pattern_values import Test

    Fields = dict[tuple[str, ...], list["Test | None"]]
    """By path, the tests of which one has to hold; None is for there being no such leaf."""

_MOST_ALTERNATIVES = 1000
_MISSING: Any = object()


def compiled(pattern: Any) -> Callable[[Any], bool]:
    """Whether an event matches. Raises BadPattern."""
    if not isinstance(pattern, dict):
        raise BadPattern("", "it must be an object")
    rules: list[Fields] = [{}]
    _add_object(rules, pattern, ())
    alternatives = [one for rule in rules for one in _alternatives(rule)]
    if len(alternatives) == 1:
        return alternatives[0]
    return lambda event: any(matches(event) for matches in alternatives)


# ------------------------------------------------------------ reading


def _add_object(rules: list[Fields], pattern: dict[str, Any], path: tuple[str, ...]) -> None:
    if not pattern:
        raise BadPattern(".".join(path), "empty objects are not allowed")
    for name, value in pattern.items():
        place = (*path, *str(name).split("."))
        if name == "$or" and _is_or(value):
            _add_or(rules, value, path)
        elif isinstance(value, dict):
            _add_object(rules, value, place)
        elif isinstance(value, (list, tuple)):
            tests = _tests(value, ".".join(place))
            for rule in rules:
                rule[place] = tests
        else:
            raise BadPattern(
                ".".join(place),
                f"it must be an object or a list: [{value!r}] matches what is equal to {value!r}",
            )


def _is_or(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) > 1
        and all(isinstance(one, dict) and not OPERATORS & one.keys() for one in value)
    )


def _add_or(rules: list[Fields], choices: Any, path: tuple[str, ...]) -> None:
    before = [dict(rule) for rule in rules]
    rules.clear()
    for choice in choices:
        again = [dict(rule) for rule in before]
        _add_object(again, choice, path)
        rules.extend(again)
        if len(rules) > _MOST_ALTERNATIVES:
            raise BadPattern(".".join((*path, "$or")), f"it has more than {_MOST_ALTERNATIVES} combinations")


def _tests(values: Any, place: str) -> list[Test | None]:
    if not values:
        raise BadPattern(place, "empty lists are not allowed")
    equal: list[Any] = []
    tests: list[Test | None] = []
    for index, value in enumerate(values):
        if isinstance(value, dict):
            tests.append(operator(value, f"{place}[{index}]"))
        elif value is None or isinstance(value, (str, bool, int, float)):
            equal.append(value)
        else:
            raise BadPattern(f"{place}[{index}]", "it must be text, a number, a boolean, null or an operator")
    if equal:
        tests.append(equals(equal))
    return tests


# ------------------------------------------------------------ matching


def _alternatives(fields: Fields) -> list[Callable[[Any], bool]]:
    """A rule without `$or`, as functions of which one has to hold: absence is told apart from values."""
    choices: list[tuple[dict[tuple[str, ...], Test], list[tuple[str, ...]]]] = [({}, [])]
    for path, tests in fields.items():
        present = [test for test in tests if test is not None]
        grown = []
        for tree, absent in choices:
            if present:
                grown.append(({**tree, path: _any(present)}, absent))
            if len(present) < len(tests):
                grown.append((tree, [*absent, path]))
        choices = grown
    return [_conjunction(present, absent) for present, absent in choices]


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _conjunction(
    present: dict[tuple[str, ...], Test], absent: list[tuple[str, ...]]
) -> Callable[[Any], bool]:
    matches = _object(present)
    if not absent:
        return matches
    return lambda event: not any(_has_leaf(event, path) for path in absent) and matches(event)


def _object(fields: dict[tuple[str, ...], Test]) -> Callable[[Any], bool]:
    """Whether all fields match within one object."""
    below: dict[str, dict[tuple[str, ...], Test]] = {}
    leaves: list[tuple[str, Test]] = []
    for path, test in fields.items():
        if len(path) == 1:
            leaves.append((path[0], _leaf(test)))
        else:
            below.setdefault(path[0], {})[path[1:]] = test
    members = [*leaves, *((name, _within(_object(rest))) for name, rest in below.items())]

    def straight(value: dict[str, Any]) -> bool:
        for name, test in members:
            found = value.get(name, _MISSING)
            if found is _MISSING or not test(found):
                return False
        return True

    def matches(value: Any) -> bool:
        if value.__class__ is not dict:
            return False
        # Names with dots are rare: they are looked at when all else has failed.
        return straight(value) or ("." in "".join(value) and straight(_undotted(value)))

    return matches


def _leaf(test: Test) -> Test:
    def leaf(value: Any) -> bool:
        if value.__class__ is list:
            return any(map(leaf, value))
        return value.__class__ is not dict and test(value)

    return leaf


def _within(matches: Callable[[Any], bool]) -> Test:
    def within(value: Any) -> bool:
        if value.__class__ is list:
            return any(map(within, value))
        return matches(value)

    return within


def _undotted(value: dict[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` as `{"a": {"b": 1}}`; what is there under several spellings becomes a list."""
    result: dict[str, Any] = {}
    for name, member in value.items():
        first, dot, rest = name.partition(".")
        if dot:
            member = {rest: member}
        if first not in result:
            result[first] = member
        elif isinstance(result[first], dict) and isinstance(member, dict):
            result[first] = {**result[first], **member}
        else:
            there = result[first]
            result[first] = [*(there if isinstance(there, list) else [there]), member]
    return result


def _has_leaf(value: Any, path: tuple[str, ...]) -> bool:
    """Whether anything that is no object and no empty list is at the path."""
    if value.__class__ is list:
        return any(_has_leaf(one, path) for one in value)
    if not path:
        return value.__class__ is not dict
    if value.__class__ is not dict:
        return False
    for count in range(1, len(path) + 1):
        found = value.get(".".join(path[:count]), _MISSING)
        if found is not _MISSING and _has_leaf(found, path[count:]):
            return True
    return False


__all__ = ["BadPattern", "compiled"]
