"""Queues on a real database, which tests open, close and let crash."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.queues import NewMessage, Queues
from lambent.store import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.clock import Clock
    from lambent.events.queues import Queue, QueueError, Received, Sent
    from lambent.store import Database, StoreError

ACCOUNT, REGION = "000000000000", "us-east-1"


class Store:
    """Queues on a database. `open`, then `queues`; calls with callbacks as coroutines."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.queues: Queues
        self.database: Database

    async def open(self) -> Queues:
        self.database = await open_database(self.path, "normal")
        self.queues = await Queues.open(self.database, self.clock)
        return self.queues

    async def close(self) -> None:
        await self.queues.close()
        await self.database.close()

    async def crash(self) -> Queues:
        """Open again without having closed the queues: what was not written is lost."""
        queues = self.queues
        await self.database.close()
        queues._journal.forget()
        queues._sweeper.close()
        for queue in queues.queues(ACCOUNT, REGION):
            queue.close()
        return await self.open()

    async def create(self, name: str = "orders", **attributes: str) -> Queue:
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        return await self.queues.create(ACCOUNT, REGION, name, attributes, {})

    def queue(self, name: str = "orders") -> Queue:
        return self.queues.queue(ACCOUNT, REGION, name)

    async def send(self, queue: Queue, *bodies: str, **members: Any) -> list[Sent]:
        future: asyncio.Future[list[Sent]] = asyncio.get_running_loop().create_future()

        def done(sent: list[Sent] | None, error: StoreError | None) -> None:
            if sent is None:
                assert error is not None
                future.set_exception(error)
            else:
                future.set_result(sent)

        queue.send([NewMessage(body=body, **members) for body in bodies], done)
        return await future

    async def delete(self, queue: Queue, *received: Received | str) -> list[QueueError | None]:
        return await self._told(
            queue.delete, [one if isinstance(one, str) else one.receipt for one in received]
        )

    async def change(self, queue: Queue, *changes: tuple[Received, int]) -> list[QueueError | None]:
        return await self._told(queue.change_visibility, [(one.receipt, s) for one, s in changes])

    async def _told(self, call: Any, argument: Any) -> list[QueueError | None]:
        future: asyncio.Future[list[QueueError | None]] = asyncio.get_running_loop().create_future()

        def done(outcomes: list[QueueError | None] | None, error: StoreError | None) -> None:
            if outcomes is None:
                assert error is not None
                future.set_exception(error)
            else:
                future.set_result(outcomes)

        call(argument, done)
        return await future

    async def settle(self) -> None:
        """Until everything that was handed to the database is durable, and its consequences have happened."""
        for _ in range(3):
            await asyncio.sleep(0)
            await self.database.write()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    """Not open yet."""
    return Store(tmp_path / "lambent.db", clock)
