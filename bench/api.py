"""AWS's JSON APIs by hand: one request as bytes, and connections that send them as fast as answers come.

A signing client spends more on a request than the platform does, so that its figures would be the client's.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httptools
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TARGETS: Final = {"sqs": "AmazonSQS", "events": "AWSEvents"}
_VERSIONS: Final = {"sqs": "1.0", "events": "1.1"}


class Load(NamedTuple):
    """Answers a second, and how long they took, in ms."""

    rate: float
    p50: float
    p99: float


def post(service: str, operation: str, body: dict[str, Any]) -> bytes:
    """A request. Its signature is none: whoever checks signatures refuses it."""
    content = json.dumps(body).encode()
    scope = f"AKIALAMBENTBENCH0001/20261121/us-east-1/{service}/aws4_request"
    return (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-{_VERSIONS[service]}\r\n"
        f"X-Amz-Target: {_TARGETS[service]}.{operation}\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


def rest(service: str, method: str, path: str, body: dict[str, Any]) -> bytes:
    """A request to an API of the REST kind."""
    content = json.dumps(body).encode()
    scope = f"AKIALAMBENTBENCH0001/20261121/us-east-1/{service}/aws4_request"
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


def repeat(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """The same request again and again, for a while."""
    end = time.perf_counter() + seconds
    return drive(port, lambda answer: request if time.perf_counter() < end else None, connections)


def each(port: int, requests: Iterable[bytes], connections: int = 16, seconds: float = 3600.0) -> Load:
    """Every request once, on whichever connection is free; no more of them after a while."""
    waiting = iter(requests)
    end = time.perf_counter() + seconds
    return drive(port, lambda answer: next(waiting, None) if time.perf_counter() < end else None, connections)


def drive(port: int, following: Callable[[bytes | None], bytes | None], connections: int) -> Load:
    """Let `following` say what each connection sends next.

    It is given the answer to the connection's last request, None at first, and returns None when that was all. Raises
    AssertionError for an answer that is no success.
    """
    return uvloop.run(_drive(port, following, connections))


async def _drive(port: int, following: Callable[[bytes | None], bytes | None], connections: int) -> Load:
    clients = [_Client(port, following) for _ in range(connections)]
    for client in clients:
        await client.connect()
    begin = time.perf_counter()
    for client in clients:
        client.start()
    await asyncio.gather(*(client.done for client in clients))
    elapsed = time.perf_counter() - begin
    times = sorted(one for client in clients for one in client.times)
    if not times:
        return Load(0.0, 0.0, 0.0)
    return Load(
        len(times) / elapsed,
        statistics.median(times) * 1000,
        times[min(len(times) - 1, len(times) * 99 // 100)] * 1000,
    )


class _Client:
    """One connection after another, or one for all requests where the server keeps it."""

    def __init__(self, port: int, following: Callable[[bytes | None], bytes | None]) -> None:
        self.times: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._port = port
        self._following = following
        self._sent = 0.0
        self._connection: _Connection | None = None

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, self._connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)

    def start(self) -> None:
        self._next(None)

    def answered(self, status: int, body: bytes, *, kept: bool) -> None:
        self.times.append(time.perf_counter() - self._sent)
        if not 200 <= status < 300:
            self.failed(AssertionError(f"{status} {body[:500]!r}"))
            return
        if not kept:
            self._close()
        self._next(body)

    def lost(self, connection: _Connection) -> None:
        if connection is self._connection:
            self.failed(ConnectionError("the server has closed a connection"))

    def failed(self, error: Exception) -> None:
        self._close()
        if not self.done.done():
            self.done.set_exception(error)

    def _next(self, answer: bytes | None) -> None:
        request = self._following(answer)
        if request is None:
            self._close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._sent = time.perf_counter()
        if self._connection is not None:
            self._connection.send(request)
        else:
            self._task = asyncio.ensure_future(self._connect_and_send(request))

    async def _connect_and_send(self, request: bytes) -> None:
        try:
            await self.connect()
        except OSError as error:
            self.failed(error)
        else:
            assert self._connection is not None
            self._connection.send(request)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Connection(asyncio.Protocol):
    def __init__(self, client: _Client) -> None:
        self._client = client
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, request: bytes) -> None:
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._client.failed(error)

    def connection_lost(self, _: Exception | None) -> None:
        self._client.lost(self)

    def on_message_begin(self) -> None:
        self._body = []

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        parser = self._parser
        self._client.answered(
            parser.get_status_code(), b"".join(self._body), kept=bool(parser.should_keep_alive())
        )
