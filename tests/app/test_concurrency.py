"""Apps at several places at once: threads, apps that call apps, processes that fork."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lambent import App, Request
from lambent.app import current
from lambent.testing import Client, LambdaContext, events

if TYPE_CHECKING:
    from collections.abc import Iterator

_THREADS = 8
_CALLS = 40


@pytest.fixture(autouse=True)
def _nothing_after() -> Iterator[None]:
    """Invocations at once, of which Lambda has none, end in any order: the last may leave another's context."""
    yield
    current.end()


def _text(answer: dict[str, Any]) -> str:
    assert answer["statusCode"] == 200, answer
    return str(answer["body"])


def _at_once(work: Any) -> list[Any]:
    """`work(number)` in threads that begin together; raises what they raise."""
    barrier = threading.Barrier(_THREADS, timeout=10)

    def started(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(started, range(_THREADS)))


def test_each_thread_gets_its_own_answers() -> None:
    app = App()

    @app.middleware
    def layer(request: Request, call_next: Any) -> Any:
        request.state["seen"] = request.path
        return call_next(request)

    @app.get("/orders/{order}")
    def order(order: str, request: Request, q: int) -> str:
        assert request.state["seen"] == f"/orders/{order}"
        return f"{order}:{q}:{request.headers['x-one']}"

    def work(number: int) -> list[str]:
        return [
            _text(
                app(
                    events.http_v2(
                        "GET", f"/orders/{number}-{call}", query={"q": call}, headers={"x-one": str(number)}
                    ),
                    LambdaContext(),
                )
            )
            for call in range(_CALLS)
        ]

    assert _at_once(work) == [
        [f"{number}-{call}:{call}:{number}" for call in range(_CALLS)] for number in range(_THREADS)
    ]


def test_async_handlers_of_several_threads_all_end() -> None:
    app = App()

    @app.get("/{name}")
    async def echo(name: str) -> str:
        await asyncio.sleep(0)
        return name

    def work(number: int) -> list[str]:
        return [
            _text(app(events.http_v2("GET", f"/{number}-{call}"), LambdaContext())) for call in range(_CALLS)
        ]

    with Client(app):
        answers = _at_once(work)
    assert answers == [[f"{number}-{call}" for call in range(_CALLS)] for number in range(_THREADS)]


def test_two_apps_know_nothing_of_each_other() -> None:
    def made(name: str) -> App:
        app = App(name)

        @app.get("/who")
        def who(request: Request) -> str:
            assert request.app is app
            return name

        return app

    first, second = made("first"), made("second")
    event = events.http_v1("GET", "/who")
    for _ in range(3):
        assert (_text(first(event, None)), _text(second(event, None))) == ("first", "second")


@pytest.mark.parametrize("is_async", [False, True])
def test_an_app_calls_another(is_async: bool) -> None:
    inner, outer = App("inner"), App("outer")

    if is_async:

        @inner.get("/inner")
        async def asynchronous(request: Request) -> str:
            await asyncio.sleep(0)
            return request.app.name if request.app is not None else "none"

    else:

        @inner.get("/inner")
        def synchronous(request: Request) -> str:
            return request.app.name if request.app is not None else "none"

    @outer.get("/outer")
    def whole(request: Request) -> dict[str, Any]:
        before = request.app is outer
        with Client(inner) as client:
            called = client.get("/inner").text
        return {"before": before, "inner": called, "after": request.app is outer}

    assert Client(outer).get("/outer").json() == {"before": True, "inner": "inner", "after": True}


def test_coroutines_wait_for_each_other_in_one_invocation_only() -> None:
    app = App()

    @app.get("/{name}")
    async def handler(name: str) -> str:
        await asyncio.sleep(0)
        return name

    with Client(app) as client:
        assert [client.get(f"/{name}").text for name in "abc"] == ["a", "b", "c"]
        # The environment's loop is another thread's now, one at a time.
        answers: list[str] = []
        for name in "de":
            thread = threading.Thread(target=lambda name=name: answers.append(client.get(f"/{name}").text))
            thread.start()
            thread.join(10)
        assert answers == ["d", "e"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_has_the_app_too() -> None:
    app = App()

    @app.get("/{name}")
    async def handler(name: str) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"name": name}

    with Client(app) as client:
        assert client.get("/parent").json() == {"name": "parent"}
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writes, client.get("/child").body)
            finally:
                os._exit(0)
        os.close(writes)
        with os.fdopen(reads, "rb") as output:
            said = output.read()
        os.waitpid(child, 0)
        assert msgspec.json.decode(said) == {"name": "child"}
        assert client.get("/again").json() == {"name": "again"}
