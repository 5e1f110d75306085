from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.http import Request


def echo(request: Request) -> None:
    request.respond(
        200, [("Content-Type", "text/plain")], request.method + b" " + request.target + b" " + request.body
    )


def test_requests_on_one_connection_are_answered_in_order(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        held: list[Request] = []

        def handler(request: Request) -> None:
            held.append(request) if request.path == b"/slow" else echo(request)

        async with serve(handler) as server, connect(server) as client:
            client.writer.write(
                b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /fast?a=%2F HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            while not held:
                await asyncio.sleep(0)
            held[0].respond(200, [], b"slow")
            assert (await client.response())[2] == b"slow"
            assert (await client.response())[2] == b"GET /fast?a=%2F "

    run(scenario)


def test_a_long_pipeline_is_answered_completely(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            for n in range(500):
                client.writer.write(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n)
            for n in range(500):
                assert (await client.response())[2] == b"GET /%d " % n

    run(scenario)


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ],
    ids=["content-length", "chunked"],
)
def test_bodies_arrive_whole_even_byte_by_byte(run: Any, serve: Any, connect: Any, sent: bytes) -> None:
    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            for at in range(len(sent)):
                client.writer.write(sent[at : at + 1])
                await client.writer.drain()
                await asyncio.sleep(0)
            assert (await client.response())[2] == b"POST / hello"

    run(scenario)


def test_expect_100_continue_is_granted_before_the_body(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            client.writer.write(
                b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.writer.write(b"ok")
            assert (await client.response())[2] == b"PUT / ok"

    run(scenario)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(300)) + b"\r\n", 431),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ],
    ids=[
        "garbage",
        "negative-length",
        "tls-hello",
        "too-large",
        "huge-length",
        "many-headers",
        "long-target",
    ],
)
def test_what_is_no_acceptable_request_is_refused_and_closed(
    run: Any, serve: Any, connect: Any, sent: bytes, status: int
) -> None:
    async def scenario() -> None:
        async with serve(echo, max_body=1000) as server, connect(server) as client:
            client.writer.write(sent)
            assert (await client.response())[0] == status
            assert await client.ended()
        async with serve(echo) as server, connect(server) as client:
            client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.response())[0] == 200

    run(scenario)


