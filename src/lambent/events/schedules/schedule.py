"""A schedule of Scheduler, and the group that it is in. Immutable: changes make new ones."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from lambent.events.schedules.errors import InvalidSchedule
from lambent.events.schedules.expressions import InvalidExpression, InvalidTimeZone, When, parse_expression
from lambent.events.schedules.targets import check_target

DEFAULT_GROUP: Final = "default"
MAX_AGE_S: Final = 86_400
MAX_ATTEMPTS: Final = 185
_LATE_MS: Final = 5 * 60_000
_ONCE: Final = re.compile(r"at\(")


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request says of a schedule. An update replaces all of it."""

    expression: str
    timezone: str = "UTC"
    target: dict[str, Any]
    """As on the wire, with its retry policy complete."""
    window_mode: Literal["OFF", "FLEXIBLE"] = "OFF"
    window_minutes: int | None = None
    state: Literal["ENABLED", "DISABLED"] = "ENABLED"
    start_ms: int | None = None
    end_ms: int | None = None
    description: str | None = None
    kms_key_arn: str | None = None
    after_completion: Literal["NONE", "DELETE"] = "NONE"

    @property
    def when(self) -> When:
        """When it happens."""
        return parse_expression(self.expression, timezone=self.timezone)

    @property
    def happens_once(self) -> bool:
        """Whether it is a one-time schedule: start and end mean nothing then."""
        return _ONCE.match(self.expression) is not None

    @property
    def window_s(self) -> int:
        """How long after its time it may happen."""
        return (self.window_minutes or 0) * 60 if self.window_mode == "FLEXIBLE" else 0


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A schedule as it is. Times are milliseconds since the epoch."""

    account: str
    region: str
    partition: str
    group: str
    name: str
    settings: Settings
    created_ms: int
    modified_ms: int
    anchor_ms: int
    """What a rate is counted from that has no start."""
    token: str = ""
    """The client token of the request that has made it."""
    revision: int = 1

    @property
    def key(self) -> str:
        """In the database and in the timetable."""
        return key_of(self.account, self.region, self.group, self.name)

    @property
    def arn(self) -> str:
        return (
            f"arn:{self.partition}:scheduler:{self.region}:{self.account}:schedule/{self.group}/{self.name}"
        )


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group of schedules."""

    account: str
    region: str
    partition: str
    name: str
    created_ms: int | None = None
    """None for the default group, which has always been there."""
    modified_ms: int | None = None
    tags: dict[str, str] = {}
    token: str = ""

    @property
    def key(self) -> str:
        """In the database."""
        return f"{self.account}:{self.region}:{self.name}"

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:scheduler:{self.region}:{self.account}:schedule-group/{self.name}"


def key_of(account: str, region: str, group: str = "", name: str = "") -> str:
    """The key of a schedule; without a name, what the keys of a group's schedules begin with."""
    return f"{account}:{region}:{group}/{name}" if group else f"{account}:{region}:"


def check(settings: Settings, now_ms: int, old: Settings | None = None) -> None:
    """Refuse what Scheduler refuses, beyond what its model says. Raises InvalidSchedule.

    The texts about expressions and start dates are recorded ones (localstack's test_scheduler.snapshot.json, moto
    pull request 8172); the others are this platform's.
    """
    try:
        parse_expression(settings.expression, timezone=settings.timezone)
    except InvalidTimeZone as error:
        raise InvalidSchedule(f"Invalid Schedule Expression Timezone {settings.timezone}.") from error
    except InvalidExpression as error:
        raise InvalidSchedule(str(error)) from error
    if settings.window_mode == "FLEXIBLE" and settings.window_minutes is None:
        raise InvalidSchedule(
            "MaximumWindowInMinutes is required for a FlexibleTimeWindow whose Mode is FLEXIBLE."
        )
    if not settings.happens_once:
        _check_dates(settings, now_ms, old)
    check_target(settings.target)


def _check_dates(settings: Settings, now_ms: int, old: Settings | None) -> None:
    start_ms, end_ms = settings.start_ms, settings.end_ms
    kept = old is not None and old.start_ms == start_ms
    if start_ms is not None and not kept and start_ms < now_ms - _LATE_MS:
        raise InvalidSchedule("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end_ms is None:
        return
    if start_ms is not None and end_ms <= start_ms:
        raise InvalidSchedule("The EndDate you specify must be later than the StartDate.")
    if end_ms < now_ms and (old is None or old.end_ms != end_ms):
        raise InvalidSchedule("The EndDate you specify cannot be in the past.")
