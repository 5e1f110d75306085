"""Large bodies that are handed over while they are coming."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from lambent.http import ClientLeft, Request, StreamedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

MEGABYTE = 1_048_576
PUT = b"PUT /large HTTP/1.1\r\nHost: x\r\n"


def streams(request: Request) -> bool:
    return request.path.startswith(b"/large")


class Handler:
    """Runs `work` for streamed requests and says of all others that they came whole."""

    def __init__(self, work: Callable[[StreamedRequest], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self.tasks: list[asyncio.Task[None]] = []

    def __call__(self, request: Request) -> None:
        if isinstance(request, StreamedRequest):
            self.tasks.append(asyncio.get_running_loop().create_task(self._work(request)))
        else:
            request.respond(200, [], b"whole %d" % len(request.body))


async def count(request: StreamedRequest) -> None:
    size = 0
    async for piece in request.pieces():
        size += len(piece)
    request.respond(200, [], b"streamed %d" % size)


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_what_is_large_is_streamed_and_the_connection_goes_on(
    run: Any, serve: Any, connect: Any, framing: str
) -> None:
    async def scenario() -> None:
        body = b"x" * (3 * MEGABYTE)
        handler = Handler(count)
        async with serve(handler, streams=streams) as server, connect(server) as client:
            for _ in range(2):
                if framing == "length":
                    client.writer.write(PUT + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                else:
                    client.writer.write(PUT + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, 100_000))
                # Pipelined behind it: answered after it.
                client.writer.write(b"PUT /small HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
                assert (await client.response())[2] == b"streamed %d" % len(body)
                assert (await client.response())[2] == b"whole 2"
            client.writer.write(
                b"PUT /other HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            assert (await client.response())[2] == b"whole %d" % len(body)

    run(scenario)


def test_streamed_bodies_have_no_limit_and_others_keep_theirs(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        handler = Handler(count)
        async with serve(handler, streams=streams, max_body=2 * MEGABYTE) as server:
            body = b"x" * (5 * MEGABYTE)
            for path, status in ((b"/large", 200), (b"/other", 413)):
                async with connect(server) as client:
                    client.writer.write(
                        b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path, len(body)) + body
                    )
                    assert (await client.response())[0] == status
                async with connect(server) as client:
                    client.writer.write(
                        b"PUT %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % path
                        + chunked(body, 300_000)
                    )
                    assert (await client.response())[0] == status

    run(scenario)


def test_a_client_is_slowed_down_to_the_pace_of_the_handler(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        go_on = asyncio.Event()

        async def slow(request: StreamedRequest) -> None:
            await go_on.wait()
            await count(request)

        async with serve(Handler(slow), streams=streams) as server, connect(server) as client:
            size = 64 * MEGABYTE
            client.writer.write(PUT + b"Content-Length: %d\r\n\r\n" % size)
            sent = 0
            with contextlib.suppress(TimeoutError):
                while sent < size:
                    client.writer.write(b"x" * MEGABYTE)
                    sent += MEGABYTE
                    await asyncio.wait_for(client.writer.drain(), 0.3)
            assert sent < size  # what the kernel's buffers take, and no more
            go_on.set()
            while sent < size:
                client.writer.write(b"x" * MEGABYTE)
                sent += MEGABYTE
                await client.writer.drain()
            assert (await client.response())[2] == b"streamed %d" % size

    run(scenario)


def test_an_answer_before_the_end_closes_the_connection_and_arrives(
    run: Any, serve: Any, connect: Any
) -> None:
    async def scenario() -> None:
        async def refuse(request: StreamedRequest) -> None:
            request.respond(403, [], b"no")

        async with serve(Handler(refuse), streams=streams) as server, connect(server) as client:
            size = 8 * MEGABYTE
            client.writer.write(PUT + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size)
            assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
            client.writer.write(b"x" * size)
            status, headers, body = await client.response()
            assert (status, headers["connection"], body) == (403, "close", b"no")
            assert await client.ended()

    run(scenario)


def test_a_client_that_leaves_ends_the_body(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        handler = Handler(count)
        async with serve(handler, streams=streams) as server:
            async with connect(server) as client:
                client.writer.write(PUT + b"Content-Length: 9000000\r\n\r\nabc")
                while not handler.tasks:
                    await asyncio.sleep(0.001)
            with pytest.raises(ClientLeft):
                await handler.tasks[0]

    run(scenario)


def test_a_body_that_does_not_come_is_not_waited_for_for_ever(
    run: Any, serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambent.http.server._SWEEP_SECONDS", 0.05)

    async def scenario() -> None:
        handler = Handler(count)
        async with serve(handler, streams=streams, idle_seconds=0.2) as server, connect(server) as client:
            client.writer.write(PUT + b"Content-Length: 9000000\r\n\r\nabc")
            with contextlib.suppress(ConnectionError):
                await client.ended()
            with pytest.raises(ClientLeft):
                await handler.tasks[0]

    run(scenario)


def test_answers_with_a_length_are_not_chunked(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        def handler(request: Request) -> None:
            stream = request.stream(200, [("ETag", '"e"')], length=6)
            stream.write(b"abc")
            if request.path != b"/short":
                stream.write(b"def")
            stream.close()

        async with serve(handler) as server, connect(server) as client:
            client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            status, headers, body = await client.response()
            assert (status, headers["content-length"], body) == (200, "6", b"abcdef")
            assert "transfer-encoding" not in headers
            client.writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"Content-Length: 6" in await client.reader.readuntil(b"\r\n\r\n")
            assert (await client.response())[2] == b"abcdef"
            client.writer.write(b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await client.response()

    run(scenario)
