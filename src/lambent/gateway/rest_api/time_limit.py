"""A time limit for what an API brings with it: templates, regular expressions, schemas.

They run in the one thread that serves everything, and with some bodies some of them never end (`(a+)+$`). Python's
matcher looks for signals while it works, as its interpreter does, so a timer of the process's CPU time ends them. Only
main threads get signals: in another one, as tests have them, only the steps of templates are counted.
"""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import re
    from types import FrameType

LONGEST_S: Final = 0.25
"""Seconds of CPU time; templates of a few kilobytes take some hundred microseconds."""

_AGAIN_S: Final = 0.02  # where the first one came at a moment in which Python drops exceptions

_log = logging.getLogger(__name__)


class TookTooLong(Exception):
    """The time is over; the text says so."""


class TimeLimit:
    """`with TimeLimit(): …` raises TookTooLong within it. They cannot be nested."""

    __slots__ = ("_runs", "_seconds")

    def __init__(self, seconds: float = LONGEST_S) -> None:
        self._seconds = seconds
        self._runs = False

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGVTALRM) is not _ring:
            signal.signal(signal.SIGVTALRM, _ring)
        self._runs = True
        signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds, _AGAIN_S)

    def __exit__(self, *_: object) -> None:
        if self._runs:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _ring(signum: int, frame: FrameType | None) -> None:
    raise TookTooLong("it takes too long")


def matches(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the whole text matches; one that takes too long does not."""
    try:
        with TimeLimit():
            return pattern.fullmatch(text) is not None
    except TookTooLong:
        _log.warning("the expression %s takes too long", pattern.pattern)
        return False
