"""One line of the timetable: what has a time to come."""

from __future__ import annotations

import random

import msgspec
from msgspec.structs import replace

from lambent.events.schedules.expressions import Rate, When


class Entry(msgspec.Struct, frozen=True, eq=False):
    """What happens, and when it does so next. Times are milliseconds since the epoch."""

    kind: str
    key: str
    when: When
    anchor_ms: int
    """What a rate is counted from."""
    start_ms: int | None
    end_ms: int | None
    window_ms: int
    """How much later than at its time it may happen."""
    due_ms: int
    """Its time, as the expression says it."""
    next_ms: int
    """When it happens, which is at its time or later in its window."""

    @property
    def name(self) -> tuple[str, str]:
        """What it is known by."""
        return self.kind, self.key

    @property
    def position(self) -> tuple[int, str, str]:
        """Where it stands in the order of the timetable."""
        return self.next_ms, self.kind, self.key


def first(
    kind: str,
    key: str,
    when: When,
    now_ms: int,
    *,
    start_ms: int | None,
    end_ms: int | None,
    window_ms: int,
    since_ms: int | None = None,
) -> Entry | None:
    """The entry of something new; None when nothing of it is to come.

    With `since_ms`, what should have happened after it is still to come.
    """
    anchor_ms = now_ms if start_ms is None else start_ms
    entry = Entry(kind, key, when, anchor_ms, start_ms, end_ms, window_ms, now_ms, now_ms)
    if since_ms is not None:
        return _at(entry, _occurrence(entry, since_ms), now_ms)
    return anew(entry, now_ms)


def following(entry: Entry, now_ms: int) -> Entry | None:
    """The entry after it has happened; None when it was the last time.

    What was missed is not made up for: the next time is to come, or in its window still.
    """
    return _at(entry, _occurrence(entry, max(entry.due_ms, now_ms - entry.window_ms)), now_ms)


def anew(entry: Entry, now_ms: int) -> Entry | None:
    """The entry as it is now, whatever has been before; None when nothing of it is to come."""
    start_ms = entry.start_ms
    after_ms = now_ms if start_ms is None else max(now_ms, start_ms) - 1
    return _at(entry, _occurrence(entry, after_ms), now_ms)


def _occurrence(entry: Entry, after_ms: int) -> int | None:
    when = entry.when
    if isinstance(when, Rate):
        return entry.anchor_ms + ((after_ms - entry.anchor_ms) // when.every_ms + 1) * when.every_ms
    return when.next_ms(after_ms)


def _at(entry: Entry, due_ms: int | None, now_ms: int) -> Entry | None:
    if due_ms is None or (entry.end_ms is not None and due_ms > entry.end_ms):
        return None
    last_ms = due_ms + entry.window_ms
    # Where in its window it happens is chance: things of the same time are spread over it.
    next_ms = random.randint(max(due_ms, min(now_ms, last_ms)), last_ms) if entry.window_ms else due_ms  # noqa: S311
    return replace(entry, due_ms=due_ms, next_ms=next_ms)