def test_a_chunked_body_beyond_the_limit_is_refused(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        async with serve(echo, max_body=1000) as server, connect(server) as client:
            client.writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            assert (await client.response())[0] == 413

    run(scenario)


def test_an_upgrade_that_is_not_supported_is_ignored(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            client.writer.write(
                b"GET /one HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
            )
            assert (await client.response())[2] == b"GET /one "
            client.writer.write(b"GET /two HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.response())[2] == b"GET /two "

    run(scenario)


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 5", b"hello"),
        (b"Content-Length: 100000", b"x" * 100_000),
        (b"Transfer-Encoding: chunked", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
        (b"Content-Length: 0", b""),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_a_body_behind_an_offer_of_an_upgrade_is_read(
    run: Any, serve: Any, connect: Any, framing: bytes, body: bytes, together: bool
) -> None:
    # Java's HTTP client offers HTTP/2 with its first request, whatever that is.
    head = (
        b"PUT /one HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + framing
    )
    text = b"hello" if b"hello" in body or framing.endswith(b"chunked") else body

    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            client.writer.write(head + b"\r\n\r\n" + (body if together else b""))
            if not together:
                await client.writer.drain()
                client.writer.write(body)
            assert (await client.response())[2] == b"PUT /one " + text
            client.writer.write(b"GET /two HTTP/1.1\r\nHost: x\r\n\r\nPOST /three HTTP/1.1\r\nHost: x\r\n")
            client.writer.write(b"Content-Length: 1\r\n\r\n3")
            assert (await client.response())[2] == b"GET /two "
            assert (await client.response())[2] == b"POST /three 3"

    run(scenario)


@pytest.mark.parametrize(
    ("version", "header", "stays"),
    [(b"1.1", b"", True), (b"1.1", b"Connection: close\r\n", False), (b"1.0", b"", False)],
)
def test_keep_alive_follows_the_request(
    run: Any, serve: Any, connect: Any, version: bytes, header: bytes, stays: bool
) -> None:
    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            client.writer.write(b"GET / HTTP/%s\r\nHost: x\r\n%s\r\n" % (version, header))
            status, headers, _ = await client.response()
            assert status == 200
            assert (headers.get("connection") == "close") is not stays
            if stays:
                client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert (await client.response())[0] == 200
            else:
                assert await client.ended()

    run(scenario)


def test_head_and_204_carry_no_body(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        def handler(request: Request) -> None:
            request.respond(200 if request.method == b"HEAD" else 204, [], b"body")

        async with serve(handler) as server, connect(server) as client:
            client.writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert b"Content-Length: 4" in head
            client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            status, headers, _ = await client.response()
            assert status == 204
            assert "content-length" not in headers

    run(scenario)


def test_a_stream_reaches_the_client_piece_by_piece(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        streams: list[Any] = []

        def handler(request: Request) -> None:
            streams.append(request.stream(200, [("Content-Type", "text/plain")]))
            streams[0].write(b"first")

        async with serve(handler) as server, connect(server) as client:
            client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await client.reader.readuntil(b"\r\n\r\n")
            assert await client.reader.readuntil(b"first\r\n") == b"5\r\nfirst\r\n"
            streams[0].write(b"")
            streams[0].write(b"second")
            await streams[0].drain()
            streams[0].close()
            assert await client.reader.readuntil(b"0\r\n\r\n") == b"6\r\nsecond\r\n0\r\n\r\n"

    run(scenario)


def test_a_cut_stream_does_not_look_complete(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        def handler(request: Request) -> None:
            stream = request.stream(200, [])
            stream.write(b"half")
            asyncio.get_running_loop().call_later(0.05, stream.abort)

        async with serve(handler) as server, connect(server) as client:
            client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises((ValueError, asyncio.IncompleteReadError, ConnectionError)):
                await client.response()

    run(scenario)


def test_an_answer_to_a_client_that_has_left_is_dropped(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        held: list[Request] = []
        async with serve(held.append) as server:
            async with connect(server) as client:
                client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                while not held:
                    await asyncio.sleep(0.001)
                client.reset()
            while not held[0].abandoned:
                await asyncio.sleep(0.001)
            held[0].respond(200, [], b"nobody")

    run(scenario)


def test_a_second_answer_and_a_split_header_are_errors(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        def handler(request: Request) -> None:
            with pytest.raises(ValueError, match="line break"):
                request.respond(200, [("X", "a\r\nSet-Cookie: b")], b"")
            request.respond(200, [], b"once")
            with pytest.raises(RuntimeError):
                request.respond(200, [], b"twice")

        async with serve(handler) as server, connect(server) as client:
            client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.response())[2] == b"once"

    run(scenario)


def test_drain_lets_requests_in_flight_end_and_takes_no_new_ones(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        held: list[Request] = []
        async with serve(held.append) as server, connect(server) as busy, connect(server) as idle:
            busy.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while not held:
                await asyncio.sleep(0.001)
            draining = asyncio.ensure_future(server.drain(10))
            assert await idle.ended()
            with pytest.raises(OSError, match=r"."):
                await asyncio.open_connection(*server.address)
            assert not draining.done()
            held[0].respond(200, [], b"late")
            assert (await busy.response())[2] == b"late"
            assert await busy.ended()
            await draining

    run(scenario)


def test_slow_and_idle_connections_are_closed(run: Any, serve: Any, connect: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("lambent.http.server._SWEEP_SECONDS", 0.02)

    async def scenario() -> None:
        async with (
            serve(echo, idle_seconds=0.05, head_seconds=0.05) as server,
            connect(server) as idle,
            connect(server) as slow,
        ):
            slow.writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-")
            assert await idle.ended()
            assert (await slow.response())[0] == 408
            assert await slow.ended()

    run(scenario)


def test_the_date_header_is_http_s(run: Callable[..., None], serve: Any, connect: Any) -> None:
    from email.utils import parsedate_to_datetime

    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            _, headers, _ = await client.response()
            assert parsedate_to_datetime(headers["date"]).utcoffset() is not None

    run(scenario)


def test_a_refusal_waits_for_the_answers_to_what_came_before(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        held: list[Request] = []
        async with serve(held.append) as server, connect(server) as client:
            client.writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nthis is not HTTP\r\n\r\n")
            while not held:
                await asyncio.sleep(0)
            held[0].respond(200, [], b"slow")
            assert (await client.response())[2] == b"slow"
            assert (await client.response())[0] == 400
            assert await client.ended()

    run(scenario)


def test_who_still_sends_what_is_too_large_reads_why(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        async with serve(echo, max_body=1000) as server, connect(server) as client:
            client.writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n")
            for _ in range(20):
                client.writer.write(bytes(1_000_000))
                await client.writer.drain()
            assert (await client.response())[0] == 413
            assert await client.ended()

    run(scenario)


def test_answers_do_not_pile_up_for_who_reads_none(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        answered = 0

        def handler(request: Request) -> None:
            nonlocal answered
            answered += 1
            request.respond(200, [], bytes(10_000_000))

        async with serve(handler) as server, connect(server) as client:
            client.reader._transport.pause_reading()  # as if this client read nothing
            client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            while not answered:
                await asyncio.sleep(0.01)
            assert answered == 1
            client.reader._transport.resume_reading()
            for _ in range(20):
                assert len((await client.response())[2]) == 10_000_000

    run(scenario)


def test_a_request_has_its_own_time_after_a_long_silence(
    run: Any, serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambent.http.server._SWEEP_SECONDS", 0.02)

    async def scenario() -> None:
        async with serve(echo, idle_seconds=0.5) as server, connect(server) as client:
            (connection,) = await until(lambda: list(server.connections))
            connection.active -= 0.4  # most of what it may be silent
            client.writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
            await until(lambda: connection.receiving)
            assert time.monotonic() - connection.active < 0.4
            client.writer.write(b"b")
            assert (await client.response())[2] == b"POST / ab"

    run(scenario)


def test_a_handler_that_raises_is_a_fault_of_the_server(
    run: Any, serve: Any, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(request: Request) -> None:
        if request.path == b"/fault":
            raise RuntimeError("a fault")
        echo(request)

    async def scenario() -> None:
        async with serve(handler) as server, connect(server) as client:
            client.writer.write(
                b"GET /fault HTTP/1.1\r\nHost: x\r\n\r\n" * 2 + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            assert (await client.response())[0] == 500
            assert (await client.response())[0] == 500
            assert (await client.response())[0] == 200

    run(scenario)
    assert "a fault" in caplog.text


async def until(condition: Callable[[], Any]) -> Any:
    while not (result := condition()):
        await asyncio.sleep(0)
    return result
