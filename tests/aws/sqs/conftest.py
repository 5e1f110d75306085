"""SQS over HTTP as clients see it: real queues behind a server, and boto3 in both protocols."""

from __future__ import annotations

import asyncio
import copy
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config

from lambent.aws.credentials import Credentials
from lambent.aws.dispatcher import AwsDispatcher
from lambent.aws.querynames import add_query_names
from lambent.aws.sqs import SqsEndpoint, SqsService
from lambent.clock import SystemClock
from lambent.events.queues import Queues
from lambent.http import HttpServer
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lambent.http import Request

ACCOUNT = "111111111111"


class Shifted(SystemClock):
    """The machine's clocks, which a test can put forward."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead_ms = 0

    def wall_ms(self) -> int:
        return super().wall_ms() + self._ahead_ms

    def steady_ms(self) -> int:
        return super().steady_ms() + self._ahead_ms

    def at_steady(self, when_ms: int, callback: Callable[..., object], *arguments: Any) -> Any:
        timer = super().at_steady(when_ms - self._ahead_ms, callback, *arguments)
        self._timers.append((when_ms, timer, callback, arguments))
        return timer

    _timers: list[tuple[int, Any, Callable[..., object], tuple[Any, ...]]]

    def advance(self, seconds: float) -> None:
        """Let time pass: timers that are due by then are called now."""
        self._ahead_ms += int(seconds * 1000)
        waiting, self._timers = self._timers, []
        for when_ms, timer, callback, arguments in waiting:
            if timer.cancelled():
                continue
            timer.cancel()
            self.at_steady(when_ms, callback, *arguments)


class Server:
    """SQS behind a socket, on a loop in a thread; `fast` is whether it has the endpoint."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started = threading.Event()
        self.fast = True
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._started.wait(10)

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        database = await open_database(self._directory / "sqs.db", "normal")
        self.clock = Shifted()
        self.clock._timers = []
        self.queues = await Queues.open(database, self.clock)
        self.service = SqsService(self.queues)
        self.dispatcher = AwsDispatcher(
            [self.service],
            credentials=Credentials(account=ACCOUNT),
            enforce=False,
            account=ACCOUNT,
            default_region="us-east-1",
            endpoint_url=lambda: self.url,
        )
        self.endpoint = SqsEndpoint(self.dispatcher, self.service)
        self.server = HttpServer(self._handle)
        await self.server.start("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.address[1]}"
        self._started.set()
        await self._stopping.wait()
        self.service.operations.close()
        await self.server.drain(5)
        await self.queues.close()
        await database.close()

    def _handle(self, request: Request) -> None:
        if not (self.fast and self.endpoint.handle(request)):
            self.dispatcher.handle(request)

    def call(self, work: Callable[[], Any]) -> Any:
        """What `work` returns on the loop."""

        async def run() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def advance(self, seconds: float) -> None:
        """Let time pass for queues."""
        self.call(lambda: self.clock.advance(seconds))

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for a module: queues are the tests' own."""
    running = Server(tmp_path_factory.mktemp("sqs"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def query_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQS's model as it was when its protocol was query, for botocore to load."""
    loader = botocore.loaders.Loader()
    description = copy.deepcopy(loader.load_service_model("sqs", "service-2"))
    add_query_names("sqs", description)
    metadata = description["metadata"]
    metadata["protocol"], metadata["protocols"] = "query", ["query"]
    metadata["xmlNamespace"] = "http://queue.amazonaws.com/doc/2012-11-05/"
    for unused in ("awsQueryCompatible", "jsonVersion", "targetPrefix"):
        metadata.pop(unused, None)
    directory = tmp_path_factory.mktemp("models")
    folder = directory / "sqs" / "2012-11-05"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(description))
    return directory


class Api:
    """SQS for one test: a client, and queues whose names nobody else has."""

    def __init__(self, server: Server, client: Any, *, query: bool) -> None:
        self.server = server
        self.client = client
        self.query = query

    def queue(self, **attributes: str) -> str:
        """The URL of a new queue; FIFO with FifoQueue="true"."""
        name = f"q-{uuid.uuid4().hex[:12]}{'.fifo' if 'FifoQueue' in attributes else ''}"
        url: str = self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url

    def arn(self, url: str) -> str:
        """The ARN of a queue."""
        found = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn: str = found["Attributes"]["QueueArn"]
        return arn

    def messages(self, url: str, **members: Any) -> list[dict[str, Any]]:
        """What is received now."""
        found: list[dict[str, Any]] = self.client.receive_message(QueueUrl=url, **members).get("Messages", [])
        return found


@pytest.fixture(scope="session")
def make_client(query_models: Path) -> Callable[..., Any]:
    """Makes clients: `query` tells the protocol, `account` whose they are."""

    def make(
        url: str, *, query: bool = False, account: str = ACCOUNT, region: str = "us-east-1", retries: int = 0
    ) -> Any:
        session = botocore.session.Session()
        if query:
            session.get_component("data_loader").search_paths.insert(0, str(query_models))
        return boto3.Session(
            botocore_session=session,
            aws_access_key_id=account,
            aws_secret_access_key="x",
            region_name=region,
        ).client(
            "sqs",
            endpoint_url=url,
            config=Config(retries={"total_max_attempts": retries + 1}, tcp_keepalive=True),
        )

    return make


@pytest.fixture(params=["json", "query", "slow"])
def api(request: pytest.FixtureRequest, server: Server, make_client: Callable[..., Any]) -> Iterator[Api]:
    """In JSON, which messages take the fast path of; in the query protocol; and in JSON by the service's path alone."""
    server.fast = request.param == "json"
    query = request.param == "query"
    client = make_client(server.url, query=query)
    yield Api(server, client, query=query)
    client.close()


@pytest.fixture
def json_api(server: Server, make_client: Callable[..., Any]) -> Iterator[Api]:
    """In JSON alone."""
    server.fast = True
    client = make_client(server.url)
    yield Api(server, client, query=False)
    client.close()


def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)
