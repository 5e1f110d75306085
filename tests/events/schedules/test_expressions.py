from __future__ import annotations

import calendar
import datetime
import zoneinfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lambent.events.schedules import (
    InvalidExpression,
    InvalidTimeZone,
    parse_expression,
    parse_rule_expression,
)

UTC = datetime.UTC


def ms(text: str) -> int:
    """Milliseconds of an ISO time; in UTC without an offset."""
    moment = datetime.datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def times(expression: str, after: str, count: int, timezone: str = "UTC") -> list[str]:
    """The next times after a time, on the clock of UTC."""
    when = parse_expression(expression, timezone=timezone)
    found: list[str] = []
    at: int | None = ms(after)
    while at is not None and len(found) < count:
        at = when.next_ms(at)
        if at is not None:
            moment = datetime.datetime.fromtimestamp(at / 1000, UTC)
            found.append(moment.isoformat(sep=" ", timespec="minutes").removesuffix("+00:00"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # The examples of "Cron expressions reference", from a Thursday on.
        ("cron(0 10 * * ? *)", ["2026-01-01 10:00", "2026-01-02 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-01-01 12:15", "2026-01-02 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-01-01 18:00", "2026-01-02 18:00", "2026-01-05 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-01-01 08:00", "2026-02-01 08:00"]),
        (
            "cron(0/15 * * * ? *)",
            ["2026-01-01 00:15", "2026-01-01 00:30", "2026-01-01 00:45", "2026-01-01 01:00"],
        ),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-01-01 08:00", "2026-01-01 08:05"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-01-05 09:00", "2026-02-02 09:00"]),
        # Each wildcard.
        (
            "cron(1/10 0 1 1 ? *)",
            [f"2026-01-01 00:{minute}" for minute in ("01", "11", "21", "31", "41", "51")],
        ),
        ("cron(*/20 0 ? JAN,MAR 5 2026)", ["2026-01-01 00:20", "2026-01-01 00:40", "2026-01-08 00:00"]),
        ("cron(0 0 L * ? *)", ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"]),
        ("cron(0 0 L FEB ? *)", ["2026-02-28 00:00", "2027-02-28 00:00", "2028-02-29 00:00"]),
        ("cron(0 0 3W * ? *)", ["2026-01-02 00:00", "2026-02-03 00:00", "2026-03-03 00:00"]),
        ("cron(0 0 1W 8 ? *)", ["2026-08-03 00:00", "2027-08-02 00:00"]),
        ("cron(0 0 31W 5 ? *)", ["2026-05-29 00:00", "2027-05-31 00:00"]),
        ("cron(0 0 LW * ? *)", ["2026-01-30 00:00", "2026-02-27 00:00"]),
        ("cron(0 0 L-3 * ? *)", ["2026-01-28 00:00", "2026-02-25 00:00"]),
        ("cron(0 0 ? * L *)", ["2026-01-03 00:00", "2026-01-10 00:00"]),
        ("cron(0 0 ? * 6L *)", ["2026-01-30 00:00", "2026-02-27 00:00"]),
        ("cron(0 0 ? * FRIL *)", ["2026-01-30 00:00", "2026-02-27 00:00"]),
        ("cron(0 0 ? * 3#2 *)", ["2026-01-13 00:00", "2026-02-10 00:00"]),
        ("cron(0 0 ? * TUE#5 *)", ["2026-03-31 00:00", "2026-06-30 00:00"]),
        ("cron(0 0 ? * 1,7 *)", ["2026-01-03 00:00", "2026-01-04 00:00", "2026-01-10 00:00"]),
        (
            "cron(0 0 ? * FRI-MON *)",
            ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00", "2026-01-05 00:00"],
        ),
        ("cron(0 22-1 2 1 ? *)", ["2026-01-02 00:00", "2026-01-02 01:00", "2026-01-02 22:00"]),
        ("cron(0 0 30,31 2,4 ? *)", ["2026-04-30 00:00", "2027-04-30 00:00"]),
        ("cron(0 0 29 2 ? 2027-2033)", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(59 23 31 12 ? 2199)", ["2199-12-31 23:59"]),
        ("cron(0 0 1 1 ? 2026/3)", ["2029-01-01 00:00", "2032-01-01 00:00"]),
        # Accepted by AWS: localstack issue 13572.
        ("cron(0-15/5 8-8 ? * 2,3,4,5,6,7 *)", ["2026-01-01 08:00", "2026-01-01 08:05", "2026-01-01 08:10"]),
        ("cron(1-31/30 1-1 ? * 1,7 *)", ["2026-01-03 01:01", "2026-01-03 01:31", "2026-01-04 01:01"]),
        ("cron(0 0 ? jan thu 2026)", ["2026-01-08 00:00"]),
        ("cron(0 0 30 2 ? *)", []),
        ("cron(0 0 1 1 ? 2025)", []),
        ("rate(1 minute)", ["2026-01-01 00:01", "2026-01-01 00:02"]),
        ("rate(2 hours)", ["2026-01-01 02:00", "2026-01-01 04:00"]),
        ("rate(7 days)", ["2026-01-08 00:00", "2026-01-15 00:00"]),
        ("at(2026-02-03T04:05:06)", ["2026-02-03 04:05"]),
        ("at(2026-01-01T00:00:00)", []),
    ],
)
def test_times(expression: str, expected: list[str]) -> None:
    found = times(expression, "2026-01-01 00:00:00", max(len(expected), 1))
    assert found == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "cron",
        "cron(* * * * ?)",
        "cron(* * * * ? * *)",
        "cron(* * ? * ? *)",
        "cron(* * * * * *)",
        "cron(60 * * * ? *)",
        "cron(* 24 * * ? *)",
        "cron(* * 0 * ? *)",
        "cron(* * 32 * ? *)",
        "cron(* * * 13 ? *)",
        "cron(* * ? * 8 *)",
        "cron(* * ? * 0 *)",
        "cron(* * ? * 3#6 *)",
        "cron(* * ? * 3#1,6#3 *)",
        "cron(* * * * ? 1969)",
        "cron(* * * * ? 2200)",
        "cron(? * * * ? *)",
        "cron(0/0 * * * ? *)",
        "cron(0/ * * * ? *)",
        "cron(1- * * * ? *)",
        "cron(,1 * * * ? *)",
        "cron(+1 * * * ? *)",
        "cron(٣ * * * ? *)",
        "cron(* * 32W * ? *)",
        "cron(* * L,? * ? *)",
        "cron(0 0 * * ? *) ",
        "CRON(0 0 * * ? *)",
        "rate(1)",
        "rate(1 minute",
        "rate(1.5 hours)",
        "rate(1 week)",
        "rate(0 days)",
        "at(2026-02-30T00:00:00)",
        "at(2026-01-01 00:00:00)",
        "at(2026-01-01T24:00:00)",
        "at(0000-01-01T00:00:00)",
    ],
)
def test_what_is_no_expression(expression: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        parse_expression(expression)
    assert str(caught.value) == f"Invalid Schedule Expression {expression}."


@pytest.mark.parametrize(
    "timezone", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "localtime", "a" * 300, "Europe"]
)
def test_what_is_no_time_zone(timezone: str) -> None:
    with pytest.raises(InvalidTimeZone):
        parse_expression("cron(* * * * ? *)", timezone=timezone)


