"""The six fields of AWS's cron expressions: minutes, hours, day of the month, month, day of the week, year.

The language is that of the EventBridge user guide ("Cron expressions reference"): `,` `-` `*` `/` everywhere, `?`,
`L` and `W` for days of the month, `?`, `L` and `#` for days of the week; one of these two fields has to be `?`. Days of
the week are 1 (Sunday) to 7. AWS accepts ranges with steps (`0-15/5`): localstack issue 13572.
"""

from __future__ import annotations

import calendar
import datetime
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199

_MONTHS_KNOWN: Final = 24

_MONTHS: Final = {
    name: at
    for at, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}
_WEEKDAYS: Final = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_NEAREST: Final = re.compile(r"(\d{1,2})W", re.IGNORECASE)
_FROM_LAST: Final = re.compile(r"L-(\d{1,2})", re.IGNORECASE)
_LAST: Final = re.compile(r"([1-7]|[A-Z]{3})L", re.IGNORECASE)
_NTH: Final = re.compile(r"([1-7]|[A-Z]{3})#([1-5])", re.IGNORECASE)


class Cron:
    """When six fields match. `Cron(text)`: what stands between the parentheses. Raises ValueError."""

    def __init__(self, text: str) -> None:
        fields = text.split()
        if len(fields) != 6:
            raise ValueError(f"{len(fields)} fields")
        minutes, hours, days, months, weekdays, years = fields
        if (days == "?") == (weekdays == "?"):
            raise ValueError("one of day-of-month and day-of-week, and not both, has to be ?")
        self._minutes = _numbers(minutes, 0, 59)
        self._hours = _numbers(hours, 0, 23)
        self._months = _numbers(months, 1, 12, _MONTHS)
        self._years = _numbers(years, FIRST_YEAR, LAST_YEAR)
        self._days_of = _month_days(days) if weekdays == "?" else _week_days(weekdays)
        self._known: dict[tuple[int, int], Sequence[int]] = {}

    def moments(self, after: datetime.datetime) -> Iterator[datetime.datetime]:
        """The matching minutes later than `after`, in order. Naive times, on the clock of one place."""
        start = after.replace(second=0, microsecond=0) + datetime.timedelta(minutes=1)
        day = start.date()
        hour, minute = start.hour, start.minute
        for year in self._years[bisect_left(self._years, day.year) :]:
            this_year = year == day.year
            for month in self._months[bisect_left(self._months, day.month) if this_year else 0 :]:
                days = self._days(year, month)
                if not this_year or month != day.month:
                    for each in days:
                        yield from self._within(year, month, each, 0, 0)
                    continue
                for each in days[bisect_left(days, day.day) :]:
                    if each == day.day:
                        yield from self._within(year, month, each, hour, minute)
                    else:
                        yield from self._within(year, month, each, 0, 0)

    def _days(self, year: int, month: int) -> Sequence[int]:
        """The days of a month, in order."""
        days = self._known.get((year, month))
        if days is None:
            if len(self._known) >= _MONTHS_KNOWN:
                self._known.clear()
            days = self._known[year, month] = self._days_of(year, month)
        return days

    def _within(self, year: int, month: int, day: int, hour: int, minute: int) -> Iterator[datetime.datetime]:
        """Those of one day, from a time of it on."""
        for at in self._hours[bisect_left(self._hours, hour) :]:
            first = bisect_left(self._minutes, minute) if at == hour else 0
            for each in self._minutes[first:]:
                yield datetime.datetime(year, month, day, at, each)


def _number(text: str, low: int, high: int, names: dict[str, int] | None) -> int:
    if names is not None and text.upper() in names:
        return names[text.upper()]
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and low <= int(text) <= high):
        raise ValueError(f"{text} is not between {low} and {high}")
    return int(text)


def _numbers(text: str, low: int, high: int, names: dict[str, int] | None = None) -> list[int]:
    """What a field of plain numbers stands for, in order."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, 1, high, None) if slash else 1
        first_text, dash, last_text = span.partition("-")
        if span == "*":
            first, last = low, high
        else:
            first = _number(first_text, low, high, names)
            last = high if slash else first
            if dash:
                last = _number(last_text, low, high, names)
        if last < first:
            # 22-2, FRI-MON: on past the end, to the beginning.
            span_numbers = [*range(first, high + 1), *range(low, last + 1)]
        else:
            span_numbers = list(range(first, last + 1))
        found.update(span_numbers[::step])
    return sorted(found)


def _month_days(text: str) -> Callable[[int, int], Sequence[int]]:
    """Days of the month, of a year and a month."""
    plain: set[int] = set()
    special: list[Callable[[int, int], int | None]] = []
    for part in text.split(","):
        near, from_last = _NEAREST.fullmatch(part), _FROM_LAST.fullmatch(part)
        if part.upper() == "L":
            special.append(_last_of)
        elif part.upper() == "LW":
            special.append(lambda year, month: _weekday_near(year, month, _last_of(year, month)))
        elif from_last is not None:
            back = _number(from_last[1], 0, 30, None)
            special.append(lambda year, month, back=back: _last_of(year, month) - back)  # type: ignore[misc]
        elif near is not None:
            day = _number(near[1], 1, 31, None)
            special.append(lambda year, month, day=day: _weekday_near(year, month, day))  # type: ignore[misc]
        else:
            plain.update(_numbers(part, 1, 31))
    listed = sorted(plain)

    def days(year: int, month: int) -> Sequence[int]:
        last = _last_of(year, month)
        if not special:
            return listed if last == 31 else [day for day in listed if day <= last]
        chosen = (each(year, month) for each in special)
        return sorted({day for day in (*listed, *chosen) if day is not None and 1 <= day <= last})

    return days


def _week_days(text: str) -> Callable[[int, int], Sequence[int]]:
    """Days of the month by their days of the week, of a year and a month."""
    nth, last = _NTH.fullmatch(text), _LAST.fullmatch(text)
    if nth is not None:
        wanted, week = _number(nth[1], 1, 7, _WEEKDAYS), int(nth[2])

        def nth_days(year: int, month: int) -> Sequence[int]:
            day = _first(year, month, wanted) + 7 * (week - 1)
            return [day] if day <= _last_of(year, month) else []

        return nth_days
    if last is not None:
        wanted = _number(last[1], 1, 7, _WEEKDAYS)

        def last_day(year: int, month: int) -> Sequence[int]:
            first = _first(year, month, wanted)
            return [first + (_last_of(year, month) - first) // 7 * 7]

        return last_day
    # L alone is the last day of the week, Saturday.
    text = ",".join("7" if part.upper() == "L" else part for part in text.split(","))
    numbers = _numbers(text, 1, 7, _WEEKDAYS)

    def days(year: int, month: int) -> Sequence[int]:
        end = _last_of(year, month)
        return sorted(day for number in numbers for day in range(_first(year, month, number), end + 1, 7))

    return days


def _last_of(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _first(year: int, month: int, weekday: int) -> int:
    """The first day of a month that is a `weekday`, 1 for Sunday."""
    # monthrange counts from Monday as 0.
    return (weekday - 2 - calendar.monthrange(year, month)[0]) % 7 + 1


def _weekday_near(year: int, month: int, day: int) -> int | None:
    """The weekday nearest to a day, in the same month; None where the month has no such day."""
    first, last = calendar.monthrange(year, month)
    if day > last:
        return None
    at = (first + day - 1) % 7
    if at == 5:  # Saturday
        return day - 1 if day > 1 else day + 2
    if at == 6:  # Sunday
        return day + 1 if day < last else day - 2
    return day
