from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events import MappingRegistry
from lambent.events.errors import InvalidMapping
from lambent.events.mapping import Settings
from lambent.events.pollers.pollers import Pollers
from lambent.events.queues import NewMessage

if TYPE_CHECKING:
    from lambent.events.mapping import Mapping
    from lambent.events.queues import Queue

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:worker"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"


class Mappings:
    """A registry with its pollers."""

    def __init__(self, world: Any, registry: MappingRegistry) -> None:
        self.world = world
        self.registry = registry
        parts = world.parts
        self.pollers = Pollers(
            registry, world.functions, world.queues, parts.deliveries, parts.call_service, world.clock,
            world.database,
        )  # fmt: skip

    @classmethod
    async def open(cls, world: Any) -> Mappings:
        mappings = cls(world, await MappingRegistry.open(world.database))
        mappings.registry.resume()
        await mappings.pollers.start()
        return mappings

    async def create(self, *, enabled: bool = True, **settings: Any) -> Mapping:
        return await self.registry.create(
            ACCOUNT, REGION, FUNCTION, Settings(**settings), source_arn=QUEUE, enabled=enabled
        )

    async def update(self, mapping: Mapping, *, enabled: bool | None = None) -> Mapping:
        return await self.registry.update(
            ACCOUNT, REGION, mapping.id, lambda settings: settings, Settings(), enabled=enabled
        )

    def state(self, mapping: Mapping) -> str:
        return self.registry.get(ACCOUNT, REGION, mapping.id).state

    async def reach(self, mapping: Mapping, state: str) -> None:
        await self.world.until(lambda: self.state(mapping) == state)

    async def close(self) -> None:
        await self.pollers.stop(5)
        await self.registry.close()


async def queue_of(world: Any, **attributes: str) -> Queue:
    return await world.queues.create(ACCOUNT, REGION, "orders", attributes, {})  # type: ignore[no-any-return]


async def send(world: Any, queue: Queue, body: str) -> None:
    sent: list[Any] = []
    queue.send([NewMessage(body=body)], lambda *outcome: sent.append(outcome))
    await world.until(lambda: sent)
    await world.settled()


async def closed(world: Any, mappings: Mappings) -> None:
    for run in world.functions.running:
        run.end()
    await mappings.close()
    await world.queues.close()
    await world.database.close()