def test_there_is_nothing_after_the_last_year() -> None:
    for timezone in ("UTC", "Pacific/Kiritimati", "Pacific/Niue"):
        when = parse_expression("cron(* * * * ? *)", timezone=timezone)
        assert when.next_ms(253_402_300_799_000) is None
        assert when.next_ms(ms("2199-12-30 00:00")) == ms("2199-12-30 00:01")


def test_rules_are_stricter() -> None:
    for expression in ("rate(1 minute)", "rate(2 minutes)", "cron(* * * * ? *)"):
        assert parse_rule_expression(expression).timezone == "UTC"
    # PutRule: "Parameter ScheduleExpression is not valid."
    for expression in ("rate(1 minutes)", "rate(5 minute)", "at(2026-01-01T00:00:00)", "rate(0 minutes)"):
        with pytest.raises(InvalidExpression):
            parse_rule_expression(expression)
    assert parse_expression("rate(1 minutes)").next_ms(0) == 60_000


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "expected"),
    [
        # America/New_York, 2026: 02:00 EST on March 8 is 03:00 EDT, 02:00 EDT on November 1 is 01:00 EST.
        (
            "cron(30 2 * * ? *)",
            "America/New_York",
            "2026-03-06 12:00",
            ["2026-03-07 07:30", "2026-03-09 06:30"],
        ),
        (
            "cron(0 3 * * ? *)",
            "America/New_York",
            "2026-03-07 12:00",
            ["2026-03-08 07:00", "2026-03-09 07:00"],
        ),
        (
            "cron(0/30 0-4 8 3 ? 2026)",
            "America/New_York",
            "2026-03-08 05:00",
            [
                "2026-03-08 05:30",
                "2026-03-08 06:00",
                "2026-03-08 06:30",
                "2026-03-08 07:00",
                "2026-03-08 07:30",
            ],
        ),
        (
            "cron(30 1 * * ? *)",
            "America/New_York",
            "2026-10-31 12:00",
            ["2026-11-01 05:30", "2026-11-02 06:30"],
        ),
        (
            "cron(0/30 0-2 1 11 ? 2026)",
            "America/New_York",
            "2026-11-01 04:00",
            [
                "2026-11-01 04:30",
                "2026-11-01 05:00",
                "2026-11-01 05:30",
                "2026-11-01 07:00",
                "2026-11-01 07:30",
            ],
        ),
        ("at(2026-11-01T01:30:00)", "America/New_York", "2026-01-01 00:00", ["2026-11-01 05:30"]),
        ("at(2026-03-08T02:30:00)", "America/New_York", "2026-01-01 00:00", ["2026-03-08 07:30"]),
        ("at(2026-07-01T09:00:00)", "Asia/Kolkata", "2026-01-01 00:00", ["2026-07-01 03:30"]),
        # Half an hour, on Lord Howe Island.
        (
            "cron(45 1 * * ? *)",
            "Australia/Lord_Howe",
            "2026-04-03 20:00",
            ["2026-04-04 14:45", "2026-04-05 15:15"],
        ),
        (
            "cron(15 2 * * ? *)",
            "Australia/Lord_Howe",
            "2026-10-02 20:00",
            ["2026-10-04 15:15"],
        ),
        # A day that Samoa left out.
        ("cron(0 12 * * ? *)", "Pacific/Apia", "2011-12-29 00:00", ["2011-12-29 22:00", "2011-12-30 22:00"]),
        # Days of rates are 24 hours.
        ("rate(1 day)", "America/New_York", "2026-03-07 12:00", ["2026-03-08 12:00", "2026-03-09 12:00"]),
    ],
)
def test_clocks_that_change(expression: str, timezone: str, after: str, expected: list[str]) -> None:
    assert times(expression, f"{after}:00", len(expected), timezone) == expected


