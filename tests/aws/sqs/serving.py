"""SQS behind a socket, and what tests ask of it."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from lambent.aws.credentials import Credentials
from lambent.aws.dispatcher import AwsDispatcher
from lambent.aws.sqs import SqsEndpoint, SqsService
from lambent.clock import SystemClock
from lambent.events.queues import Queues
from lambent.http import HttpServer
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambent.clock import Timer
    from lambent.http import Request

ACCOUNT = "111111111111"


class _Timer:
    """A timer of a clock that is put forward."""

    def __init__(self, clock: Shifted, when_ms: int, call: Callable[[], object]) -> None:
        self._clock = clock
        self._call = call
        self.when_ms = when_ms
        clock.timers.add(self)
        self.arm()

    def arm(self) -> None:
        self._handle = self._clock.soon(self.when_ms, self._fire)

    def _fire(self) -> None:
        self._clock.timers.discard(self)
        self._call()

    def cancel(self) -> None:
        self._clock.timers.discard(self)
        self._handle.cancel()


class Shifted(SystemClock):
    """The machine's clocks, which a test can put forward."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead_ms = 0
        self.timers: set[_Timer] = set()

    def wall_ms(self) -> int:
        return super().wall_ms() + self._ahead_ms

    def steady_ms(self) -> int:
        return super().steady_ms() + self._ahead_ms

    def at_steady(self, when_ms: int, callback: Callable[..., object], *arguments: Any) -> _Timer:
        return _Timer(self, when_ms, functools.partial(callback, *arguments))

    def soon(self, when_ms: int, callback: Callable[[], object]) -> Timer:
        """A timer of the machine's own clock."""
        return super().at_steady(when_ms - self._ahead_ms, callback)

    def advance(self, seconds: float) -> None:
        """Let time pass: what is due by then is called now."""
        self._ahead_ms += int(seconds * 1000)
        for timer in sorted(self.timers, key=lambda one: one.when_ms):
            timer.cancel()
            self.timers.add(timer)
            timer.arm()


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
        self.database = database = await open_database(self._directory / "sqs.db", "normal")
        self.clock = Shifted()
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


def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def refused(call: Callable[..., Any], **members: Any) -> dict[str, Any]:
    """The answer of a call that is refused."""
    with pytest.raises(ClientError) as refusal:
        call(**members)
    answer: dict[str, Any] = dict(refusal.value.response)
    return answer


def words(call: Callable[..., Any], **members: Any) -> tuple[str, str]:
    """(code, message) of a call that is refused."""
    error = refused(call, **members)["Error"]
    return error["Code"], error["Message"]


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what HTTP adds."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
