"""WebSocket APIs over a real server and registry; functions are callables of the test's own."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import uvloop
from websockets.asyncio.client import connect as dial

from lambent.execution.invocation import Invocation
from lambent.gateway.addresses import Addresses
from lambent.gateway.apis import ApiRegistry, integrations, responses, routes, stages
from lambent.gateway.errors import NoFunction
from lambent.gateway.websocket import Clients, ConnectionLimits, WebSocketApis
from lambent.http import HttpServer
from lambent.invocation.errors import Throttled, ThrottleReason
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from pathlib import Path

    from lambent.http import Request

HERE = ("000000000000", "us-east-1")
STAGE = "dev"


class Functions:
    """In place of the functions of a platform: `add` says what one does, `events` is what it was called with.

    A function may be a coroutine function, and fails by raising RuntimeError.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.events: list[dict[str, Any]] = []
        self.sources: list[str] = []
        self._arrived = asyncio.Event()
        self.throttled = False
        self.servers: list[HttpServer] = []

    def add(self, name: str, handler: Callable[[dict[str, Any]], Any]) -> str:
        """The ARN of a new function."""
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        self._handlers[arn] = handler
        return arn

    async def wait(self, count: int) -> list[dict[str, Any]]:
        """The events, once there are so many."""
        while len(self.events) < count:
            self._arrived.clear()
            await asyncio.wait_for(self._arrived.wait(), 10)
        return self.events

    # ------------------------------------------------------------ as FunctionCaller

    patience_s = 0.0

    def permitted(self, uri: str, source_arn: str) -> Any:
        if uri not in self._handlers:
            raise NoFunction(uri)
        self.sources.append(source_arn)
        return self._handlers[uri]

    def call(
        self, callee: Any, payload: bytes, trace: str | None, finished: Callable[[Invocation], None], **_: Any
    ) -> None:
        if self.throttled:
            raise Throttled(ThrottleReason.RESERVED)
        event = json.loads(payload)
        self.events.append(event)
        self._arrived.set()
        invocation = Invocation(payload, b"", b"", b"", finished)
        task = asyncio.get_running_loop().create_task(self._run(callee, event, invocation))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(
        self, handler: Callable[[dict[str, Any]], Any], event: Any, invocation: Invocation
    ) -> None:
        try:
            result = handler(event)
            if asyncio.iscoroutine(result):
                result = await result
            invocation.result = result if isinstance(result, bytes) else json.dumps(result).encode()
        except RuntimeError:
            invocation.function_error = True
            invocation.result = b'{"errorMessage":"failed"}'
        invocation.finished(invocation)


class RawClient:
    """A WebSocket client that sends and sees frames as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @staticmethod
    def framed(opcode: int, payload: bytes, *, fin: bool = True, mask: bool = True, bits: int = 0) -> bytes:
        """A client's frame."""
        length = len(payload)
        head = bytes([(0x80 if fin else 0) | bits | opcode])
        flag = 0x80 if mask else 0
        if length < 126:
            head += bytes([flag | length])
        elif length < 65536:
            head += bytes([flag | 126]) + length.to_bytes(2, "big")
        else:
            head += bytes([flag | 127]) + length.to_bytes(8, "big")
        if not mask:
            return head + payload
        key = b"\x01\x02\x03\x04"
        return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))

    def send(
        self, opcode: int, payload: bytes, *, fin: bool = True, mask: bool = True, bits: int = 0
    ) -> None:
        """Send a frame; `bits` are reserved ones."""
        self.writer.write(self.framed(opcode, payload, fin=fin, mask=mask, bits=bits))

    async def flood(self, opcode: int, payload: bytes) -> int:
        """Send the same frame again and again until the server takes no more; how often it was sent."""
        frame = self.framed(opcode, payload)
        sent = 0
        try:
            async with asyncio.timeout(0.3) as patience:
                while True:
                    self.writer.write(frame)
                    sent += 1
                    await self.writer.drain()
                    patience.reschedule(asyncio.get_running_loop().time() + 0.3)
        except TimeoutError:
            return sent

    async def frame(self) -> tuple[int, bool, bytes]:
        """The next frame: opcode, whether it is the last of its message, payload."""
        first, second = await self.reader.readexactly(2)
        assert not second & 0x80  # servers do not mask
        length = second
        if length == 126:
            length = int.from_bytes(await self.reader.readexactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await self.reader.readexactly(8), "big")
        return first & 0x0F, bool(first & 0x80), await self.reader.readexactly(length)

    async def closed(self) -> tuple[int, str]:
        """The code and reason of the close frame that comes next, after which the server ends its side."""
        opcode, _, payload = await self.frame()
        assert opcode == 8, (opcode, payload)
        assert await self.reader.read() == b""
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()


