"""API Gateway behind the dispatcher and the HTTP server, with boto3 in front."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import uvloop
from botocore.config import Config
from botocore.exceptions import ClientError

from lambent.aws.apigateway import ApiGatewayService
from lambent.aws.apigatewayv2 import ApiGatewayV2Service
from lambent.aws.dispatcher import AwsDispatcher
from lambent.gateway.apis import ApiRegistry
from lambent.gateway.rest_api import RestApiRegistry
from lambent.gateway.rest_api.usage import Usage
from lambent.http import HttpServer
from lambent.store import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACCOUNT, REGION = "000000000000", "us-east-1"


class ControlPlane:
    """Registries on a database, on a loop in a thread of its own; `url` is where they answer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.registry: RestApiRegistry
        self.url = ""
        self._port = 0
        self._database: Database
        self._server: HttpServer
        self.usage: Usage
        self.call(self._start)

    def call(self, work: Callable[[], Any]) -> Any:
        """Run `work`, a function or a coroutine function, on the loop."""

        async def run() -> Any:
            result = work()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)

    async def _start(self) -> None:
        self._database = await open_database(self._path / "lambent.db", "normal")
        domains = await ApiRegistry.open(self._database)
        self.registry = await RestApiRegistry.open(self._database, domains)
        self.usage = await Usage.open(self.registry, self._database)
        dispatcher = AwsDispatcher(
            [ApiGatewayService(self.registry, self.usage), ApiGatewayV2Service(domains)],
            credentials=None,
            account=ACCOUNT,
            default_region=REGION,
            endpoint_url=lambda: self.url,
        )
        self._server = HttpServer(dispatcher.handle)
        await self._server.start("127.0.0.1", self._port)
        self._port = self._server.address[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def _stop(self) -> None:
        await self._server.drain(5)
        await self.usage.close()
        await self._database.close()

    def restart(self) -> None:
        """Start anew on the same files."""
        self.call(self._stop)
        self.call(self._start)

    def close(self) -> None:
        """Stop for good."""
        self.call(self._stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def client(self, service: str = "apigateway", region: str = REGION) -> Any:
        """A boto3 client."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane of a module's tests."""
    running = ControlPlane(tmp_path_factory.mktemp("plane"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Iterator[Any]:
    """A boto3 client of the control plane."""
    client = plane.client()
    yield client
    client.close()


class Made:
    """A REST API with a MOCK method at `/pets`."""

    def __init__(self, client: Any) -> None:
        self.client = client
        made = client.create_rest_api(name="shop")
        self.id: str = made["id"]
        self.root: str = made["rootResourceId"]
        self.pets: str = client.create_resource(restApiId=self.id, parentId=self.root, pathPart="pets")["id"]
        self.method = {"restApiId": self.id, "resourceId": self.pets, "httpMethod": "GET"}
        client.put_method(**self.method, authorizationType="NONE")
        client.put_integration(
            **self.method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
        )


@pytest.fixture
def made(api: Any) -> Made:
    """A REST API of a test's own."""
    return Made(api)


@pytest.fixture
def refused() -> Callable[..., tuple[int, str, str]]:
    """Calls what must be refused; gives the status, the code and the message."""

    def call(operation: Callable[..., Any], **request: Any) -> tuple[int, str, str]:
        with pytest.raises(ClientError) as caught:
            operation(**request)
        error = caught.value.response["Error"]
        status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
        return status, error["Code"], error["Message"]

    return call


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what belongs to its transport."""
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def operation(op: str, path: str, value: str | None = None) -> list[dict[str, str]]:
    """One patch operation."""
    found = {"op": op, "path": path}
    return [found if value is None else {**found, "value": value}]
