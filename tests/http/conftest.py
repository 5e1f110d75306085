"""A real server on a real socket, driven by raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeAlias

import pytest
import uvloop

from lambent.http import HttpServer, Request

Scenario: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
def run() -> Callable[[Scenario], None]:
    """Run a scenario on uvloop, as the platform does."""

    def run_scenario(scenario: Scenario) -> None:
        async def bounded() -> None:
            await asyncio.wait_for(scenario(), 20)

        uvloop.run(bounded())

    return run_scenario


class Client:
    """Bytes to and from the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def response(self) -> tuple[int, dict[str, str], bytes]:
        """The next response: status, headers in lower case, body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
        status = int(head[0].split()[1])
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self.reader.readline(), 16):
                body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
            return status, headers, body
        return status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    def reset(self) -> None:
        """Leave with a RST: a FIN alone may be of a client that waits for its answer."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def ended(self) -> bool:
        """Wait until the server has closed its side."""
        return await self.reader.read() == b""


@contextlib.asynccontextmanager
async def serving(handler: Callable[[Request], None], **options: Any) -> AsyncIterator[HttpServer]:
    server = HttpServer(handler, **options)
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.drain(1)


@contextlib.asynccontextmanager
async def client(server: HttpServer) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


@pytest.fixture
def serve() -> Any:
    """`async with serve(handler) as server`."""
    return serving


@pytest.fixture
def connect() -> Any:
    """`async with connect(server) as client`."""
    return client
