"""A control plane on a real socket, and boto3 clients for it: each test acts in an account of its own."""

from __future__ import annotations

import asyncio
import functools
import io
import random
import threading
import time
import zipfile
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import pytest
from botocore.config import Config

from lambent.aws.dispatcher import AwsDispatcher
from lambent.aws.lambda_.downloads import CodeDownloads
from lambent.aws.lambda_.service import LambdaService
from lambent.events import MappingRegistry
from lambent.functions import ActivationFailed, CodeStore, FunctionRegistry
from lambent.http import HttpServer
from lambent.store import BlobStore, open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from lambent.functions import FunctionVersion
    from lambent.http import Request

Result = TypeVar("Result")

ROLE = "arn:aws:iam::000000000000:role/lambda-role"


class ControlPlane:
    """The Lambda service in a thread of its own, without anything that would run a function."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._held: dict[str, asyncio.Event] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.registry, self.server = self.run(self._start())

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.server.address[1]}"

    def client(self, account: str, region: str = "us-east-1") -> Any:
        """A boto3 client that acts in `account`."""
        return _session().client(
            "lambda",
            endpoint_url=self.endpoint_url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
        )

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine where the service runs."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def hold(self, name: str) -> None:
        """Keep activations of a function from ending until `release`."""
        self._loop.call_soon_threadsafe(lambda: self._held.setdefault(name, asyncio.Event()))

    def release(self, name: str) -> None:
        """Let held activations end."""
        self._loop.call_soon_threadsafe(lambda: self._held.pop(name).set())

    def stop(self) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> tuple[FunctionRegistry, HttpServer]:
        self._database = await open_database(self._path / "lambent.db", "normal")
        blobs = BlobStore(self._path / "blobs")
        code = CodeStore(self._path / "code", blobs)
        registry = await FunctionRegistry.open(self._database, code)
        registry.activate = self._activate
        downloads = CodeDownloads(code)
        self.mappings = await MappingRegistry.open(self._database)
        dispatcher = AwsDispatcher(
            [LambdaService(registry, downloads, self.mappings)],
            credentials=None,
            account="000000000000",
            default_region="us-east-1",
            endpoint_url=lambda: self.endpoint_url,
        )

        def handle(request: Request) -> None:
            if request.path.startswith(b"/_lambent/code/"):
                downloads.handle(request)
            else:
                dispatcher.handle(request)

        server = HttpServer(handle)
        await server.start("127.0.0.1", 0)
        return registry, server

    async def _activate(self, version: FunctionVersion) -> None:
        held = self._held.get(version.name)
        if held is not None:
            await held.wait()
        if (version.environment or {}).get("FAIL"):
            raise ActivationFailed("InvalidRuntime", "as the test wants it")

    async def _stop(self) -> None:
        await self.server.drain(1)
        await self.mappings.close()
        await self.registry.close()
        await self._database.close()


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session()


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane that the tests of one process share."""
    plane = ControlPlane(tmp_path_factory.mktemp("plane"))
    yield plane
    plane.stop()


@pytest.fixture
def account() -> str:
    """An account that no other test uses."""
    return f"{random.SystemRandom().randrange(10**11, 10**12)}"


@pytest.fixture
def client(plane: ControlPlane, account: str) -> Any:
    """A boto3 client in an account without functions."""
    return plane.client(account)


@pytest.fixture
def package() -> Callable[..., bytes]:
    """Makes deployment packages that differ by their text."""

    def make(content: str = "", size: int = 0) -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(
                zipfile.ZipInfo("app.py"), f"def handler(event, context):\n    return event\n# {content}"
            )
            if size:
                with archive.open("zeros", "w") as file:
                    for _ in range(size // 1_000_000):
                        file.write(b"\0" * 1_000_000)
                    file.write(b"\0" * (size % 1_000_000))
        return target.getvalue()

    return make


@pytest.fixture
def create(client: Any, package: Callable[..., bytes]) -> Callable[..., dict[str, Any]]:
    """Creates a function; waits until it is active unless told otherwise. Returns what CreateFunction answered."""

    def make(name: str = "hello", *, wait: bool = True, content: str = "", **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = client.create_function(
            **{
                "FunctionName": name,
                "Runtime": "python3.12",
                "Handler": "app.handler",
                "Role": ROLE,
                "Code": {"ZipFile": package(content)},
                **members,
            }
        )
        if wait:
            settle(client, name)
        return answer

    return make


def settle(client: Any, name: str) -> None:
    """Wait until nothing is in progress any more, however it ended."""
    deadline = time.monotonic() + 20
    while True:
        got = client.get_function_configuration(FunctionName=name)
        if got["State"] != "Pending" and got["LastUpdateStatus"] != "InProgress":
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} is still {got['State']}, {got['LastUpdateStatus']}")


@pytest.fixture
def settled(client: Any) -> Callable[[str], None]:
    """Waits until nothing of a function is in progress any more."""

    def wait(name: str = "hello") -> None:
        settle(client, name)

    return wait


@pytest.fixture
def refused() -> Callable[..., dict[str, Any]]:
    """Calls an operation that must be refused; returns {code, status, message, type} of the answer."""

    def call(operation: Callable[..., Any], **members: Any) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        with pytest.raises(ClientError) as caught:
            operation(**members)
        answer = caught.value.response
        return {
            "code": answer["Error"]["Code"],
            "status": answer["ResponseMetadata"]["HTTPStatusCode"],
            "message": answer["Error"]["Message"],
            "type": answer.get("Type"),
        }

    return call
