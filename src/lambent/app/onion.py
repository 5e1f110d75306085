"""Middleware: layers around a handler, the first added outermost.

A layer is `def layer(invocation, call_next): return call_next(invocation)`, or the same with async and await. It may
answer without calling on, and replace what comes back. Layers and handlers may be synchronous or not, in any order: a
synchronous layer within asynchronous ones runs in a thread, as it may block.

Two kinds of layers are neither, and cost the same wherever they are: those with hooks (`Layer`), and callables that
have an asynchronous twin, `async def acall(self, invocation, call_next)`, for use around what is asynchronous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lambent.app.errors import AppError
from lambent.app.signature import described, innermost, is_coroutine_function

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from lambent.app.loop import Loop

Call = Callable[[Any], Any]
"""What a layer calls on with: `call_next`. In asynchronous layers it gives a coroutine."""


class Layer:
    """A layer that has something to say before and after, and never waits: overrides the hooks that it needs.

    They are called as they are, without a thread, in synchronous and in asynchronous chains. What a hook raises goes
    to the layers around this one.
    """

    def before(self, invocation: Any) -> Any:
        """Called first. Anything but None is the layer's result, and nothing further inside is called."""

    def after(self, invocation: Any, result: Any) -> Any:
        """Called with what came back, for HTTP a Response; what it returns is the layer's result."""
        return result

    def failed(self, invocation: Any, error: Exception) -> Any:
        """Called with what was raised further inside: raises it, or another, or returns the layer's result."""
        raise error

    async def afailed(self, invocation: Any, error: Exception) -> Any:
        """As `failed`, in asynchronous chains; for layers that have something to wait for then."""
        return self.failed(invocation, error)


Middleware = Callable[[Any, Call], Any] | Layer
"""What `middleware=` takes."""


def layers_of(given: Any, where: str) -> tuple[Middleware, ...]:
    """Middleware as it was given to an app, a router or a handler. Raises AppError for what is none."""
    if callable(given) or isinstance(given, (str, Layer)):
        raise AppError(f"{where}: middleware is a list of layers: middleware=[{_spelt(given)}]")
    layers = tuple(given)
    for layer in layers:
        if isinstance(layer, type) or not (callable(layer) or isinstance(layer, Layer)):
            raise AppError(
                f"{where}: {_spelt(layer)} is no middleware, which is a function of the invocation and call_next, or a "
                f"Layer{': ' + _spelt(layer) + '(…), an instance' if isinstance(layer, type) else ''}"
            )
    return layers


def _spelt(layer: Any) -> str:
    """As it may stand in the program."""
    if isinstance(layer, str):
        return repr(layer)
    name = getattr(layer, "__qualname__", None)
    return name or f"{type(layer).__qualname__}(…)"


def wrapped(
    layers: tuple[Middleware, ...],
    handler: tuple[Call, bool, bool],
    finish: Call | None,
    loop: Loop,
) -> tuple[Call, bool]:
    """One function for layers and handler, and whether calling it gives a coroutine.

    Of the handler it has to be known whether calling it gives a coroutine, and whether it waits for the loop if not.
    `finish` is applied to what the handler and each layer give: it makes answers of plain values.
    """
    call, is_async, waits = handler
    if finish is not None:
        call = _finished(call, is_async, finish)
    for layer in reversed(layers):
        if isinstance(layer, Layer):
            call = _hooked(layer, call, is_async, finish)
            continue
        twin = getattr(layer, "acall", None) if is_async else None
        if twin is not None:
            call = _asynchronous(twin, call, finish)
        elif is_coroutine_function(layer) or is_coroutine_function(innermost(layer)):
            call, is_async = (
                _asynchronous(layer, call if is_async else _as_coroutine(call, waits), finish),
                True,
            )
        else:
            waits = waits or is_async
            call, is_async = _synchronous(layer, _blocking(call, loop) if is_async else call, finish), False
    return call, is_async


def _hooked(layer: Layer, inner: Call, is_async: bool, finish: Call | None) -> Call:
    kind = layer.__class__
    before = layer.before if kind.before is not Layer.before else None
    after = layer.after if kind.after is not Layer.after else None
    failed = layer.failed if kind.failed is not Layer.failed else None
    later = layer.afailed if kind.afailed is not Layer.afailed else None

    def settled(result: Any) -> Any:
        if finish is None:
            return result
        if result is None:
            raise _nothing(layer)
        return finish(result)

    if is_async:

        async def hooked_later(invocation: Any) -> Any:
            if before is not None:
                early = before(invocation)
                if early is not None:
                    return settled(early)
            try:
                result = await inner(invocation)
            except Exception as error:
                if later is not None:
                    return settled(await later(invocation, error))
                if failed is None:
                    raise
                return settled(failed(invocation, error))
            if after is None:
                return result
            replaced = after(invocation, result)
            return replaced if replaced is result else settled(replaced)

        return hooked_later

    def hooked(invocation: Any) -> Any:
        if before is not None:
            early = before(invocation)
            if early is not None:
                return settled(early)
        try:
            result = inner(invocation)
        except Exception as error:
            if failed is None:
                raise
            return settled(failed(invocation, error))
        if after is None:
            return result
        replaced = after(invocation, result)
        return replaced if replaced is result else settled(replaced)

    return hooked


def _finished(call: Call, is_async: bool, finish: Call) -> Call:
    if is_async:

        async def finished_later(invocation: Any) -> Any:
            return finish(await call(invocation))

        return finished_later

    def finished(invocation: Any) -> Any:
        return finish(call(invocation))

    return finished


def _asynchronous(layer: Callable[[Any, Call], Any], inner: Call, finish: Call | None) -> Call:
    async def outer_later(invocation: Any) -> Any:
        result = await layer(invocation, inner)
        if finish is None:
            return result
        if result is None:
            raise _nothing(layer)
        return finish(result)

    return outer_later


def _synchronous(layer: Callable[[Any, Call], Any], inner: Call, finish: Call | None) -> Call:
    if finish is None:
        return lambda invocation: layer(invocation, inner)

    def outer(invocation: Any) -> Any:
        result = layer(invocation, inner)
        if result is None:
            raise _nothing(layer)
        return finish(result)

    return outer


def _nothing(layer: Any) -> AppError:
    """A layer has to return something: call_next always gives an answer."""
    return AppError(
        f"The middleware {described(layer)} returned nothing: return what call_next() gave, or another answer"
    )


def _as_coroutine(call: Call, waits: bool) -> Callable[[Any], Awaitable[Any]]:
    """A synchronous inside for an asynchronous layer; in a thread when it `waits` for what runs on the loop."""

    async def called(invocation: Any) -> Any:
        if not waits:
            return call(invocation)
        import asyncio
        from contextvars import copy_context

        return await asyncio.get_running_loop().run_in_executor(
            _waiting(), copy_context().run, call, invocation
        )

    return called


_pool: Any = None


def _waiting() -> Any:
    """Threads that wait for the loop. The loop's own would run out: what they wait for may need one of these."""
    global _pool
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor

        _pool = ThreadPoolExecutor(1000, "lambent-layers")
    return _pool


def _blocking(call: Call, loop: Loop) -> Call:
    """An asynchronous inside for a synchronous layer."""

    def called(invocation: Any) -> Any:
        return loop.run(call(invocation))

    return called
