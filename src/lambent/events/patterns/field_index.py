"""Which of thousands of rules one field lets an event through for."""

from __future__ import annotations

from bisect import bisect_left, insort
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lambent.events.patterns.addresses import Address, address_of
from lambent.events.patterns.conditions import (
    AddressRange,
    Anything,
    AnythingButNumbers,
    AnythingButTexts,
    Condition,
    NoneOf,
    NumericRange,
    number_of,
)
from lambent.events.patterns.slots import Slots
from lambent.events.patterns.text_index import TextIndex

if TYPE_CHECKING:
    from lambent.events.patterns.fields import FieldTest
    from lambent.events.patterns.text_index import Removal

_NEGATIONS: Final = (AnythingButTexts, AnythingButNumbers, NoneOf)
_BLOCK: Final = 16

K = TypeVar("K")


class FieldIndex:
    """The tests that rules have for one path.

    `rules` are all of them, `absent` those that an event without a value there passes, `required` the others.
    """

    __slots__ = (
        "_addresses",
        "_anything",
        "_blocks",
        "_literals",
        "_negated",
        "_not_numbers",
        "_not_texts",
        "_numbers",
        "_others",
        "_ranges",
        "_removals",
        "_texts",
        "absent",
        "required",
        "rules",
    )

    def __init__(self) -> None:
        self.rules = Slots()
        self.absent = Slots()
        self.required = Slots()
        self._texts = TextIndex()
        self._numbers: dict[float, Slots] = {}
        self._literals: dict[bool | None, Slots] = {}
        self._addresses: dict[Address, Slots] = {}
        self._blocks: dict[tuple[int, int], dict[int, Slots]] = {}
        self._ranges = _Ranges()
        self._anything = Slots()
        # Rules with a condition that lets everything through but these texts and numbers.
        self._negated = Slots()
        self._not_texts = TextIndex()
        self._not_numbers: dict[float, Slots] = {}
        # What is asked one by one.
        self._others: dict[int, FieldTest] = {}
        self._removals: dict[int, list[Removal]] = {}

    def add(self, test: FieldTest, slot: int) -> None:
        """Add a rule's test."""
        removals = self._removals[slot] = [_member(self.rules, slot)]
        removals.append(_member(self.absent if test.absent else self.required, slot))
        negations = sum(isinstance(condition, _NEGATIONS) for condition in test.conditions)
        ranges = sum(isinstance(condition, NumericRange) for condition in test.conditions)
        if negations > 1 or ranges > 1:
            # Their parts could not be told from each other by the rule alone.
            self._others[slot] = test
            removals.append(partial(self._others.pop, slot))
            return
        removals += [self._texts.add_text(text, slot) for text in test.texts]
        removals += [_keyed(self._numbers, number, slot) for number in test.numbers]
        removals += [_keyed(self._literals, literal, slot) for literal in test.literals]
        removals += [_keyed(self._addresses, address, slot) for address in test.addresses]
        for condition in test.conditions:
            removals += self._add_condition(condition, slot)

    def remove(self, slot: int) -> None:
        """Take a rule's test out."""
        for removal in self._removals.pop(slot):
            removal()

    def __bool__(self) -> bool:
        return bool(self._removals)

    def find(self, value: Any) -> int:
        """The rules that a value, neither object nor array, passes; as bits."""
        bits = self._anything.bits if self._anything else 0
        refused = 0
        kind = type(value)
        if kind is str:
            bits |= self._texts.find(value)
            if self._negated:
                refused = self._not_texts.find(value)
            if self._addresses or self._blocks:
                bits |= self._find_address(value)
        elif kind is bool or value is None:
            bits |= _bits(self._literals.get(value))
        else:
            bits |= _bits(self._numbers.get(value))
            number = number_of(value)
            if number is not None:
                bits |= self._ranges.find(number)
                refused = _bits(self._not_numbers.get(number))
        if self._negated:
            bits |= self._negated.bits & ~refused
        for slot, test in self._others.items():
            if test(value):
                bits |= 1 << slot
        return bits

    def _add_condition(self, condition: Condition, slot: int) -> list[Removal]:
        match condition:
            case Anything():
                return [_member(self._anything, slot)]
            case NumericRange() if condition.low == condition.high:
                return [_keyed(self._numbers, condition.low, slot)]
            case NumericRange():
                self._ranges.add(condition, slot)
                return [partial(self._ranges.remove, condition, slot)]
            case AddressRange():
                return [self._add_block(condition, slot)]
            case AnythingButTexts():
                negated = [self._not_texts.add_text(text, slot) for text in condition.texts]
            case AnythingButNumbers():
                negated = [_keyed(self._not_numbers, number, slot) for number in condition.numbers]
            case NoneOf():
                found = [self._not_texts.add(part, slot) for part in condition.conditions]
                negated = [removal for removal in found if removal is not None]
            case _:
                removal = self._texts.add(condition, slot)
                return [] if removal is None else [removal]
        return [_member(self._negated, slot), *negated]

    def _add_block(self, condition: AddressRange, slot: int) -> Removal:
        size, low = condition.low
        # Blocks begin at multiples of their lengths, which are powers of two.
        shift = (condition.high[1] - low).bit_length()
        blocks = self._blocks.setdefault((size, shift), {})
        return _keyed(blocks, low >> shift, slot)

    def _find_address(self, value: str) -> int:
        address = address_of(value)
        if address is None:
            return 0
        bits = _bits(self._addresses.get(address))
        size, number = address
        for (block_size, shift), blocks in self._blocks.items():
            if block_size == size:
                bits |= _bits(blocks.get(number >> shift))
        return bits


