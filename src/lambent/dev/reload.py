"""After a save: the project is prepared anew, and the next request runs the new code. What cannot run is told, and what
ran before goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final, TypeVar

from lambent.deploy.errors import DeployError
from lambent.dev.differences import differences
from lambent.dev.problems import described

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

    from lambent.dev.pipeline import Preparing, Ready
    from lambent.dev.screen import Screen
    from lambent.dev.sources import Sources
    from lambent.dev.stack import Stack

_HALF_WRITTEN_S: Final = 0.05
"""Editors empty a file before they write it: what does not run is looked at again before it is told."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Reloader:
    """Loads code when files have changed. Loop thread only, except for what it has the executor do.

    `settled` is called whenever it is done, and `brought` before that with what then runs.
    """

    def __init__(
        self,
        preparing: Preparing,
        sources: Sources,
        screen: Screen,
        executor: Executor,
        *,
        settled: Callable[[], None],
        brought: Callable[[Ready], None],
    ) -> None:
        self._preparing = preparing
        self._sources = sources
        self._screen = screen
        self._executor = executor
        self._settled = settled
        self._brought = brought
        self._stack: Stack | None = None
        self._task: asyncio.Task[None] | None = None
        self._due: set[str] = set()
        """What has changed since something could be loaded: all of that is looked at again."""
        self._closed = False
        self.busy = True
        """From the beginning: nothing is loaded yet."""
        self.ready: Ready | None = None
        """What runs."""
        self.failure = ""
        """Why the files as they are do not run; empty when they do."""

    def look(self) -> None:
        """Begin to load what has changed, if anything has; then it is `busy`, as it is while a thread looks."""
        if self.busy or self._closed or not self._sources.is_due:
            return
        is_large = self._sources.is_large
        if is_large or self._sources.changed():
            self.busy = True
            self._task = asyncio.get_running_loop().create_task(self._reload(is_known=not is_large))

    async def first(self, prepared: Future[Ready], stack: Stack) -> None:
        """The first time: what has been prepared meanwhile is brought to the platform."""
        self._stack = stack
        began = time.perf_counter()
        await self._load(asyncio.wrap_future(prepared), began, [])
        await self._reload(is_known=False)

    async def close(self) -> None:
        """Load nothing more; what waits for it is served by what runs."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self.busy:
            self._settle()

    async def _reload(self, *, is_known: bool) -> None:
        """Load what has changed, until nothing has; `is_known` that something has."""
        try:
            while is_known or await self._look(self._sources.changed):
                is_known = False
                began = time.perf_counter()
                changed = await self._look(self._sources.take)
                self._due.update(changed)
                preparing = asyncio.get_running_loop().run_in_executor(
                    self._executor, self._preparing.prepare, sorted(self._due)
                )
                await self._load(preparing, began, changed)
        finally:
            self._settle()

    async def _look(self, look: Callable[[], T]) -> T:
        """Look at the files: in a thread where they are many."""
        return await asyncio.to_thread(look) if self._sources.is_large else look()

    def _settle(self) -> None:
        self.busy = False
        self._settled()

    async def _load(self, preparing: asyncio.Future[Ready], began: float, changed: list[str]) -> None:
        """Bring what is prepared to the platform, or tell why it cannot be."""
        assert self._stack is not None
        try:
            ready = await preparing
            before, same_code = self.ready, self.ready is not None and self.ready.code == ready.code
            changes = self._changes(before, ready)
            if changes:
                self._screen.working(f"changing {len(changes)} {'things' if len(changes) > 1 else 'thing'}")
            more = await self._stack.bring(ready)
        except DeployError as error:
            if await self._is_half_written():
                return
            problem = described(error, self._preparing.project.root)
            self.failure = problem.text
            self._screen.idle()
            self._screen.trouble(problem.text, problem.details, problem.hint)
            if self.ready is not None:
                self._screen.note("  The code before it goes on.")
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the session: the next save may do
            self._screen.idle()
            _log.exception("the code could not be loaded")
            self.failure = str(error)
        else:
            self._screen.idle()
            mended, self.failure = bool(self.failure), ""
            self._due.clear()
            self.ready = ready
            self._brought(ready)
            if before is not None and (mended or more or not same_code):
                took = (time.perf_counter() - began) * 1000
                self._screen.done(
                    f"{'mended: ' if mended else ''}{_named(changed)} loaded in {took:.0f} ms", changes
                )
            self._tell_findings(before, ready)

    async def _is_half_written(self) -> bool:
        await asyncio.sleep(_HALF_WRITTEN_S)
        return await self._look(self._sources.changed)

    def _changes(self, before: Ready | None, after: Ready) -> list[str]:
        if before is None or before.manifest is None or after.manifest is None:
            return []
        return differences(before.manifest, after.manifest)

    def _tell_findings(self, before: Ready | None, after: Ready) -> None:
        known = set(before.findings) if before is not None else set()
        for finding in after.findings:
            if finding not in known:
                self._screen.note(f"! {finding}")


def _named(changed: list[str]) -> str:
    if len(changed) <= 3:
        return ", ".join(changed) or "code"
    return f"{', '.join(changed[:2])} and {len(changed) - 2} more"
