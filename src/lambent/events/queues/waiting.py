"""Those who wait for messages: long polls, first come first served, and watchers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.clock import Clock, Timer
    from lambent.events.queues.message import Received


# Those who have left stay in line until it is their turn; so many are no reason to tidy up.
_FEW: Final = 64


class Cancellable(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Not to be answered. Harmless afterwards."""


class Wait:
    """Somebody who waits, at most until a time."""

    __slots__ = ("done", "maximum", "over", "timer", "visibility_s")

    def __init__(
        self, maximum: int, visibility_s: int | None, done: Callable[[list[Received]], None]
    ) -> None:
        self.maximum = maximum
        self.visibility_s = visibility_s
        self.done = done
        self.over = False
        self.timer: Timer | None = None

    def cancel(self) -> None:
        """Not to be answered."""
        self.over = True
        if self.timer is not None:
            self.timer.cancel()

    def answer(self, received: list[Received]) -> None:
        """End the waiting."""
        if not self.over:
            self.cancel()
            self.done(received)


class Waiting:
    """Who waits at one queue."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits: deque[Wait] = deque()
        self._tidy = _FEW
        self._short: list[Wait] = []
        self._watchers: tuple[Callable[[], None], ...] = ()

    def __bool__(self) -> bool:
        return bool(self._waits or self._watchers)

    def add(self, wait: Wait, seconds: float) -> None:
        """Wait behind those who wait already."""
        wait.timer = self._clock.at_steady(self._clock.steady_ms() + int(seconds * 1000), wait.answer, [])
        if len(self._waits) >= self._tidy:
            self._waits = deque(one for one in self._waits if not one.over)
            self._tidy = max(_FEW, 2 * len(self._waits))
        self._waits.append(wait)

    def add_short(self, wait: Wait) -> None:
        """Wait for what goes on just now."""
        self._short.append(wait)

    def serve_short(self, take: Callable[[int, int | None], list[Received]]) -> None:
        """What went on has ended: they get what there is."""
        waits, self._short = self._short, []
        for wait in waits:
            if not wait.over:
                wait.answer(take(wait.maximum, wait.visibility_s))

    def serve(self, take: Callable[[int, int | None], list[Received]]) -> None:
        """There may be messages: give them to those who wait, then tell the watchers."""
        waits = self._waits
        while waits:
            wait = waits[0]
            if wait.over:
                waits.popleft()
                continue
            received = take(wait.maximum, wait.visibility_s)
            if not received:
                return
            waits.popleft()
            wait.answer(received)
        for watcher in self._watchers:
            watcher()

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when there may be messages that no long poll takes. Returns what ends it."""
        self._watchers += (callback,)

        def end() -> None:
            self._watchers = tuple(one for one in self._watchers if one is not callback)

        return end

    def dismiss(self) -> None:
        """Answer everybody with nothing."""
        waits, self._waits, self._short = [*self._waits, *self._short], deque(), []
        for wait in waits:
            wait.answer([])