class _Ranges:
    """Ranges of numbers by their bounds.

    Those whose lower bound a number is above are a beginning of all, ordered by it, and those whose upper bound it
    is below an end of all, ordered by that: a rule in both takes the number.
    """

    __slots__ = ("_high", "_low")

    def __init__(self) -> None:
        self._low = _Bounds()
        self._high = _Bounds()

    def add(self, condition: NumericRange, slot: int) -> None:
        self._low.add(condition.low, condition.low_open, slot)
        self._high.add(condition.high, not condition.high_open, slot)

    def remove(self, condition: NumericRange, slot: int) -> None:
        self._low.remove(condition.low, condition.low_open, slot)
        self._high.remove(condition.high, not condition.high_open, slot)

    def find(self, number: float) -> int:
        return self._low.up_to(number) & ~self._high.up_to(number)


class _Bounds:
    """Bounds in ascending order; `after` puts one behind the number itself."""

    __slots__ = ("_before", "_bounds")

    def __init__(self) -> None:
        self._bounds: list[tuple[float, bool, int]] = []
        # The slots in front of every _BLOCK-th bound; None: to be found anew.
        self._before: list[int] | None = None

    def add(self, bound: float, after: bool, slot: int) -> None:
        insort(self._bounds, (bound, after, slot))
        self._before = None

    def remove(self, bound: float, after: bool, slot: int) -> None:
        del self._bounds[bisect_left(self._bounds, (bound, after, slot))]
        self._before = None

    def up_to(self, number: float) -> int:
        """The slots of the bounds in front of a number, or at it."""
        bounds = self._bounds
        if not bounds:
            return 0
        if self._before is None:
            self._before = self._summed()
        end = bisect_left(bounds, (number, True, -1))
        bits = self._before[end // _BLOCK]
        for _, _, slot in bounds[end - end % _BLOCK : end]:
            bits |= 1 << slot
        return bits

    def _summed(self) -> list[int]:
        before, bits = [0], 0
        for at, (_, _, slot) in enumerate(self._bounds, 1):
            bits |= 1 << slot
            if at % _BLOCK == 0:
                before.append(bits)
        return before


def _bits(slots: Slots | None) -> int:
    return slots.bits if slots is not None else 0


def _member(slots: Slots, slot: int) -> Removal:
    slots.add(slot)
    return partial(slots.discard, slot)


def _keyed(table: dict[K, Slots], key: K, slot: int) -> Removal:
    slots = table.get(key)
    if slots is None:
        slots = table[key] = Slots()
    slots.add(slot)

    def remove() -> None:
        slots.discard(slot)
        if not slots:
            table.pop(key, None)

    return remove
