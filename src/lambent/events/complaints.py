"""Warnings of what fails again and again: one a minute says as much as thousands a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import logging
    from collections.abc import Hashable

    from lambent.clock import Clock

_EVERY_MS: Final = 60_000
_KINDS: Final = 1_000


class Complaints:
    """Warns of each kind once a minute, in a module's own log."""

    def __init__(self, clock: Clock, log: logging.Logger) -> None:
        self._clock = clock
        self._log = log
        self._quiet_until: dict[Hashable, int] = {}

    def due(self, kind: Hashable) -> bool:
        """Whether it is time to warn of a kind; it is not again within a minute."""
        now = self._clock.steady_ms()
        if now < self._quiet_until.get(kind, 0):
            return False
        if len(self._quiet_until) > _KINDS:
            self._quiet_until.clear()
        self._quiet_until[kind] = now + _EVERY_MS
        return True

    def warn(self, text: str, *details: object, kind: Hashable = None) -> None:
        """Warn, unless that was done within a minute: of the same `kind`, or with the same text where there is none."""
        if self.due(text if kind is None else kind):
            self._log.warning(text, *details)
