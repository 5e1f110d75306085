"""Calls end before the invocation does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from lambent.app import current
from lambent.app.client.errors import AWSError, TimedOut
from lambent.app.client.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.app.client.conftest import Asked, Backend


class Context:
    """One with a number of milliseconds left that does not change."""

    def __init__(self, left: Any) -> None:
        self.left = left

    def get_remaining_time_in_millis(self) -> Any:
        return self.left


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    current.end()


def test_a_call_waits_no_longer_than_the_invocation_may_take(backend: Backend) -> None:
    held = threading.Event()

    def hold(_asked: Asked) -> Any:
        held.wait(5)
        return backend.drop

    backend.answers = [hold]
    current.begin(Context(150))
    with pytest.raises(TimedOut, match=r"no answer within 0\.05 s"):
        Service("sqs", "SQS").request("POST", "/", repeatable=False)
    with pytest.raises(TimedOut, match=r"no answer within 0\.01 s"):
        Service("sqs", "SQS").request("POST", "/", timeout=0.01, repeatable=False)
    held.set()


def test_nothing_is_sent_when_no_time_is_left(backend: Backend) -> None:
    current.begin(Context(100))
    with pytest.raises(TimedOut, match="the invocation has no time left for the call") as raised:
        Service("sqs", "SQS").request("POST", "/")
    assert not raised.value.sent
    assert not backend.asked


def test_a_pause_that_would_outlast_the_invocation_is_not_made(backend: Backend) -> None:
    backend.answers = [backend.say({"__type": "SlowDown"}, 400, {"x-amz-retry-after": "4000"})]
    current.begin(Context(2000))
    began = time.monotonic()
    with pytest.raises(AWSError, match="SlowDown"):
        Service("sqs", "SQS").request("POST", "/")
    assert time.monotonic() - began < 1
    assert len(backend.asked) == 1


@pytest.mark.parametrize("context", [None, object(), Context(None), Context("soon"), Context(30_000)])
def test_contexts_that_set_no_limit(backend: Backend, context: Any) -> None:
    current.begin(context)
    assert Service("sqs", "SQS").request("POST", "/").status == 200
