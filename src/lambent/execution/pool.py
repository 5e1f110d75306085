"""The environments of one function version: reuse, growth, timeouts, idle reaping.

Reuse is last in, first out: the warmest environment runs next and the others become idle long enough to be
reaped. An invocation that finds none idle starts one and waits for whichever is free first.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from lambent.execution.environment import INIT_LIMIT_SECONDS, Environment
from lambent.execution.errors import EnvironmentUnavailable, ExecutionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from lambent.execution.engines import ProcessSource
    from lambent.execution.invocation import Invocation
    from lambent.execution.memory import MemoryWatch
    from lambent.execution.spec import EnvironmentSpec
    from lambent.execution.workspace import Workspace

# A zygote that ends as soon as it is asked for something would be started for ever.
_MOST_REVIVALS: Final = 4
_REVIVAL_SECONDS: Final = 0.05

# A runtime that has answered asks for more within a tenth of a millisecond, unless it is busy with something else.
_SETTLING_SECONDS: Final = 0.02


class Pool:
    """All environments of one function version. Everything happens on the loop's thread.

    `new_nursery` gives another nursery when the zygote of the one there is has died. `bills_init`: whether the
    first invocation of an environment is billed for its INIT, `init_limit`: how many seconds that may take.
    """

    bills_init = True
    init_limit = INIT_LIMIT_SECONDS

    def __init__(
        self,
        spec: EnvironmentSpec,
        nursery: ProcessSource,
        workspace: Workspace,
        watch: MemoryWatch,
        new_nursery: Callable[[], Awaitable[ProcessSource]],
    ) -> None:
        self.spec = spec
        self.nursery = nursery
        self.new_nursery = new_nursery
        self._reviving: asyncio.Task[None] | None = None
        self._revivals = 0  # since an environment was ready
        self.busy: dict[Environment, int] = {}
        self._workspace = workspace
        self._watch = watch
        self._idle: list[Environment] = []
        self._starting: set[Environment] = set()
        self._settling: set[Environment] = set()  # have answered, and not asked for more yet
        self._patience: asyncio.TimerHandle | None = None
        self._waiting: deque[Invocation] = deque()
        self._timeout = spec.timeout_ms / 1000
        self._timeout_ns = spec.timeout_ms * 1_000_000
        self._timer: asyncio.TimerHandle | None = None
        self._retired = False
        self._loop = asyncio.get_running_loop()

    def __len__(self) -> int:
        """Environments that exist: idle, settling, starting and busy."""
        return len(self._idle) + len(self._settling) + len(self._starting) + len(self.busy)

    @property
    def finished(self) -> bool:
        """Whether there is no environment, and no invocation that waits for one."""
        return not self._waiting and not len(self)

    def running(self) -> Iterator[Environment]:
        """Environments that run something: INIT or an invocation."""
        yield from self._starting
        yield from self._settling
        yield from self.busy

    # ------------------------------------------------------------ invocations

    def submit(self, invocation: Invocation) -> None:
        """Run an invocation in the warmest idle environment, or in one that is started for it."""
        if self._idle:
            environment = self._idle.pop()
            if environment.process is not None:
                environment.run(invocation)
            else:
                self._assign(environment, invocation)
        else:
            self._waiting.append(invocation)
            # One that is starting already will serve it, unless a busy one is free before.
            if len(self._waiting) > len(self._starting) + len(self._settling):
                self._grow()
            elif self._settling and self._patience is None:
                self._patience = self._loop.call_later(_SETTLING_SECONDS, self._lose_patience)

    def _lose_patience(self) -> None:
        """What has answered is busy with something else: start others instead."""
        self._patience = None
        self._revived()

    def _assign(self, environment: Environment, invocation: Invocation) -> None:
        """Run in an environment that is free, with or without a process."""
        if environment.process is not None:
            environment.run(invocation)
            return
        if not self.nursery.alive:
            environment.close()
            self._waiting.appendleft(invocation)
            self._revive()
            return
        try:
            environment.restart(invocation)
        except (OSError, EnvironmentUnavailable) as error:
            environment.close()
            _fail(invocation, error)

    def _grow(self) -> None:
        if not self.nursery.alive:
            self._revive()
            return
        try:
            directory, log = self._workspace.create(self.spec)
        except OSError as error:
            self._fail_waiting(error)
            return
        environment = Environment(self, directory, log)
        self._starting.add(environment)
        if not self._watch.armed:
            self._watch.arm()
        try:
            environment.start()
        except (OSError, EnvironmentUnavailable) as error:
            self._starting.discard(environment)
            self._workspace.remove(directory)
            self._fail_waiting(error)

    def _revive(self) -> None:
        """The zygote has died, and every environment with it: what waits goes on with another."""
        if self._reviving is None:
            self._reviving = self._loop.create_task(self._replace_nursery())

    async def _replace_nursery(self) -> None:
        try:
            if self._revivals == _MOST_REVIVALS:
                self._revivals = 0  # whoever comes later tries anew
                raise EnvironmentUnavailable(
                    f"the process that makes environments has ended {_MOST_REVIVALS + 1} times in a row "
                    "before an environment was ready"
                )
            if self._revivals:
                await asyncio.sleep(_REVIVAL_SECONDS * 2**self._revivals)
            self.nursery = await self.new_nursery()
            self._revivals += 1
        except ExecutionError as error:
            self._fail_waiting(error)
        finally:
            self._reviving = None
        self._revived()

    def _revived(self) -> None:
        for _ in range(len(self._waiting) - len(self._starting)):
            self._grow()

    def _fail_waiting(self, error: Exception) -> None:
        # Those for which an environment is on its way may still be served.
        while len(self._waiting) > len(self._starting):
            _fail(self._waiting.popleft(), error)

    # ------------------------------------------------------------ what environments report

    def ready(self, environment: Environment) -> None:
        """INIT is done."""
        self._revivals = 0
        self._starting.discard(environment)
        self._release(environment)

    def init_failed(self, environment: Environment) -> None:
        """INIT failed or took too long: it is tried again within an invocation."""
        self._starting.discard(environment)
        if self._waiting:
            self._assign(environment, self._waiting.popleft())
        else:
            environment.close()

    def began(self, environment: Environment, now_ns: int) -> None:
        """An invocation has begun, at `now_ns` on the clock of `time.perf_counter_ns`: its timeout runs."""
        self.busy[environment] = now_ns + self._timeout_ns
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._expire)
        if not self._watch.armed:
            self._watch.arm()

    def ended(self, environment: Environment) -> None:
        """An invocation has its result."""
        del self.busy[environment]
        process = environment.process
        if process is None or process.asking:
            self._release(environment)
        else:
            environment.idle_since = time.monotonic()
            self._settling.add(environment)

    def asked(self, environment: Environment) -> None:
        """A process asks for an invocation, some time after its last answer."""
        if environment in self._settling:
            self._settling.discard(environment)
            self._release(environment)

    def _release(self, environment: Environment) -> None:
        if self._waiting:
            self._assign(environment, self._waiting.popleft())
        elif self._retired:
            environment.close()
        else:
            environment.idle_since = time.monotonic()
            if environment.process is None:
                # Last choice: the next invocation pays for starting its process again.
                self._idle.insert(0, environment)
            else:
                self._idle.append(environment)

    def discard(self, environment: Environment) -> None:
        """The process of an idle environment has ended by itself."""
        if environment in self._idle:
            self._idle.remove(environment)
        environment.close()

    def closed(self, environment: Environment) -> None:
        """An environment is no more."""
        self._starting.discard(environment)
        self._settling.discard(environment)
        self._workspace.remove(environment.directory)

    # ------------------------------------------------------------ time

    def _expire(self) -> None:
        # Every invocation of a version has the same timeout, so the oldest entry is the next to expire.
        self._timer = None
        now_ns = time.perf_counter_ns()
        for environment, deadline_ns in list(self.busy.items()):
            if deadline_ns > now_ns:
                self._expire_after((deadline_ns - now_ns) / 1e9)
                return
            environment.timed_out()

    def _expire_after(self, seconds: float) -> None:
        if self._timer is not None:  # what waited has begun in an environment that timed out just now
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._expire)

    def reap(self, idle_seconds: float) -> None:
        """Close environments that have been idle for longer than this, or do not ask for more in time."""
        oldest = time.monotonic() - idle_seconds
        # Not in order of their age: those without a process come first.
        expired = [environment for environment in self._idle if environment.idle_since <= oldest]
        for environment in expired:
            self._idle.remove(environment)
            environment.close()
        oldest = time.monotonic() - self._timeout
        for environment in [one for one in self._settling if one.idle_since <= oldest]:
            environment.close()

    def retire(self) -> None:
        """The version has been replaced: idle environments go now, busy ones after their invocation."""
        self._retired = True
        idle, self._idle = self._idle, []
        for environment in [*idle, *self._settling]:
            environment.close()

    def close(self) -> None:
        """Kill every environment; what runs is answered by nobody."""
        self.retire()
        for environment in [*self._starting, *self.busy]:
            environment.close()
        self.busy.clear()
        if self._reviving is not None:
            self._reviving.cancel()
        if self._patience is not None:
            self._patience.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _fail(invocation: Invocation, error: Exception) -> None:
    invocation.failure = error
    invocation.finished(invocation)
