"""How many batches of a queue are processed at once.

"Configuring scaling behavior for SQS event source mappings": five to begin with, up to 300 more a minute while there
are messages left, at most 1,250; a MaximumConcurrency of the mapping caps it. Provisioned pollers run up to ten
batches each. Where functions fail or are throttled, it goes back.

Unlike AWS, a machine has an end: when batches take twice as long as they did with fewer of them, more at once would
only take memory, and there are no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.events.mapping import Settings

STEP_MS: Final = 1_000
"""How often more are allowed while there is work for them."""

_FIRST: Final = 5
_STEP: Final = 5
_MOST: Final = 1_250
_A_POLLER: Final = 10
_SLOWER: Final = 2.0
_SHORT_MS: Final = 5.0
"""Batches that take no longer than this are not compared: it is too short to be measured."""
_FORGET: Final = 1.001
"""By how much the best time is forgotten with each step, as functions become slower for reasons of their own."""
_MIN_POLLERS, _MAX_POLLERS = 2, 200


class Scaling:
    """The limit of one mapping."""

    __slots__ = ("_best_ms", "_count", "_least", "_most", "_sum_ms", "limit")

    _least: int
    _most: int

    def __init__(self, settings: Settings) -> None:
        pollers = settings.pollers
        if pollers:
            self._least = pollers.get("MinimumPollers", _MIN_POLLERS) * _A_POLLER
            self._most = max(self._least, pollers.get("MaximumPollers", _MAX_POLLERS) * _A_POLLER)
        else:
            self._most = settings.maximum_concurrency or _MOST
            self._least = min(_FIRST, self._most)
        self.limit = self._least
        self._best_ms = 0.0
        self._sum_ms = 0
        self._count = 0

    @property
    def may_grow(self) -> bool:
        """Whether there can be more than now."""
        return self.limit < self._most

    def ended(self, duration_ms: int) -> None:
        """A batch has taken so long."""
        self._sum_ms += duration_ms
        self._count += 1

    def grow(self) -> None:
        """All of them have been busy for a while."""
        best_ms = self._best_ms * _FORGET
        if self._count:
            mean_ms = max(_SHORT_MS, self._sum_ms / self._count)
            self._sum_ms = self._count = 0
            self._best_ms = min(best_ms, mean_ms) if best_ms else mean_ms
            if mean_ms > _SLOWER * self._best_ms:
                return
        self.limit = min(self._most, self.limit + _STEP)

    def shrink(self) -> None:
        """A call has failed, or was refused."""
        self.limit = max(self._least, self.limit // 2)

    def rest(self) -> None:
        """There is nothing to do."""
        self.limit = self._least
