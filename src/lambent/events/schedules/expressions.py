"""Schedule expressions: `rate(5 minutes)`, `cron(0 9 ? * MON-FRI *)`, `at(2026-11-21T09:00:00)`.

Clocks of time zones change, as the Scheduler user guide says ("Daylight savings time on EventBridge Scheduler"): what
falls into the hour that a spring day does not have is left out; what falls into the hour that an autumn day has twice
happens in the first of both. Days of rates are 24 hours everywhere. An `at` in a missing hour happens by the clock from
before the change: what is asked for once must happen.
"""

from __future__ import annotations

import datetime
import functools
import re
import zoneinfo
from typing import Final, Protocol

from lambent.events.schedules.cron import LAST_YEAR, Cron

_RATE: Final = re.compile(r"rate\(([0-9]{1,9}) +(minute|hour|day)(s?)\)")
_CRON: Final = re.compile(r"cron\((\S.*\S)\)")
_AT: Final = re.compile(r"at\(([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?\)")
_UNIT_MS: Final = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_UTC: Final = datetime.UTC
_EPOCH: Final = datetime.datetime(1970, 1, 1)
_END_MS: Final = int(datetime.datetime(LAST_YEAR + 1, 1, 2, tzinfo=_UTC).timestamp() * 1000)
"""When the last year of cron expressions is over everywhere."""
_MINUTE: Final = datetime.timedelta(minutes=1)


class InvalidExpression(ValueError):
    """No such schedule expression."""

    def __init__(self, text: str) -> None:
        super().__init__(f"Invalid Schedule Expression {text}.")
        self.text = text


class InvalidTimeZone(InvalidExpression):
    """No such time zone."""


class When(Protocol):
    """What an expression says. Immutable."""

    text: str
    """The expression."""
    timezone: str

    def next_ms(self, after_ms: int) -> int | None:
        """The next time strictly later than `after_ms`, in milliseconds since the epoch; None when there is none.

        For a rate: `after_ms` and once its length.
        """


class Rate:
    """Again and again, at the same distance."""

    timezone = "UTC"

    def __init__(self, text: str, every_ms: int) -> None:
        self.text = text
        self.every_ms = every_ms

    def next_ms(self, after_ms: int) -> int | None:
        return after_ms + self.every_ms


class At:
    """Once."""

    def __init__(self, text: str, timezone: str, at_ms: int) -> None:
        self.text = text
        self.timezone = timezone
        self.at_ms = at_ms

    def next_ms(self, after_ms: int) -> int | None:
        return self.at_ms if self.at_ms > after_ms else None


class CronTimes:
    """Whenever the clock of a place shows what a cron expression says."""

    def __init__(self, text: str, timezone: str, cron: Cron, zone: datetime.tzinfo | None) -> None:
        self.text = text
        self.timezone = timezone
        self._cron = cron
        self._zone = zone  # None: UTC, where nothing needs to be translated
        # What was found last, and from where on it is what is found: many schedules have one expression.
        self._found: tuple[int, int] | None = None

    def next_ms(self, after_ms: int) -> int | None:
        if self._found is not None and self._found[0] <= after_ms < self._found[1]:
            return self._found[1]
        next_ms = self._next_ms(after_ms)
        self._found = None if next_ms is None else (after_ms, next_ms)
        return next_ms

    def _next_ms(self, after_ms: int) -> int | None:
        if after_ms >= _END_MS:
            return None
        zone = self._zone
        after = _EPOCH + datetime.timedelta(milliseconds=after_ms)
        if zone is None:
            found = next(self._cron.moments(after), None)
            return None if found is None else _to_ms(found)
        # The minute that `after` is in is looked at as well: a zone may be off by seconds, in history.
        local = after.replace(tzinfo=_UTC).astimezone(zone).replace(tzinfo=None, fold=0)
        for moment in self._cron.moments(local - _MINUTE):
            at = _instant(moment, zone)
            if at.astimezone(zone).replace(tzinfo=None, fold=0) != moment:
                continue  # this place's clock leaves it out
            at_ms = _to_ms(at.replace(tzinfo=None))
            if at_ms > after_ms:
                return at_ms
        return None


def parse_expression(text: str, *, timezone: str = "UTC") -> When:
    """What an expression of Scheduler says, on the clock of `timezone` (a name of the IANA's database).

    Raises InvalidExpression, InvalidTimeZone.
    """
    return _parse(text, timezone)


def parse_rule_expression(text: str) -> When:
    """What the expression of a rule says: in UTC, no `at`, and the unit of a rate agrees with its number.

    Raises InvalidExpression.
    """
    rate = _RATE.fullmatch(text)
    if text.startswith("at(") or (rate is not None and (int(rate[1]) == 1) == bool(rate[3])):
        raise InvalidExpression(text)
    return _parse(text, "UTC")


@functools.lru_cache(4096)
def _parse(text: str, timezone: str) -> When:
    zone = _zone(text, timezone)
    rate = _RATE.fullmatch(text)
    if rate is not None and int(rate[1]) > 0:
        return Rate(text, int(rate[1]) * _UNIT_MS[rate[2]])
    try:
        at = _AT.fullmatch(text)
        if at is not None:
            moment = datetime.datetime(*(int(part or 0) for part in at.groups()))  # type: ignore[arg-type]
            instant = moment if zone is None else _instant(moment, zone).replace(tzinfo=None)
            return At(text, timezone, _to_ms(instant))
        cron = _CRON.fullmatch(text)
        if cron is not None:
            return CronTimes(text, timezone, Cron(cron[1]), zone)
    except (ValueError, OverflowError) as error:
        raise InvalidExpression(text) from error
    raise InvalidExpression(text)


def _zone(text: str, timezone: str) -> datetime.tzinfo | None:
    if timezone in ("UTC", "Etc/UTC"):
        return None
    if timezone.startswith(("posix", "right")) or timezone == "localtime":
        raise InvalidTimeZone(text)  # files of a machine's database that are no names
    try:
        return zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidTimeZone(text) from error


def _instant(moment: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    """When a place's clock shows that, in UTC: the first time, when it does so twice."""
    return moment.replace(tzinfo=zone, fold=0).astimezone(_UTC)


def _to_ms(moment: datetime.datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000
