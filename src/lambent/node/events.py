"""The floor of events, composed: queues, buses, schedules, mappings, and what keeps them going."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lambent.aws.logs.patterns import compile_pattern
from lambent.clock import SystemClock
from lambent.events import MappingRegistry
from lambent.events.bus import Buses
from lambent.events.deliveries import Deliveries, Parcel
from lambent.events.deliveries.writing import written
from lambent.events.destinations import Destinations
from lambent.events.log_subscriptions import LogSubscriptions
from lambent.events.pollers.pollers import Pollers
from lambent.events.queues import Queues
from lambent.events.schedules import Schedules, Timetable
from lambent.invocation.async_queue import AsyncQueue
from lambent.neighbours.messages import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AsyncExitStack

    from lambent.clock import Clock
    from lambent.invocation.invoker import Invoker
    from lambent.neighbours.endpoint import Endpoint
    from lambent.neighbours.messages import Message
    from lambent.neighbours.service_calls import CallService
    from lambent.observe import LogStore
    from lambent.store import Database


class Events:
    """What calls functions with nobody waiting for the answer. Use `open`, then `start` when the platform listens."""

    def __init__(
        self, database: Database, clock: Clock, events: AsyncQueue, mappings: MappingRegistry
    ) -> None:
        self._database = database
        self.clock = clock
        self.async_queue = events
        self.mappings = mappings
        self.queues: Queues
        self.deliveries: Deliveries
        self.timetable: Timetable
        self.buses: Buses
        self.schedules: Schedules
        self.pollers: Pollers
        self.log_subscriptions: LogSubscriptions

    @classmethod
    async def open(
        cls,
        database: Database,
        invoker: Invoker,
        logs: LogStore,
        call_service: CallService,
        endpoints: Mapping[str, Endpoint],
        closing: AsyncExitStack,
        *,
        retry_seconds: tuple[float, float],
        enforce: bool = True,
        clock: Clock | None = None,
    ) -> Events:
        """Everything as an earlier run has left it; `closing` gets what closes it. Raises StoreError.

        `endpoints` are the services that a real endpoint serves, by botocore's name. `enforce`: what has no resource
        policy takes nothing from buses. Without a `clock` the machine's is used.
        """
        clock = SystemClock() if clock is None else clock
        elsewhere = frozenset(endpoints)
        queue = AsyncQueue(database, invoker, clock, retry_seconds=retry_seconds)
        mappings = await MappingRegistry.open(database)
        closing.push_async_callback(mappings.close)
        events = cls(database, clock, queue, mappings)
        queues = events.queues = await Queues.open(database, clock)
        closing.push_async_callback(queues.close)
        events.timetable = await Timetable.open(database, clock)
        deliveries = events.deliveries = await Deliveries.open(
            database,
            clock,
            queues=queues,
            events=queue,
            invoker=invoker,
            call_service=call_service,
            elsewhere=elsewhere,
            enforce=enforce,
        )
        queue.outcomes = Destinations(deliveries, clock).stage
        events.buses = await Buses.open(database, clock, deliveries, events.timetable)
        events.schedules = await Schedules.open(database, clock, events.timetable, deliveries)
        events.pollers = Pollers(
            mappings, invoker, queues, deliveries, call_service, clock, database, elsewhere=elsewhere
        )
        events.log_subscriptions = LogSubscriptions(
            logs,
            invoker.registry,
            deliveries,
            database,
            clock,
            compile_pattern=compile_pattern,
            enforce=enforce,
        )
        return events

    async def start(self) -> None:
        """Go on with what is there. The platform listens: what is served elsewhere is called over its own port."""
        self.mappings.resume()
        await self.pollers.start()
        await self.async_queue.open()
        self.deliveries.start()
        self.timetable.start()

    async def send_messages(self, messages: Sequence[Message]) -> None:
        """Deliver what topics and buckets of a neighbour have for queues, functions and buses; durable when it returns.

        Raises StoreError.
        """
        await written(self._database, self.deliveries.stage([_parcel(message) for message in messages]))

    def refuse(self, message: Message) -> Refusal | None:
        """Why its target would not take a message like this one; None when it would."""
        refusal = self.deliveries.refusal(_parcel(message))
        return None if refusal is None else Refusal(refusal.code == "NO_RESOURCE", refusal.message)

    async def drain(self, seconds: float) -> None:
        """Begin nothing more, and wait for what runs, at most `seconds`. What waits stays in the database."""
        await self.timetable.close()
        await asyncio.gather(self.pollers.stop(seconds), self.async_queue.drain(seconds))
        await self.log_subscriptions.drain(seconds)
        await self.deliveries.drain(seconds)

    async def clear(self) -> None:
        """Forget all of it."""
        await self.log_subscriptions.clear()
        await self.pollers.clear()
        await self.mappings.clear()
        await self.schedules.clear()
        await self.buses.clear()
        await self.timetable.clear()
        await self.deliveries.clear()
        await self.async_queue.clear()
        await self.queues.clear()


def _parcel(message: Message) -> Parcel:
    return Parcel(
        target_arn=message.target,
        body=message.body,
        account=message.account,
        region=message.region,
        principal=f"{message.service}.amazonaws.com",
        source_arn=message.source,
        options=message.options,
        trace=message.trace,
        dead_letter_arn=message.dead_letter_arn,
        dead_letter_body=message.dead_letter_body,
    )