# ------------------------------------------------------------ against a reference that tries every minute

_WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]


def _matches(field: str, value: int, low: int, high: int) -> bool:
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = low if span == "*" else int(first)
        end = high if span == "*" or (step and not last) else int(last or first)
        if begin <= value <= end and (value - begin) % int(step or 1) == 0:
            return True
    return False


def _weekday_near(day: datetime.date) -> datetime.date:
    distances = sorted(range(-2, 3), key=lambda by: (abs(by), by))
    near = [day + datetime.timedelta(days=by) for by in distances]
    return next(each for each in near if each.weekday() < 5 and each.month == day.month)


def _day_matches(days: str, weekdays: str, day: datetime.date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if weekdays == "?":
        if days == "L":
            return day.day == last
        if days.endswith("W"):
            wanted = int(days[:-1])
            return wanted <= last and _weekday_near(day.replace(day=wanted)) == day
        return _matches(days, day.day, 1, 31)
    number = day.weekday() + 2 if day.weekday() < 6 else 1
    if "#" in weekdays:
        weekday, _, week = weekdays.partition("#")
        return number == int(weekday) and (day.day - 1) // 7 + 1 == int(week)
    if weekdays.endswith("L"):
        return number == int(weekdays[:-1]) and day.day + 7 > last
    if weekdays.isalpha():
        return _WEEKDAYS[day.weekday()] == weekdays
    return _matches(weekdays, number, 1, 7)


def _reference(fields: list[str], zone: datetime.tzinfo, after_ms: int, minutes: int) -> int | None:
    """The first minute of the next so many in which a place's clock shows, for the first time, what matches."""
    minute, hour, days, month, weekdays, _ = fields
    begin = after_ms // 60_000 + 1
    for at in range(begin, begin + minutes):
        local = datetime.datetime.fromtimestamp(at * 60, zone)
        if (
            local.fold == 0
            and _matches(minute, local.minute, 0, 59)
            and _matches(hour, local.hour, 0, 23)
            and _matches(month, local.month, 1, 12)
            and _day_matches(days, weekdays, local.date())
        ):
            return at * 60_000
    return None


def _numbers(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high).map(str)
    span = st.tuples(st.integers(low, high), st.integers(low, high)).map(
        lambda ends: f"{min(ends)}-{max(ends)}"
    )
    step = st.tuples(st.one_of(st.just("*"), one, span), st.integers(1, high)).map(
        lambda pair: f"{pair[0]}/{pair[1]}"
    )
    return st.one_of(
        st.just("*"),
        st.lists(st.one_of(one, span, step), min_size=1, max_size=3).map(",".join),
    )


_DAYS = st.one_of(_numbers(1, 31), st.just("L"), st.integers(1, 31).map(lambda day: f"{day}W")).map(
    lambda days: (days, "?")
)
_WEEK = st.one_of(
    _numbers(1, 7),
    st.sampled_from(_WEEKDAYS),
    st.integers(1, 7).map(lambda day: f"{day}L"),
    st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}"),
).map(lambda weekdays: ("?", weekdays))
_CRONS = st.tuples(_numbers(0, 59), _numbers(0, 23), st.one_of(_DAYS, _WEEK), _numbers(1, 12)).map(
    lambda parts: [parts[0], parts[1], parts[2][0], parts[3], parts[2][1], "*"]
)
# Around changes of clocks in these zones, and anywhere.
_ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"])
_CHANGES = [ms("2026-03-08 05:00"), ms("2026-11-01 04:00"), ms("2026-03-28 23:30"), ms("2026-10-24 23:30")]
_MOMENTS = st.one_of(
    st.tuples(st.sampled_from(_CHANGES), st.integers(0, 4 * 3_600_000)).map(sum),
    st.integers(ms("2020-01-01"), ms("2040-01-01")),
)
_PROPERTY = settings(deadline=None, max_examples=120, database=None, suppress_health_check=list(HealthCheck))


@_PROPERTY
@given(_CRONS, _ZONES, _MOMENTS)
def test_cron_finds_what_trying_every_minute_finds(fields: list[str], timezone: str, after_ms: int) -> None:
    when = parse_expression(f"cron({' '.join(fields)})", timezone=timezone)
    found = when.next_ms(after_ms)
    expected = _reference(fields, zoneinfo.ZoneInfo(timezone), after_ms, 2500)
    if expected is None:
        assert found is None or found > after_ms + 2499 * 60_000
    else:
        assert found == expected


@_PROPERTY
@given(_CRONS, _ZONES, _MOMENTS)
def test_the_next_time_is_later_and_matches(fields: list[str], timezone: str, after_ms: int) -> None:
    when = parse_expression(f"cron({' '.join(fields)})", timezone=timezone)
    at = when.next_ms(after_ms)
    assume(at is not None)
    assert at is not None
    assert at > after_ms
    assert _reference(fields, zoneinfo.ZoneInfo(timezone), at - 1, 1) == at
    # Nothing lies between: it is found from just before as well.
    assert when.next_ms(at - 1) == at
