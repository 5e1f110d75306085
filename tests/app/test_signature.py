"""Handlers of every make: what can be called, can be a handler."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from tests.app.conftest import answer_of, event_of

from lambent import App, AppError
from lambent.app.signature import described, is_coroutine_function, signature_of
from lambent.testing import Client

if TYPE_CHECKING:
    from collections.abc import Callable


def multiply(number: int, by: int = 2, *, plus: int = 0) -> int:
    return number * by + plus


async def multiply_later(number: int, by: int = 2) -> int:
    return multiply(number, by)


class Shop:
    def method(self, number: int) -> int:
        return number * 2

    @classmethod
    def of_class(cls, number: int) -> int:
        return number * 2

    @staticmethod
    def static(number: int) -> int:
        return number * 2

    def __call__(self, number: int) -> int:
        return number * 2


def passing(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that is not asynchronous itself, and hands on what it gets."""

    @functools.wraps(function)
    def inner(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return inner


def naming(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that looks for one of the arguments by its name."""

    @functools.wraps(function)
    def inner(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **{**named, "number": named["number"]})

    return inner


def with_two(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that names what it takes otherwise than the handler."""

    @functools.wraps(function)
    def inner(value: Any, **named: Any) -> Any:
        return function(value, **named)

    return inner


@pytest.mark.parametrize(
    "handler",
    [
        multiply,
        multiply_later,
        lambda number: int(number) * 2,
        Shop().method,
        Shop.of_class,
        Shop.static,
        Shop(),
        functools.partial(multiply, by=2),
        functools.partial(multiply, by=1, plus=21),
        functools.partial(functools.partial(multiply, plus=0), by=2),
        functools.partial(multiply_later, by=2),
        passing(multiply),
        passing(multiply_later),
        naming(multiply),
        naming(passing(multiply_later)),
        with_two(multiply),
        with_two(passing(multiply)),
        passing(with_two(multiply)),
        functools.partial(passing(multiply), by=2),
    ],
)
def test_every_make_of_handler(handler: Any) -> None:
    app = App()
    app.get("/{number}")(handler)
    assert answer_of(app(event_of("v2", "GET", "/21"))).json == 42
    app.loop.close()


def test_partly_given_positions() -> None:
    app = App()
    app.get("/{by}")(functools.partial(multiply, 21))
    assert answer_of(app(event_of("v2", "GET", "/2"))).json == 42


def test_what_follows_a_given_keyword_is_given_by_keyword() -> None:
    def three(first: int, second: int, third: int) -> list[int]:
        return [first, second, third]

    signature = signature_of(functools.partial(three, second=0))
    assert [(one.name, one.keyword_only) for one in signature.parameters] == [
        ("first", False),
        ("third", True),
    ]


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        (multiply, "multiply (" + __file__),
        (functools.partial(multiply, by=3), "partial(multiply (" + __file__),
        (Shop(), "Shop.__call__ (" + __file__),
        (len, "len"),
        (Shop, "Shop"),
    ],
)
def test_names_for_people(handler: Any, name: str) -> None:
    assert described(handler).startswith(name)


def test_coroutine_functions() -> None:
    class Later:
        async def __call__(self) -> None: ...

    assert is_coroutine_function(Later())
    assert is_coroutine_function(functools.partial(multiply_later))
    assert not is_coroutine_function(Later)
    assert not is_coroutine_function(multiply)


def test_a_default_is_nobody_elses() -> None:
    app = App()

    @app.get("/")
    def handler(tags: list[int] = []) -> list[int]:  # noqa: B006 - that is the point
        tags.append(1)
        return tags

    assert [answer_of(app(event_of("v2", "GET", "/"))).json for _ in range(2)] == [[1], [1]]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_handlers_do_not_yield(asynchronous: bool) -> None:
    def pieces() -> Any:
        yield "a"

    async def pieces_later() -> Any:
        yield "a"

    for handler in (pieces_later if asynchronous else pieces, passing(pieces)):
        with pytest.raises(AppError, match="a handler cannot yield"):
            App().get("/")(handler)


def hiding(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that does not say what it is around."""

    def inner(message: dict[str, int]) -> Any:
        return function(message)

    return inner


@pytest.mark.parametrize("layers", [0, 1])
def test_a_coroutine_that_nobody_could_know_of_is_run(layers: int) -> None:
    """Dropped, it would be a message that was never handled, and is deleted."""
    handled = []

    async def take(message: dict[str, int]) -> None:
        handled.append(message["a"])
        if message["a"] == 2:
            raise KeyError

    app = App(middleware=[lambda invocation, call_next: call_next(invocation)] * layers)
    app.queue("orders")(hiding(take))
    app.topic("alerts")(hiding(take))
    client = Client(app)
    assert client.send("orders", [{"a": 1}, {"a": 2}]).failed == [1]
    client.publish("alerts", {"a": 3})
    assert handled == [1, 2, 3]
    app.loop.close()


def test_a_layer_in_a_decorator() -> None:
    async def layer(invocation: Any, call_next: Any) -> Any:
        return await call_next(invocation)

    app = App(middleware=[passing(layer)])
    app.get("/")(lambda: "a")
    assert answer_of(app(event_of("v2", "GET", "/"))).text == "a"
    app.loop.close()
