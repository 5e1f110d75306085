"""Middleware: layers around a handler, the first added outermost.

A layer is `def layer(invocation, call_next): return call_next(invocation)`, or the same with async and await. It may
answer without calling on, and replace what comes back. Layers and handlers may be synchronous or not, in any order: a
synchronous layer within asynchronous ones runs in a thread, as it may block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.signature import is_coroutine_function

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.app.loop import Loop

    Call = Callable[[Any], Any]
    Middleware = Callable[[Any, Call], Any]


def wrapped(
    layers: tuple[Middleware, ...], handler: Call, handler_is_async: bool, finish: Call | None, loop: Loop
) -> tuple[Call, bool]:
    """One function for layers and handler, and whether calling it gives a coroutine.

    `finish` is applied to what the handler and each layer give: it makes answers of plain values.
    """
    call, is_async, waits = handler, handler_is_async, False
    if finish is not None:
        call = _finished(call, is_async, finish)
    for layer in reversed(layers):
        if is_coroutine_function(layer):
            call, is_async = (
                _asynchronous(layer, call if is_async else _as_coroutine(call, waits), finish),
                True,
            )
        else:
            waits = waits or is_async
            call, is_async = _synchronous(layer, _blocking(call, loop) if is_async else call, finish), False
    return call, is_async


def _finished(call: Call, is_async: bool, finish: Call) -> Call:
    if is_async:

        async def finished_later(invocation: Any) -> Any:
            return finish(await call(invocation))

        return finished_later

    def finished(invocation: Any) -> Any:
        return finish(call(invocation))

    return finished


def _asynchronous(layer: Middleware, inner: Call, finish: Call | None) -> Call:
    async def outer_later(invocation: Any) -> Any:
        result = await layer(invocation, inner)
        return result if finish is None else finish(result)

    return outer_later


def _synchronous(layer: Middleware, inner: Call, finish: Call | None) -> Call:
    if finish is None:
        return lambda invocation: layer(invocation, inner)

    def outer(invocation: Any) -> Any:
        return finish(layer(invocation, inner))

    return outer


def _as_coroutine(call: Call, waits: bool) -> Callable[[Any], Awaitable[Any]]:
    """A synchronous inside for an asynchronous layer; in a thread when it `waits` for what runs on the loop."""

    async def called(invocation: Any) -> Any:
        if not waits:
            return call(invocation)
        import asyncio

        return await asyncio.to_thread(call, invocation)

    return called


def _blocking(call: Call, loop: Loop) -> Call:
    """An asynchronous inside for a synchronous layer."""

    def called(invocation: Any) -> Any:
        return loop.run(call(invocation))

    return called
