"""Integrations that have to wait for something: a task each, until it has answered."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from lambent.gateway.http_api.exchange import Exchange

_log = logging.getLogger(__name__)


class Tasks:
    """What is under way. `cancel` ends it."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, exchange: Exchange, work: Coroutine[None, None, None]) -> None:
        """Run `work`, which answers the exchange; if it raises, the answer is 500."""
        task = asyncio.get_running_loop().create_task(self._run(exchange, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, exchange: Exchange, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the client gets an answer
            _log.error("route %s has failed", exchange.route.key, exc_info=error)
            exchange.end()
            exchange.fail(500, "Internal Server Error", str(error))

    def cancel(self) -> None:
        """End everything that is under way."""
        for task in list(self._running):
            task.cancel()
