"""Times that were found out by a clock that was far ahead, and has been set back since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.events.schedules import entry as entries
from lambent.events.schedules import rows

if TYPE_CHECKING:
    from lambent.store import Database

SET_BACK_MS: Final = 3 * 3_600_000
"""A clock that is set back by less is believed to have been right: nothing happens twice for it. As in cron."""

_CHUNK: Final = 500


async def find_out_anew(database: Database, now_ms: int) -> bool:
    """Set right what recurs and was found out more than SET_BACK_MS after now. Returns whether there was any.

    What happens once stays: its time is what it is. Raises StoreError.
    """
    changed = False
    while found := await database.read(rows.COMPUTED_AFTER, (now_ms + SET_BACK_MS, _CHUNK)):
        statements = [
            rows.set_right(row, entry, entries.anew(entry, now_ms), now_ms)
            for row, entry in rows.readable(found)
        ]
        if not statements:
            break
        changed = True
        await database.write(*statements)
    return changed
