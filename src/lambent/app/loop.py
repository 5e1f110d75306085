"""The event loop of an environment: made when the first coroutine has to run, and kept.

Clients and connections that belong to a loop live as long as the environment does, then.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine


_within: ContextVar[Loop | None] = ContextVar("loop", default=None)
"""The loop whose work this is: coroutines have it, and threads that they wait for."""


class Loop:
    """`run` runs a coroutine to its end. Threads take turns."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = allocate_lock()

    def run(self, coroutine: Coroutine[Any, Any, Any] | Any) -> Any:
        """The coroutine's result. From within the loop's own work it cannot be waited for: RuntimeError.

        A thread that the loop's work waits for is no part of that: what it wants runs beside what waits.
        """
        if _within.get() is self and self._loop is not None:
            return self._beside(self._loop, coroutine)
        asyncio = sys.modules.get("asyncio")
        if asyncio is not None and asyncio._get_running_loop() is not None:
            if hasattr(coroutine, "close"):
                coroutine.close()
            raise RuntimeError(
                "An app runs coroutines on a loop of its own, and another one is running here: call it in a thread, "
                "await asyncio.to_thread(client.get, …)"
            )
        with self._turn:
            loop = self._loop
            if loop is None or loop.is_closed():
                loop = self._open()
            token = _within.set(self)
            try:
                return loop.run_until_complete(coroutine)
            finally:
                _within.reset(token)

    def _beside(self, loop: asyncio.AbstractEventLoop, coroutine: Any) -> Any:
        import asyncio

        if asyncio._get_running_loop() is loop:
            if hasattr(coroutine, "close"):
                coroutine.close()
            raise RuntimeError(
                "This is the event loop's own work: it cannot wait for more of that. Use await"
            )
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    def _open(self) -> asyncio.AbstractEventLoop:
        import asyncio

        # Python 3.14's get_event_loop makes none; libraries that look for the current one are to find this.
        self._loop = loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return loop

    def close(self) -> None:
        """End it, and what is left of its work; for tests."""
        loop, self._loop = self._loop, None
        if loop is None or loop.is_closed():
            return
        import asyncio

        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        asyncio.set_event_loop(None)
