"""Entries of the timetable as rows of the database."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from lambent.events.schedules.entry import Entry
from lambent.events.schedules.expressions import InvalidExpression, parse_expression
from lambent.store import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lambent.store.database import Row

_log = logging.getLogger(__name__)

_COLUMNS: Final = (
    "kind, key, expression, timezone, anchor_ms, start_ms, end_ms, window_ms, due_ms, next_ms, computed_ms"
)
_PUT: Final = (
    f"INSERT INTO timetable ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    " ON CONFLICT (kind, key) DO UPDATE SET expression = excluded.expression, timezone = excluded.timezone,"
    " anchor_ms = excluded.anchor_ms, start_ms = excluded.start_ms, end_ms = excluded.end_ms,"
    " window_ms = excluded.window_ms, due_ms = excluded.due_ms, next_ms = excluded.next_ms,"
    " computed_ms = excluded.computed_ms"
)
_MOVE: Final = "UPDATE timetable SET due_ms = ?, next_ms = ?, computed_ms = ? WHERE kind = ? AND key = ?"
_REMOVE: Final = "DELETE FROM timetable WHERE kind = ? AND key = ?"

LATER: Final = (
    f"SELECT {_COLUMNS} FROM timetable WHERE (next_ms, kind, key) > (?, ?, ?)"  # noqa: S608
    " ORDER BY next_ms, kind, key LIMIT ?"
)
"""The entries after a position, in order."""

COMPUTED_AFTER: Final = (
    f"SELECT {_COLUMNS} FROM timetable WHERE computed_ms > ?"  # noqa: S608
    " AND expression NOT LIKE 'at(%' LIMIT ?"
)
"""What recurs, and what of it was found out when the clock said more than that."""


def entry_of(row: Row) -> Entry:
    """The entry of a row of these queries."""
    kind, key, expression, timezone, anchor_ms, start_ms, end_ms, window_ms, due_ms, next_ms, _ = row
    when = parse_expression(str(expression), timezone=str(timezone))
    return Entry(str(kind), str(key), when, anchor_ms, start_ms, end_ms, window_ms, due_ms, next_ms)  # type: ignore[arg-type]


def readable(found: Iterable[Row]) -> Iterator[tuple[Row, Entry]]:
    """Rows and their entries, but for those that cannot be understood any more."""
    for row in found:
        try:
            yield row, entry_of(row)
        except InvalidExpression as error:
            # A time zone, most likely, that this machine's database does not have.
            _log.warning("%s %s does not happen: %s (time zone %s)", row[0], row[1], error, row[3])


def position_of(row: Row) -> tuple[int, str, str]:
    """Where an entry stands in the order of the timetable."""
    return int(row[9] or 0), str(row[0]), str(row[1])


def put(entry: Entry, now_ms: int) -> Statement:
    """Add an entry, or replace it."""
    return Statement(
        _PUT,
        (
            entry.kind,
            entry.key,
            entry.when.text,
            entry.when.timezone,
            entry.anchor_ms,
            entry.start_ms,
            entry.end_ms,
            entry.window_ms,
            entry.due_ms,
            entry.next_ms,
            now_ms,
        ),
    )


def move(entry: Entry, then: Entry | None, now_ms: int) -> Statement:
    """What happens with an entry next; None: nothing. It is not there any more when it has been removed."""
    if then is None:
        return remove(entry.kind, entry.key)
    return Statement(_MOVE, (then.due_ms, then.next_ms, now_ms, entry.kind, entry.key))


def set_right(row: Row, entry: Entry, then: Entry | None, now_ms: int) -> Statement:
    """The same, unless the entry has been changed since its row was read."""
    statement = move(entry, then, now_ms)
    return Statement(f"{statement.sql} AND computed_ms = ?", (*statement.params, row[-1]))


PENDING: Final = "SELECT due_ms FROM timetable WHERE kind = ? AND key = ? AND due_ms <= ?"
"""The time of an entry, if that has come and it has not happened yet."""


def still(kind: str, key: str, due_ms: int) -> Statement:
    """Conflicts unless an entry is to happen for the same time as before."""
    return Statement(
        "UPDATE timetable SET key = key WHERE kind = ? AND key = ? AND due_ms = ?",
        (kind, key, due_ms),
        expect=1,
    )


def remove(kind: str, key: str) -> Statement:
    """Take an entry away."""
    return Statement(_REMOVE, (kind, key))
