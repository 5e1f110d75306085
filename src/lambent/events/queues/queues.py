"""Every queue of the platform: the registry, and what changes queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.events.queues import attributes as named
from lambent.events.queues.errors import QueueNameExists, QueueNotFound
from lambent.events.queues.queue import Queue
from lambent.events.queues.settings import QueueSettings
from lambent.store.database import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambent.clock import Clock
    from lambent.store import Database


class Queues:
    """All queues. Open it with `open`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._by_arn: dict[str, Queue] = {}
        self._by_name: dict[tuple[str, str, str], Queue] = {}
        self._numbers = 0

    @classmethod
    async def open(cls, database: Database, clock: Clock) -> Queues:
        """Load every queue. Raises StoreError."""
        return cls(database, clock)

    def queue(self, account: str, region: str, name: str) -> Queue:
        """A queue by its name. Raises QueueNotFound."""
        found = self._by_name.get((account, region, name))
        if found is None:
            raise QueueNotFound
        return found

    def by_arn(self, arn: str) -> Queue:
        """A queue by its ARN. Raises QueueNotFound."""
        found = self._by_arn.get(arn)
        if found is None:
            raise QueueNotFound
        return found

    def queues(self, account: str, region: str) -> list[Queue]:
        """The queues of an account in a region, by name."""
        found = [one for one in self._by_arn.values() if (one.account, one.region) == (account, region)]
        return sorted(found, key=lambda queue: queue.name)

    async def create(
        self, account: str, region: str, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]
    ) -> Queue:
        """Make a queue; one with the same attributes is returned as it is. Raises QueueError, StoreError."""
        fifo = named.check_name(name, attributes)
        settings = named.applied(QueueSettings(), attributes, fifo=fifo)
        existing = self._by_name.get((account, region, name))
        if existing is not None:
            other = named.difference(existing.settings, settings, attributes, fifo=fifo)
            if other:
                raise QueueNameExists(other)
            return existing
        self._numbers += 1
        queue = Queue(
            self._database, self._clock, self._numbers, account, region, name, settings, dict(tags), fifo
        )
        await self._database.write(
            Statement(
                "INSERT INTO queues (number, account, region, name, document, high, floor) VALUES (?, ?, ?, ?, ?, 0, 0)",
                (queue.number, account, region, name, msgspec.json.encode(settings).decode()),
            )
        )
        self._by_name[account, region, name] = self._by_arn[queue.arn] = queue
        return queue

    async def set_attributes(self, queue: Queue, attributes: Mapping[str, str]) -> None:
        """Change what is set. Raises QueueError, StoreError."""
        queue.settings = named.applied(queue.settings, attributes, fifo=queue.fifo)
        queue.modified_ms = self._clock.wall_ms()

    async def retag(self, queue: Queue, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """Change the tags. Raises StoreError and what `change` raises."""
        queue.tags = change(dict(queue.tags))

    async def delete(self, queue: Queue) -> None:
        """Delete a queue with its messages. Raises StoreError."""
        await self._database.write(Statement("DELETE FROM queues WHERE number = ?", (queue.number,)))
        self._by_arn.pop(queue.arn, None)
        self._by_name.pop((queue.account, queue.region, queue.name), None)

    async def purge(self, queue: Queue) -> None:
        """Delete all messages of a queue. Raises PurgeInProgress, StoreError."""
        queue._messages.clear()

    def sources(self, queue: Queue) -> list[Queue]:
        """The queues whose dead letters go to this one, by name."""
        return [
            one
            for one in self.queues(queue.account, queue.region)
            if one.settings.redrive is not None and one.settings.redrive.dead_letter_arn == queue.arn
        ]

    async def close(self) -> None:
        """Write what is not written yet; answer those who wait."""

    async def clear(self) -> None:
        """Delete every queue."""
        for queue in list(self._by_arn.values()):
            await self.delete(queue)
