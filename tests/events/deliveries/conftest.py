"""An outbox with real queues and a real database; services elsewhere answer what a test says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.deliveries import Deliveries, Parcel
from lambent.events.deliveries.writing import written
from lambent.events.queues import Queues
from lambent.functions import FunctionNotFound
from lambent.invocation.async_queue import AsyncQueue
from lambent.neighbours.service_calls import ServiceAnswer, ServiceCall
from lambent.store import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.clock import Clock
    from lambent.events.queues import Queue, Received
    from lambent.store import Database

ACCOUNT, REGION = "000000000000", "us-east-1"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/orders"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
OPEN = (
    '{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},'
    '"Action":"sqs:SendMessage","Resource":"*"}]}'
)


class Services:
    """Answers calls with what comes next in `answers`: a status, an answer, or an exception; with 200 without any."""

    def __init__(self) -> None:
        self.calls: list[ServiceCall] = []
        self.answers: list[int | ServiceAnswer | Exception] = []
        self.silent = False

    async def __call__(self, call: ServiceCall) -> ServiceAnswer:
        self.calls.append(call)
        if self.silent:
            await asyncio.get_running_loop().create_future()
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return ServiceAnswer(answer, [], b"{}") if isinstance(answer, int) else answer


def _no_function(*_name: object) -> None:
    raise FunctionNotFound("arn:aws:lambda:us-east-1:000000000000:function:missing")


class Outbox:
    """Everything around `deliveries`."""

    def __init__(self, database: Database, clock: Clock, queues: Queues, services: Services) -> None:
        self.database = database
        self.clock: Any = clock
        self.queues = queues
        self.services = services
        self.deliveries: Deliveries

    async def open(self, **members: Any) -> Deliveries:
        invoker: Any = SimpleNamespace(registry=SimpleNamespace(resolve=_no_function))
        self.deliveries = await Deliveries.open(
            self.database,
            self.clock,
            queues=self.queues,
            events=AsyncQueue(self.database, invoker, self.clock),
            invoker=invoker,
            call_service=self.services,
            **members,
        )
        self.deliveries.start()
        return self.deliveries

    async def queue(self, name: str, policy: str = OPEN, **attributes: str) -> Queue:
        given = {"Policy": policy, **attributes} if policy else attributes
        return await self.queues.create(ACCOUNT, REGION, name, given, {})

    async def hand_over(self, *parcels: Parcel) -> None:
        await written(self.database, self.deliveries.stage(parcels))

    async def rows(self) -> int:
        ((count,),) = await self.database.read("SELECT COUNT(*) FROM deliveries")
        assert isinstance(count, int)
        return count

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop go on, without letting time pass, until something holds."""
        for _ in range(2000):
            if condition():
                return
            await asyncio.sleep(0.001)
        raise AssertionError("it never came")

    async def empty(self, *, passing_ms: int = 0) -> None:
        """Wait until nothing is on its way any more; `passing_ms` go by with each look."""
        for _ in range(2000):
            if not await self.rows():
                # Rows are gone a moment before what comes with that has happened.
                await self.until_written()
                return
            await self.clock.advance(passing_ms)
            await asyncio.sleep(0.001)
        raise AssertionError("something stays on its way")

    async def until_written(self) -> None:
        """Wait until what was submitted so far is durable, and its consequences have begun."""
        await self.database.write()
        for _ in range(5):
            await asyncio.sleep(0)

    async def called(self, times: int) -> None:
        """Let time pass until services have been called so often."""
        for _ in range(2000):
            if len(self.services.calls) >= times:
                return
            await self.clock.advance(100)
            await asyncio.sleep(0.001)
        raise AssertionError("nobody was called")


def parcel(target_arn: str, body: str = '{"order":1}', **members: Any) -> Parcel:
    return Parcel(
        target_arn=target_arn,
        body=body,
        account=ACCOUNT,
        region=REGION,
        principal="events.amazonaws.com",
        source_arn=RULE,
        **members,
    )


def taken(queue: Queue) -> list[Received]:
    return queue.take(10)


Opened = Callable[..., AbstractAsyncContextManager[Outbox]]


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Opened:
    """`async with outbox() as opened`: an outbox on the database of this test, with the services that are given."""

    @contextlib.asynccontextmanager
    async def opened(services: Services | None = None, **members: Any) -> AsyncIterator[Outbox]:
        database = await open_database(tmp_path / "lambent.db", "normal")
        queues = await Queues.open(database, clock)
        found = Outbox(database, clock, queues, services or Services())
        await found.open(**members)
        try:
            yield found
        finally:
            await found.deliveries.drain(0)
            await queues.close()
            await database.close()

    return opened
