"""A WebSocket API and the Management API on a running server, with boto3 and WebSocket clients in front."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import uvloop
from botocore.config import Config
from websockets.sync.client import ClientConnection, connect

from lambent.aws.apigatewaymanagementapi import ConnectionsEndpoint, ConnectionsService
from lambent.aws.credentials import Credentials
from lambent.aws.dispatcher import AwsDispatcher
from lambent.gateway.addresses import Addresses
from lambent.gateway.apis import ApiRegistry, integrations, routes, stages
from lambent.gateway.websocket import Clients, ConnectionLimits, WebSocketApis
from lambent.http import HttpServer
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambent.http import Request

HERE = ("000000000000", "us-east-1")
LIMITS = ConnectionLimits(buffered_bytes=50_000)


class Gateway:
    """A server on a loop in a thread of its own. With `secret`, requests have to be signed with it."""

    def __init__(self, path: Path, secret: str | None = None) -> None:
        self._path = path
        self._secret = secret
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.clients = Clients(LIMITS)
        self.api_id = ""
        self._run(self._start())

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self) -> None:
        self._database = await open_database(self._path / "lambent.db", "normal")
        self._registry = await ApiRegistry.open(self._database)
        credentials = None if self._secret is None else Credentials({"AKID": self._secret}, account=HERE[0])
        dispatcher = AwsDispatcher(
            [ConnectionsService(self.clients)],
            credentials=credentials,
            account=HERE[0],
            default_region=HERE[1],
            endpoint_url=lambda: self.url,
        )
        endpoint = ConnectionsEndpoint(dispatcher, self.clients)
        functions: Any = None  # no route leads to one
        apis = WebSocketApis(self._registry, functions, clients=self.clients, manage=endpoint.handle)
        addresses = Addresses()

        def handle(request: Request) -> None:
            host = request.header(b"host") or b""
            address = addresses.of(host, request.target)
            if address is not None:
                apis.handle(request, address.id, host.decode(), request.path[address.skip :].decode())
            elif not endpoint.handle_path(request):
                dispatcher.handle(request)

        self._server = HttpServer(handle)
        await self._server.start("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.address[1]}"
        await self._make_api()

    async def _make_api(self) -> None:
        given = {
            "name": "chat",
            "protocol_type": "WEBSOCKET",
            "route_selection_expression": "$request.body.action",
        }
        self.api_id = (await self._registry.create_api(*HERE, given)).api.api_id
        made = await self._registry.edit(
            *HERE, self.api_id, lambda content: integrations.create(content, {"integration_type": "MOCK"})
        )
        wanted = {"route_key": "$default", "target": f"integrations/{made.integration_id}"}
        await self._registry.edit(*HERE, self.api_id, lambda content: routes.create(content, wanted))
        await self._registry.change(
            *HERE,
            self.api_id,
            lambda definition: stages.create(definition, {"stage_name": "dev", "auto_deploy": True}),
        )

    async def _stop(self) -> None:
        await self._server.drain(1)
        await self._database.close()

    def close(self) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def port(self) -> int:
        return self._server.address[1]

    @property
    def by_path(self) -> str:
        """The API's stage by its path."""
        return f"{self.url}/_aws/execute-api/{self.api_id}/dev"

    @contextlib.contextmanager
    def connected(self) -> Iterator[tuple[ClientConnection, str]]:
        """A client, and its connection's id."""
        before = set(self.clients._clients)
        with connect(
            self.by_path.replace("http", "ws", 1), proxy=None, user_agent_header="tests/1"
        ) as client:
            (connection_id,) = set(self.clients._clients) - before
            yield client, connection_id

    def boto(self, endpoint_url: str | None = None, **options: Any) -> Any:
        """boto3's client of the Management API."""
        given = {
            "region_name": "us-east-1",
            "aws_access_key_id": "AKID",
            "aws_secret_access_key": self._secret or "secret",
            "config": Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        }
        return boto3.client(
            "apigatewaymanagementapi", endpoint_url=endpoint_url or self.by_path, **{**given, **options}
        )


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """Takes every signature."""
    one = Gateway(tmp_path)
    yield one
    one.close()


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Gateway]:
    """Takes requests that are signed with its secret only."""
    one = Gateway(tmp_path, "a secret")
    yield one
    one.close()
