"""The pollers of all mappings: which there are follows the registry of mappings."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from lambent.events.pollers.calls import FunctionCalls
from lambent.events.pollers.poller import Parts
from lambent.events.pollers.sqs import SqsPoller, check_queue
from lambent.events.sources import DYNAMODB, KINESIS, SQS
from lambent.functions.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.clock import Clock
    from lambent.events.deliveries import Deliveries
    from lambent.events.mapping import Mapping
    from lambent.events.mappings import MappingRegistry
    from lambent.events.pollers.poller import Poller
    from lambent.events.queues import Queues
    from lambent.invocation.invoker import Invoker
    from lambent.neighbours.service_calls import CallService
    from lambent.store import Database


# What reads streams is a good deal, and imported when there is a mapping of one.
def _stream_poller(mapping: Mapping, parts: Parts) -> Poller:
    from lambent.events.pollers.streams import StreamPoller

    return StreamPoller(mapping, parts)


async def _check_stream(mapping: Mapping, parts: Parts) -> None:
    from lambent.events.pollers.streams import check_stream

    await check_stream(mapping, parts)


KINDS: Final[dict[str, Callable[[Mapping, Parts], Poller]]] = {
    SQS.kind: SqsPoller,
    KINESIS.kind: _stream_poller,
    DYNAMODB.kind: _stream_poller,
}
"""What reads the sources of each kind. Mappings of other kinds are kept, and nothing is read for them."""

CHECKS: Final[dict[str, Callable[[Mapping, Parts], Awaitable[None]]]] = {
    SQS.kind: check_queue,
    KINESIS.kind: _check_stream,
    DYNAMODB.kind: _check_stream,
}
"""What finds out whether a source of each kind can be read. Raises InvalidMapping."""

_log = logging.getLogger(__name__)


class Pollers:
    """Reads the sources of all mappings that are enabled. `start` begins with those that the registry has.

    `elsewhere`: the services, by botocore's names, that a real endpoint serves instead of this platform.
    """

    def __init__(
        self,
        registry: MappingRegistry,
        invoker: Invoker,
        queues: Queues,
        deliveries: Deliveries,
        call_service: CallService,
        clock: Clock,
        database: Database,
        *,
        elsewhere: frozenset[str] = frozenset(),
    ) -> None:
        self._registry = registry
        self._calls = FunctionCalls(invoker, clock)
        self._parts = Parts(
            calls=self._calls,
            queues=queues,
            deliveries=deliveries,
            call_service=call_service,
            clock=clock,
            database=database,
            elsewhere=elsewhere,
            processed=lambda mapping, text: registry.note(mapping.id, text),
        )
        self._pollers: dict[str, Poller] = {}
        self._turns: Turns[str] = Turns()
        self._tasks: set[asyncio.Future[None]] = set()
        self._stopped = False
        registry.settle = self.settle
        registry.check = self.check

    async def start(self) -> None:
        """Begin to read for every mapping that is enabled. Those on their way follow with `settle`.

        Comes back soon: sources that take their time to be found hold up nothing else.
        """
        for mapping in self._registry.all_mappings():
            if mapping.state == "Enabled":
                task = asyncio.ensure_future(self._start(mapping))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def settle(self, mapping: Mapping) -> None:
        """Do what the state of a mapping says: read as it is now, or no more. Returns when that is so."""
        async with self._turns.take(mapping.id):
            await self._stop(mapping.id)
            if mapping.target == "Enabled" and mapping.state != "Deleting":
                await self._begin(mapping)

    async def check(self, mapping: Mapping) -> None:
        """Raise InvalidMapping for a source that cannot be read for the mapping's function."""
        check = CHECKS.get(mapping.source_kind)
        if check is not None:
            await check(mapping, self._parts)

    def written(self, service: str, operation: str, account: str, region: str, body: bytes | None) -> None:
        """A request that may have written to streams of `service` (kinesis, dynamodb) has succeeded: have them read.

        Only those whose stream or table is named somewhere in its `body`, where that is known: reading one in vain
        is cheaper than parsing every request.
        """
        place = ["arn", service, region, account]
        shards = service == KINESIS.kind and not operation.startswith("PutRecord")
        for poller in self._pollers.values():
            mapping = poller.mapping
            if mapping.source_kind == service and mapping.source_arn is not None:
                arn, _, *rest = mapping.source_arn.split(":", 5)
                if [arn, *rest[:3]] == place and (body is None or rest[3].split("/")[1].encode() in body):
                    poller.wake(shards=shards)

    async def stop(self, seconds: float) -> None:
        """Read no more and wait for what runs, at most `seconds`. What ends later is processed again."""
        self._stopped = True
        ends = [*self._tasks]  # of pollers that begin or end just now
        ends += [asyncio.ensure_future(self._stop(mapping_id)) for mapping_id in list(self._pollers)]
        if ends:
            _, late = await asyncio.wait(ends, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        self._calls.close()

    async def clear(self) -> None:
        """Forget every poller, without waiting for what runs. The registry is cleared after this."""
        while self._pollers:  # others may begin meanwhile
            mapping_id = next(iter(self._pollers))
            task = asyncio.ensure_future(self._stop(mapping_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.wait({task}, timeout=0)
            self._pollers.pop(mapping_id, None)

    async def _start(self, mapping: Mapping) -> None:
        async with self._turns.take(mapping.id):
            if mapping.id not in self._pollers:
                await self._begin(mapping)

    async def _begin(self, mapping: Mapping) -> None:
        make = KINDS.get(mapping.source_kind)
        if make is not None and not self._stopped:
            poller = self._pollers[mapping.id] = make(mapping, self._parts)
            await poller.start()

    async def _stop(self, mapping_id: str) -> None:
        poller = self._pollers.get(mapping_id)
        if poller is not None:
            try:
                await poller.stop()
            except Exception:  # noqa: BLE001 - logged; others must be stopped as well
                _log.exception("the poller of event source mapping %s did not end well", mapping_id)
            if self._pollers.get(mapping_id) is poller:
                del self._pollers[mapping_id]
