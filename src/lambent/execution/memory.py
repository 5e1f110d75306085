"""Memory limits: the configured size holds for an environment's whole process tree.

The tree's memory is sampled while an invocation runs (every 25 ms) rather than limited by a cgroup: it works
for every user on every Linux, and what a sample misses is seen by the peak that the runtime reports with its
result. Resident pages that zygote and siblings share are counted only in part: the proportional share decides
before anything is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.execution.pool import Pool

_INTERVAL: Final = 0.025
_PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") // 1024
_PROC: Final = Path("/proc")


class MemoryWatch:
    """Samples busy environments and ends those above their configured memory. Sleeps while nothing runs."""

    def __init__(self, pools: Callable[[], Iterable[Pool]]) -> None:
        self._pools = pools
        self._timer: asyncio.TimerHandle | None = None
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
        running = False
        settled_ms = time.time() * 1000 - _INTERVAL * 500
        for pool in self._pools():
            if not pool.busy:
                continue
            running = True
            limit = pool.spec.memory_limit_kib
            for environment in list(pool.busy):
                process, invocation = environment.process, environment.invocation
                if process is None or not process.pid or invocation is None:
                    continue
                # What has just begun is left to the next sample: short invocations cost nothing here.
                if invocation.started_ms > settled_ms:
                    continue
                if tree_resident_kib(process.pid) > limit and tree_share_kib(process.pid) > limit:
                    environment.exceeded_memory()
        if running:
            self.arm()
        else:
            self.armed = False


def tree_resident_kib(pid: int) -> int:
    """Resident memory of a process and its descendants in KiB, shared pages counted in each."""
    return sum(_resident_kib(member) for member in _tree(pid))


def tree_share_kib(pid: int) -> int:
    """Proportional share (PSS) of a process and its descendants in KiB."""
    return sum(_share_kib(member) for member in _tree(pid))


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


def _tree(pid: int) -> Iterable[int]:
    pending = [pid]
    while pending:
        member = pending.pop()
        yield member
        with contextlib.suppress(OSError):
            for task in (_PROC / f"{member}/task").iterdir():
                with contextlib.suppress(OSError):
                    pending.extend(map(int, (task / "children").read_bytes().split()))
