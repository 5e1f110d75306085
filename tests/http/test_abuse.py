"""Malformed, ambiguous, slow and half-closed: what a server on the open network meets."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.http import Request

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"

REFUSED = {
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "two equal lengths": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
    "list of lengths": POST + b"Content-Length: 2, 2\r\n\r\nab",
    "length with sign": POST + b"Content-Length: +2\r\n\r\nab",
    "length in hex": POST + b"Content-Length: 0x2\r\n\r\nab",
    "empty length": POST + b"Content-Length:\r\n\r\n",
    "chunked and length": CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n",
    "length and chunked": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "chunked twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "chunked behind a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "folded line": GET + b"A: b\r\n c\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\nHost: x\n\n",
    "bare LF in a header": GET + b"A: b\nC: d\r\n\r\n",
    "bare LF at the end": GET + b"\n",
    "bare CR": GET + b"A: b\rC: d\r\n\r\n",
    "NUL": GET + b"A: b\0c\r\n\r\n",
    "NUL in a name": GET + b"A\0: b\r\n\r\n",
    "control character": GET + b"A: b\x01c\r\n\r\n",
    "space before the colon": GET + b"A : b\r\n\r\n",
    "space before the first header": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "header without a name": GET + b": b\r\n\r\n",
    "header without a colon": GET + b"abc\r\n\r\n",
    "name that is not ASCII": GET + b"A\xff: b\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "two equal hosts": GET + b"Host: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "host with a space": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "host with a user": b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "host with a port that is none": b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
    "host that is not UTF-8": b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n",
    "absolute target": b"GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    "asterisk": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "target without slash": b"GET a HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "target that is not ASCII": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "target that is not UTF-8": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "control character in the target": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "unknown method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "method in lower case": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "RTSP": b"PLAY rtsp://x RTSP/1.0\r\n\r\n",
    "Icecast": b"SOURCE / ICE/1.0\r\nHost: x\r\n\r\n",
    "chunk size that is none": CHUNKED + b"\r\nzz\r\nab\r\n0\r\n\r\n",
    "negative chunk": CHUNKED + b"\r\n-1\r\n",
    "chunk size with 0x": CHUNKED + b"\r\n0x2\r\nab\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": CHUNKED + b"\r\nfffffffffffffffff\r\n",
    "space behind the chunk size": CHUNKED + b"\r\n2 \r\nab\r\n0\r\n\r\n",
    "bare LF behind the chunk size": CHUNKED + b"\r\n2\nab\r\n0\r\n\r\n",
    "chunk without an end": CHUNKED + b"\r\n2\r\nab0\r\n\r\n",
    "chunk longer than it says": CHUNKED + b"\r\n2\r\nabc\r\n0\r\n\r\n",
    "length in a trailer": CHUNKED + b"\r\n0\r\nContent-Length: 9\r\n\r\n",
}

ACCEPTED = {
    "Chunked": POST + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "chunk extension": CHUNKED + b"\r\n2;a=b\r\nab\r\n0\r\n\r\n",
    "long chunk extension": CHUNKED + b"\r\n2;a=" + b"b" * 200_000 + b"\r\nab\r\n0\r\n\r\n",
    "trailer": CHUNKED + b"\r\n2\r\nab\r\n0\r\nX-Trailer: 1\r\nHost: evil\r\n\r\n",
    "IPv6": b"POST / HTTP/1.1\r\nHost: [::1]:4566\r\nContent-Length: 2\r\n\r\nab",
    "no host in HTTP/1.0": b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab",
    "value that is not UTF-8": POST + b"A: \xff\r\nContent-Length: 2\r\n\r\nab",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab",
}


def trailerless(request: Request) -> None:
    assert request.header(b"x-trailer") is None
    assert request.header(b"host") != b"evil"
    request.respond(200, [], request.body)


def echo(request: Request) -> None:
    request.respond(200, [], request.target)


def test_what_has_two_readings_or_none_is_refused(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        handled: list[Request] = []
        async with serve(handled.append) as server:
            for name, sent in REFUSED.items():
                async with connect(server) as client:
                    client.writer.write(sent + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
                    assert (await client.response())[0] == 400, name
                    assert await client.ended(), name
            assert handled == []

    run(scenario)


@pytest.mark.parametrize("line", [b"GET /", b"GET / HTTP/0.9", b"GET / HTTP/2.0"])
def test_other_versions_are_not_spoken(run: Any, serve: Any, connect: Any, line: bytes) -> None:
    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            client.writer.write(line + b"\r\nHost: x\r\n\r\n" if b"HTTP" in line else line + b"\r\n\r\n")
            assert (await client.response())[0] == 505
            assert await client.ended()

    run(scenario)


@pytest.mark.parametrize("sent", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_unusual_but_clear_is_read(run: Any, serve: Any, connect: Any, sent: bytes) -> None:
    async def scenario() -> None:
        async with serve(trailerless) as server, connect(server) as client:
            client.writer.write(sent)
            status, _, body = await client.response()
            assert (status, body) == (200, b"ab")

    run(scenario)


@pytest.mark.parametrize("lines", [b"A: b\r\n" * 300, b"A: " + b"b" * 70_000 + b"\r\n"])
def test_trailers_have_limits(run: Any, serve: Any, connect: Any, lines: bytes) -> None:
    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            client.writer.write(CHUNKED + b"\r\n0\r\n" + lines + b"\r\n")
            assert (await client.response())[0] == 431

    run(scenario)


def test_a_thousand_requests_in_one_go(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        async with serve(echo) as server, connect(server) as client:
            client.writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(1000)))
            for n in range(1000):
                assert (await client.response())[2] == b"/%d" % n

    run(scenario)


@pytest.mark.parametrize("trickled", [GET + b"A: ", POST + b"Content-Length: 100000\r\n\r\n"])
def test_who_trickles_is_told_so_and_others_notice_nothing(
    run: Any, serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, trickled: bytes
) -> None:
    monkeypatch.setattr("lambent.http.server._SWEEP_SECONDS", 0.02)

    async def scenario() -> None:
        serving = serve(echo, head_seconds=0.1, body_seconds=0.1)
        async with serving as server, connect(server) as slow, connect(server) as other:
            slow.writer.write(trickled)
            answer = asyncio.ensure_future(slow.response())
            began = time.monotonic()
            while not answer.done():
                assert time.monotonic() - began < 5
                slow.writer.write(b"a")
                other.writer.write(GET + b"\r\n")
                assert (await other.response())[0] == 200
                await asyncio.sleep(0.005)
            assert (await answer)[0] == 408

    run(scenario)


def test_who_does_not_read_is_cut(
    run: Any, serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambent.http.server._SWEEP_SECONDS", 0.02)

    def handler(request: Request) -> None:
        request.respond(200, [], bytes(30_000_000))

    async def scenario() -> None:
        async with serve(handler, idle_seconds=0.2) as server, connect(server) as client:
            client.writer.transport.pause_reading()
            client.writer.write(GET + b"\r\n")
            await until(lambda: server.connections)
            await until(lambda: not server.connections)

    run(scenario)


def test_who_has_shut_its_side_gets_its_answers(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        held: list[Request] = []
        async with serve(held.append) as server, connect(server) as client:
            client.writer.write(GET + b"\r\n" + GET + b"\r\n" + GET)  # the last is not whole
            client.writer.write_eof()
            for n in range(1, 3):
                while len(held) < n:
                    await asyncio.sleep(0.001)
                held[-1].respond(200, [], b"%d" % n)
                assert (await client.response())[2] == b"%d" % n
            assert await client.ended()
            await until(lambda: not server.connections)

    run(scenario)


def test_who_offers_another_protocol_and_shuts_its_side_gets_its_answer(
    run: Any, serve: Any, connect: Any
) -> None:
    async def scenario() -> None:
        held: list[Request] = []
        async with serve(held.append) as server, connect(server) as client:
            client.writer.write(GET + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n")
            client.writer.write_eof()
            await until(lambda: held)
            held[-1].respond(200, [], b"plain")
            assert (await client.response())[2] == b"plain"

    run(scenario)


def test_who_leaves_in_the_middle_of_a_body_or_an_answer_leaves_nothing(
    run: Any, serve: Any, connect: Any
) -> None:
    async def scenario() -> None:
        streams: list[Any] = []

        def handler(request: Request) -> None:
            streams.append(request.stream(200, []))

        async with serve(handler) as server:
            async with connect(server) as client:
                client.writer.write(POST + b"Content-Length: 10\r\n\r\nabc")
                await until(lambda: server.connections)
            await until(lambda: not server.connections)
            assert streams == []
            async with connect(server) as client:
                client.writer.write(GET + b"\r\n")
                await until(lambda: streams)

            def written() -> bool:
                streams[0].write(b"piece")
                return not server.connections

            await until(written)
            streams[0].close()

    run(scenario)


async def until(condition: Callable[[], Any]) -> None:
    while not condition():
        await asyncio.sleep(0.001)
