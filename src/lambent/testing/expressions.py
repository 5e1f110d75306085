"""DynamoDB's condition and update expressions, evaluated on items in memory.

Grammar: "Condition and filter expressions, operators, and functions" and "Update expressions" of the DynamoDB developer
guide. Items are attribute values as in the API's JSON.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lambent.app.attribute_values import from_attribute, to_attribute
from lambent.app.client.errors import AWSError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Attribute = dict[str, Any]

_TOKEN = re.compile(r"\s*(\[\d+\]|<>|<=|>=|[()<>=,.+-]|[#:]?[A-Za-z0-9_]+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "<>": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}
_ORDERED = frozenset({"S", "N", "B"})
_SIZELESS = frozenset({"N", "BOOL", "NULL"})
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")


def invalid(message: str) -> AWSError:
    """What DynamoDB answers to a request that it does not understand."""
    return AWSError("ValidationException", message, 400)


class Expression:
    """An expression with its names and values. Raises AWSError (ValidationException) for what is none."""

    def __init__(self, text: str, names: Mapping[str, str], values: Mapping[str, Attribute]) -> None:
        self._text = text
        self._names = names
        self._values = values
        self._tokens: list[str] = []
        at, text = 0, text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise invalid(f"Invalid expression: {text!r}, at {text[at:]!r}")
            self._tokens.append(found[1])
            at = found.end()
        self._at = 0

    def holds(self, item: Mapping[str, Attribute]) -> bool:
        """Whether a condition is true of an item."""
        self._at = 0
        found = self._any_of(item)
        if self._at < len(self._tokens):
            raise self._unexpected()
        return found

    def apply(self, item: dict[str, Attribute]) -> None:
        """Do an update to an item."""
        self._at = 0
        before = dict(item)  # what is read is what was there before
        section = ""
        while self._at < len(self._tokens):
            if self._tokens[self._at].upper() in _SECTIONS:
                section = self._next().upper()
            elif not self._take(","):
                raise self._unexpected()
            name = self._name(self._next())
            if self._at < len(self._tokens) and self._tokens[self._at][0] in ".[":
                raise AWSError(
                    "UnsupportedOperation",
                    f"memory_tables changes whole attributes only, and {self._text!r} changes a part of {name}",
                    400,
                )
            if section == "SET":
                self._expect("=")
                item[name] = self._assigned(before)
            elif section == "REMOVE":
                item.pop(name, None)
            elif section in ("ADD", "DELETE"):
                value = self._operand(before)
                changed = (
                    _added(before.get(name), value) if section == "ADD" else _without(before.get(name), value)
                )
                item.pop(name, None)
                if changed is not None:
                    item[name] = changed
            else:
                raise self._unexpected()

    # ------------------------------------------------------------ conditions

    def _any_of(self, item: Mapping[str, Attribute]) -> bool:
        found = self._all_of(item)
        while self._take("OR"):
            found = self._all_of(item) or found
        return found

    def _all_of(self, item: Mapping[str, Attribute]) -> bool:
        found = self._one(item)
        while self._take("AND"):
            found = self._one(item) and found
        return found

    def _one(self, item: Mapping[str, Attribute]) -> bool:
        if self._take("NOT"):
            return not self._one(item)
        if self._take("("):
            found = self._any_of(item)
            self._expect(")")
            return found
        word = self._tokens[self._at].lower() if self._at < len(self._tokens) else ""
        if word in _FUNCTIONS and self._tokens[self._at + 1 : self._at + 2] == ["("]:
            self._at += 1
            return _FUNCTIONS[word](*self._arguments(item))
        one = self._operand(item)
        if self._take("BETWEEN"):
            low = self._operand(item)
            self._expect("AND")
            high = self._operand(item)
            return _compare("<=", low, one) and _compare("<=", one, high)
        if self._take("IN"):
            return any(_compare("=", one, other) for other in self._arguments(item))
        sign = self._next()
        if sign not in _COMPARE:
            raise self._unexpected(-1)
        return _compare(sign, one, self._operand(item))

    def _arguments(self, item: Mapping[str, Attribute]) -> list[Attribute | None]:
        self._expect("(")
        found = [self._operand(item)]
        while self._take(","):
            found.append(self._operand(item))
        self._expect(")")
        return found

    # ------------------------------------------------------------ operands

    def _assigned(self, item: Mapping[str, Attribute]) -> Attribute:
        value = self._operand(item)
        while self._at < len(self._tokens) and self._tokens[self._at] in ("+", "-"):
            sign = self._next()
            other = self._operand(item)
            if value is None or other is None or "N" not in value or "N" not in other:
                raise invalid("An operand in the update expression has an incorrect data type")
            one, two = from_attribute(value), from_attribute(other)
            value = to_attribute(one + two if sign == "+" else one - two)
        if value is None:
            raise invalid("The provided expression refers to an attribute that does not exist in the item")
        return value

    def _operand(self, item: Mapping[str, Attribute]) -> Attribute | None:
        token = self._next()
        word = token.lower()
        if self._tokens[self._at : self._at + 1] == ["("]:
            arguments = self._arguments(item)
            if word == "size" and len(arguments) == 1:
                (of,) = arguments
                return None if of is None or _kind(of) in _SIZELESS else to_attribute(_size(of))
            if word == "if_not_exists" and len(arguments) == 2:
                return arguments[1] if arguments[0] is None else arguments[0]
            if word == "list_append" and len(arguments) == 2:
                return {"L": [one for part in arguments for one in (part or {}).get("L", ())]}
            raise invalid(f"Invalid function name; function: {token}")
        if token.startswith(":"):
            if token not in self._values:
                raise invalid(f"An expression attribute value used in expression is not defined: {token}")
            return self._values[token]
        found: Attribute | None = item.get(self._name(token))
        while self._at < len(self._tokens) and self._tokens[self._at][0] in ".[":
            step = self._next()
            if step == ".":
                found = (found or {}).get("M", {}).get(self._name(self._next()))
            else:
                members = (found or {}).get("L", [])
                index = int(step[1:-1])
                found = members[index] if index < len(members) else None
        return found

    def _name(self, token: str) -> str:
        if token.startswith("#"):
            if token not in self._names:
                raise invalid(f"An expression attribute name used in expression is not defined: {token}")
            return self._names[token]
        return token

    # ------------------------------------------------------------ tokens

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise invalid(f"Invalid expression: {self._text!r} ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].upper() == word:
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._unexpected()

    def _unexpected(self, offset: int = 0) -> AWSError:
        at = self._at + offset
        token = self._tokens[at] if at < len(self._tokens) else "its end"
        return invalid(f"Invalid expression: Syntax error; token: {token!r}, in {self._text!r}")


def _kind(attribute: Attribute) -> str:
    return next(iter(attribute))


def _compare(sign: str, one: Attribute | None, other: Attribute | None) -> bool:
    if one is None or other is None:
        return sign == "<>" and one is not other
    if _kind(one) != _kind(other):
        return sign == "<>"
    if sign not in ("=", "<>") and _kind(one) not in _ORDERED:
        return False
    return _COMPARE[sign](from_attribute(one), from_attribute(other))


def _begins_with(one: Attribute | None, start: Attribute | None) -> bool:
    if one is None or start is None or _kind(one) != _kind(start) or _kind(one) not in ("S", "B"):
        return False
    return bool(from_attribute(one).startswith(from_attribute(start)))


def _contains(one: Attribute | None, part: Attribute | None) -> bool:
    if one is None or part is None:
        return False
    kind = _kind(one)
    if kind == "S":
        return _kind(part) == "S" and part["S"] in one["S"]
    if kind == "L":
        return part in one["L"]
    return kind == f"{_kind(part)}S" and from_attribute(part) in from_attribute(one)


def _size(attribute: Attribute) -> int:
    value = from_attribute(attribute)
    return len(value.encode()) if isinstance(value, str) else len(value)


_FUNCTIONS: dict[str, Callable[..., bool]] = {
    "attribute_exists": lambda one: one is not None,
    "attribute_not_exists": lambda one: one is None,
    "attribute_type": lambda one, kind: one is not None and _kind(one) == kind["S"],
    "begins_with": _begins_with,
    "contains": _contains,
}


def _added(there: Attribute | None, value: Attribute | None) -> Attribute:
    if value is None or _kind(value) not in ("N", "SS", "NS", "BS"):
        raise invalid("Incorrect operand type for operator or function; operator: ADD")
    if there is None:
        return value
    if _kind(there) != _kind(value):
        raise invalid("An operand in the update expression has an incorrect data type")
    one, other = from_attribute(there), from_attribute(value)
    return to_attribute(one + other if "N" in value else one | other)


def _without(there: Attribute | None, value: Attribute | None) -> Attribute | None:
    if there is None or value is None:
        return there
    left = from_attribute(there) - from_attribute(value)
    return to_attribute(left) if left else None
