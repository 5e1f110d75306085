"""Schedule expressions: those of AWS's documentation, and what is wrong with others."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.app.schedules import BadSchedule, check


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minute)",
        "rate(5 minutes)",
        "rate(1 hour)",
        "rate(24 hours)",
        "rate(1 day)",
        "rate(7 days)",
        "cron(0 10 * * ? *)",
        "cron(15 12 * * ? *)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0 8 1 * ? *)",
        "cron(0/15 * * * ? *)",
        "cron(0/10 * ? * MON-FRI *)",
        "cron(0/5 8-17 ? * MON-FRI *)",
        "cron(0/30 20-2 ? * MON-FRI *)",
        "cron(0 9 ? * 2#1 *)",
        "cron(0 9 ? * TUE#3 *)",
        "cron(0 10 L * ? *)",
        "cron(* * ? * SAT#3 *)",
        "cron(0/5 5 ? JAN 1-5 2022)",
        "cron(0 10 3W * ? *)",
        "cron(15 10 ? * 6L 2022-2023)",
        "cron(0 0 1,15 JAN,jul ? 2030)",
        "cron(*/5 0-23/2 ? 1-12 L 1970-2199)",
        "at(2026-11-21T12:00:00)",
    ],
)
def test_schedules(expression: str) -> None:
    assert check(expression) == expression.partition("(")[0]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("", "a schedule is"),
        ("5 minutes", "a schedule is"),
        ("rate(5 minutes", "a schedule is"),
        ("every(5 minutes)", "a schedule is"),
        ("Rate(5 minutes)", "a schedule is"),
        ("rate(1 minutes)", "it is 1 minute"),
        ("rate(5 minute)", "it is 5 minutes"),
        ("rate(1 hours)", "it is 1 hour"),
        ("rate(0 minutes)", "a rate is"),
        ("rate(-1 minutes)", "a rate is"),
        ("rate(1.5 hours)", "a rate is"),
        ("rate(5 seconds)", "a rate is"),
        ("rate(5 MINUTES)", "a rate is"),
        ("rate(minutes)", "a rate is"),
        ("rate()", "a rate is"),
        ("rate(10)", "a rate is"),
        ("rate(10 minutess)", "a rate is"),
        ("rate( 10 minutes )", "a rate is"),
        (" rate(10 minutes)", "a schedule is"),
        ("cron(INVALID)", "there are 1 fields"),
        ("cron(0 1 * * NOT *)", "day-of-week"),
        ("rate(\u0665 minutes)", "a rate is"),
        ("cron(0 12 * * ?)", "there are 5 fields"),
        ("cron(0 0 12 * * ? *)", "there are 7 fields"),
        ("cron(0 12 * * * *)", "has to be \\?"),
        ("cron(0 12 ? * ? *)", "has to be \\?"),
        ("cron(0 12 1 * MON *)", "has to be \\?"),
        ("cron(60 12 * * ? *)", "minutes '60'"),
        ("cron(0 24 * * ? *)", "hours '24'"),
        ("cron(0 12 0 * ? *)", "day-of-month '0'"),
        ("cron(0 12 32W * ? *)", "day-of-month"),
        ("cron(0 12 * 13 ? *)", "month '13'"),
        ("cron(0 12 * JUX ? *)", "1 to 12 or JAN to DEC"),
        ("cron(0 12 ? * 0 *)", "day-of-week '0'"),
        ("cron(0 12 ? * 8#1 *)", "day-of-week"),
        ("cron(0 12 ? * 3#6 *)", "day-of-week"),
        ("cron(0 12 ? * 3#1,6#3 *)", "only one expression"),
        ("cron(0 12 * * ? 1969)", "year"),
        ("cron(? 12 * * ? *)", "minutes"),
        ("cron(0 12 * ? ? *)", "month"),
        ("cron(L 12 * * ? *)", "minutes"),
        ("cron(0 12W * * ? *)", "hours"),
        ("cron(*/0 12 * * ? *)", "a step"),
        ("cron(1,, 12 * * ? *)", "minutes"),
        ("cron(1- 12 * * ? *)", "minutes"),
        ("at(2026-11-21 12:00:00)", "it is a time"),
        ("at(2026-02-30T12:00:00)", "it is a time"),
        ("at(2026-11-21T12:00:00Z)", "it is a time"),
    ],
)
def test_what_is_no_schedule(expression: str, text: str) -> None:
    with pytest.raises(BadSchedule, match=text):
        check(expression)


@given(st.text("crontae()0 1?*/-,LW#MON", max_size=24))
def test_any_text_is_one_or_is_told_not_to_be(text: str) -> None:
    for expression in (text, f"cron({text})", f"rate({text})", f"at({text})"):
        with contextlib.suppress(BadSchedule):
            check(expression)
