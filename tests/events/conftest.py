"""Coroutine tests, and time that passes when a test says so."""

from __future__ import annotations

import asyncio
import heapq
import inspect
import itertools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests to their end, each on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True


class _Timer:
    def __init__(self, callback: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self.callback = callback
        self.arguments = arguments
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class SimulatedClock:
    """Both clocks, under control: `advance` lets time pass, `jump` sets the wall's clock."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._steady_ms = now_ms
        self._ahead_ms = 0
        self._order = itertools.count()
        self._steady: list[tuple[int, int, _Timer]] = []
        self._wall: list[tuple[int, int, _Timer]] = []

    def wall_ms(self) -> int:
        return self._steady_ms + self._ahead_ms

    def steady_ms(self) -> int:
        return self._steady_ms

    def at_steady(self, when_ms: int, callback: Callable[..., object], *arguments: Any) -> _Timer:
        return self._add(self._steady, when_ms, callback, arguments)

    def at_wall(self, when_ms: int, callback: Callable[..., object], *arguments: Any) -> _Timer:
        return self._add(self._wall, when_ms, callback, arguments)

    def _add(
        self,
        waiting: list[tuple[int, int, _Timer]],
        when_ms: int,
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
    ) -> _Timer:
        timer = _Timer(callback, arguments)
        heapq.heappush(waiting, (int(when_ms), next(self._order), timer))
        return timer

    def jump(self, by_ms: int) -> None:
        """Set the wall's clock forward or back. What is due then is called with the next `advance`."""
        self._ahead_ms += by_ms

    def next_ms(self) -> int | None:
        """When the next timer is due, on the steady clock; None without timers."""
        due = [
            when - ahead
            for waiting, ahead in ((self._steady, 0), (self._wall, self._ahead_ms))
            for when, _, timer in waiting
            if not timer.cancelled
        ]
        return min(due, default=None)

    async def advance(self, by_ms: int = 0) -> None:
        """Let time pass, timer by timer, giving the loop some rounds after each."""
        end = self._steady_ms + by_ms
        while True:
            due = self.next_ms()
            if due is None or due > end:
                break
            self._steady_ms = max(self._steady_ms, due)
            for waiting, now in ((self._steady, self.steady_ms()), (self._wall, self.wall_ms())):
                while waiting and waiting[0][0] <= now:
                    timer = heapq.heappop(waiting)[2]
                    if not timer.cancelled:
                        timer.callback(*timer.arguments)
            for _ in range(20):
                await asyncio.sleep(0)
        self._steady_ms = end


@pytest.fixture
def clock() -> SimulatedClock:
    """Time that stands still until a test lets it pass."""
    return SimulatedClock()
