"""Events that wait for their turn: the due ones of a function in its lane, the others by the time they are due.

Few are there whole; of a long backlog only ids are, and the rest is read from the database when it is their turn.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

from lambent.invocation.async_event import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambent.clock import Clock, Timer

LaneKey: TypeAlias = tuple[str, str, str]
"""Account, region and name of a function."""

Waiting: TypeAlias = Event | str
"""An event, or the id of one that is in the database alone."""

_FIRST_MS: Final = 1_000
_LAST_MS: Final = 300_000


def backoff_ms(times: int) -> int:
    """How long to wait when something has gone wrong so many times in a row: 1 second, then twice, up to 5 minutes."""
    return min(_LAST_MS, _FIRST_MS << min(times - 1, 10))


class Lane:
    """The due events of one function. `running` counts those that run or whose end is being written."""

    __slots__ = ("_clock", "forgotten", "key", "paused", "ready", "running", "throttles")

    def __init__(self, key: LaneKey, clock: Clock) -> None:
        self.key = key
        self.ready: deque[Waiting] = deque()
        self.running = 0
        self.throttles = 0
        self.forgotten = False
        self.paused: Timer | None = None
        self._clock = clock

    def hold_back(self, until_ms: int, resume: Callable[[Lane], None]) -> None:
        """Nothing begins for a while: a longer one each time, but not longer than until `until_ms`."""
        if self.paused is not None:
            return
        self.throttles += 1
        now = self._clock.steady_ms()
        when = max(now + 1, min(now + backoff_ms(self.throttles), until_ms))
        self.paused = self._clock.at_steady(when, self._over, resume)

    def resume(self) -> None:
        """There is no need to wait any longer."""
        self.throttles = 0
        if self.paused is not None:
            self.paused.cancel()
            self.paused = None

    def _over(self, resume: Callable[[Lane], None]) -> None:
        self.paused = None
        resume(self)


class Agenda:
    """Events that are due later. `due` is called with each when it is."""

    def __init__(self, clock: Clock, due: Callable[[LaneKey, Waiting], None]) -> None:
        self._clock = clock
        self._call = due
        self._heap: list[tuple[int, int, LaneKey, Waiting]] = []
        self._order = itertools.count()
        self._timer: Timer | None = None
        self._timer_ms = 0
        self._stopped = False

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Waiting]:
        return (waiting for *_, waiting in self._heap)

    def put(self, due_ms: int, key: LaneKey, waiting: Waiting) -> None:
        """Call with it when it is due."""
        heapq.heappush(self._heap, (due_ms, next(self._order), key, waiting))
        self._set_timer()

    def clear(self) -> None:
        """Forget all of them."""
        self._heap.clear()

    def stop(self) -> None:
        """Call with none of them any more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self) -> None:
        if not self._heap or self._stopped:
            return
        due = self._heap[0][0]
        if self._timer is not None:
            if self._timer_ms <= due:
                return
            self._timer.cancel()
        self._timer_ms = due
        self._timer = self._clock.at_steady(due, self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._clock.steady_ms()
        while self._heap and self._heap[0][0] <= now and not self._stopped:
            _, _, key, waiting = heapq.heappop(self._heap)
            self._call(key, waiting)
        self._set_timer()
