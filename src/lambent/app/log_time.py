"""Timestamps of log lines: formatted once a second, milliseconds put in for each line.

Formats are those of Powertools' formatter: `2021-05-03 10:20:19,650+0200` by default, RFC 3339 with milliseconds, or
a format of one's own in which `%F` stands for the milliseconds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_DEFAULT = "%Y-%m-%d %H:%M:%S,%F%z"
_RFC3339 = "%Y-%m-%dT%H:%M:%S.%F"


def _escaped(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


class Clock:
    """Tells times in one format. Times are seconds since the epoch; texts are ready to stand between JSON's quotes."""

    __slots__ = ("_cached", "_converter", "_formats", "_offset")

    def __init__(self, datefmt: str | None, *, utc: bool, rfc3339: bool) -> None:
        self._converter: Callable[[float], time.struct_time] = time.gmtime if utc else time.localtime
        self._offset = rfc3339
        self._formats = (_RFC3339 if rfc3339 else datefmt or _DEFAULT).split("%F")
        # Second and texts in one tuple, so that another thread never sees the one without the other.
        self._cached: tuple[int, list[str]] = (-1, [])

    def __call__(self, now: float) -> str:
        second = int(now)
        cached = self._cached
        if cached[0] != second:
            cached = self._cached = (second, self._texts(second))
        return f"{int((now - second) * 1000):03d}".join(cached[1])

    def _texts(self, second: int) -> list[str]:
        moment = self._converter(second)
        texts = [_escaped(time.strftime(part, moment)) for part in self._formats]
        if self._offset:
            minutes = (moment.tm_gmtoff or 0) // 60
            hours, minutes_left = divmod(abs(minutes), 60)
            texts[-1] += f"{'-' if minutes < 0 else '+'}{hours:02d}:{minutes_left:02d}"
        return texts


class DatetimeClock:
    """Tells times in a format of `datetime.strftime`, whose `%f` are microseconds."""

    __slots__ = ("_datefmt", "_utc")

    def __init__(self, datefmt: str, *, utc: bool) -> None:
        self._datefmt = datefmt
        self._utc = utc

    def __call__(self, now: float) -> str:
        from datetime import UTC, datetime

        moment = datetime.fromtimestamp(now, UTC)
        if not self._utc:
            moment = moment.astimezone()
        return _escaped(moment.strftime(self._datefmt.replace("%F", f"{int(now % 1 * 1000):03d}")))
