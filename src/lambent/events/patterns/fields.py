"""One field that a pattern names, with all that its value may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.events.patterns.addresses import Address, address_of

if TYPE_CHECKING:
    from lambent.events.patterns.conditions import Condition


class FieldTest:
    """Decides about the values at one path: any of the alternatives of its array will do.

    `texts` and `numbers` are compared exactly, a number by its value (300 is 300.0). `addresses` are the texts of
    the pattern that are IP addresses, which are equal when they are the same address. `absent` lets events through
    that have no value there.
    """

    __slots__ = ("absent", "addresses", "conditions", "literals", "numbers", "path", "texts")

    def __init__(
        self,
        path: str,
        *,
        texts: frozenset[str] = frozenset(),
        numbers: frozenset[float] = frozenset(),
        addresses: frozenset[Address] = frozenset(),
        literals: frozenset[bool | None] = frozenset(),
        conditions: tuple[Condition, ...] = (),
        absent: bool = False,
    ) -> None:
        self.path = path
        self.texts = texts
        self.numbers = numbers
        self.addresses = addresses
        self.literals = literals
        self.conditions = conditions
        self.absent = absent

    def __call__(self, value: Any) -> bool:
        """Whether a value, neither object nor array, is let through."""
        kind = type(value)
        if kind is str:
            if value in self.texts or (self.addresses and address_of(value) in self.addresses):
                return True
        elif kind is bool or value is None:
            if value in self.literals:
                return True
        elif value in self.numbers:
            return True
        return any(condition(value) for condition in self.conditions)
