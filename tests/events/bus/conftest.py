"""Buses with real queues, deliveries and a timetable on a database, and time that a test lets pass."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.bus import Buses, NewEvent, Put, Target
from lambent.events.deliveries import Deliveries
from lambent.events.queues import Queues
from lambent.events.schedules import Timetable
from lambent.functions import FunctionNotFound
from lambent.invocation.async_queue import AsyncQueue
from lambent.neighbours.service_calls import ServiceAnswer, ServiceCall
from lambent.store import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.clock import Clock
    from lambent.events.queues import Queue
    from lambent.store import Database, StoreError

ACCOUNT, REGION = "000000000000", "us-east-1"
OPEN = (
    '{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},'
    '"Action":"sqs:SendMessage","Resource":"*"}]}'
)


class World:
    """Everything around `buses`."""

    def __init__(self, database: Database, clock: Any) -> None:
        self.database = database
        self.clock = clock
        self.queues: Queues
        self.deliveries: Deliveries
        self.timetable: Timetable
        self.buses: Buses
        self.calls: list[ServiceCall] = []

    async def open(self) -> None:
        """As a platform does it."""

        def missing(*_name: object) -> None:
            raise FunctionNotFound("arn:aws:lambda:us-east-1:000000000000:function:missing")

        invoker: Any = SimpleNamespace(registry=SimpleNamespace(resolve=missing))
        self.queues = await Queues.open(self.database, self.clock)
        self.timetable = await Timetable.open(self.database, self.clock)
        self.deliveries = await Deliveries.open(
            self.database,
            self.clock,
            queues=self.queues,
            events=AsyncQueue(self.database, invoker, self.clock),
            invoker=invoker,
            call_service=self._call,
        )
        self.buses = await Buses.open(self.database, self.clock, self.deliveries, self.timetable)
        self.deliveries.start()
        self.timetable.start()

    async def _call(self, call: ServiceCall) -> ServiceAnswer:
        self.calls.append(call)
        return ServiceAnswer(200, [], b"{}")

    async def close(self) -> None:
        await self.timetable.close()
        await self.deliveries.drain(0)
        await self.queues.close()

    async def queue(self, name: str) -> Queue:
        """A queue that rules may send to; the one that is there."""
        return await self.queues.create(ACCOUNT, REGION, name, {"Policy": OPEN}, {})

    async def rule(self, name: str, *targets: str, **members: Any) -> None:
        """A rule on the default bus with targets."""
        given = {"pattern": None, "schedule": None, **members}
        await self.buses.rules.put(ACCOUNT, REGION, None, name, **given)
        await self.buses.rules.put_targets(
            ACCOUNT, REGION, None, name, [Target(id=str(n), arn=arn) for n, arn in enumerate(targets)]
        )

    async def put(self, *entries: NewEvent) -> list[Put] | StoreError:
        """Put events on buses; what became of them."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.buses.put_events(
            ACCOUNT, REGION, entries, lambda outcome, error: future.set_result(outcome or error)
        )
        outcome: list[Put] | StoreError = await future
        return outcome

    async def passing(self, seconds: float) -> None:
        """Let time pass, and what is written meanwhile be written."""
        await self.clock.advance(int(seconds * 1000))
        for _ in range(20):
            await asyncio.sleep(0.001)
            await self.clock.advance(0)


def new(source: str = "shop", **members: Any) -> NewEvent:
    """An event to be put."""
    return NewEvent(**{"source": source, "detail_type": "Order", "detail": '{"n":1}', **members})


def events_in(queue: Queue) -> list[Any]:
    """The events that a queue has got; they are gone then."""
    received = queue.take(10)
    queue.delete([one.receipt for one in received], lambda _outcome, _error: None)
    return [json.loads(one.body) for one in received]


Opened = Callable[[], AbstractAsyncContextManager[World]]


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Opened:
    """`async with world() as opened`: buses on the database of this test, as the last one has left it."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[World]:
        database = await open_database(tmp_path / "lambent.db", "normal")
        found = World(database, clock)
        await found.open()
        try:
            yield found
        finally:
            await found.close()
            await database.close()

    return opened
