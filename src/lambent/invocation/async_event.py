"""An asynchronous event that was accepted and has not ended, and its row."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from lambent.invocation.outcome import Answer
from lambent.store import Statement

if TYPE_CHECKING:
    from lambent.store import Database

_INSERT: Final = (
    "INSERT INTO async_events (request_id, account, region, name, qualifier, payload, trace, extra, received_ms,"
    " due_ms, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
)
_FAILED: Final = (
    "UPDATE async_events SET attempts = ?, due_ms = ?, response = ?, executed_version = ?"
    " WHERE request_id = ?"
)
_DELETE: Final = "DELETE FROM async_events WHERE request_id = ?"
_PAGE: Final = 500

CLEAR: Final = Statement("DELETE FROM async_events")
"""Removes every event."""


class Event(msgspec.Struct, eq=False):
    """An event. `attempts` counts the runs that have ended, `faults` what the platform could not run, in a row.

    `payload` is None while it is only in the database: it is read when it is needed. `held`: it counts among those
    that are kept in memory. Times in milliseconds on the steady clock.
    """

    request_id: str
    account: str
    region: str
    name: str
    qualifier: str | None
    trace: str
    extra: bytes
    received_ms: int
    due_ms: int
    attempts: int
    payload: bytes | None
    faults: int = 0
    held: bool = False

    @property
    def lane(self) -> tuple[str, str, str]:
        """The function it is for."""
        return self.account, self.region, self.name

    def added(self) -> Statement:
        """Writes it. It has its payload."""
        return Statement(
            _INSERT,
            (
                self.request_id,
                self.account,
                self.region,
                self.name,
                self.qualifier,
                self.payload,
                self.trace,
                self.extra,
                self.received_ms,
                self.due_ms,
            ),
        )

    def failed(self, answer: Answer) -> Statement:
        """Writes that a run has failed, and when the next one is due."""
        return Statement(
            _FAILED,
            (self.attempts, self.due_ms, answer.payload, answer.executed_version, self.request_id),
        )

    def ended(self) -> Statement:
        """Removes it. It is there: an event that has ended already does not end again."""
        return Statement(_DELETE, (self.request_id,), expect=1)


class Stored(NamedTuple):
    """An event as the database has it, and what its latest failed run has answered. It has its payload."""

    event: Event
    answer: Answer | None


async def take_up(database: Database, now_ms: int) -> list[tuple[str, tuple[str, str, str], int]]:
    """The ids of all events with the function that they are for and when they are due, in the order of their receipt.

    What lies in the future (the machine's clock was set back while nothing ran) was received now and is due at
    most as long after now as it was to wait. Raises StoreError.
    """
    found: list[tuple[int, str, tuple[str, str, str], int]] = []
    keys: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    early = False
    last = ""
    while True:
        rows: list[Any] = await database.read(
            "SELECT request_id, account, region, name, received_ms, due_ms FROM async_events"
            " WHERE request_id > ? ORDER BY request_id LIMIT ?",
            (last, _PAGE),
        )
        for request_id, account, region, name, received_ms, due_ms in rows:
            key = (account, region, name)
            ahead = max(0, received_ms - now_ms)
            early = early or ahead > 0
            found.append((received_ms - ahead, request_id, keys.setdefault(key, key), due_ms - ahead))
        if len(rows) < _PAGE:
            break
        last = rows[-1][0]
        await asyncio.sleep(0)  # a long backlog holds nothing else up
    if early:
        await database.write(
            Statement(
                "UPDATE async_events SET due_ms = due_ms - received_ms + ?, received_ms = ? WHERE received_ms > ?",
                (now_ms, now_ms, now_ms),
            )
        )
    found.sort()
    return [(request_id, key, due_ms) for _, request_id, key, due_ms in found]


async def stored(database: Database, request_id: str) -> Stored | None:
    """An event that has not ended. Raises StoreError."""
    rows: list[Any] = await database.read(
        "SELECT request_id, account, region, name, qualifier, trace, extra, received_ms, due_ms, attempts, payload,"
        " response, executed_version FROM async_events WHERE request_id = ?",
        (request_id,),
    )
    if not rows:
        return None
    *members, response, version = rows[0]
    answer = None if response is None or version is None else Answer(response, version, failed=True)
    return Stored(Event(*members), answer)


async def exists(database: Database, request_id: str) -> bool:
    """Whether the event has not ended. Raises StoreError."""
    return bool(await database.read("SELECT 1 FROM async_events WHERE request_id = ?", (request_id,)))
