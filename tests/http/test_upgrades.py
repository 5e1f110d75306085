"""Connections that switch to another protocol, driven by raw bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from lambent.http import Request, UpgradedProtocol

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
OFFER = b"GET /up HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: Echo\r\n\r\n"
PLAIN = b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"


class Echo(UpgradedProtocol):
    """Sends back what comes, and records what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.drains = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")

    def drain(self) -> None:
        self.told.append("drain")
        if self.drains:
            self.transport.write(b"bye")
            self.transport.close()


class Upgrader:
    """Switches each offer to a protocol of its own, at once or when `release` is called."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.at_once = at_once
        self.waiting: list[Request] = []
        self.protocols: list[Echo] = []

    def __call__(self, request: Request) -> None:
        if not request.upgrade:
            request.respond(200, [], b"plain " + request.target + b" " + request.body)
        elif self.at_once:
            self.switch(request)
        else:
            self.waiting.append(request)

    def switch(self, request: Request) -> bool:
        assert request.upgrade == b"echo"
        self.protocols.append(Echo())
        return request.switch(HEAD, self.protocols[-1])

    async def offered(self) -> Request:
        await until(lambda: self.waiting)
        return self.waiting[0]


async def until(condition: Callable[[], Any]) -> Any:
    while not (result := condition()):
        await asyncio.sleep(0.001)
    return result


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("early", [b"", b"\x81\x05hello\r\n\r\nGET / HTTP/1.1\r\n"])
def test_what_comes_behind_the_offer_is_the_new_protocol_s(
    run: Any, serve: Any, connect: Any, at_once: bool, early: bytes
) -> None:
    async def scenario() -> None:
        handler = Upgrader(at_once=at_once)
        async with serve(handler) as server, connect(server) as client:
            client.writer.write(PLAIN + OFFER + early)
            assert (await client.response())[2] == b"plain /plain "
            if not at_once:
                request = await handler.offered()
                client.writer.write(b"later")
                early_and_late = early + b"later"
                (connection,) = server.connections
                await until(lambda: connection.behind == len(early_and_late))
                assert handler.switch(request)
            else:
                early_and_late = early
            assert await client.reader.readuntil(b"\r\n\r\n") == HEAD
            assert await client.reader.readexactly(len(early_and_late)) == early_and_late
            client.writer.write(b"\0\xffmore")
            assert await client.reader.readexactly(6) == b"\0\xffmore"
            assert (len(server.connections), len(server.switched)) == (0, 1)
            client.writer.close()
            await until(lambda: handler.protocols[0].told == ["made", "lost"])
            assert not server.switched

    run(scenario)


@pytest.mark.parametrize("later", [True, False])
def test_an_offer_that_is_answered_in_http_leaves_http(
    run: Any, serve: Any, connect: Any, later: bool
) -> None:
    async def scenario() -> None:
        waiting: list[Request] = []

        def handler(request: Request) -> None:
            if request.upgrade and later:
                waiting.append(request)
            else:
                request.respond(200, [], request.target)

        async with serve(handler) as server, connect(server) as client:
            client.writer.write(OFFER + PLAIN + OFFER + PLAIN[:9])
            for _ in range(2):
                if later:
                    (await until(lambda: waiting)).pop().respond(403, [], b"/up")
                assert (await client.response())[2] == b"/up"
                client.writer.write(PLAIN[9:] if _ else b"")
                assert (await client.response())[2] == b"/plain"
            client.writer.write(PLAIN)
            assert (await client.response())[2] == b"/plain"

    run(scenario)


def test_requests_before_an_offer_are_answered_before_it(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        upgrader, slow = Upgrader(), list[Request]()

        def handler(request: Request) -> None:
            slow.append(request) if request.target == b"/plain" else upgrader(request)

        async with serve(handler) as server, connect(server) as client:
            client.writer.write(PLAIN + OFFER + b"hello")
            (await until(lambda: slow))[0].respond(200, [], b"slow")
            assert (await client.response())[2] == b"slow"
            assert await client.reader.readexactly(len(HEAD) + 5) == HEAD + b"hello"

    run(scenario)


@pytest.mark.parametrize(
    "sent",
    [
        OFFER[:-2] + b"Content-Length: 2\r\n\r\nab",
        OFFER[:-2] + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        OFFER.replace(b"keep-alive, Upgrade", b"keep-alive")[:-2] + b"Content-Length: 2\r\n\r\nab",
    ],
    ids=["length", "chunked", "not-in-connection"],
)
def test_an_offer_with_a_body_is_a_plain_request(run: Any, serve: Any, connect: Any, sent: bytes) -> None:
    async def scenario() -> None:
        async with serve(Upgrader()) as server, connect(server) as client:
            client.writer.write(sent + PLAIN)
            assert (await client.response())[2] == b"plain /up ab"
            assert (await client.response())[2] == b"plain /plain "

    run(scenario)


def test_a_plain_request_cannot_be_switched(run: Any, serve: Any, connect: Any) -> None:
    def handler(request: Request) -> None:
        with pytest.raises(RuntimeError, match="offers no other protocol"):
            request.switch(HEAD, Echo())
        request.respond(200, [], b"http")

    async def scenario() -> None:
        async with serve(handler) as server, connect(server) as client:
            client.writer.write(PLAIN)
            assert (await client.response())[2] == b"http"

    run(scenario)


def test_who_left_before_the_switch_is_not_switched(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        handler = Upgrader(at_once=False)
        async with serve(handler) as server:
            async with connect(server) as client:
                client.writer.write(OFFER)
                request = await handler.offered()
                client.writer.transport.abort()
            await until(lambda: not server.connections)
            assert handler.switch(request) is False
            assert handler.protocols[0].told == []
            assert not server.switched

    run(scenario)


def test_a_flood_behind_an_undecided_offer_is_not_read(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        handler = Upgrader(at_once=False)
        async with serve(handler) as server, connect(server) as client:
            flood = bytes(range(256)) * 65_536  # 16 MB
            client.writer.write(OFFER + flood)
            request = await handler.offered()
            (connection,) = server.connections
            await until(lambda: connection.behind > 65_536)
            assert connection.behind < 2_000_000
            handler.switch(request)
            assert await client.reader.readuntil(b"\r\n\r\n") == HEAD
            assert await client.reader.readexactly(len(flood)) == flood

    run(scenario)


def test_back_pressure_reaches_the_new_protocol(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        handler = Upgrader()
        async with serve(handler) as server, connect(server) as client:
            client.writer.write(OFFER)
            assert await client.reader.readuntil(b"\r\n\r\n") == HEAD
            handler.protocols[0].transport.write(bytes(30_000_000))
            await until(lambda: "pause" in handler.protocols[0].told)
            await client.reader.readexactly(30_000_000)
            await until(lambda: handler.protocols[0].told == ["made", "pause", "resume"])

    run(scenario)


def test_idle_switched_connections_are_left_alone(
    run: Any, serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambent.http.server._SWEEP_SECONDS", 0.01)

    async def scenario() -> None:
        async with serve(Upgrader(), idle_seconds=0.05) as server, connect(server) as client:
            async with connect(server) as idle:
                client.writer.write(OFFER)
                assert await client.reader.readuntil(b"\r\n\r\n") == HEAD
                assert await idle.ended()  # this one has been swept
            client.writer.write(b"still here")
            assert await client.reader.readexactly(10) == b"still here"

    run(scenario)


def test_drain_asks_switched_connections_and_waits_for_them(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        handler = Upgrader()
        async with serve(handler) as server, connect(server) as one, connect(server) as two:
            for client in (one, two):
                client.writer.write(OFFER)
                assert await client.reader.readuntil(b"\r\n\r\n") == HEAD
            handler.protocols[1].drains = False
            draining = asyncio.ensure_future(server.drain(10))
            assert await one.reader.read() == b"bye"
            assert not draining.done()
            handler.protocols[1].transport.close()
            await draining
            assert [p.told for p in handler.protocols] == [["made", "drain", "lost"]] * 2

    run(scenario)


def test_drain_cuts_what_does_not_end_in_time(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        handler = Upgrader()
        async with serve(handler) as server, connect(server) as client:
            client.writer.write(OFFER)
            assert await client.reader.readuntil(b"\r\n\r\n") == HEAD
            handler.protocols[0].drains = False
            await server.drain(0.05)
            await until(lambda: "lost" in handler.protocols[0].told)

    run(scenario)


def test_a_switch_while_the_server_drains_is_drained_too(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        handler = Upgrader(at_once=False)
        async with serve(handler) as server, connect(server) as client:
            client.writer.write(OFFER)
            request = await handler.offered()
            draining = asyncio.ensure_future(server.drain(10))
            await asyncio.sleep(0)
            handler.switch(request)
            assert await client.reader.read() == HEAD + b"bye"
            await draining

    run(scenario)
