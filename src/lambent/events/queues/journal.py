"""What all queues have to write: collected while the loop turns, written as one transaction."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from lambent.events.complaints import Complaints
from lambent.events.queues import rows
from lambent.store.staged import settle_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.clock import Clock, Timer
    from lambent.events.queues.message import Message
    from lambent.store import Database, StoreError
    from lambent.store.database import Results, Statement
    from lambent.store.staged import Settled

_log = logging.getLogger(__name__)

_BEHIND_MS: Final = 50
"""How long receives may be unwritten. A message that is deleted before costs no write for having been received."""


class Journal:
    """Writes for all queues. The order of what is added is the order in which it is committed.

    `complaints`: where all parts of the queues say that the store fails.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._inserts: list[Message] = []
        self._deletes: list[int] = []
        self._unmarks: list[int] = []
        self._others: list[Statement] = []
        self._settled: list[Settled] = []
        self._due = False
        self._marks: dict[int, Message] = {}
        self._timer: Timer | None = None
        self.complaints = Complaints(clock, _log)

    def add(
        self,
        settled: Settled,
        inserts: Sequence[Message] = (),
        deletes: Sequence[int] = (),
        unmarks: Sequence[int] = (),
        others: Sequence[Statement] = (),
    ) -> None:
        """Write soon; `settled` when it is durable, or with the error."""
        self._inserts += inserts
        self._deletes += deletes
        self._unmarks += unmarks
        self._others += others
        self._settled.append(settled)
        if not self._due:
            self._due = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand to the database what was added: what others submit from now on comes after it."""
        self._due = False
        settled = self._settled
        if not settled:
            return
        statements = [
            *rows.insert_messages(self._inserts),
            *self._others,
            *rows.delete_messages(self._deletes),
            *rows.delete_receives(self._unmarks),
        ]
        self._inserts, self._deletes, self._unmarks, self._others, self._settled = [], [], [], [], []

        def done(_results: Results | None, error: StoreError | None) -> None:
            settle_all(settled, error)

        self._database.submit(statements, done)

    def mark(self, message: Message) -> None:
        """Write a little later how often a message was received, and until when it is invisible."""
        self._marks[message.row] = message
        if self._timer is None:
            self._timer = self._clock.at_steady(self._clock.steady_ms() + _BEHIND_MS, self.flush_marks)

    def unmark(self, message: Message) -> bool:
        """A message goes: its receives need not be written. Whether some were."""
        self._marks.pop(message.row, None)
        return message.marked

    def flush_marks(self) -> None:
        """Hand to the database which messages were received."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        marks = list(self._marks.values())
        self._marks.clear()
        if not marks:
            return
        for message in marks:
            message.marked = True

        def done(_results: Results | None, error: StoreError | None) -> None:
            if error is not None:
                self.complaints.warn(
                    "receives were not written, messages may be visible early after a restart: %s", error
                )

        self._database.submit(list(rows.insert_receives(marks)), done)

    def forget(self) -> None:
        """Drop the receives that are not written."""
        self._marks.clear()
