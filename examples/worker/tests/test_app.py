"""The app in this process: no AWS, no platform, milliseconds."""

from collections.abc import Iterator

import pytest

from app import app
from lambent.testing import Client, capture_calls, capture_logs


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of the app."""
    with Client(app, raise_errors=True) as client:
        yield client


def test_jobs_are_done_and_fail_one_by_one(client: Client) -> None:
    with capture_calls() as calls:
        result = client.send("jobs", [{"id": 1, "text": "a cup of tea"}, {"id": 2, "text": ""}, {"id": "?"}])
    assert [message.body for message in calls.sent["results"]] == [{"id": 1, "words": 4}]
    assert result.failed == [1, 2]


def test_the_clock_strikes(client: Client) -> None:
    with capture_logs() as logs:
        client.tick("every_hour")
    assert logs[0]["message"] == "An hour has passed"
