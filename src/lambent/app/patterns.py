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

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = Callable[[Any], bool]
    Fields = dict[tuple[str, ...], list["Test | None"]]
    """By path, the tests of which one has to hold; None is for there being no such leaf."""

_OPERATORS = frozenset(
    {
        "exactly",
        "prefix",
        "suffix",
        "equals-ignore-case",
        "anything-but",
        "numeric",
        "exists",
        "cidr",
        "wildcard",
    }
)
_LARGEST = 5.0e9
_MOST_ALTERNATIVES = 1000
_MISSING: Any = object()
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, limit: value == limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}


class BadPattern(ValueError):
    """A pattern that EventBridge would refuse. The text begins with the place: `detail.total[0]: …`."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place or 'the pattern'}: {reason}")


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
        and all(isinstance(one, dict) and not _OPERATORS & one.keys() for one in value)
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
            tests.append(_operator(value, f"{place}[{index}]"))
        elif value is None or isinstance(value, (str, bool, int, float)):
            equal.append(value)
        else:
            raise BadPattern(f"{place}[{index}]", "it must be text, a number, a boolean, null or an operator")
    if equal:
        tests.append(_equals(equal))
    return tests


def _equals(values: list[Any]) -> Test:
    texts = frozenset(one for one in values if isinstance(one, str))
    if all(isinstance(one, str) for one in values):
        return lambda value: value.__class__ is str and value in texts
    numbers = frozenset(one for one in values if _is_number(one))
    constants = [one for one in values if one is None or isinstance(one, bool)]

    def test(value: Any) -> bool:
        if value.__class__ is str:
            return value in texts
        if _is_number(value):
            return value in numbers
        return any(value is one for one in constants)

    return test


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _operator(expression: dict[str, Any], place: str) -> Test | None:
    if len(expression) != 1:
        raise BadPattern(place, f"one operator is needed, of {', '.join(sorted(_OPERATORS))}")
    ((name, operand),) = expression.items()
    if name == "exists":
        if not isinstance(operand, bool):
            raise BadPattern(place, "exists must be true or false")
        return (lambda value: True) if operand else None
    if name == "numeric":
        return _numeric(operand, place)
    if name == "anything-but":
        return _anything_but(operand, place)
    if name == "cidr":
        return _cidr(operand, place)
    if name in ("prefix", "suffix") and isinstance(operand, dict):
        if list(operand) != ["equals-ignore-case"]:
            raise BadPattern(place, f"{name} must be text, or text to be compared with equals-ignore-case")
        return _affix(name, _text(operand["equals-ignore-case"], f"{name} equals-ignore-case", place), True)
    if name not in _OPERATORS:
        raise BadPattern(place, f"{name!r} is no operator; there are {', '.join(sorted(_OPERATORS))}")
    return _textual(name, _text(operand, name, place), place)


def _text(operand: Any, name: str, place: str) -> str:
    if not isinstance(operand, str):
        raise BadPattern(place, f"{name} must be text, not {operand!r}")
    return operand


def _textual(name: str, operand: str, place: str) -> Test:
    """The operators that compare texts with a text."""
    if name in ("prefix", "suffix"):
        return _affix(name, operand, False)
    if name == "wildcard":
        return _wildcard(operand, place)
    if name == "equals-ignore-case":
        folded = operand.lower()
        return lambda value: value.__class__ is str and value.lower() == folded
    return lambda value: value == operand  # exactly


def _affix(name: str, affix: str, ignore_case: bool) -> Test:
    if ignore_case:
        folded = affix.lower()
        if name == "prefix":
            return lambda value: value.__class__ is str and value.lower().startswith(folded)
        return lambda value: value.__class__ is str and value.lower().endswith(folded)
    if name == "prefix":
        return lambda value: value.__class__ is str and value.startswith(affix)
    return lambda value: value.__class__ is str and value.endswith(affix)


def _wildcard(text: str, place: str) -> Test:
    """`*` is any text; `\\*` and `\\\\` are these characters themselves."""
    pieces, at = [""], 0
    while at < len(text):
        character = text[at]
        if character == "*":
            if text[at + 1 : at + 2] == "*":
                raise BadPattern(place, "a wildcard may not have two * in a row")
            pieces.append("")
        else:
            if character == "\\":
                at += 1
                character = text[at : at + 1]
                if character not in ("*", "\\"):
                    raise BadPattern(place, "in a wildcard a backslash goes before * or another backslash")
            pieces[-1] += character
        at += 1
    if len(pieces) == 1:
        return lambda value: value == pieces[0]
    first, *middle, last = pieces
    shortest = len(first) + len(last)

    def test(value: Any) -> bool:
        if value.__class__ is not str or len(value) < shortest:
            return False
        if not value.startswith(first) or not value.endswith(last):
            return False
        start, end = len(first), len(value) - len(last)
        for piece in middle:
            found = value.find(piece, start, end)
            if found < 0:
                return False
            start = found + len(piece)
        return True

    return test


def _anything_but(operand: Any, place: str) -> Test:
    if isinstance(operand, dict):
        if len(operand) != 1:
            raise BadPattern(place, "anything-but takes one operator")
        ((name, inner),) = operand.items()
        if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
            raise BadPattern(
                place, f"anything-but takes prefix, suffix, equals-ignore-case or wildcard, not {name!r}"
            )
        values = inner if isinstance(inner, (list, tuple)) else [inner]
        if not values:
            raise BadPattern(place, f"anything-but {name}: empty lists are not allowed")
        tests = []
        for one in values:
            text = _text(one, f"anything-but {name}", place)
            if not text and name in ("prefix", "suffix"):
                raise BadPattern(place, f"anything-but {name}: it may not be empty")
            tests.append(_textual(name, text, place))
        return lambda value: not any(test(value) for test in tests)
    values = operand if isinstance(operand, (list, tuple)) else [operand]
    if not values or not (
        all(isinstance(one, str) for one in values) or all(_is_number(one) for one in values)
    ):
        raise BadPattern(place, "anything-but must be text, a number, or a list of either texts or numbers")
    equal = _equals(list(values))
    return lambda value: not equal(value)


def _numeric(operand: Any, place: str) -> Test:
    if not isinstance(operand, (list, tuple)) or len(operand) not in (2, 4):
        raise BadPattern(place, 'numeric must be a list such as [">", 0] or [">=", 0, "<", 100]')
    limits: list[float] = []
    for sign, limit in zip(operand[::2], operand[1::2], strict=True):
        if not isinstance(sign, str) or sign not in _COMPARISONS:
            raise BadPattern(place, f"numeric: {sign!r} is none of {' '.join(_COMPARISONS)}")
        if not _is_number(limit) or not -_LARGEST <= limit <= _LARGEST:
            raise BadPattern(place, f"numeric: {limit!r} is no number from -5.0e9 to 5.0e9")
        limits.append(limit)
    if len(operand) == 4:
        if operand[0] not in (">", ">=") or operand[2] not in ("<", "<="):
            raise BadPattern(place, "numeric: a range has > or >= first and < or <= second")
        if limits[0] >= limits[1]:
            raise BadPattern(place, "numeric: the lower limit of a range must be less than the upper one")
    first, low = _COMPARISONS[operand[0]], limits[0]
    if len(operand) == 2:
        return lambda value: _is_number(value) and -_LARGEST <= value <= _LARGEST and first(value, low)
    second, high = _COMPARISONS[operand[2]], limits[1]
    return lambda value: _is_number(value) and first(value, low) and second(value, high)


def _cidr(operand: Any, place: str) -> Test:
    from ipaddress import ip_address, ip_network  # only for those who use it

    text = _text(operand, "cidr", place)
    try:
        if "/" not in text:
            raise ValueError
        network = ip_network(text, strict=False)
    except ValueError:
        raise BadPattern(place, f"cidr: {text!r} is no block of addresses such as 10.0.0.0/24") from None

    def test(value: Any) -> bool:
        if value.__class__ is not str:
            return False
        try:
            return ip_address(value) in network
        except ValueError:
            return False

    return test


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
