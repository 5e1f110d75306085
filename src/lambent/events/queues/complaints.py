"""Warnings about the store: one a minute says as much as thousands a second."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.clock import Clock

_EVERY_MS: Final = 60_000

_log = logging.getLogger(__name__)


class Complaints:
    """Warns of each kind once a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._quiet_until: dict[str, int] = {}

    def warn(self, text: str, *details: object) -> None:
        """Warn, unless the same text was logged within a minute."""
        now = self._clock.steady_ms()
        if now >= self._quiet_until.get(text, 0):
            self._quiet_until[text] = now + _EVERY_MS
            _log.warning(text, *details)
