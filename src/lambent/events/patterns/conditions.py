"""What a pattern asks of one field's value.

Values are those of a decoded JSON event that are neither objects nor arrays. What each condition lets through is
the behaviour of AWS's event-ruler (its README and tests) and of EventBridge's documentation ("Comparison operators").
Numbers are compared as double-precision floating-point numbers, as newer versions of event-ruler do.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, Literal, Protocol

from lambent.events.patterns.addresses import Address, address_of

_EXACT: Final = 1 << 53
# What is no ASCII character but has one in lower case; patterns in ASCII do not take it for one.
_NOT_LOWERED: Final = {0x212A: 0xFFFF, 0x0130: 0xFFFF}


class Condition(Protocol):
    """Lets a value through or not."""

    def __call__(self, value: Any, /) -> bool: ...


class Exactly:
    """One text, whatever it looks like: an address is not compared as one."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, value: Any) -> bool:
        return type(value) is str and value == self.text


class Absent:
    """No value: the field does not exist."""

    __slots__ = ()

    def __call__(self, value: Any) -> bool:
        return False


class Prefix:
    """Texts that begin with `text`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, value: Any) -> bool:
        return type(value) is str and value.startswith(self.text)


class Suffix:
    """Texts that end with `text`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, value: Any) -> bool:
        return type(value) is str and value.endswith(self.text)


class IgnoreCase:
    """Texts that are `text`, begin or end with it, in whatever case.

    Each character may be there as its upper or as its lower case, which differs from folding both texts: "ß" is
    found as "SS", "ss" is not. `folded` is what all of them have in common when they are in lower case, or None
    where that cannot be said.
    """

    __slots__ = ("_match", "folded", "where")

    def __init__(self, text: str, where: Literal["whole", "prefix", "suffix"] = "whole") -> None:
        self.where: Final = where
        self.folded = text.lower() if text.isascii() else None
        self._match: re.Pattern[str] | None = None
        if self.folded is None:
            # A suffix is looked for from the end, where there is one place for it.
            order = -1 if where == "suffix" else 1
            self._match = re.compile("".join(_either_case(character, order) for character in text[::order]))

    def __call__(self, value: Any) -> bool:
        if type(value) is not str:
            return False
        if self._match is not None:
            if self.where == "whole":
                return self._match.fullmatch(value) is not None
            return self._match.match(value if self.where == "prefix" else value[::-1]) is not None
        if self.where == "whole":
            return lowered(value) == self.folded
        if self.where == "prefix":
            return lowered(value).startswith(self.folded or "")
        return lowered(value).endswith(self.folded or "")


class NumericRange:
    """Numbers between two, of which None is no bound; `low_open` and `high_open` leave the bound itself out."""

    __slots__ = ("high", "high_open", "low", "low_open")

    def __init__(self, low: float | None, high: float | None, *, low_open: bool, high_open: bool) -> None:
        self.low = float("-inf") if low is None else low
        self.high = float("inf") if high is None else high
        self.low_open = low_open
        self.high_open = high_open

    def __call__(self, value: Any) -> bool:
        number = number_of(value)
        if number is None:
            return False
        above = self.low < number if self.low_open else self.low <= number
        return above and (number < self.high if self.high_open else number <= self.high)


class AddressRange:
    """Texts that are IP addresses between two, both included."""

    __slots__ = ("high", "low")

    def __init__(self, low: Address, high: Address) -> None:
        self.low = low
        self.high = high

    def __call__(self, value: Any) -> bool:
        address = address_of(value)
        return address is not None and self.low <= address <= self.high


class AnythingButTexts:
    """Every value but some texts."""

    __slots__ = ("texts",)

    def __init__(self, texts: frozenset[str]) -> None:
        self.texts = texts

    def __call__(self, value: Any) -> bool:
        return type(value) is not str or value not in self.texts


class AnythingButNumbers:
    """Every value but some numbers."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: frozenset[float]) -> None:
        self.numbers = numbers

    def __call__(self, value: Any) -> bool:
        number = number_of(value)
        return number is None or number not in self.numbers


class NoneOf:
    """Every value that none of some conditions lets through."""

    __slots__ = ("conditions",)

    def __init__(self, conditions: tuple[Condition, ...]) -> None:
        self.conditions = conditions

    def __call__(self, value: Any) -> bool:
        return not any(condition(value) for condition in self.conditions)


class Anything:
    """Every value: the field exists."""

    __slots__ = ()

    def __call__(self, value: Any) -> bool:
        return True


def number_of(value: Any) -> float | None:
    """`value` as a double if it is a number that can be compared, None for anything else.

    As in event-ruler, whole numbers that doubles cannot tell from their neighbours are not compared.
    """
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]
    if kind is int:
        if -_EXACT <= value <= _EXACT:
            return float(value)
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if Decimal(repr(number)) == value else None
    return None


def lowered(value: str) -> str:
    """A text in lower case that has ASCII characters just where the text has some."""
    return value.lower() if value.isascii() else value.translate(_NOT_LOWERED).lower()


def _either_case(character: str, order: int) -> str:
    lower, upper = character.lower()[::order], character.upper()[::order]
    return re.escape(lower) if lower == upper else f"(?:{re.escape(lower)}|{re.escape(upper)})"
