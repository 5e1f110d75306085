"""Batches: what goes to a function in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.pollers.calls import MAX_PAYLOAD

if TYPE_CHECKING:
    from collections import deque

    from lambent.events.pollers.calls import Called
    from lambent.events.pollers.streams.record import StreamRecord

# `{"Records":[]}`, and what a window adds: times, ids and an ARN; its state is counted by itself.
_ENVELOPE: Final = 14
_WINDOW_ENVELOPE: Final = 4_096


class Batch:
    """Records that are sent together. `attempts`: how often the function has been run with exactly these; `called`: how
    that ended last.

    Where there is a tumbling window: `final` for the call that ends it, `early` when its state became too large.
    """

    __slots__ = ("attempts", "called", "early", "final", "records")

    def __init__(self, records: list[StreamRecord], *, final: bool = False, early: bool = False) -> None:
        self.records = records
        self.attempts = 0
        self.called: Called | None = None
        self.final = final
        self.early = early

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches instead of this one."""
        middle = (len(self.records) + 1) // 2
        return Batch(self.records[:middle]), Batch(self.records[middle:])


def room(state_bytes: int | None) -> int:
    """Bytes of records that an event has room for; `state_bytes` of a window's state, None without a window."""
    if state_bytes is None:
        return MAX_PAYLOAD - _ENVELOPE
    return MAX_PAYLOAD - _ENVELOPE - _WINDOW_ENVELOPE - state_bytes


def taken(
    records: deque[StreamRecord], most: int, bytes_most: int, before_ms: int | None
) -> list[StreamRecord]:
    """As many records as a batch holds, taken from the front; one that is too large on its own comes alone.

    `before_ms`: only those that have arrived before.
    """
    found: list[StreamRecord] = []
    size = 0
    while records and len(found) < most:
        if before_ms is not None and records[0].arrival_ms >= before_ms:
            break
        size += len(records[0].json) + 1
        if size > bytes_most + 1 and found:
            break
        found.append(records.popleft())
    return found


def event(records: list[StreamRecord], members: dict[str, Any] | None = None) -> bytes:
    """The event of a call; `members` are what it has beside its records."""
    body = b'{"Records":[' + b",".join([record.json for record in records]) + b"]"
    if members is None:
        return body + b"}"
    return body + b"," + msgspec.json.encode(members)[1:]
