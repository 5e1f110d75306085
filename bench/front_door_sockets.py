"""Figures of many WebSocket connections: what an idle one takes, and how long a message to all of them does."""

from __future__ import annotations

import asyncio
import base64
import os
import time
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench import memory
from bench.figure import Figure
from bench.targets import KEY, Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STAGE: Final = "live"
_WHO: Final = """
def handler(event, context):
    context = event["requestContext"]
    return {"statusCode": 200, "body": context.get("connectionId") if context["eventType"] == "MESSAGE" else ""}
"""
_SENDERS: Final = 16
_MESSAGE: Final = b'{"say":"the shop closes in ten minutes"}'
_SECONDS: Final = 60


def measure(data: Path, count: int) -> Iterator[Figure]:
    """Connections that have said something each and then wait, and a signed message to every one of them."""
    with Platform(data, verify=True) as ours:
        api_id, host = _api(ours)
        kb, seconds, rate = asyncio.run(_connections(ours, api_id, host, count))
    yield Figure(f"{count:,} WebSockets opened, handler run", "/s", rate)
    yield Figure(f"each of {count:,} idle WebSockets", "KB", kb, None, "<= 40", kb <= 40)
    yield Figure(
        "a message to all of them", "s", seconds, None, "<= 2 for 5,000", seconds <= 2 * count / 5000
    )


def _api(ours: Platform) -> tuple[str, str]:
    """An API whose functions run for every connection and every message; its id and host."""
    ours.create("who", _WHO)
    client = ours.client("apigatewayv2")
    api = client.create_api(
        Name="bench", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    api_id = api["ApiId"]
    integration = client.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationMethod="POST",
        IntegrationUri="arn:aws:lambda:us-east-1:000000000000:function:who",
    )
    target = f"integrations/{integration['IntegrationId']}"
    client.create_route(ApiId=api_id, RouteKey="$connect", Target=target)
    route = client.create_route(
        ApiId=api_id, RouteKey="$default", Target=target, RouteResponseSelectionExpression="$default"
    )
    client.create_route_response(ApiId=api_id, RouteId=route["RouteId"], RouteResponseKey="$default")
    client.create_stage(ApiId=api_id, StageName=_STAGE, AutoDeploy=True)
    ours.client("lambda").add_permission(
        FunctionName="who",
        StatementId=uuid.uuid4().hex,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/*",
    )
    return api_id, urlsplit(api["ApiEndpoint"]).netloc


class _Client(asyncio.Protocol):
    """A WebSocket client that sends one message and counts what it gets; frames of up to 125 bytes."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._data = b""
        self._open = False
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET /{_STAGE} HTTP/1.1\r\nHost: {self._host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._open:
            head, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.messages.put_nowait(head)
                self.transport.close()
                return
            self._open, self._data = True, rest
            self.transport.write(b"\x81\x84" + b"\0" * 4 + b"who?")
        while len(self._data) >= 2 and len(self._data) >= (end_of := 2 + self._data[1]):
            assert self._data[0] == 0x81, self._data[:200]
            self.messages.put_nowait(self._data[2:end_of])
            self._data = self._data[end_of:]

    def connection_lost(self, error: Exception | None) -> None:
        self.messages.put_nowait(b"closed")


async def _connections(ours: Platform, api_id: str, host: str, count: int) -> tuple[float, float, float]:
    """KB of each, seconds for a message to all, connections a second while they are opened."""
    loop = asyncio.get_running_loop()
    limit = asyncio.Semaphore(_SENDERS)

    async def connect() -> tuple[_Client, str]:
        async with limit, asyncio.timeout(_SECONDS):
            _, client = await loop.create_connection(lambda: _Client(host), "127.0.0.1", ours.port)
            said = await client.messages.get()
            assert b" " not in said, said  # a refusal, and no id
            return client, said.decode()

    # What the first requests build is not the connections'.
    (await connect())[0].transport.close()
    before = memory.share_mb(ours.process.pid)
    started = time.perf_counter()
    clients = await asyncio.gather(*(connect() for _ in range(count)))
    rate = count / (time.perf_counter() - started)
    await asyncio.sleep(1)  # the logs of their invocations are written, and are no connection's
    kb = (memory.share_mb(ours.process.pid) - before) * 1024 / count
    requests = [_signed(host, connection) for _, connection in clients]
    started = time.perf_counter()
    await asyncio.gather(*(_send(ours.port, requests[n::_SENDERS]) for n in range(_SENDERS)))
    async with asyncio.timeout(_SECONDS):
        for client, _ in clients:
            message = await client.messages.get()
            assert message == _MESSAGE, message
    seconds = time.perf_counter() - started
    for client, _ in clients:
        client.transport.close()
    return kb, seconds, rate


def _signed(host: str, connection: str) -> bytes:
    """A request of the Management API, as an SDK sends it."""
    path = f"/{_STAGE}/@connections/{connection.replace('=', '%3D')}"
    request = AWSRequest("POST", f"http://{host}{path}", {"Host": host}, _MESSAGE)
    SigV4Auth(Credentials(*KEY), "execute-api", "us-east-1").add_auth(request)
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    head = f"POST {path} HTTP/1.1\r\n{headers}Content-Length: {len(_MESSAGE)}\r\n\r\n"
    return head.encode() + _MESSAGE


async def _send(port: int, requests: list[bytes]) -> None:
    """One after another on one connection, as one client would."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    await reader.readexactly(int(line.partition(b":")[2]))
    finally:
        writer.close()
        await writer.wait_closed()
