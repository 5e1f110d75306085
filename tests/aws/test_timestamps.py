"""Timestamps in AWS's three formats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.aws.errors import SerializationError
from lambent.aws.timestamps import format_epoch, format_http_date, format_iso8601, parse_timestamp

MAY = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        1714564800,
        1714564800.0,
        "1714564800",
        "1.7145648E9",
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00.000Z",
        "2024-05-01T14:00:00+02:00",
        "20240501T120000Z",
        "2024-05-01T12:00:00",
        "Wed, 01 May 2024 12:00:00 GMT",
        "Wed, 01 May 2024 14:00:00 +0200",
    ],
)
def test_every_spelling_is_read(value: object) -> None:
    assert parse_timestamp(value) == MAY
    assert parse_timestamp(value).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value", ["", "yesterday", "2024-13-01T00:00:00Z", 1e300, "nan", "inf", None, True, [], {}]
)
def test_what_is_no_timestamp(value: object) -> None:
    with pytest.raises(SerializationError):
        parse_timestamp(value)


def test_formats() -> None:
    precise = MAY.replace(microsecond=123_999)
    assert format_epoch(MAY) == 1714564800
    assert isinstance(format_epoch(MAY), int)
    assert format_epoch(precise) == 1714564800.124
    assert format_iso8601(MAY) == "2024-05-01T12:00:00Z"
    assert format_iso8601(precise) == "2024-05-01T12:00:00.123Z"
    assert format_http_date(precise) == "Wed, 01 May 2024 12:00:00 GMT"
    assert format_iso8601(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"


def test_epoch_seconds_and_other_zones_are_taken_too() -> None:
    assert format_iso8601(1714564800.5) == "2024-05-01T12:00:00.500Z"
    assert format_epoch(1714564800.5) == 1714564800.5
    assert format_http_date(1714564800) == "Wed, 01 May 2024 12:00:00 GMT"
    assert format_iso8601(MAY.astimezone(timezone(timedelta(hours=2)))) == "2024-05-01T12:00:00Z"
    assert format_iso8601(MAY.replace(tzinfo=None)) == "2024-05-01T12:00:00Z"


@given(milliseconds=st.integers(-2_000_000_000_000, 4_000_000_000_000))
def test_milliseconds_survive(milliseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert parse_timestamp(format_epoch(moment)) == moment
    assert parse_timestamp(format_iso8601(moment)) == moment
