"""Which of many patterns an event matches.

An event-ruler compiles rules into an automaton. Here each path that rules name has an index that says, for a value,
which rules it lets through; sets of rules are bits of integers, so that going from ten rules to ten thousand makes
operations on a kilobyte of what were operations on a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lambent.events.patterns.event_fields import fields_of
from lambent.events.patterns.field_index import FieldIndex
from lambent.events.patterns.pattern import beginnings, holds
from lambent.events.patterns.slots import Slots, slots_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from lambent.events.patterns.event_fields import Values
    from lambent.events.patterns.fields import FieldTest
    from lambent.events.patterns.pattern import Pattern

K = TypeVar("K", bound="Hashable")


class _Rule(Generic[K]):
    """One alternative of a pattern. `anchor` is a path without which no event can match, None if there is none."""

    __slots__ = ("anchor", "fields", "key", "required")

    def __init__(self, key: K, fields: tuple[FieldTest, ...], anchor: str | None) -> None:
        self.key = key
        self.fields = fields
        self.anchor = anchor
        self.required = frozenset(field.path for field in fields if not field.absent)


class RuleIndex(Generic[K]):
    """Patterns by keys. Not to be changed while it is asked, as everything on the event loop."""

    def __init__(self) -> None:
        self._slots: dict[K, list[int]] = {}
        self._rules: list[_Rule[K] | None] = []
        self._free: list[int] = []
        self._fields: dict[str, FieldIndex] = {}
        # Rules to look at when an event has a value at a path, and those to look at always.
        self._anchored: dict[str, Slots] = {}
        self._unanchored = Slots()
        # How many fields of rules have each path or begin with it.
        self._wanted: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def put(self, key: K, pattern: Pattern) -> None:
        """Have `pattern` under `key`, instead of the one that may be there."""
        self.remove(key)
        self._slots[key] = [self._add(key, fields) for fields in pattern.alternatives]

    def remove(self, key: K) -> None:
        """Have nothing under `key`."""
        for slot in self._slots.pop(key, ()):
            self._drop(slot)

    def matching(self, event: dict[str, Any]) -> list[K]:
        """The keys of all patterns that a decoded event matches."""
        values = fields_of(event, self._wanted)
        slots = self._candidates(values)
        if not slots:
            return []
        rules = [rule for slot in slots if (rule := self._rules[slot]) is not None]
        if any(place for found in values.values() for _, place in found):
            rules = [rule for rule in rules if holds(rule.fields, values)]
        return list(dict.fromkeys([rule.key for rule in rules]))

    def _candidates(self, values: Values) -> list[int]:
        """The rules that an event matches if its arrays are left out of account, and maybe others that need those."""
        left = self._unanchored.bits
        for path in values:
            anchored = self._anchored.get(path)
            if anchored is not None:
                left |= anchored.bits
        for path, found in values.items():
            field = self._fields.get(path)
            if field is None:
                continue
            asked = left & field.rules.bits
            if not asked:
                continue
            passed = 0
            for value, place in found:
                passed |= field.find(value)
                if place:
                    # It may not exist in the element that counts.
                    passed |= field.absent.bits
            left ^= asked & ~passed
        # What is required and not there.
        if len(self._fields) > left.bit_count() + len(values):
            paths = values.keys()
            return [slot for slot in slots_of(left) if (rule := self._rules[slot]) and rule.required <= paths]
        for path, field in self._fields.items():
            if path not in values:
                left &= ~field.required.bits
        return slots_of(left)

    def _add(self, key: K, fields: tuple[FieldTest, ...]) -> int:
        slot = self._free.pop() if self._free else len(self._rules)
        required = [field.path for field in fields if not field.absent]
        # The path that fewest rules name.
        anchor = min(required, key=self._named, default=None)
        rule = _Rule(key, fields, anchor)
        if slot < len(self._rules):
            self._rules[slot] = rule
        else:
            self._rules.append(rule)
        if anchor is None:
            self._unanchored.add(slot)
        else:
            self._anchored.setdefault(anchor, Slots()).add(slot)
        for field in fields:
            index = self._fields.get(field.path)
            if index is None:
                index = self._fields[field.path] = FieldIndex()
            index.add(field, slot)
            for beginning in beginnings(field.path):
                self._wanted[beginning] = self._wanted.get(beginning, 0) + 1
        return slot

    def _drop(self, slot: int) -> None:
        rule = self._rules[slot]
        assert rule is not None
        self._rules[slot] = None
        self._free.append(slot)
        if rule.anchor is None:
            self._unanchored.discard(slot)
        else:
            anchored = self._anchored[rule.anchor]
            anchored.discard(slot)
            if not anchored:
                del self._anchored[rule.anchor]
        for field in rule.fields:
            index = self._fields[field.path]
            index.remove(slot)
            if not index:
                del self._fields[field.path]
            for beginning in beginnings(field.path):
                self._wanted[beginning] -= 1
                if not self._wanted[beginning]:
                    del self._wanted[beginning]

    def _named(self, path: str) -> int:
        field = self._fields.get(path)
        return len(field.rules) if field is not None else 0
