"""Time limits of what is under way: one timer for all requests with the same limit, not one each."""

from __future__ import annotations

import asyncio
import time
from typing import Generic, TypeVar

T = TypeVar("T")


class Expiring:
    """What a time limit can end."""

    __slots__ = ()

    def expired(self) -> None:
        """The time is over."""
        raise NotImplementedError


X = TypeVar("X", bound=Expiring)


class Deadlines(Generic[X]):
    """Things that end `seconds` after they were added unless they are removed before."""

    __slots__ = ("_seconds", "_timer", "_waiting")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # In the order of their deadlines, as all wait equally long.
        self._waiting: dict[X, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, waiting: X) -> None:
        """Begin to wait for something."""
        self._waiting[waiting] = time.monotonic() + self._seconds
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)

    def remove(self, waiting: X) -> bool:
        """It has come. False for what was too late, or removed before."""
        return self._waiting.pop(waiting, None) is not None

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        over = []
        for waiting, deadline in self._waiting.items():
            if deadline > now:
                self._timer = asyncio.get_running_loop().call_later(deadline - now, self._look)
                break
            over.append(waiting)
        for waiting in over:
            del self._waiting[waiting]
        for waiting in over:
            waiting.expired()
