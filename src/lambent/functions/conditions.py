"""The Condition of a policy statement: operators and how they compare.

Follows "IAM JSON policy elements: Condition operators" of the IAM user guide. All operators of a condition have
to hold, and in each all keys; a key holds when one of its values does (for the negated operators: when none of
them matches). A key that the request does not have fails, unless the operator is negated or ends in IfExists.
"""

from __future__ import annotations

import datetime
import ipaddress
import operator
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Values = Mapping[str, "str | tuple[str, ...]"]
    Match = Callable[[str, str], bool]

_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?")


def known_operator(name: str) -> bool:
    """Whether a condition may use an operator of this name."""
    found = _OPERATOR.fullmatch(name)
    return found is not None and (found[2] in _OPERATORS or (found[2] == "Null" and not found[3]))


def conditions_met(condition: Mapping[str, Any], context: Values) -> bool:
    """Whether a request meets a condition. `context` holds the request's keys in lower case.

    An operator that is not known is never met.
    """
    return all(
        _met(name, key.lower(), _texts(wanted), context)
        for name, keys in condition.items()
        for key, wanted in keys.items()
    )


def _met(name: str, key: str, wanted: list[str], context: Values) -> bool:
    parsed = _OPERATOR.fullmatch(name)
    if parsed is None:
        return False
    quantifier, operation, if_exists = parsed.groups()
    value = context.get(key)
    if operation == "Null":
        return any((one.lower() == "true") is (value is None) for one in wanted)
    if operation not in _OPERATORS:
        return False
    match, negated = _OPERATORS[operation]
    if value is None:
        return quantifier == "ForAllValues" or bool(if_exists) or (negated and quantifier is None)
    values = (value,) if isinstance(value, str) else value
    held = [any(match(pattern, one) for pattern in wanted) is not negated for one in values]
    if quantifier == "ForAllValues":
        return all(held)
    # Without a quantifier a negated operator must hold for each value: none of them may match.
    return all(held) if negated and quantifier is None else any(held)


def _texts(wanted: Any) -> list[str]:
    values = wanted if isinstance(wanted, list | tuple) else [wanted]
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values]


def like(pattern: str, value: str) -> bool:
    """Whether a text is like a pattern, in which * is any text and ? any character.

    Without regular expressions: patterns are strangers', and those would backtrack for ever in a mean one.
    """
    position = star = 0
    at, resume = 0, -1
    while at < len(value):
        character = pattern[position] if position < len(pattern) else ""
        if character == "*":
            star, resume = position, at
            position += 1
        elif character == "?" or character == value[at]:
            position += 1
            at += 1
        elif resume >= 0:
            # The last star takes one character more.
            resume += 1
            at = resume
            position = star + 1
        else:
            return False
    return all(character == "*" for character in pattern[position:])


def _arn(pattern: str, value: str) -> bool:
    """ARNs are compared part by part: a wildcard does not reach over a colon, but for the last part."""
    wanted, given = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(given) == 6 and all(map(like, wanted, given))


def _compared(compare: Callable[[Any, Any], bool], read: Callable[[str], Any]) -> Match:
    def match(wanted: str, value: str) -> bool:
        try:
            return compare(read(value), read(wanted))
        except (ValueError, OverflowError, OSError):
            return False

    return match


def _moment(text: str) -> datetime.datetime:
    """A date of ISO 8601, or seconds since the epoch."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return datetime.datetime.fromtimestamp(float(text), datetime.UTC)
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _within(wanted: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _family(name: str, read: Callable[[str], Any]) -> dict[str, tuple[Match, bool]]:
    return {
        f"{name}Equals": (_compared(operator.eq, read), False),
        f"{name}NotEquals": (_compared(operator.eq, read), True),
        f"{name}LessThan": (_compared(operator.lt, read), False),
        f"{name}LessThanEquals": (_compared(operator.le, read), False),
        f"{name}GreaterThan": (_compared(operator.gt, read), False),
        f"{name}GreaterThanEquals": (_compared(operator.ge, read), False),
    }


# How an operator compares, and whether it holds where that does not.
_OPERATORS: Final[dict[str, tuple[Match, bool]]] = {
    "StringEquals": (operator.eq, False),
    "StringNotEquals": (operator.eq, True),
    "StringEqualsIgnoreCase": (_compared(operator.eq, str.casefold), False),
    "StringNotEqualsIgnoreCase": (_compared(operator.eq, str.casefold), True),
    "StringLike": (like, False),
    "StringNotLike": (like, True),
    "ArnEquals": (_arn, False),
    "ArnNotEquals": (_arn, True),
    "ArnLike": (_arn, False),
    "ArnNotLike": (_arn, True),
    "Bool": (_compared(operator.eq, str.lower), False),
    "BinaryEquals": (operator.eq, False),
    "IpAddress": (_within, False),
    "NotIpAddress": (_within, True),
    **_family("Numeric", float),
    **_family("Date", _moment),
}
