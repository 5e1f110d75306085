"""Layers around handlers: synchronous and not, with hooks, in every order."""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from lambent.app.loop import Loop
from lambent.app.onion import Layer, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambent.app.onion import Middleware

    Seen = list[str]


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


def sync_layer(name: str, seen: Seen) -> Middleware:
    def layer(invocation: Any, call_next: Callable[[Any], Any]) -> Any:
        seen.append(f"+{name}")
        result = call_next(invocation)
        seen.append(f"-{name}")
        return result + name

    return layer


def async_layer(name: str, seen: Seen) -> Middleware:
    async def layer(invocation: Any, call_next: Callable[[Any], Any]) -> Any:
        seen.append(f"+{name}")
        result = await call_next(invocation)
        seen.append(f"-{name}")
        return result + name

    return layer


def hook_layer(name: str, seen: Seen) -> Middleware:
    class Named(Layer):
        def before(self, invocation: Any) -> None:
            seen.append(f"+{name}")

        def after(self, invocation: Any, result: Any) -> Any:
            seen.append(f"-{name}")
            return result + name

    return Named()


def twin_layer(name: str, seen: Seen) -> Middleware:
    class Twin:
        def __call__(self, invocation: Any, call_next: Callable[[Any], Any]) -> Any:
            seen.append(f"+{name}")
            result = call_next(invocation)
            seen.append(f"-{name}")
            return result + name

        async def acall(self, invocation: Any, call_next: Callable[[Any], Any]) -> Any:
            seen.append(f"+{name}")
            result = await call_next(invocation)
            seen.append(f"-{name}")
            return result + name

    return Twin()


LAYERS: dict[str, Callable[[str, Seen], Middleware]] = {
    "sync": sync_layer,
    "async": async_layer,
    "hook": hook_layer,
    "twin": twin_layer,
}


def sync_handler(invocation: Any) -> str:
    if invocation == "bad":
        raise LookupError("bad")
    return f"{invocation}:"


async def async_handler(invocation: Any) -> str:
    await asyncio.sleep(0)
    return sync_handler(invocation)


HANDLERS = {"sync": sync_handler, "async": async_handler}


def run(layers: tuple[Middleware, ...], handler: str, loop: Loop, invocation: Any, finish: Any = None) -> Any:
    call, is_async = wrapped(layers, (HANDLERS[handler], handler == "async", False), finish, loop)
    return loop.run(call(invocation)) if is_async else call(invocation)


MIXTURES = [
    (kinds, handler)
    for count in range(4)
    for kinds in itertools.product(LAYERS, repeat=count)
    for handler in HANDLERS
]


@pytest.mark.parametrize("finished", [False, True])
def test_every_mixture(finished: bool, loop: Loop) -> None:
    for kinds, handler in MIXTURES:
        seen: Seen = []
        layers = tuple(LAYERS[kind](str(place), seen) for place, kind in enumerate(kinds))
        names = [str(place) for place in range(len(kinds))]
        finish = (lambda value: value) if finished else None
        assert run(layers, handler, loop, "x", finish) == "x:" + "".join(reversed(names)), kinds
        assert seen == [f"+{name}" for name in names] + [f"-{name}" for name in reversed(names)], kinds


def test_exceptions_go_outwards_through_every_mixture(loop: Loop) -> None:
    for kinds, handler in MIXTURES:
        seen: Seen = []
        layers = tuple(LAYERS[kind](str(place), seen) for place, kind in enumerate(kinds))
        with pytest.raises(LookupError):
            run(layers, handler, loop, "bad")
        assert seen == [f"+{place}" for place in range(len(kinds))], kinds


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("handler", HANDLERS)
def test_hooks_see_what_is_further_inside(kind: str, handler: str, loop: Loop) -> None:
    class Everything(Layer):
        def before(self, invocation: Any) -> Any:
            return "early" if invocation == "soon" else None

        def after(self, invocation: Any, result: Any) -> Any:
            return f"<{result}>"

        def failed(self, invocation: Any, error: Exception) -> Any:
            return f"mended {error}"

    seen: Seen = []
    layers = (LAYERS[kind]("o", seen), Everything(), LAYERS[kind]("i", seen))
    assert run(layers, handler, loop, "soon") == "earlyo"  # neither `after` nor what is further inside
    assert seen == ["+o", "-o"]
    assert run(layers, handler, loop, "x") == "<x:i>o"
    assert run(layers, handler, loop, "bad") == "mended bado"


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_hooks_raise_is_for_the_layers_outside(handler: str, loop: Loop) -> None:
    class Raises(Layer):
        def __init__(self, where: str) -> None:
            self.where = where

        def before(self, invocation: Any) -> None:
            if self.where == "before":
                raise ValueError("before")

        def after(self, invocation: Any, result: Any) -> Any:
            if self.where == "after":
                raise ValueError("after")
            return result

        def failed(self, invocation: Any, error: Exception) -> Any:
            raise ValueError(f"failed: {error}") from error

    class Catches(Layer):
        def failed(self, invocation: Any, error: Exception) -> Any:
            return str(error)

    for where, invocation, answer in (
        ("before", "x", "before"),
        ("after", "x", "after"),
        ("failed", "bad", "failed: bad"),
    ):
        assert run((Catches(), Raises(where)), handler, loop, invocation) == answer


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_hooks_give_is_made_an_answer(handler: str, loop: Loop) -> None:
    class Gives(Layer):
        def before(self, invocation: Any) -> Any:
            return 1 if invocation == "soon" else None

        def after(self, invocation: Any, result: Any) -> Any:
            return 2 if invocation == "x" else result

        def failed(self, invocation: Any, error: Exception) -> Any:
            return 3

    def finish(value: Any) -> Any:
        return [value]

    for invocation, answer in (("soon", [1]), ("x", [2]), ("bad", [3]), ("as it is", ["as it is:"])):
        assert run((Gives(),), handler, loop, invocation, finish) == answer


@pytest.mark.parametrize("handler", HANDLERS)
def test_hooks_need_no_thread(handler: str, loop: Loop) -> None:
    threads = set()

    class Where(Layer):
        def before(self, invocation: Any) -> None:
            threads.add(threading.get_ident())

        def after(self, invocation: Any, result: Any) -> Any:
            threads.add(threading.get_ident())
            return result

    seen: Seen = []
    run((async_layer("o", seen), Where(), Where()), handler, loop, "x")
    assert threads == {threading.get_ident()}


def test_cancellation_is_no_failure(loop: Loop) -> None:
    class Catches(Layer):
        def failed(self, invocation: Any, error: Exception) -> Any:
            return "caught"

    async def cancelled(invocation: Any) -> None:
        raise asyncio.CancelledError

    call, _ = wrapped((Catches(),), (cancelled, True, False), None, loop)
    with pytest.raises(asyncio.CancelledError):
        loop.run(call("x"))


def test_twins_are_used_where_they_fit(loop: Loop) -> None:
    used: list[str] = []

    class Twin:
        def __call__(self, invocation: Any, call_next: Callable[[Any], Any]) -> Any:
            used.append("sync")
            return call_next(invocation)

        async def acall(self, invocation: Any, call_next: Callable[[Any], Any]) -> Any:
            used.append("async")
            return await call_next(invocation)

    run((Twin(),), "sync", loop, "x")
    run((Twin(),), "async", loop, "x")
    run((sync_layer("o", []), Twin()), "async", loop, "x")
    run((async_layer("o", []), Twin()), "sync", loop, "x")
    assert used == ["sync", "async", "async", "sync"]
