"""Which of thousands of conditions a text meets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from lambent.events.patterns.conditions import IgnoreCase, Prefix, Suffix, lowered
from lambent.events.patterns.slots import Slots
from lambent.events.patterns.wildcards import Wildcard

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.events.patterns.conditions import Condition

# Where a text has to have what a table is keyed by.
Where: TypeAlias = Literal["whole", "prefix", "suffix", "inside"]
Removal: TypeAlias = "Callable[[], Any]"

_GRAM: Final = 8


class _Entry:
    """The rules with one text: those that need nothing else, and conditions that only may be met."""

    __slots__ = ("checks", "slots")

    def __init__(self) -> None:
        self.slots = Slots()
        self.checks: dict[tuple[int, Condition], None] = {}


class _Table:
    """Entries by what texts are, begin with, end with or have inside."""

    __slots__ = ("_entries", "_lengths", "_where")

    def __init__(self, where: Where) -> None:
        self._where = where
        self._entries: dict[str, _Entry] = {}
        # How many entries have texts of a length.
        self._lengths: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, text: str, slot: int, check: Condition | None = None) -> None:
        entry = self._entries.get(text)
        if entry is None:
            entry = self._entries[text] = _Entry()
            self._lengths[len(text)] = self._lengths.get(len(text), 0) + 1
        if check is None:
            entry.slots.add(slot)
        else:
            entry.checks[slot, check] = None

    def remove(self, text: str, slot: int, check: Condition | None) -> None:
        entry = self._entries.get(text)
        if entry is None:
            return  # a rule that says the same twice
        if check is None:
            entry.slots.discard(slot)
        else:
            del entry.checks[slot, check]
        if not entry.checks and not entry.slots:
            del self._entries[text]
            self._lengths[len(text)] -= 1
            if not self._lengths[len(text)]:
                del self._lengths[len(text)]

    def checks(self, text: str) -> int:
        """How many conditions would be tried for a text that has `text`."""
        entry = self._entries.get(text)
        return len(entry.checks) if entry is not None else 0

    def find(self, value: str, original: str) -> int:
        """The rules whose condition `original` meets, as bits; `value` is what is looked up."""
        bits = 0
        for entry in self._found(value):
            if entry.slots:
                bits |= entry.slots.bits
            for slot, check in entry.checks:
                if check(original):
                    bits |= 1 << slot
        return bits

    def _found(self, value: str) -> list[_Entry]:
        entries, size = self._entries, len(value)
        if self._where == "whole":
            texts: set[str] | list[str] = [value]
        elif self._where == "prefix":
            texts = [value[:length] for length in self._lengths if length <= size]
        elif self._where == "suffix":
            texts = [value[size - length :] for length in self._lengths if length <= size]
        elif size * len(self._lengths) > len(entries) * 16:
            # Long texts are searched for each entry instead, which is a fast search.
            texts = [text for text in entries if text in value]
        else:
            texts = {value[at : at + length] for length in self._lengths for at in range(size - length + 1)}
        return [entry for text in texts if (entry := entries.get(text)) is not None]


class TextIndex:
    """Conditions on texts. What is added returns what takes it away again."""

    __slots__ = ("_folded", "_others", "_tables")

    def __init__(self) -> None:
        # Made when they are needed: there may be thousands of fields with one rule each.
        self._tables: dict[Where, _Table] = {}
        self._folded: dict[Where, _Table] = {}
        self._others: dict[tuple[int, Condition], None] = {}

    def add_text(self, text: str, slot: int) -> Removal:
        """Add a rule that takes exactly `text`."""
        return _added(self._tables, "whole", text, slot)

    def add(self, condition: Condition, slot: int) -> Removal | None:
        """Add a rule with a condition on texts; None for one that is about something else."""
        match condition:
            case Prefix():
                return _added(self._tables, "prefix", condition.text, slot)
            case Suffix():
                return _added(self._tables, "suffix", condition.text, slot)
            case IgnoreCase() if condition.folded is not None:
                return _added(self._folded, condition.where, condition.folded, slot)
            case IgnoreCase():
                self._others[slot, condition] = None
                return partial(self._others.pop, (slot, condition))
            case Wildcard():
                return self._add_wildcard(condition, slot)
            case _:
                return None

    def find(self, value: str) -> int:
        """The rules with a condition that `value` meets, as bits."""
        bits = 0
        for table in self._tables.values():
            if table:
                bits |= table.find(value, value)
        if any(self._folded.values()):
            folded = lowered(value)
            for table in self._folded.values():
                if table:
                    bits |= table.find(folded, value)
        for slot, condition in self._others:
            if condition(value):
                bits |= 1 << slot
        return bits

    def _add_wildcard(self, condition: Wildcard, slot: int) -> Removal:
        first, *middle = condition.pieces
        if not middle:
            return self.add_text(first, slot)
        last = middle.pop()
        if not middle and not last:
            return _added(self._tables, "prefix", first, slot)
        if not middle and not first:
            return _added(self._tables, "suffix", last, slot)
        # Found by the piece that others have least, the longest of these.
        pieces: list[tuple[Where, str]] = [("prefix", first), ("suffix", last)]
        pieces += [("inside", end) for piece in middle for end in (piece[:_GRAM], piece[-_GRAM:])]
        where, text = min(
            ((where, text) for where, text in pieces if text),
            key=lambda piece: (self._checks(*piece), -len(piece[1])),
        )
        return _added(self._tables, where, text, slot, condition)

    def _checks(self, where: Where, text: str) -> int:
        table = self._tables.get(where)
        return table.checks(text) if table is not None else 0


def _added(
    tables: dict[Where, _Table], where: Where, text: str, slot: int, check: Condition | None = None
) -> Removal:
    table = tables.get(where)
    if table is None:
        table = tables[where] = _Table(where)
    table.add(text, slot, check)
    return partial(table.remove, text, slot, check)
