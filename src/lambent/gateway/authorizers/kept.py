"""Decisions that are kept: for as long as the authorizer says, by what the identity sources held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.authorizers.decisions import Decision

DEFAULT_S: Final = 300
"""Seconds for which decisions are kept where the authorizer does not say."""

_MOST: Final = 4_096


class KeptDecisions:
    """The decisions of one authorizer, each for `seconds`. `ticks` gives seconds; the oldest makes place."""

    def __init__(self, seconds: int, ticks: Callable[[], float]) -> None:
        self.seconds = seconds
        self._ticks = ticks
        self._kept: dict[tuple[str, ...], tuple[float, Decision]] = {}

    def get(self, identity: tuple[str, ...]) -> Decision | None:
        """What was decided of a caller, unless that is too long ago."""
        found = self._kept.get(identity)
        if found is None:
            return None
        if found[0] <= self._ticks():
            del self._kept[identity]
            return None
        return found[1]

    def put(self, identity: tuple[str, ...], decision: Decision) -> None:
        """Keep what was decided of a caller."""
        self._kept.pop(identity, None)
        if len(self._kept) >= _MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[identity] = (self._ticks() + self.seconds, decision)

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
