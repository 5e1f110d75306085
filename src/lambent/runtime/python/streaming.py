"""Handlers that answer piece by piece: generator functions, `yield` after `yield`.

AWS's managed Python runtimes cannot do this, Lambent's can. The pieces are bytes or text. If the first one is a
dictionary it says how an HTTP client is to be answered (statusCode, headers, cookies) and is sent as Lambda's
HTTP integration defines it: its JSON, eight zero bytes, then the body.
"""

from __future__ import annotations

from .faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from .channel import Channel
    from .marshaller import Marshaller

PLAIN = "application/octet-stream"
HTTP = "application/vnd.awslambda.http-integration-response"

# inspect's flags of code objects: importing it would cost every environment a megabyte.
_CO_GENERATOR = 0x20
_CO_ASYNC_GENERATOR = 0x200

_END_OF_PRELUDE = bytes(8)


def streams(handler: Callable[..., Any]) -> bool:
    """Whether `handler` is a generator function, asynchronous or not: one that merely returns a generator is not."""
    if not hasattr(handler, "__code__") and not hasattr(handler, "__func__"):
        handler = type(handler).__call__  # an object that can be called
    code = getattr(getattr(handler, "__func__", handler), "__code__", None)
    return code is not None and bool(code.co_flags & (_CO_GENERATOR | _CO_ASYNC_GENERATOR))


def send_pieces(pieces: Any, channel: Channel, marshaller: Marshaller) -> None:
    """Send what a generator yields as it comes. Raises what it raises, and `Fault` for what cannot be sent."""
    iterator: Generator[Any, None, None] = _synchronous(pieces) if hasattr(pieces, "__anext__") else pieces
    begun = False
    try:
        for piece in iterator:
            if begun:
                channel.chunk(_encoded(piece))
                continue
            begun = True
            if isinstance(piece, dict):
                channel.begin_stream(HTTP)
                channel.chunk(_bytes(marshaller.dump(piece)) + _END_OF_PRELUDE)
            else:
                first = _encoded(piece)
                channel.begin_stream(PLAIN)
                channel.chunk(first)
    finally:
        iterator.close()
    if not begun:
        channel.begin_stream(PLAIN)


def _encoded(piece: Any) -> bytes:
    if isinstance(piece, str):
        return piece.encode("utf-8")
    if isinstance(piece, (bytes, bytearray, memoryview)):
        return bytes(piece)
    raise Fault(
        "Runtime.MarshalError",
        "Unable to marshal response: a streaming handler yields bytes or str "
        f"(and first, perhaps, a dict with statusCode and headers), not {type(piece).__name__}",
    )


def _bytes(payload: str | bytes) -> bytes:
    return payload if isinstance(payload, bytes) else payload.encode("utf-8")


def _synchronous(pieces: Any) -> Generator[Any, None, None]:
    """The pieces of an asynchronous generator, which runs on a loop of its own."""
    import asyncio  # 30 ms that only those who need it pay

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        while True:
            try:
                piece = loop.run_until_complete(pieces.__anext__())
            except StopAsyncIteration:
                return
            yield piece
    finally:
        loop.run_until_complete(pieces.aclose())
        asyncio.set_event_loop(None)
        loop.close()
