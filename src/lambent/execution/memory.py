"""Memory limits: the configured size holds for an environment's whole process tree.

The tree's memory is sampled during INIT and invocations (every 25 ms) rather than limited by a cgroup: it
works for every user on every Linux, and what a sample misses is seen by the peak that the runtime reports with
its result. Resident pages that zygote and siblings share are counted only in part: the proportional share
decides before anything is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.execution.environment import Environment
    from lambent.execution.pool import Pool

_INTERVAL: Final = 0.025
_PER_SAMPLE: Final = 64
"""Environments looked at in one sample, at some 10 us each: with more, each has its turn less often."""
_PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") // 1024
_PROC: Final = Path("/proc")


class MemoryWatch:
    """Samples the environments that run and ends those above their configured memory. Sleeps while none does."""

    def __init__(self, pools: Callable[[], Iterable[Pool]]) -> None:
        self._pools = pools
        self._timer: asyncio.TimerHandle | None = None
        self._turn = 0
        self._available = (_PROC / "self/statm").exists()
        self.armed = not self._available

    def arm(self) -> None:
        """Begin to sample; called when something begins to run."""
        self.armed = True
        self._timer = asyncio.get_running_loop().call_later(_INTERVAL, self._sample)

    def close(self) -> None:
        """Stop."""
        self.armed = True
        if self._timer is not None:
            self._timer.cancel()

    def _sample(self) -> None:
        settled_ns = perf_counter_ns() - int(_INTERVAL * 5e8)
        running = [environment for pool in self._pools() for environment in pool.running()]
        if not running:
            self.armed = False
            return
        # What has just begun is left to the next sample: short invocations cost nothing here.
        settled = [environment for environment in running if environment.running_since_ns <= settled_ns]
        first = self._turn % len(settled) if len(settled) > _PER_SAMPLE else 0
        self._turn = first + _PER_SAMPLE
        for environment in (settled[first:] + settled[:first])[:_PER_SAMPLE]:
            self._check(environment)
        self.arm()

    @staticmethod
    def _check(environment: Environment) -> None:
        process = environment.process
        if process is not None and process.pid:
            limit = environment.pool.spec.memory_limit_kib
            if tree_resident_kib(process.pid) > limit and tree_share_kib(process.pid) > limit:
                environment.exceeded_memory()


def tree_resident_kib(pid: int) -> int:
    """Resident memory of a process and its descendants in KiB, shared pages counted in each."""
    return sum(_resident_kib(member) for member in tree(pid))


def tree_share_kib(pid: int) -> int:
    """Proportional share (PSS) of a process and its descendants in KiB."""
    return sum(_share_kib(member) for member in tree(pid))


def _resident_kib(pid: int) -> int:
    try:
        return int((_PROC / f"{pid}/statm").read_bytes().split(maxsplit=2)[1]) * _PAGE_KIB
    except OSError:
        return 0


def _share_kib(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in (_PROC / f"{pid}/smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1])
    return 0


def tree(pid: int) -> Iterable[int]:
    """A process and its descendants."""
    pending = [pid]
    while pending:
        member = pending.pop()
        yield member
        with contextlib.suppress(OSError):
            for task in (_PROC / f"{member}/task").iterdir():
                with contextlib.suppress(OSError):
                    pending.extend(map(int, (task / "children").read_bytes().split()))
