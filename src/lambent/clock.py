"""Time, as everything that waits for it sees it: two clocks and the timers that go by them.

`wall` is the machine's clock, which people set and which may jump either way: schedules go by it. `steady` starts
at the wall's time and never jumps while the process lives: time-outs, delays and back-offs go by it, so that nothing is
lost or stuck when the wall's clock is set. Both count milliseconds since the epoch.
"""

from __future__ import annotations

import asyncio
import datetime
import functools
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

Callback = Callable[..., object]

_LOOK_S: Final = 0.5
"""How often the wall's clock is looked at while something waits for it: it may have been set."""


def time_text(time_ms: int) -> str:
    """A time as AWS's events carry it, to the second: `2026-05-01T12:00:00Z`."""
    return _second(time_ms // 1000)


@functools.lru_cache(64)
def _second(second: int) -> str:
    return datetime.datetime.fromtimestamp(second, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Timer(Protocol):
    """What will be called."""

    def cancel(self) -> None:
        """Not to call it. Harmless when it has been called."""


class Clock(Protocol):
    """Both clocks and their timers. Callbacks run on the loop, never within the call that asks for them."""

    def wall_ms(self) -> int:
        """What the machine's clock says."""

    def steady_ms(self) -> int:
        """Time that goes on evenly."""

    def at_wall(self, when_ms: int, callback: Callback, *arguments: Any) -> Timer:
        """Call back when the machine's clock says `when_ms` or later."""

    def at_steady(self, when_ms: int, callback: Callback, *arguments: Any) -> Timer:
        """Call back when the steady clock says `when_ms`."""


class SystemClock:
    """The clocks of this machine. Made on the loop that its callbacks run on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._offset_ms = time.time() * 1000 - time.monotonic() * 1000
        self._waiting: list[tuple[int, int, _WallTimer]] = []
        self._order = itertools.count()
        self._next: asyncio.TimerHandle | None = None
        self._next_s = 0.0

    def wall_ms(self) -> int:
        return int(time.time() * 1000)

    def steady_ms(self) -> int:
        return int(time.monotonic() * 1000 + self._offset_ms)

    def at_steady(self, when_ms: int, callback: Callback, *arguments: Any) -> Timer:
        wait = max(0.0, (when_ms - self._offset_ms) / 1000 - time.monotonic())
        return self._loop.call_later(wait, callback, *arguments)

    def at_wall(self, when_ms: int, callback: Callback, *arguments: Any) -> Timer:
        timer = _WallTimer(callback, arguments)
        heapq.heappush(self._waiting, (when_ms, next(self._order), timer))
        self._look_again()
        return timer

    def _look_again(self) -> None:
        waiting = self._waiting
        while waiting and waiting[0][2].cancelled:
            heapq.heappop(waiting)
        if not waiting:
            return
        wait = min(_LOOK_S, max(0.0, waiting[0][0] / 1000 - time.time()))
        at = self._loop.time() + wait
        if self._next is not None:
            if self._next_s <= at:
                return
            self._next.cancel()
        self._next_s = at
        self._next = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        self._next = None
        now = self.wall_ms()
        while self._waiting and self._waiting[0][0] <= now:
            timer = heapq.heappop(self._waiting)[2]
            if not timer.cancelled:
                self._loop.call_soon(timer.callback, *timer.arguments)
        self._look_again()


class _WallTimer:
    __slots__ = ("arguments", "callback", "cancelled")

    def __init__(self, callback: Callback, arguments: tuple[Any, ...]) -> None:
        self.callback = callback
        self.arguments = arguments
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
