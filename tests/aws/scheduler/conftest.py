"""Scheduler behind the dispatcher and the HTTP server, with boto3 in front."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import uvloop
from botocore.config import Config
from botocore.exceptions import ClientError

from lambent.aws.dispatcher import AwsDispatcher
from lambent.aws.scheduler import SchedulerService
from lambent.clock import SystemClock
from lambent.events.schedules import Schedules, Timetable
from lambent.http import HttpServer
from lambent.store import Database, open_database
from lambent.store.staged import Staged, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lambent.events.deliveries import Parcel

ACCOUNT, REGION = "000000000000", "us-east-1"


class Handed:
    """Stands where deliveries do: what schedules hand over."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    def stage(self, parcels: list[Parcel]) -> Staged:
        self.parcels += parcels
        return Staged((), nothing)


class ControlPlane:
    """Schedules on a database, on a loop in a thread of its own; `url` is where they answer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.handed = Handed()
        self.url = ""
        self._database: Database
        self._timetable: Timetable
        self._server: HttpServer
        self.call(self._start)

    def call(self, work: Callable[[], Any]) -> Any:
        """Run `work`, a function or a coroutine function, on the loop."""

        async def run() -> Any:
            result = work()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)

    async def _start(self) -> None:
        self._database = await open_database(self._path / "lambent.db", "normal")
        clock = SystemClock()
        self._timetable = await Timetable.open(self._database, clock)
        schedules = await Schedules.open(self._database, clock, self._timetable, self.handed)  # type: ignore[arg-type]
        self._timetable.start()
        dispatcher = AwsDispatcher(
            [SchedulerService(schedules)],
            credentials=None,
            account=ACCOUNT,
            default_region=REGION,
            endpoint_url=lambda: self.url,
        )
        self._server = HttpServer(dispatcher.handle)
        await self._server.start("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.address[1]}"

    async def _stop(self) -> None:
        await self._server.drain(5)
        await self._timetable.close()
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

    def client(self, region: str = REGION) -> Any:
        """A boto3 client that checks nothing itself."""
        return boto3.client(
            "scheduler",
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """The control plane."""
    running = ControlPlane(tmp_path)
    yield running
    running.close()


@pytest.fixture
def scheduler(plane: ControlPlane) -> Iterator[Any]:
    """A boto3 client."""
    client = plane.client()
    yield client
    client.close()


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
