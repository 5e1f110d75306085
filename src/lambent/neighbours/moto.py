"""Moto as a service: a process that is started when it is first needed, watched, and replaced when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from lambent.http.client import Answer, ExchangeFailed, Silent, Unreachable
from lambent.neighbours.errors import NeighbourDown
from lambent.neighbours.process import MotoProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from lambent.http.client import RawHeaders

_START_SECONDS: Final = 60.0
_RESTARTS: Final = 3
_WITHIN_SECONDS: Final = 60.0
_FILLING_SECONDS: Final = 30.0
"""How long exchanges wait for `on_started` at most."""

_log = logging.getLogger(__name__)


class Moto:
    """One moto process at a time, or none until the first `exchange`.

    While exchanges are under way, a probe goes out every `probe_every` seconds; a process that does not answer
    it within `probe_seconds` is killed. One that has ended, killed or not, is replaced at once, three times a
    minute at most and after that with the next exchange. What it knew is lost: moto keeps everything in memory.

    `on_started` fills a new process with what it has to know. Until that has returned, for thirty seconds at most, only
    exchanges that say `at_once` are made.
    """

    def __init__(self, *, probe_every: float = 1.0, probe_seconds: float = 5.0) -> None:
        self._probe_every = probe_every
        self._probe_seconds = probe_seconds
        self._process: MotoProcess | None = None
        self._starting: asyncio.Task[MotoProcess] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self._filling: asyncio.Task[None] | None = None
        self._fill_until = 0.0
        self.on_started: Callable[[], Awaitable[None]] | None = None
        self._ends: list[float] = []
        self._closed = False
        self._failure = ""

    def facts(self) -> dict[str, object]:
        """For people: the state, and the process id or the reason of a failure."""
        if self._starting is not None:
            return {"state": "starting"}
        if self._process is not None and self._process.alive:
            return {"state": "running", "pid": self._process.pid}
        if self._failure:
            return {"state": "failed", "reason": self._failure}
        return {"state": "not started"}

    async def exchange(
        self,
        method: bytes,
        target: bytes,
        headers: RawHeaders,
        body: bytes | AsyncIterable[bytes],
        *,
        at_once: bool = False,
    ) -> Answer:
        """As `HttpClient.exchange`, with a process that is started where there is none.

        `at_once`: it is one of those that fill a new process. Raises NeighbourDown, and whatever `body` raises.
        """
        for again in (True, False):
            process = await self._ready(at_once)
            if self._watching is None:
                self._watching = asyncio.get_running_loop().create_task(self._watch())
            try:
                return await process.client.exchange(method, target, headers, body)
            except Unreachable as error:
                if not again or not isinstance(error.__cause__, ConnectionError | BlockingIOError):
                    raise NeighbourDown(
                        f"moto, which serves this here, cannot be reached: {error}"
                    ) from error
                # It has ended and nobody has told yet, or takes nothing any more. Nothing was sent, so nothing
                # can happen twice.
                process.kill()
            except Silent as error:
                raise NeighbourDown(f"moto, which serves this here, does not answer: {error}", 504) from error
            except ExchangeFailed as error:
                raise NeighbourDown(
                    f"moto, which serves this here, ended while it had this request ({error})."
                    " It is being started again, without what it knew."
                ) from error
        raise AssertionError("unreachable")

    async def reset(self) -> None:
        """Forget everything. Raises nothing: a process that cannot forget is ended."""
        starting = self._starting
        if starting is not None:
            with contextlib.suppress(NeighbourDown):
                await asyncio.shield(starting)
        await _ended(self._filling)
        process = self._process
        if process is None or not process.alive:
            return
        try:
            async with asyncio.timeout(self._probe_seconds):
                await process.forget()
        except (TimeoutError, ExchangeFailed):
            process.kill()

    async def close(self) -> None:
        """End the process and start no other."""
        self._closed = True
        for task in (self._starting, self._watching, self._following, self._filling):
            await _ended(task)
        if self._process is not None:
            self._process.kill()
            await self._process.ended

    # ------------------------------------------------------------ start and end

    async def _ready(self, at_once: bool) -> MotoProcess:
        """The process, started unless there is one; all who wait share one start. Raises NeighbourDown."""
        while True:
            process = self._process
            if process is not None and process.alive:
                if at_once or self._filling is None:
                    return process
                left = self._fill_until - time.monotonic()
                if left <= 0:
                    return process
                await asyncio.wait([self._filling], timeout=left)
                continue
            if self._closed:
                raise NeighbourDown("The platform is stopping.")
            if at_once:
                # The next one is filled by itself.
                raise NeighbourDown("moto has ended.")
            if self._starting is None:
                self._starting = asyncio.get_running_loop().create_task(self._start())
            # Shielded: one who gives up waiting must not end the start of the others.
            await asyncio.shield(self._starting)

    async def _start(self) -> MotoProcess:
        try:
            process = await MotoProcess.start(_START_SECONDS)
        except NeighbourDown as error:
            self._failure = str(error)
            raise
        finally:
            self._starting = None
        self._failure = ""
        self._process = process
        loop = asyncio.get_running_loop()
        self._following = loop.create_task(self._follow(process))
        if self._filling is not None:
            self._filling.cancel()
        if self.on_started is not None:
            self._fill_until = time.monotonic() + _FILLING_SECONDS
            self._filling = loop.create_task(self._fill(self.on_started))
        return process

    async def _fill(self, on_started: Callable[[], Awaitable[None]]) -> None:
        try:
            await on_started()
        except Exception:  # noqa: BLE001 - logged; what waits goes on without
            _log.exception("moto has been started, and does not know what it should")
        finally:
            if self._filling is asyncio.current_task():
                self._filling = None

    async def _follow(self, process: MotoProcess) -> None:
        """Wait for the end of `process` and start the next one."""
        await asyncio.shield(process.ended)
        now = time.monotonic()
        self._ends = [end for end in self._ends if end > now - _WITHIN_SECONDS] + [now]
        self._failure = f"it ended: {process.last_words}"
        _log.warning("moto has ended, and forgotten everything: %s", process.last_words)
        if len(self._ends) <= _RESTARTS and self._starting is None and self._process is process:
            self._starting = asyncio.get_running_loop().create_task(self._start())
            self._starting.add_done_callback(_seen)

    # ------------------------------------------------------------ health

    async def _watch(self) -> None:
        """See that the process is well, as long as it has something to do."""
        try:
            while True:
                await asyncio.sleep(self._probe_every)
                process = self._process
                if process is None or not process.alive or not process.client.under_way:
                    return
                if not await process.answers(self._probe_seconds) and process.alive:
                    _log.warning("moto has not answered for %g seconds: it is ended", self._probe_seconds)
                    process.kill()
        finally:
            self._watching = None


async def _ended(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, NeighbourDown):
            await task


def _seen(task: asyncio.Task[MotoProcess]) -> None:
    """A start that nobody waits for may fail: `facts` tells."""
    if not task.cancelled():
        task.exception()
