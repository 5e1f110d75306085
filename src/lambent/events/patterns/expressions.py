"""Match expressions: the objects in a field's array, such as {"prefix": "a"}.

Grammar, wording and places of refusals are event-ruler's; see `compiler`.
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, Literal

from lambent.events.patterns import tokens as json
from lambent.events.patterns.addresses import range_of
from lambent.events.patterns.conditions import (
    Absent,
    AddressRange,
    Anything,
    AnythingButNumbers,
    AnythingButTexts,
    Condition,
    Exactly,
    IgnoreCase,
    NoneOf,
    NumericRange,
    Prefix,
    Suffix,
)
from lambent.events.patterns.errors import InvalidPattern
from lambent.events.patterns.wildcards import InvalidWildcard, Wildcard

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.events.patterns.tokens import Tokens

_ONE_KEY: Final = "Only one key allowed in match expression"
_TOO_MANY: Final = "Too many elements in numeric expression"
_IGNORE_CASE: Final = "equals-ignore-case"
_NAMES: Final = {"=": "equals"}


def expression(tokens: Tokens) -> Condition:
    """The condition of a match expression whose opening brace has been read. Raises InvalidPattern."""
    if tokens.next() != json.FIELD:
        tokens.fail("Match expression name not found")
    name = tokens.text()
    read = _OPERATORS.get(name)
    if read is None:
        tokens.fail(f"Unrecognized match type {name}")
    return read(tokens)


def _close(tokens: Tokens, complaint: str = _ONE_KEY) -> None:
    if tokens.next() != json.END_OBJECT:
        tokens.fail(complaint)


def _text(tokens: Tokens, name: str) -> str:
    if tokens.next() != json.TEXT:
        tokens.fail(f"{name} match pattern must be a string")
    return tokens.text()


def _exactly(tokens: Tokens) -> Condition:
    text = _text(tokens, "exact")
    _close(tokens)
    return Exactly(text)


def _affix(
    name: Literal["prefix", "suffix"], plain: Callable[[str], Condition]
) -> Callable[[Tokens], Condition]:
    def read(tokens: Tokens) -> Condition:
        kind = tokens.next()
        if kind != json.OBJECT:
            if kind != json.TEXT:
                tokens.fail(f"{name} match pattern must be a string")
            text = tokens.text()
            _close(tokens)
            return plain(text)
        if tokens.next() != json.FIELD:
            tokens.fail(f"{name.capitalize()} expression name not found")
        if tokens.text() != _IGNORE_CASE:
            tokens.fail(f"Unsupported {name} pattern: {tokens.text()}")
        text = _text(tokens, _IGNORE_CASE)
        _close(tokens)
        _close(tokens)
        return IgnoreCase(text, name)

    return read


def _ignore_case(tokens: Tokens) -> Condition:
    text = _text(tokens, _IGNORE_CASE)
    _close(tokens)
    return IgnoreCase(text)


def _wildcard(tokens: Tokens) -> Condition:
    text = _text(tokens, "wildcard")
    found = _as_wildcard(tokens, text)
    _close(tokens)
    return found


def _as_wildcard(tokens: Tokens, text: str) -> Wildcard:
    try:
        return Wildcard(text)
    except InvalidWildcard as error:
        tokens.fail(str(error))


def _cidr(tokens: Tokens) -> Condition:
    # AWS says "prefix" here.
    low, high = range_of(_text(tokens, "prefix"))
    _close(tokens)
    return AddressRange(low, high)


def _exists(tokens: Tokens) -> Condition:
    found = tokens.text() if tokens.next() == json.LITERAL else ""
    if found not in ("true", "false"):
        tokens.fail("exists match pattern must be either true or false.")
    _close(tokens)
    return Anything() if found == "true" else Absent()


def _numeric(tokens: Tokens) -> Condition:
    if tokens.next() != json.ARRAY:
        tokens.fail("Value of numeric must be an array.")
    found = _range(tokens)
    _close(tokens, _TOO_MANY)
    return found


def _range(tokens: Tokens) -> NumericRange:
    if tokens.next() != json.TEXT:
        tokens.fail(f"Invalid member in numeric match: {tokens.text()}")
    operator = tokens.text()
    kind = tokens.next()
    if operator not in ("=", "<", "<=", ">", ">="):
        tokens.fail(f"Unrecognized numeric range operator: {operator}")
    if kind != json.NUMBER:
        tokens.fail(f"Value of {_NAMES.get(operator, operator)} must be numeric")
    bound = tokens.text()
    kind = tokens.next()
    if operator in (">", ">=") and kind != json.END_ARRAY:
        return _closed_range(tokens, kind, bound, operator)
    if kind != json.END_ARRAY:
        tokens.fail(_TOO_MANY)
    number = _comparable(tokens, bound)
    if operator == "=":
        return NumericRange(number, number, low_open=False, high_open=False)
    if operator in (">", ">="):
        return NumericRange(number, None, low_open=operator == ">", high_open=False)
    return NumericRange(None, number, low_open=False, high_open=operator == "<")


def _closed_range(tokens: Tokens, kind: str, low: str, opening: str) -> NumericRange:
    if kind != json.TEXT:
        tokens.fail(f"Bad value in numeric range: {tokens.text()}")
    operator = tokens.text()
    if operator not in ("<", "<="):
        tokens.fail(f"Bad numeric range operator: {operator}")
    if tokens.next() != json.NUMBER:
        tokens.fail(f"Value of {operator} must be numeric")
    high = tokens.text()
    if tokens.next() != json.END_ARRAY:
        tokens.fail("Too many terms in numeric range expression")
    bottom, top = _comparable(tokens, low), _comparable(tokens, high)
    if bottom >= top:
        tokens.fail("Bottom must be less than top")
    return NumericRange(bottom, top, low_open=opening == ">", high_open=operator == "<")


def _comparable(tokens: Tokens, text: str) -> float:
    try:
        number, exact = float(text), Decimal(text)
    except (InvalidOperation, OverflowError):
        tokens.fail(f"Cannot compare number : {text}")
    # A number that a double does not hold would be compared as another one.
    if not math.isfinite(number) or Decimal(repr(number)) != exact:
        tokens.fail(f"Cannot compare number : {text}")
    return number


def _anything_but(tokens: Tokens) -> Condition:
    kind = tokens.next()
    operator = ""
    if kind == json.OBJECT:
        if tokens.next() != json.FIELD:
            tokens.fail("Anything-But expression name not found")
        operator = tokens.text()
        if operator not in _NEGATED:
            tokens.fail(f"Unsupported anything-but pattern: {operator}")
        kind = tokens.next()
    if kind not in (json.ARRAY, json.TEXT, json.NUMBER):
        tokens.fail("Value of anything-but must be an array or single string/number value.")
    found = _negated(tokens, kind, operator) if operator else _anything_but_values(tokens, kind)
    _close(tokens, _TOO_MANY)
    if operator:
        _close(tokens, _TOO_MANY)
    return found


def _anything_but_values(tokens: Tokens, kind: str) -> Condition:
    if kind == json.TEXT:
        return AnythingButTexts(frozenset({tokens.text()}))
    if kind == json.NUMBER:
        return AnythingButNumbers(frozenset({_comparable(tokens, tokens.text())}))
    texts: set[str] = set()
    numbers: set[float] = set()
    try:
        while (kind := tokens.next()) != json.END_ARRAY:
            if kind == json.TEXT:
                texts.add(tokens.text())
            elif kind == json.NUMBER:
                numbers.add(_comparable(tokens, tokens.text()))
            else:
                tokens.fail("Inside anything but list, start|null|boolean is not supported.")
    except InvalidPattern as error:
        # The compiler wraps what went wrong in a list, and names the place a second time.
        tokens.fail(str(error))
    if bool(texts) == bool(numbers):
        tokens.fail(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
    return AnythingButTexts(frozenset(texts)) if texts else AnythingButNumbers(frozenset(numbers))


def _negated(tokens: Tokens, kind: str, operator: str) -> Condition:
    if kind != json.ARRAY:
        texts = [_negated_text(tokens, kind, operator)]
    else:
        texts = []
        try:
            while (kind := tokens.next()) != json.END_ARRAY:
                texts.append(_negated_text(tokens, kind, operator))
        except InvalidPattern as error:
            tokens.fail(str(error))
        if not texts:
            tokens.fail("Empty arrays are not allowed")
    return NoneOf(tuple(_NEGATED[operator](tokens, text) for text in texts))


def _negated_text(tokens: Tokens, kind: str, operator: str) -> str:
    if kind != json.TEXT:
        if operator == _IGNORE_CASE:
            tokens.fail(
                "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
            )
        if operator == "wildcard":
            tokens.fail("wildcard match pattern must be a string")
        tokens.fail("prefix/suffix match pattern must be a string")
    if not tokens.text() and operator in ("prefix", "suffix"):
        tokens.fail("Null prefix/suffix not allowed")
    return tokens.text()


_OPERATORS: Final[dict[str, Callable[[Tokens], Condition]]] = {
    "exactly": _exactly,
    "prefix": _affix("prefix", Prefix),
    "suffix": _affix("suffix", Suffix),
    "numeric": _numeric,
    "anything-but": _anything_but,
    "exists": _exists,
    "cidr": _cidr,
    _IGNORE_CASE: _ignore_case,
    "wildcard": _wildcard,
}
_NEGATED: Final[dict[str, Callable[[Tokens, str], Condition]]] = {
    _IGNORE_CASE: lambda _, text: IgnoreCase(text),
    "prefix": lambda _, text: Prefix(text),
    "suffix": lambda _, text: Suffix(text),
    "wildcard": _as_wildcard,
}
