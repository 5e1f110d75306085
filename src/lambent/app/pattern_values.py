"""What leaves of an event have to be, as event patterns say it: texts and numbers, and operators.

The sources are those of `patterns`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = Callable[[Any], bool]

OPERATORS = frozenset(
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


def equals(values: list[Any]) -> Test:
    """Whether a leaf is one of several texts, numbers and constants."""
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


def operator(expression: dict[str, Any], place: str) -> Test | None:
    """The test that `{"prefix": "a"}` and the like stand for; None for absence. Raises BadPattern."""
    if len(expression) != 1:
        raise BadPattern(place, f"one operator is needed, of {', '.join(sorted(OPERATORS))}")
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
    if name not in OPERATORS:
        raise BadPattern(place, f"{name!r} is no operator; there are {', '.join(sorted(OPERATORS))}")
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
    equal = equals(list(values))
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
