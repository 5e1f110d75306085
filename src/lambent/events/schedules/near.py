"""The part of the timetable that is in memory: what comes next, in order of time.

It holds every entry up to its horizon. Beyond it entries are in the database alone.
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.events.schedules.entry import Entry

Name: TypeAlias = "tuple[str, str]"
"""Kind and key."""
Position: TypeAlias = "tuple[int, str, str]"

BEGINNING: Final[Position] = (-(2**62), "", "")

_MANY: Final = 5_000
"""With more than that in memory the later ones are forgotten,"""
_KEPT: Final = 1_000
"""but for this many."""


class Near:
    """Entries by time and by name."""

    def __init__(self) -> None:
        self.horizon: Position | None = BEGINNING
        """Up to where every entry is in memory; None when all are."""
        self._heap: list[tuple[int, int, Entry]] = []
        self._order = itertools.count()
        # An entry of the heap that is not in here has been changed since: it is passed over.
        self._entries: dict[Name, Entry] = {}

    def __len__(self) -> int:
        return len(self._heap)

    def __contains__(self, name: Name) -> bool:
        return name in self._entries

    def holds(self, entry: Entry) -> bool:
        """Whether it is this very entry that is here."""
        return self._entries.get(entry.name) is entry

    def covers(self, entry: Entry) -> bool:
        """Whether an entry belongs here, by its time."""
        return self.horizon is None or entry.position <= self.horizon

    def add(self, entry: Entry) -> None:
        """Add an entry, or replace it."""
        self._entries[entry.name] = entry
        heapq.heappush(self._heap, (entry.next_ms, next(self._order), entry))
        if len(self._heap) > _MANY:
            self._trim()

    def remove(self, name: Name) -> None:
        """Take an entry away, if it is here."""
        self._entries.pop(name, None)

    def remove_all(self, chosen: Callable[[Name], bool]) -> None:
        """Take away what is chosen."""
        for name in [name for name in self._entries if chosen(name)]:
            del self._entries[name]

    def forget(self) -> None:
        """Nothing is known any more: everything has to be read anew."""
        self._heap.clear()
        self._entries.clear()
        self.horizon = BEGINNING

    def extend(self, entries: Iterable[Entry], horizon: Position | None) -> None:
        """Add what comes after the horizon, which is elsewhere now."""
        for entry in entries:
            self._entries[entry.name] = entry
            heapq.heappush(self._heap, (entry.next_ms, next(self._order), entry))
        self.horizon = horizon

    def first_ms(self) -> int | None:
        """When the next entry happens; None when none is here."""
        heap = self._heap
        while heap and not self.holds(heap[0][2]):
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def due(self, now_ms: int, most: int) -> list[Entry]:
        """What has come due, in order. It stays here by its name until it is removed or replaced."""
        found: list[Entry] = []
        heap = self._heap
        while heap and heap[0][0] <= now_ms and len(found) < most:
            entry = heapq.heappop(heap)[2]
            if self.holds(entry):
                found.append(entry)
        return found

    def _trim(self) -> None:
        """Forget what is furthest away, and what is in the heap alone."""
        kept = sorted(self._entries.values(), key=lambda entry: entry.position)
        if len(kept) > _KEPT:
            for entry in kept[_KEPT:]:
                del self._entries[entry.name]
            del kept[_KEPT:]
            self.horizon = kept[-1].position
        self._heap = [(entry.next_ms, next(self._order), entry) for entry in kept]
