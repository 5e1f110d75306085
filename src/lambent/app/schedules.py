"""Schedule expressions, checked where they are written instead of when they are deployed.

    rate(5 minutes)                 rate(1 hour): one is singular, others plural
    cron(0 12 * * ? *)              minutes hours day-of-month month day-of-week year, in UTC
    at(2026-11-21T12:00:00)         once; EventBridge Scheduler only

Source: "Cron expressions reference" and "Rate expressions reference" of the EventBridge user guide, "Schedule types" of
the EventBridge Scheduler user guide.
"""

from __future__ import annotations

import re

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Compiled when they are needed: an app has seldom all kinds of schedules, and it is most of this module's import.
_RATE = r"([0-9]+) +(minute|hour|day)(s?)"
_AT = r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)"


class BadSchedule(ValueError):
    """An expression that AWS would refuse."""


class _Field:
    """One field of a cron expression: its numbers, their names and what else it may be."""

    def __init__(
        self, name: str, low: int, high: int, names: tuple[str, ...] = (), special: str = ""
    ) -> None:
        self.name = name
        self.low = low
        self.high = high
        self.names = names
        self.special = special

    def check(self, text: str) -> None:
        """Raise BadSchedule unless it is a value, a range, steps, or a list of them."""
        if text == "?" and self.special:
            return
        parts = text.split(",")
        for part in parts:
            if self.special and (special := re.fullmatch(self.special, part, re.IGNORECASE)):
                for number in special.groups():
                    if number is not None:
                        self._number(number, text)
                if "#" in part and len(parts) > 1:
                    raise BadSchedule(f"{self.name} {text!r}: with # there can be only one expression")
                continue
            base, slash, step = part.partition("/")
            if slash and not (step.isascii() and step.isdigit() and 1 <= int(step) <= self.high):
                raise BadSchedule(f"{self.name} {text!r}: a step is a number from 1 to {self.high}")
            if base == "*":
                continue
            first, dash, last = base.partition("-")
            self._number(first, text)
            if dash:
                self._number(last, text)

    def _number(self, text: str, field: str) -> None:
        if text.upper() in self.names or (
            text.isascii() and text.isdigit() and self.low <= int(text) <= self.high
        ):
            return
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        raise BadSchedule(f"{self.name} {field!r}: {text!r} is not from {self.low} to {self.high}{names}")


_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day-of-month", 1, 31, (), r"L|(\d+)W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day-of-week", 1, 7, _DAYS, r"L|([A-Z]+|\d+)L|([A-Z]+|\d+)#[1-5]"),
    _Field("year", 1970, 2199),
)


def check(expression: str) -> str:
    """The kind of a schedule expression: "rate", "cron" or "at". Raises BadSchedule."""
    kind, parenthesis, rest = expression.partition("(")
    if parenthesis and rest.endswith(")") and kind in _CHECKS:
        _CHECKS[kind](rest[:-1])
        return kind
    raise BadSchedule(
        "a schedule is a rate such as rate(5 minutes), or cron(0 12 * * ? *) with minutes, hours, day-of-month, month, "
        "day-of-week and year, or at(2026-11-21T12:00:00)"
    )


def _check_rate(text: str) -> None:
    found = re.fullmatch(_RATE, text)
    if found is None or int(found[1]) == 0:
        raise BadSchedule(f"rate({text}): a rate is a number from 1 and minutes, hours or days")
    number, unit, plural = int(found[1]), found[2], bool(found[3])
    if plural != (number != 1):
        raise BadSchedule(f"rate({text}): it is {number} {unit}{'' if plural else 's'}")


def _check_cron(text: str) -> None:
    fields = text.split()
    if len(fields) != 6:
        raise BadSchedule(
            f"cron({text}): there are {len(fields)} fields and have to be 6: minutes, hours, day-of-month, month, "
            "day-of-week, year"
        )
    for field, value in zip(_FIELDS, fields, strict=True):
        field.check(value)
    if (fields[2] == "?") == (fields[4] == "?"):
        raise BadSchedule(f"cron({text}): one of day-of-month and day-of-week has to be ?, and not both")


def _check_at(text: str) -> None:
    found = re.fullmatch(_AT, text)
    if found is not None:
        from datetime import datetime

        try:
            datetime(*map(int, found.groups()))  # type: ignore[arg-type]  # six numbers
        except ValueError:
            found = None
    if found is None:
        raise BadSchedule(f"at({text}): it is a time as in at(2026-11-21T12:00:00), without a zone")


_CHECKS = {"rate": _check_rate, "cron": _check_cron, "at": _check_at}
