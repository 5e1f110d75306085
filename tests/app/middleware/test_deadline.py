"""Work that stops in time: with real alarms, threads and loops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.app.conftest import event_of

from lambent import App, AppError
from lambent.app.middleware.deadline import Deadline, DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Context:
    """Lambda's context, with so many milliseconds left."""

    def __init__(self, milliseconds: float) -> None:
        self._until = time.monotonic() + milliseconds / 1000

    def get_remaining_time_in_millis(self) -> int:
        return int((self._until - time.monotonic()) * 1000)


@pytest.fixture(autouse=True)
def _timers_are_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def spin() -> None:
    """Work in Python that would go on for long, and takes no exception for an answer."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with contextlib.suppress(Exception):
            time.sleep(0.2)


def app_with(*layers: Any) -> tuple[App, list[str]]:
    app = App(middleware=layers)
    seen: list[str] = []

    @app.get("/quick")
    def quick() -> Any:
        return [Deadline.remaining()]

    @app.get("/long")
    def long() -> None:
        try:
            spin()
        finally:
            seen.append("cleaned up")

    @app.get("/async/quick")
    async def async_quick() -> Any:
        await asyncio.sleep(0)
        return [Deadline.remaining()]

    @app.get("/async/long")
    async def async_long() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            seen.append("cleaned up")

    @app.get("/async/own")
    async def own_timeout() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)

    @app.get("/own")
    def own_error() -> None:
        raise TimeoutError

    return app, seen


def get(app: App, path: str, context: Any) -> dict[str, Any]:
    answer: dict[str, Any] = app(event_of("v2", "GET", path), context)
    return answer


@pytest.mark.parametrize("path", ["/long", "/async/long"])
def test_what_takes_too_long(path: str) -> None:
    app, seen = app_with(Deadline(margin_ms=400))
    context = Context(500)
    answer = get(app, path, context)
    assert answer["statusCode"] == 504
    assert "DEADLINE_EXCEEDED" in answer["body"]
    assert seen == ["cleaned up"]
    assert context.get_remaining_time_in_millis() > 100
    # And the next invocation has all its time.
    assert get(app, "/async/quick", Context(5000))["statusCode"] == 200


@pytest.mark.parametrize("path", ["/quick", "/async/quick"])
def test_what_does_not(path: str) -> None:
    app, _ = app_with(Deadline())
    (remaining,) = json.loads(get(app, path, Context(5000))["body"])
    assert 4 < remaining <= 4.5
    assert get(app, path, None)["body"] == "[null]"
    assert get(app, path, object())["body"] == "[null]"
    assert Deadline.remaining() is None


@pytest.mark.parametrize("path", ["/long", "/async/long"])
def test_seconds_of_its_own(path: str) -> None:
    began = time.monotonic()
    app, seen = app_with(Deadline(seconds=0.05))
    assert get(app, path, Context(60_000))["statusCode"] == 504
    assert get(app, path, None)["statusCode"] == 504
    assert time.monotonic() - began < 1
    assert seen == ["cleaned up", "cleaned up"]


@pytest.mark.parametrize("path", ["/quick", "/async/quick"])
def test_no_time_to_begin_with(path: str) -> None:
    app, _ = app_with(Deadline(margin_ms=500))
    answer = get(app, path, Context(400))
    assert answer["statusCode"] == 504
    assert "no time left" in answer["body"]


@pytest.mark.parametrize("path", ["/own", "/async/own"])
def test_timeouts_of_the_handler_are_its_own(path: str) -> None:
    app, _ = app_with(Deadline())
    app.reraise = True
    with pytest.raises(TimeoutError):
        get(app, path, Context(5000))


@pytest.mark.parametrize("path", ["/long", "/async/long"])
@pytest.mark.parametrize("stricter", [0, 1])
def test_nested(path: str, stricter: int) -> None:
    limits = [5.0, 5.0]
    limits[stricter] = 0.05
    began = time.monotonic()
    app, seen = app_with(*(Deadline(seconds=limit) for limit in limits))
    assert get(app, path, None)["statusCode"] == 504
    assert time.monotonic() - began < 1
    assert seen == ["cleaned up"]


@pytest.mark.parametrize("path", ["/quick", "/async/quick"])
def test_the_stricter_deadline_is_what_remains(path: str) -> None:
    for limits in ((2, 5), (5, 2)):
        app, _ = app_with(*(Deadline(seconds=limit) for limit in limits))
        (remaining,) = json.loads(get(app, path, None)["body"])
        assert 1.5 < remaining <= 2
        app.loop.close()


def test_an_outer_deadline_counts_on_after_an_inner_one() -> None:
    outer, inner = Deadline(seconds=0.15), Deadline(seconds=0.1)
    ended = []

    def handler(invocation: Any) -> None:
        ended.append(inner(invocation, lambda _: "in time"))
        spin()

    invocation = type("Invocation", (), {"context": None})()
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        outer(invocation, handler)
    assert ended == ["in time"]
    assert 0.1 < time.monotonic() - began < 1


def test_alarms_of_others() -> None:
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    app, _ = app_with(Deadline(seconds=0.05))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        assert get(app, "/long", None)["statusCode"] == 504
        assert not rung
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] < 0.3
        while not rung:
            time.sleep(0.01)
        # One that comes first is heeded.
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        app.get("/short")(lambda: time.sleep(0.04))
        assert get(app, "/short", None)["statusCode"] == 204
        assert len(rung) == 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_exception_that_got_lost() -> None:
    """The first alarm hits a finalizer, where Python prints exceptions and goes on."""

    class Finalized:
        def __del__(self) -> None:
            time.sleep(0.2)

    app = App(middleware=[Deadline(seconds=0.05)])

    @app.get("/")
    def handler() -> None:
        Finalized()
        spin()

    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.unraisablehook", lambda _: None)
        assert get(app, "/", None)["statusCode"] == 504
    assert time.monotonic() - began < 2


def test_in_other_threads_it_only_tells() -> None:
    app, _ = app_with(Deadline(seconds=0.05))
    answers: list[Any] = []

    def nap() -> Any:
        time.sleep(0.1)
        return [(Deadline.remaining() or 0) < 0]

    app.get("/nap")(nap)
    thread = threading.Thread(target=lambda: answers.append(get(app, "/nap", None)["body"]))
    thread.start()
    thread.join()
    assert answers == ["[true]"]


def test_a_loop_that_a_synchronous_layer_waits_for() -> None:
    """The tasks end too, instead of going on with the next invocation."""

    def waits(invocation: Any, call_next: Callable[[Any], Any]) -> Any:
        return call_next(invocation)

    app, seen = app_with(Deadline(seconds=0.05), waits)
    assert get(app, "/async/long", None)["statusCode"] == 504
    assert seen == ["cleaned up"]
    assert get(app, "/async/quick", None)["statusCode"] == 200


def test_each_record_of_a_batch() -> None:
    said: list[str] = []

    class Quiet:
        def error(self, message: str, *, exc_info: Any, **about: Any) -> None:
            said.append(repr(exc_info))

    app = App(middleware=[Deadline(seconds=0.05)], logger=Quiet())

    @app.queue("orders")
    def order(body: str) -> None:
        if body == "long":
            spin()

    record = {"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders"}
    records = [
        record | {"messageId": str(number), "body": body, "receiptHandle": "r"}
        for number, body in enumerate(("quick", "long", "quick"))
    ]
    assert app({"Records": records}) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert len(said) == 1
    assert "DeadlineExceeded" in said[0]


def test_what_cannot_be() -> None:
    for options in ({"margin_ms": -1}, {"seconds": 0}):
        with pytest.raises(AppError, match="margin_ms is 0 or more"):
            Deadline(**options)
