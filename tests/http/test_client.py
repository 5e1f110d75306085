"""The client against this package's own server, and against raw bytes where that would never send such a thing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import pytest

from lambent.http.client import ExchangeFailed, HttpClient, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lambent.http import HttpServer, Request

HOST = [(b"Host", b"x")]


def to(server: HttpServer, **options: Any) -> HttpClient:
    return HttpClient(host=server.address[0], port=server.address[1], **options)


def echo(request: Request) -> None:
    sent = b"; ".join(b"%s=%s" % header for header in request.headers)
    request.respond(200, [("X-Sent", sent.decode()), ("X-Twice", "1"), ("X-Twice", "2")], request.body)


@contextlib.asynccontextmanager
async def answering(answer: bytes, *, close: bool = True) -> AsyncIterator[HttpClient]:
    """A server that sends the same bytes to everybody."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if not close:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    client = HttpClient(host="127.0.0.1", port=server.sockets[0].getsockname()[1], silence_seconds=0.5)
    try:
        yield client
    finally:
        client.close()
        server.close()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_bodies_in_both_framings(run: Any, serve: Any) -> None:
    async def scenario() -> None:
        async with serve(echo) as server:
            client = to(server)
            for body, framing in (
                (b"hello", b"content-length=5"),
                (pieces(b"he", b"", b"llo"), b"transfer-encoding=chunked"),
            ):
                answer = await client.exchange(b"POST", b"/p?q=1", [*HOST, (b"A", b"1"), (b"A", b"2")], body)
                assert answer.status == 200
                assert framing in (answer.header(b"x-sent") or b"")
                assert b"a=1; a=2" in (answer.header(b"x-sent") or b"")
                assert [value for name, value in answer.headers if name == b"x-twice"] == [b"1", b"2"]
                assert await answer.read(100) == b"hello"
            sized = await client.exchange(
                b"PUT", b"/", [*HOST, (b"content-length", b"5")], pieces(b"he", b"llo")
            )
            assert await sized.read(5) == b"hello"
            client.close()

    run(scenario)


def test_connections_are_kept_and_a_stale_one_is_replaced(run: Any, serve: Any) -> None:
    async def scenario() -> None:
        peers = set()

        def handler(request: Request) -> None:
            peers.add(request.peer)
            request.respond(200, [], b"ok")

        async with serve(handler) as server:
            client = to(server)
            for _ in range(3):
                assert await (await client.exchange(b"GET", b"/", HOST)).read(10) == b"ok"
            (await client.exchange(b"HEAD", b"/", HOST)).close()
            assert len(peers) == 1
            for connection in list(server.connections):
                connection.transport.abort()
            assert await (await client.exchange(b"GET", b"/", HOST)).read(10) == b"ok"
            assert len(peers) == 2
            client.close()

    run(scenario)


def test_a_body_larger_than_the_limit_is_not_read(run: Any, serve: Any) -> None:
    async def scenario() -> None:
        async with serve(lambda request: request.respond(200, [], b"x" * 3_000_000)) as server:
            client = to(server)
            assert await (await client.exchange(b"GET", b"/", HOST)).read(2_999_999) is None
            assert await (await client.exchange(b"GET", b"/", HOST)).read(3_000_000) == b"x" * 3_000_000
            assert client.under_way == 0
            client.close()

    run(scenario)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", b"ab"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n0\r\nX: y\r\n\r\n", b"ab"),
    ],
)
def test_framings_of_answers(run: Any, raw: bytes, body: bytes) -> None:
    async def scenario() -> None:
        async with answering(raw) as client:
            answer = await client.exchange(b"GET", b"/", HOST)
            assert await answer.read(100) == body

    run(scenario)


@pytest.mark.parametrize(
    ("raw", "close", "reason"),
    [
        (b"", True, "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", True, "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", True, "broke off"),
        (b"SSH-2.0-OpenSSH\r\n", True, "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", False, "silent"),
        (b"", False, "silent"),
    ],
)
def test_what_is_no_answer_says_so(run: Any, raw: bytes, close: bool, reason: str) -> None:
    async def scenario() -> None:
        async with answering(raw, close=close) as client:
            with pytest.raises(ExchangeFailed, match=reason):
                await (await client.exchange(b"GET", b"/", HOST)).read(100)

    run(scenario)


