"""The functions of $disconnect, called one after the other where many clients leave at once.

A server that stops, or a network that goes, ends thousands of connections in one moment. Called all at once, most of
these functions would find no concurrency left, and what they have to clear up would stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.gateway.websocket.integrations import Integrations, Outcome
    from lambent.gateway.websocket.stages import StageRoute

_AT_ONCE: Final = 16
_KEPT: Final = 100_000

_log = logging.getLogger(__name__)


class Partings:
    """Calls of $disconnect: 16 at a time, the others wait."""

    def __init__(self, integrations: Integrations) -> None:
        self._integrations = integrations
        self._waiting: deque[tuple[StageRoute, bytes]] = deque()
        self._at_work = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, route: StageRoute, event: bytes) -> None:
        """A client has left."""
        if len(self._waiting) >= _KEPT:
            _log.warning("$disconnect is not called: too many wait")
            return
        self._idle.clear()
        self._waiting.append((route, event))
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self._at_work < _AT_ONCE:
            route, event = self._waiting.popleft()
            self._at_work += 1
            self._integrations.call(route, event, self._finished)

    def _finished(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            _log.warning("$disconnect: %s", outcome.failure)
        self._at_work -= 1
        if self._waiting:
            # Not called from here: calls that fail at once would nest as deep as they are many.
            asyncio.get_running_loop().call_soon(self._go_on)
        elif not self._at_work:
            self._idle.set()

    async def settled(self, seconds: float) -> None:
        """Return when all have been called and have ended, after `seconds` at the latest."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)
