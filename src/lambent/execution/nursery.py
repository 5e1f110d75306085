"""Processes that are forked before they are needed.

Forking and setting up a process is half of a cold start, and the same for every function. So some blank
processes of each zygote wait; the environment that takes one only has to bind its code and import its handler.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from lambent.execution.errors import EnvironmentUnavailable
from lambent.execution.process import EnvironmentProcess

if TYPE_CHECKING:
    from lambent.execution.process import ProcessOwner, RuntimeProcess
    from lambent.execution.zygote import Zygote
    from lambent.functions import FunctionVersion

SPARES: Final = 2
"""Blank processes kept per zygote, at about 1 MB each."""

# After the start that took one has had the processor to itself.
_REFILL_SECONDS: Final = 0.02


class Nursery:
    """A zygote and the blank processes that it has forked ahead. `zygote` has been started."""

    def __init__(self, zygote: Zygote, spares: int = SPARES) -> None:
        self._zygote = zygote
        self._wanted = spares
        self._spares: list[EnvironmentProcess] = []
        self._refilling: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._refill()

    @property
    def alive(self) -> bool:
        """Whether there can be processes."""
        return self._zygote.alive

    @property
    def private_view(self) -> bool:
        """Whether functions see /var/task and a /tmp of their own."""
        return self._zygote.private_view

    def expect(self, version: FunctionVersion) -> None:
        """Processes for this version will be wanted soon. They are all the same here."""

    def take(self, owner: ProcessOwner, init: bytes) -> RuntimeProcess:
        """A process that begins INIT for `owner`. Raises EnvironmentUnavailable, OSError."""
        process = self.blank()
        process.adopt(owner, init)
        return process

    def blank(self) -> EnvironmentProcess:
        """A process that nobody has adopted. Raises EnvironmentUnavailable, OSError."""
        if not self._zygote.alive:
            raise EnvironmentUnavailable("the process that makes environments is gone")
        while self._spares and self._spares[-1].ended:
            self._spares.pop()
        process = self._spares.pop() if self._spares else EnvironmentProcess(self._zygote)
        if self._refilling is None:
            self._refilling = self._loop.call_later(_REFILL_SECONDS, self._refill)
        return process

    def _refill(self) -> None:
        self._refilling = None
        # Without, the next start forks its own, and says what is in the way.
        with contextlib.suppress(OSError, EnvironmentUnavailable):
            while len(self._spares) < self._wanted:
                self._spares.append(EnvironmentProcess(self._zygote))

    async def close(self) -> None:
        """Kill all processes, taken ones too; returns when they are dead."""
        if self._refilling is not None:
            self._refilling.cancel()
        self._spares.clear()
        await self._zygote.close()
