"""What filter patterns compare values with: numbers, strings with `*`, regular expressions between `%`."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable


class PatternError(ValueError):
    """The pattern cannot be read."""


VALUE: Final = r"""(?:"(?:[^"\\]|\\.)*"|%[^%]+%|[^\s"%()\[\],=!<>&|{}]+)"""
"""A value as it is written in a pattern."""

_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def regular_expression(text: str) -> Callable[[str], re.Match[str] | None]:
    """The search of what stands between `%` and `%`. Raises PatternError.

    Groups are refused, as by AWS: without them no expression takes exponential time.
    """
    if "(" in text:
        raise PatternError(text)
    try:
        return re.compile(text).search
    except re.error:
        raise PatternError(text) from None


def condition(comparison: str, written: str) -> Callable[[Any], bool]:
    """The test of one value (a string, number, bool or None) against what the pattern says.

    `comparison` is one of = != < <= > >=; `written` the value as in the pattern. Raises PatternError.
    """
    if comparison in _ORDER:
        return _ordered(_ORDER[comparison], written)
    equal = _equal(written)
    if comparison == "=":
        return equal
    return lambda value: not equal(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _ordered(compare: Callable[[Any, Any], bool], written: str) -> Callable[[Any], bool]:
    bound = _number(written)
    if bound is None:
        raise PatternError(written)

    def test(value: Any) -> bool:
        if isinstance(value, str):
            value = _number(value)
        return isinstance(value, int | float) and not isinstance(value, bool) and compare(value, bound)

    return test


def _equal(written: str) -> Callable[[Any], bool]:
    if written[0] == "%":
        search = regular_expression(written[1:-1])
        return lambda value: isinstance(value, str) and search(value) is not None
    quoted = written[0] == '"'
    text = re.sub(r"\\(.)", r"\1", written[1:-1]) if quoted else written
    if "*" in text:
        # `*` stands for any run of characters, wherever it is.
        match = re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL).fullmatch
        return lambda value: isinstance(value, str | int | float) and match(_text(value)) is not None
    number = None if quoted else _number(text)

    def test(value: Any) -> bool:
        if number is not None and isinstance(value, int | float) and not isinstance(value, bool):
            return value == number
        return isinstance(value, str | int | float) and _text(value) == text

    return test


def _text(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
