"""Sets of slots: which of the rules of an index something is true for.

Sets are combined as integers with a bit for each slot, which costs a microsecond for tens of thousands of rules. Of
the thousands of values that rules name most are named by few rules, though: such sets are kept as lists.
"""

from __future__ import annotations

from typing import Final

_FEW: Final = 16


class Slots:
    """A set of numbers of rules."""

    __slots__ = ("_bits", "_few")

    def __init__(self) -> None:
        self._few: list[int] | None = []
        self._bits = 0

    def add(self, slot: int) -> None:
        """Have `slot` in it. What is added twice is to be taken away twice."""
        if self._few is None:
            self._bits |= 1 << slot
        elif len(self._few) < _FEW:
            self._few.append(slot)
        else:
            self._bits, self._few = self.bits | 1 << slot, None

    def discard(self, slot: int) -> None:
        """Have `slot` no longer in it."""
        if self._few is None:
            self._bits &= ~(1 << slot)
        elif slot in self._few:
            self._few.remove(slot)

    @property
    def bits(self) -> int:
        """The set as bits."""
        if self._few is None:
            return self._bits
        bits = 0
        for slot in self._few:
            bits |= 1 << slot
        return bits

    def __bool__(self) -> bool:
        return bool(self._bits if self._few is None else self._few)

    def __len__(self) -> int:
        return self._bits.bit_count() if self._few is None else len(self._few)


def slots_of(bits: int) -> list[int]:
    """The slots whose bits are set, ascending."""
    if bits.bit_count() > _FEW:
        return [slot for slot, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"]
    slots = []
    while bits:
        lowest = bits & -bits
        slots.append(lowest.bit_length() - 1)
        bits ^= lowest
    return slots