def test_nobody_there(run: Any) -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and not listening
            client = HttpClient(host="127.0.0.1", port=taken.getsockname()[1])
            with pytest.raises(Unreachable):
                await client.exchange(b"GET", b"/", HOST)

    run(scenario)


def test_an_answer_before_the_end_of_the_body_ends_the_sending(run: Any, serve: Any) -> None:
    async def scenario() -> None:
        closed = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 100_000
                    await asyncio.sleep(0)
            finally:
                closed.set()

        async with serve(lambda request: None, max_body=1_000_000) as server:
            client = to(server)
            answer = await client.exchange(b"PUT", b"/", HOST, endless())
            assert answer.status == 413
            answer.close()
            await asyncio.wait_for(closed.wait(), 5)
            assert client.under_way == 0

    run(scenario)


def test_an_error_of_the_body_is_the_callers(run: Any, serve: Any) -> None:
    class Mine(Exception):
        pass

    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        raise Mine

    async def scenario() -> None:
        handled: list[Request] = []
        async with serve(handled.append) as server:
            client = to(server)
            with pytest.raises(Mine):
                await client.exchange(b"PUT", b"/", [*HOST, (b"content-length", b"10")], broken())
            while client.under_way:
                await asyncio.sleep(0.001)
            assert not handled  # half a request is none

    run(scenario)


def test_a_slow_reader_slows_the_other_side_down(run: Any, serve: Any) -> None:
    async def scenario() -> None:
        written = 0

        def handler(request: Request) -> None:
            stream = request.stream(200, [], length=64_000_000)

            async def send() -> None:
                nonlocal written
                for _ in range(64):
                    stream.write(b"x" * 1_000_000)
                    written += 1_000_000
                    await stream.drain()
                stream.close()

            tasks.append(asyncio.get_running_loop().create_task(send()))

        tasks: list[asyncio.Task[None]] = []
        async with serve(handler) as server:
            client = to(server, silence_seconds=1.0)
            answer = await client.exchange(b"GET", b"/", HOST)
            before = -1
            while written != before:  # until it stands still
                before = written
                await asyncio.sleep(0.1)
            assert written < 64_000_000
            size = 0
            async for piece in answer:
                size += len(piece)
            assert size == 64_000_000
            client.close()

    run(scenario)


@pytest.mark.parametrize("method", [b"POST", b"PATCH", b"GET"])
def test_what_may_not_be_done_twice_is_sent_once(run: Any, method: bytes) -> None:
    """A server that ends while it works closes the connection, as one does that has kept it long enough."""

    async def scenario() -> None:
        seen: list[bytes] = []

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.IncompleteReadError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    seen.append(head.split()[1])
                    if b"/poison" in head:
                        break
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        client = HttpClient(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        answers = await asyncio.gather(*(client.exchange(b"GET", b"/", HOST) for _ in range(5)))
        for answer in answers:
            await answer.read(100)
        with pytest.raises(ExchangeFailed):
            await client.exchange(method, b"/poison", HOST)
        assert seen.count(b"/poison") == (2 if method == b"GET" else 1)
        client.close()
        server.close()

    run(scenario)


@pytest.mark.parametrize(
    ("target", "header"),
    [
        (b"/a\r\nx: y", (b"a", b"b")),
        (b"/", (b"a\r\nx", b"b")),
        (b"/", (b"a", b"b\nx: y")),
        (b"/", (b"a", b"b\0")),
    ],
)
def test_a_line_is_a_line(run: Any, target: bytes, header: tuple[bytes, bytes]) -> None:
    async def scenario() -> None:
        async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as client:
            with pytest.raises(ExchangeFailed, match="more than one line"):
                await client.exchange(b"GET", target, [*HOST, header])

    run(scenario)
