"""The event loop of an environment: made when the first coroutine has to run, and kept.

Clients and connections that belong to a loop live as long as the environment does, then.
"""

from __future__ import annotations

from _thread import get_ident
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine


class Loop:
    """`run` runs a coroutine to its end."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def run(self, coroutine: Coroutine[Any, Any, Any] | Any) -> Any:
        """The coroutine's result. From within the loop's own work it cannot be waited for: RuntimeError."""
        loop = self._loop
        if loop is None or loop.is_closed():
            loop = self._open()
        if loop.is_running() and get_ident() != self._thread:
            import asyncio

            return asyncio.run_coroutine_threadsafe(coroutine, loop).result()
        self._thread = get_ident()
        return loop.run_until_complete(coroutine)

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
