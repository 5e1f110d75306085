"""Throttling of a stage's routes: token buckets.

"Throttle requests to your HTTP APIs" of the developer guide: a rate in requests a second and a burst in requests, of
each route by its own settings or else the stage's default ones.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.apis.records import Stage


class Bucket:
    """`burst` requests at once and `rate` a second; `clock` gives seconds that only grow."""

    __slots__ = ("_burst", "_clock", "_filled", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._filled = clock()

    def take(self) -> bool:
        """Whether another request may pass now."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def bucket_of(stage: Stage, route_key: str) -> Bucket | None:
    """The bucket of a route; None where neither it nor the stage is limited."""
    rate = burst = None
    for settings in (stage.route_settings.get(route_key), stage.default_route_settings):
        if settings is not None:
            rate = settings.throttling_rate_limit if rate is None else rate
            burst = settings.throttling_burst_limit if burst is None else burst
    return limited(rate, burst)


def limited(rate: float | None, burst: int | None) -> Bucket | None:
    """A bucket of a rate by the second and a burst; None without both.

    A rate without a burst lets one second's requests pass at once, a burst without a rate as many a second.
    """
    if rate is None and burst is None:
        return None
    if rate is None:
        rate = float(burst or 0)
    return Bucket(rate, float(max(rate, 1) if burst is None else burst))
