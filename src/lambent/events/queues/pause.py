"""How long to wait before something is tried again that has failed."""

from __future__ import annotations

from typing import Final

_FIRST_MS: Final = 1_000
_LONGEST_MS: Final = 30_000


class Pause:
    """Longer each time in a row. Times on the steady clock."""

    __slots__ = ("_failed_ms", "_ms")

    def __init__(self) -> None:
        self._ms = 0
        self._failed_ms = 0

    def failed(self, now: int) -> int:
        """How many milliseconds to wait; what fails at one time counts once."""
        if now > self._failed_ms:
            self._ms = min(_LONGEST_MS, self._ms * 2 or _FIRST_MS)
            self._failed_ms = now
        return self._ms

    def succeeded(self) -> None:
        """The next failure is the first one again."""
        self._ms = 0
