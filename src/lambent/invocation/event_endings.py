"""Writes that events have ended, each with what is to be told of it in one transaction, until that is durable."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from lambent.invocation import async_event
from lambent.invocation.event_lane import backoff_ms
from lambent.store import Staged, StoreClosed, StoreError
from lambent.store.staged import nothing, submit, together

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.clock import Clock, Timer
    from lambent.invocation.async_event import Event
    from lambent.invocation.outcome import Outcome
    from lambent.store import Database

_log = logging.getLogger(__name__)


class EventEndings:
    """Ends events. Where the store cannot take it (its disk is full), it is tried again.

    `outcomes` says what is to be written in the transaction that ends an event; None: nothing.
    """

    outcomes: Callable[[Outcome], Staged] | None = None

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: dict[str, tuple[Timer, Callable[[], None]]] = {}
        self._looking: set[asyncio.Task[None]] = set()
        self._stopped = False

    def write(self, event: Event, outcome: Outcome | None, over: Callable[[], None]) -> None:
        """End an event. `over` is called when that is durable, or when there is nothing to end any more."""
        staged = Staged((event.ended(),), nothing)
        if self.outcomes is not None and outcome is not None:
            try:
                staged = together([staged, self.outcomes(outcome)])
            except Exception:  # noqa: BLE001 - logged; the event is not lost for it
                _log.exception("the end of async event %s could not be handed on", event.request_id)
                self._later(event, outcome, over)
                return

        def settled(error: StoreError | None) -> None:
            staged.settled(error)
            if error is None or isinstance(error, StoreClosed):
                over()  # a store that is closed: after a restart the event is there as it was
            else:
                _log.warning("the end of async event %s is not saved yet: %s", event.request_id, error)
                self._later(event, outcome, over)

        submit(self._database, Staged(staged.statements, settled))

    def stop(self) -> None:
        """Try nothing again: what is not written is there after a restart, as it was."""
        self._stopped = True
        self.forget()

    def forget(self) -> None:
        """Try none of those again that could not be written."""
        waiting, self._waiting = self._waiting, {}
        for timer, over in waiting.values():
            timer.cancel()
            over()

    def _later(self, event: Event, outcome: Outcome | None, over: Callable[[], None]) -> None:
        if self._stopped:
            over()
            return
        event.faults += 1
        when = self._clock.steady_ms() + backoff_ms(event.faults)
        self._waiting[event.request_id] = (
            self._clock.at_steady(when, self._again, event, outcome, over),
            over,
        )

    def _again(self, event: Event, outcome: Outcome | None, over: Callable[[], None]) -> None:
        del self._waiting[event.request_id]
        looking = asyncio.get_running_loop().create_task(self._write_if_there(event, outcome, over))
        self._looking.add(looking)
        looking.add_done_callback(self._looking.discard)

    async def _write_if_there(self, event: Event, outcome: Outcome | None, over: Callable[[], None]) -> None:
        try:
            there = await async_event.exists(self._database, event.request_id)
        except StoreError:
            there = True
        if there and not self._stopped:
            self.write(event, outcome, over)
        else:
            over()
