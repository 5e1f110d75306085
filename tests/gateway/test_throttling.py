"""Token buckets of routes."""

from __future__ import annotations

import datetime as dt

import pytest

from lambent.gateway.apis.records import RouteSettings, Stage
from lambent.gateway.throttling import Bucket, bucket_of


def test_a_bucket_fills_again() -> None:
    now = [0.0]
    bucket = Bucket(2, 3, lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("own", "default", "passing"),
    [
        (None, None, None),
        (RouteSettings(throttling_burst_limit=2, throttling_rate_limit=0.0), None, 2),
        (None, RouteSettings(throttling_burst_limit=3, throttling_rate_limit=0.0), 3),
        (
            RouteSettings(throttling_burst_limit=0, throttling_rate_limit=0.0),
            RouteSettings(throttling_burst_limit=3),
            0,
        ),
        (RouteSettings(logging_level="INFO"), None, None),
    ],
)
def test_whose_settings(
    own: RouteSettings | None, default: RouteSettings | None, passing: int | None
) -> None:
    now = dt.datetime.now(dt.UTC)
    settings = {"GET /a": own} if own is not None else {}
    stage = Stage("$default", now, now, default_route_settings=default, route_settings=settings)
    bucket = bucket_of(stage, "GET /a")
    if passing is None:
        assert bucket is None
    else:
        assert bucket is not None
        assert sum(bucket.take() for _ in range(10)) == passing
