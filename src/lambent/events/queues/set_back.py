"""A machine's clock that was set back while nothing ran.

The steady clock begins at its time, earlier than that of an earlier run has ended: delays, visibility timeouts and
deduplication would last longer by that much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.store.database import Statement

if TYPE_CHECKING:
    from lambent.store import Database


def noted(now: int) -> Statement:
    """Keeps what the steady clock says."""
    return Statement(
        "INSERT INTO queue_clock (id, steady_ms) VALUES (1, ?)"
        " ON CONFLICT (id) DO UPDATE SET steady_ms = excluded.steady_ms",
        (now,),
    )


async def make_up(database: Database, now: int) -> None:
    """Move what an earlier run has left by as much as the clock is behind it. Raises StoreError."""
    found: list[Any] = await database.read("SELECT steady_ms FROM queue_clock")
    ahead = found[0][0] - now if found else 0
    if ahead > 0:
        await database.write(
            Statement("UPDATE messages SET due_ms = due_ms - ?", (ahead,)),
            Statement("UPDATE message_receives SET visible_ms = visible_ms - ?", (ahead,)),
            Statement("UPDATE message_deduplication SET until_ms = until_ms - ?", (ahead,)),
            noted(now),
        )
