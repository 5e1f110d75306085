"""EventBridge on a real socket with queues to send to, and boto3 clients: each test acts in an account of its own."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lambent.aws.dispatcher import AwsDispatcher
from lambent.aws.events import EventsService
from lambent.clock import SystemClock
from lambent.events.bus import Buses
from lambent.events.deliveries import Deliveries
from lambent.events.queues import Queues
from lambent.events.schedules import Timetable
from lambent.functions import FunctionNotFound
from lambent.http import HttpServer
from lambent.invocation.async_queue import AsyncQueue
from lambent.neighbours.service_calls import ServiceAnswer, ServiceCall
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from lambent.http import Request

Result = TypeVar("Result")

REGION = "us-east-1"
ROLE = "arn:aws:iam::000000000000:role/any"
DETAIL = {"command": "update-account", "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"}}
SOURCE = "core.update-account-command"
PATTERN = {"source": [SOURCE], "detail-type": [SOURCE], "detail": {"command": ["update-account"]}}
PATTERN_NO_DETAIL = {"source": [SOURCE], "detail-type": [SOURCE]}


class Plane:
    """The service of EventBridge in a thread of its own, with queues as targets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server = self.run(self._start())

    async def _start(self) -> HttpServer:
        self._database = await open_database(self._path / "lambent.db", "normal")
        clock = SystemClock()
        self.queues = await Queues.open(self._database, clock)
        timetable = await Timetable.open(self._database, clock)

        def missing(*_name: object) -> None:
            raise FunctionNotFound("arn:aws:lambda:us-east-1:000000000000:function:missing")

        invoker: Any = SimpleNamespace(registry=SimpleNamespace(resolve=missing))
        self._deliveries = await Deliveries.open(
            self._database,
            clock,
            queues=self.queues,
            events=AsyncQueue(self._database, invoker, clock),
            invoker=invoker,
            call_service=_nobody,
        )
        buses = await Buses.open(self._database, clock, self._deliveries, timetable)
        dispatcher = AwsDispatcher(
            [EventsService(buses)],
            credentials=None,
            account="000000000000",
            default_region=REGION,
            endpoint_url=lambda: self.endpoint_url,
        )

        def handle(request: Request) -> None:
            dispatcher.handle(request)

        server = HttpServer(handle)
        await server.start("127.0.0.1", 0)
        self._deliveries.start()
        return server

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.server.address[1]}"

    def client(self, account: str, region: str = REGION) -> Any:
        """A boto3 client that acts in `account`."""
        return _session().client(
            "events",
            endpoint_url=self.endpoint_url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30, parameter_validation=False),
        )

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine where the service runs."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def queue(self, account: str, name: str, **attributes: str) -> TargetQueue:
        """A queue that rules may send to."""
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        queue = self.run(self.queues.create(account, REGION, name, {"Policy": policy, **attributes}, {}))
        return TargetQueue(self, queue)

    def stop(self) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        await self.server.drain(0)
        await self._deliveries.drain(0)
        await self.queues.close()
        await self._database.close()


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session()


async def _nobody(_call: ServiceCall) -> ServiceAnswer:
    return ServiceAnswer(503, [], b"")


class TargetQueue:
    """A queue, and what has come there."""

    def __init__(self, plane: Plane, queue: Any) -> None:
        self._plane = plane
        self._queue = queue
        self.arn: str = queue.arn

    def bodies(self) -> list[Any]:
        """The messages that are there, decoded; they are gone then."""

        async def take() -> list[str]:
            received = self._queue.take(10)
            done = asyncio.get_running_loop().create_future()
            self._queue.delete([one.receipt for one in received], lambda *_outcome: done.set_result(None))
            await done
            return [one.body for one in received]

        return [json.loads(body) for body in self._plane.run(take())]

    def messages(self) -> list[Any]:
        """The messages as they were received, with their attributes."""

        async def take() -> list[Any]:
            taken: list[Any] = self._queue.take(10)
            return taken

        return self._plane.run(take())


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """One service for the tests of a module."""
    plane = Plane(tmp_path_factory.mktemp("events"))
    yield plane
    plane.stop()


@pytest.fixture
def account() -> str:
    """An account that nobody else uses."""
    return f"{uuid.uuid4().int % 10**12:012}"


@pytest.fixture
def client(plane: Plane, account: str) -> Any:
    """A boto3 client in an account without buses and rules."""
    return plane.client(account)


@pytest.fixture
def queue(plane: Plane, account: str) -> Callable[..., TargetQueue]:
    """Makes queues that rules may send to."""

    def make(name: str = "target", **attributes: str) -> TargetQueue:
        return plane.queue(account, name, **attributes)

    return make


@pytest.fixture(params=["custom", "default"])
def bus(request: pytest.FixtureRequest, client: Any) -> str:
    """The name of a bus, once the default one."""
    if request.param == "default":
        return "default"
    client.create_event_bus(Name="test-bus")
    return "test-bus"


def entry(detail: Any = DETAIL, source: str = SOURCE, **members: Any) -> dict[str, Any]:
    """An entry of PutEvents."""
    text = detail if isinstance(detail, str) else json.dumps(detail)
    return {"Source": source, "DetailType": SOURCE, "Detail": text, **members}


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what HTTP adds."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def refused(operation: Callable[..., Any], **members: Any) -> tuple[str, str]:
    """Call an operation that must be refused; code and message of the answer, whose status is 400."""
    with pytest.raises(ClientError) as caught:
        operation(**members)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    return answer["Error"]["Code"], answer["Error"]["Message"]