async def test_the_life_of_a_mapping(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    mappings = await Mappings.open(world)
    mapping = await mappings.create()
    assert mapping.state == "Creating"
    await mappings.reach(mapping, "Enabled")
    await send(world, queue, "a")
    assert len(functions.runs) == 1

    # What runs ends before a mapping is disabled.
    assert (await mappings.update(mapping, enabled=False)).state == "Disabling"
    await world.settled()
    assert mappings.state(mapping) == "Disabling"
    functions.runs[0].end()
    await mappings.reach(mapping, "Disabled")
    await send(world, queue, "b")
    assert len(functions.runs) == 1

    assert (await mappings.update(mapping, enabled=True)).state == "Enabling"
    await mappings.reach(mapping, "Enabled")
    assert functions.runs[1].bodies == ["b"]
    functions.runs[1].end()

    assert (await mappings.registry.delete(ACCOUNT, REGION, mapping.id)).state == "Deleting"
    await world.until(lambda: not mappings.registry.all_mappings())
    await send(world, queue, "c")
    assert len(functions.runs) == 2
    await closed(world, mappings)


async def test_one_that_is_made_disabled_is_disabled_at_once(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    mappings = await Mappings.open(world)
    mapping = await mappings.create(enabled=False)
    assert mapping.state == "Disabled"
    await send(world, queue, "a")
    assert not functions.runs
    await closed(world, mappings)


async def test_mappings_are_read_again_after_a_start(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    mappings = await Mappings.open(world)
    mapping = await mappings.create()
    await mappings.reach(mapping, "Enabled")
    await mappings.close()
    await send(world, queue, "a")
    assert not functions.runs
    mappings = await Mappings.open(world)
    await world.until(lambda: functions.runs)
    await closed(world, mappings)


async def test_sources_that_cannot_be_read_are_refused(opened: Any, functions: Any) -> None:
    world = await opened()
    mappings = await Mappings.open(world)
    with pytest.raises(InvalidMapping) as missing:
        await mappings.create()
    assert str(missing.value) == (
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
        "SQS Error Message: The specified queue does not exist."
    )
    queue = await queue_of(world, VisibilityTimeout="30")
    functions.version.timeout_s = 60
    with pytest.raises(InvalidMapping) as short:
        await mappings.create()
    assert str(short.value) == (
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"
    )
    assert mappings.registry.all_mappings() == []
    functions.version.timeout_s = 30
    mapping = await mappings.create()
    await mappings.reach(mapping, "Enabled")
    functions.version.timeout_s = 31
    with pytest.raises(InvalidMapping):
        await mappings.update(mapping)
    await world.queues.delete(queue)
    await mappings.update(mapping, enabled=False)
    await mappings.reach(mapping, "Disabled")
    await closed(world, mappings)


async def test_queues_of_other_accounts_are_read_as_far_as_their_policies_say(
    opened: Any, functions: Any
) -> None:
    world = await opened()
    mappings = await Mappings.open(world)
    functions.version.role = f"arn:aws:iam::{ACCOUNT}:role/worker"
    theirs = await world.queues.create("111111111111", REGION, "orders", {}, {})
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/worker"},
        "Action": "sqs:*",
        "Resource": "*",
    }
    policy = {"Policy": json.dumps({"Statement": [statement]})}
    open_to_us = await world.queues.create("111111111111", REGION, "open", policy, {})
    with pytest.raises(InvalidMapping) as refused:
        await mappings.registry.create(ACCOUNT, REGION, FUNCTION, Settings(), source_arn=theirs.arn)
    assert str(refused.value) == (
        "The provided execution role does not have permissions to call ReceiveMessage on SQS"
    )
    await mappings.registry.create(ACCOUNT, REGION, FUNCTION, Settings(), source_arn=open_to_us.arn)
    await send(world, open_to_us, "a")
    await world.until(lambda: functions.runs)
    await closed(world, mappings)


async def test_a_stop_does_not_wait_for_ever(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    mappings = await Mappings.open(world)
    mapping = await mappings.create()
    await mappings.reach(mapping, "Enabled")
    await send(world, queue, "a")
    await asyncio.wait_for(mappings.pollers.stop(0.01), 5)
    functions.runs[0].end()
    await closed(world, mappings)


async def test_a_deletion_overtakes_what_waits_for_a_run(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    mappings = await Mappings.open(world)
    mapping = await mappings.create()
    await mappings.reach(mapping, "Enabled")
    await send(world, queue, "a")
    await mappings.update(mapping)
    await world.settled()
    await mappings.registry.delete(ACCOUNT, REGION, mapping.id)
    await world.settled()
    assert mappings.state(mapping) == "Deleting"
    functions.runs[0].end()
    await world.until(lambda: not mappings.registry.all_mappings())
    await world.settled()
    assert queue.counts() == (0, 0, 0)
    await closed(world, mappings)


async def test_clear_leaves_nobody_who_began_meanwhile(opened: Any, functions: Any) -> None:
    world = await opened()
    await queue_of(world)
    late = await world.queues.create(ACCOUNT, REGION, "late", {}, {})
    mappings = await Mappings.open(world)
    await mappings.reach(await mappings.create(), "Enabled")
    await mappings.registry.create(ACCOUNT, REGION, FUNCTION, Settings(), source_arn=late.arn)
    await mappings.pollers.clear()
    await mappings.registry.clear()
    await send(world, late, "a")
    assert functions.runs == []
    await closed(world, mappings)


async def test_clear_does_not_wait(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    mappings = await Mappings.open(world)
    mapping = await mappings.create()
    await mappings.reach(mapping, "Enabled")
    await send(world, queue, "a")
    await mappings.pollers.clear()
    await mappings.registry.clear()
    await send(world, queue, "b")
    assert len(functions.runs) == 1
    again = await mappings.create()
    await mappings.reach(again, "Enabled")
    assert functions.runs[1].bodies == ["b"]
    await closed(world, mappings)
