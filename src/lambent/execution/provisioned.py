"""Environments of one function version that are started ahead of invocations and kept: provisioned concurrency.

They are never reaped, and replaced when they end. Nobody waits here: whoever finds none free runs in the
version's other pool. Their INIT is logged and shown with the first invocation, which is not billed for it, and
may take longer than that of others ("Lambda execution environment lifecycle", AWS Lambda developer guide).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from lambent.execution.pool import Pool

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from lambent.execution.engines import ProcessSource
    from lambent.execution.environment import Environment
    from lambent.execution.invocation import Invocation
    from lambent.execution.memory import MemoryWatch
    from lambent.execution.spec import EnvironmentSpec
    from lambent.execution.workspace import Workspace

_AT_ONCE: Final = 4
"""Environments that are started at the same time: invocations want the processor too."""

_INIT_SECONDS: Final = 130.0
"""How long INIT may take (AWS: 130 seconds or the function's timeout, whichever is longer)."""

# One that ends is replaced at once; when it happens again and again, later and later.
_REPLACE_SECONDS: Final = 0.1
_REPLACE_SECONDS_MOST: Final = 60.0
# A failed INIT is likely to fail again.
_RETRY_SECONDS: Final = 10.0
_RETRY_SECONDS_MOST: Final = 300.0


class ProvisionedPool(Pool):
    """Keeps as many environments ready as `resize` says. Everything happens on the loop's thread.

    `changed` is called when figures have changed. `allocated`: environments that there are or, when some have
    ended, that are being replaced. `failing`: since the last that became ready, one could not be started.
    """

    bills_init = False

    def __init__(
        self,
        spec: EnvironmentSpec,
        nursery: ProcessSource,
        workspace: Workspace,
        watch: MemoryWatch,
        new_nursery: Callable[[], Awaitable[ProcessSource]],
        changed: Callable[[], None],
    ) -> None:
        super().__init__(spec, nursery, workspace, watch, new_nursery)
        self.init_limit = max(_INIT_SECONDS, spec.timeout_ms / 1000)
        self.wanted = 0
        self.allocated = 0
        self.failing = False
        self._changed = changed
        self._losses = 0
        self._lost_at = 0.0
        self._failures = 0
        self._refilling: asyncio.TimerHandle | None = None

    @property
    def available(self) -> int:
        """Environments that are initialised and alive, in use or not; not more than are wanted."""
        return min(self.wanted, len(self._idle) + len(self._settling) + len(self.busy))

    @property
    def free(self) -> bool:
        """Whether `submit` can be called."""
        return bool(self._idle)

    def submit(self, invocation: Invocation) -> None:
        """Run an invocation in an environment that is `free`."""
        self._idle.pop().run(invocation)

    def resize(self, count: int) -> None:
        """Keep `count` environments: those that are missing are started, what is too many ends when it is idle."""
        if count > self.wanted:
            self._cancel_refill()
        self.wanted = count
        self.allocated = min(self.allocated, count)
        while self._idle and len(self) > count:
            self._idle.pop(0).close()
        for environment in [*self._starting, *self._settling][: max(0, len(self) - count)]:
            environment.close()
        self._fill()

    # ------------------------------------------------------------ starting

    def _fill(self) -> None:
        while (
            self._refilling is None
            and self._reviving is None
            and len(self) < self.wanted
            and len(self._starting) < _AT_ONCE
        ):
            self._grow()

    def _refill_after(self, seconds: float) -> None:
        if self._refilling is None and not self._retired:
            self._refilling = self._loop.call_later(seconds, self._refill)

    def _refill(self) -> None:
        self._refilling = None
        self._fill()

    def _cancel_refill(self) -> None:
        if self._refilling is not None:
            self._refilling.cancel()
            self._refilling = None

    def _revived(self) -> None:
        self._fill()

    def _fail_waiting(self, error: Exception) -> None:
        self._failed()

    def _failed(self) -> None:
        """One could not be started: that is tried again later."""
        self.failing = True
        if self._refilling is None:
            self._refill_after(min(_RETRY_SECONDS_MOST, _RETRY_SECONDS * 2**self._failures))
            self._failures += 1
        self._changed()

    def _replace(self) -> None:
        """One has ended that was ready."""
        if self._refilling is None:  # a zygote takes all of them along: that is one loss
            now = time.monotonic()
            if now - self._lost_at > 2 * _REPLACE_SECONDS_MOST:
                self._losses = 0
            self._lost_at = now
            pause = _REPLACE_SECONDS * 2**self._losses if self._losses else 0.0
            self._losses += 1
            self._refill_after(min(_REPLACE_SECONDS_MOST, pause))
        self._changed()

    # ------------------------------------------------------------ what environments report

    def ready(self, environment: Environment) -> None:
        """INIT is done."""
        super().ready(environment)
        self.allocated = max(self.allocated, self.available)
        self.failing = False
        self._failures = 0
        self._fill()
        self._changed()

    def init_failed(self, environment: Environment) -> None:
        """INIT failed or took too long."""
        self._starting.discard(environment)
        environment.close()
        self._failed()

    def ended(self, environment: Environment) -> None:
        """An invocation has its result."""
        if environment.process is not None:
            self._losses = 0
        super().ended(environment)

    def _release(self, environment: Environment) -> None:
        if environment.process is None:
            environment.close()
            self._replace()
        elif len(self) >= self.wanted:
            environment.close()
            self._changed()
        else:
            self._idle.append(environment)

    def discard(self, environment: Environment) -> None:
        """The process of an idle environment has ended by itself."""
        super().discard(environment)
        self._replace()

    # ------------------------------------------------------------ time

    def reap(self, idle_seconds: float) -> None:
        """Replace environments whose runtime does not ask for more in time; idle ones stay."""
        oldest = time.monotonic() - self._timeout
        for environment in [one for one in self._settling if one.idle_since <= oldest]:
            environment.close()
            self._replace()

    def retire(self) -> None:
        """Nobody wants them any more: idle environments go now, busy ones after their invocation."""
        self._cancel_refill()
        self.wanted = self.allocated = 0
        super().retire()
        for environment in [*self._starting]:
            environment.close()