class Served(NamedTuple):
    """APIs on a running server."""

    apis: WebSocketApis
    registry: ApiRegistry
    functions: Functions
    server: HttpServer
    writers: list[asyncio.StreamWriter]

    @property
    def port(self) -> int:
        return self.server.address[1]

    def url(self, api_id: str, rest: str = "") -> str:
        return f"ws://127.0.0.1:{self.port}/_aws/execute-api/{api_id}/{STAGE}{rest}"

    def connect(self, api_id: str, rest: str = "", **options: Any) -> dial:
        """A client of the stage; `rest` follows it in the URL."""
        return self.connect_to(self.url(api_id, rest), **options)

    def connect_to(self, url: str, **options: Any) -> dial:
        """A client of a URL."""
        return dial(url, proxy=None, **options)

    async def upgrade(
        self, path: str, headers: Mapping[str, str | None] | None = None
    ) -> tuple[int, str, RawClient]:
        """A request for an upgrade by hand: the status, the head and the body of the answer, and what is connected.

        A header of None is left out.
        """
        sock = socket.socket()
        sock.setblocking(False)
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, buffer, 16_384)  # floods end sooner
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=sock)
        self.writers.append(writer)
        given: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.port}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            **(headers or {}),
        }
        lines = [f"{name}: {value}\r\n" for name, value in given.items() if value is not None]
        writer.write(f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split()[1])
        if status != 101:
            length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
            head += (await reader.readexactly(length)).decode()
        return status, head, RawClient(reader, writer)

    async def raw(self, api_id: str) -> RawClient:
        """A client of the stage, connected by hand."""
        status, head, client = await self.upgrade(f"/_aws/execute-api/{api_id}/{STAGE}")
        assert status == 101, head
        return client

    async def api(self, handlers: dict[str, Any], *, answering: tuple[str, ...] = (), **members: Any) -> str:
        """A deployed API, whose routes lead to functions; None stands for no integration, and a dictionary for the
        members of another one. `answering` are keys of routes with a response.
        """
        given = {
            "name": "chat",
            "protocol_type": "WEBSOCKET",
            "route_selection_expression": "$request.body.action",
        }
        api_id = (await self.registry.create_api(*HERE, given | members)).api.api_id
        for key, handler in handlers.items():
            await self.route(api_id, key, handler, answering=key in answering)
        await self.stage(api_id)
        return api_id

    async def route(
        self, api_id: str, key: str, handler: Any, *, answering: bool = False, **members: Any
    ) -> None:
        """Add a route, as `api` does; `members` are further ones of it."""
        wanted: dict[str, Any] = {"route_key": key, **members}
        if handler is not None:
            uri = self.functions.add(f"{api_id}-{key}", handler) if callable(handler) else handler
            made = {"integration_type": "AWS_PROXY", "integration_uri": uri}
            if isinstance(handler, dict):
                made = handler
            integration = await self.registry.edit(
                *HERE, api_id, lambda content: integrations.create(content, made)
            )
            wanted["target"] = f"integrations/{integration.integration_id}"
        if answering:
            wanted["route_response_selection_expression"] = "$default"
        route = await self.registry.edit(*HERE, api_id, lambda content: routes.create(content, wanted))
        if answering:
            response = {"route_response_key": "$default"}
            await self.registry.edit(
                *HERE, api_id, lambda content: responses.create_for_route(content, route.route_id, response)
            )

    async def stage(self, api_id: str, name: str = STAGE, **members: Any) -> None:
        await self.registry.change(
            *HERE,
            api_id,
            lambda definition: stages.create(
                definition, {"stage_name": name, "auto_deploy": True, **members}
            ),
        )


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., Any]:
    """Runs a coroutine function with `Served`, under uvloop as the platform is; `limits` are those
    of connections."""

    def run(
        work: Callable[[Served], Coroutine[Any, Any, Any]], *, authorize: Any = None, **limits: Any
    ) -> Any:
        async def main() -> Any:
            database = await open_database(tmp_path / "lambent.db", "normal")
            registry = await ApiRegistry.open(database)
            functions = Functions()
            clients = Clients(ConnectionLimits(**limits))
            apis = WebSocketApis(registry, functions, clients=clients, authorize=authorize)  # type: ignore[arg-type]
            addresses = Addresses()

            def handle(request: Request) -> None:
                host = request.header(b"host") or b""
                address = addresses.of(host, request.target)
                assert address is not None
                apis.handle(request, address.id, host.decode(), request.path[address.skip :].decode())

            server = HttpServer(handle)
            await server.start("127.0.0.1", 0)
            writers: list[asyncio.StreamWriter] = []
            try:
                async with asyncio.timeout(30):
                    return await work(Served(apis, registry, functions, server, writers))
            finally:
                for writer in writers:
                    writer.transport.abort()
                for one in functions.servers:
                    await one.drain(0)
                await server.drain(1)
                await database.close()

        return uvloop.run(main())

    return run
