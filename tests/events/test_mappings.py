from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lambent.events import MappingRegistry
from lambent.events.errors import MappingExists, MappingInUse, MappingNotFound
from lambent.events.mapping import Mapping, Settings
from lambent.store import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.store import Database

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:hello"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"


async def opened(path: Path) -> tuple[Database, MappingRegistry]:
    database = await open_database(path / "lambent.db", "normal")
    return database, await MappingRegistry.open(database)


async def create(registry: MappingRegistry, **members: object) -> Mapping:
    return await registry.create(ACCOUNT, REGION, FUNCTION, Settings(), **{"source_arn": QUEUE, **members})  # type: ignore[arg-type]


async def until(registry: MappingRegistry, mapping: Mapping, state: str) -> Mapping:
    while True:
        current = registry.get(ACCOUNT, REGION, mapping.id)
        if current.state == state:
            return current
        await asyncio.sleep(0.001)


async def test_what_a_stop_interrupts_goes_on_after_it(tmp_path: Path) -> None:
    database, registry = await opened(tmp_path)
    begun = asyncio.Event()

    async def settle(_mapping: Mapping) -> None:
        begun.set()
        await asyncio.Event().wait()

    registry.settle = settle
    mapping = await create(registry)
    await begun.wait()
    await registry.close()
    await database.close()

    database, registry = await opened(tmp_path)
    assert registry.get(ACCOUNT, REGION, mapping.id).state == "Creating"
    registry.resume()
    enabled = await until(registry, mapping, "Enabled")
    assert enabled.settings == mapping.settings
    await registry.delete(ACCOUNT, REGION, mapping.id)
    await registry.close()
    await database.close()

    database, registry = await opened(tmp_path)
    registry.resume()
    while registry.mappings(ACCOUNT, REGION):
        await asyncio.sleep(0.001)
    assert await database.read("SELECT * FROM event_source_mappings") == []
    await database.close()


async def test_one_change_at_a_time(tmp_path: Path) -> None:
    database, registry = await opened(tmp_path)
    may_end = asyncio.Event()

    async def settle(_mapping: Mapping) -> None:
        await may_end.wait()

    registry.settle = settle
    mapping = await create(registry)
    with pytest.raises(MappingInUse):
        await registry.update(ACCOUNT, REGION, mapping.id, lambda settings: settings, Settings())
    # A deletion does not wait for what it makes pointless.
    assert (await registry.delete(ACCOUNT, REGION, mapping.id)).state == "Deleting"
    with pytest.raises(MappingInUse):
        await registry.delete(ACCOUNT, REGION, mapping.id)
    may_end.set()
    while registry.mappings(ACCOUNT, REGION):
        await asyncio.sleep(0.001)
    await registry.close()
    await database.close()


async def test_a_change_waits_for_one_that_ends_soon(tmp_path: Path) -> None:
    database, registry = await opened(tmp_path)
    mapping = await create(registry)
    for enabled in (False, True, False):
        changed = await registry.update(
            ACCOUNT, REGION, mapping.id, lambda settings: settings, Settings(), enabled=enabled
        )
        assert changed.state == ("Enabling" if enabled else "Disabling")
    await until(registry, mapping, "Disabled")
    await registry.close()
    await database.close()


async def test_a_source_that_cannot_be_settled_does_not_hold_its_mapping(tmp_path: Path) -> None:
    database, registry = await opened(tmp_path)

    async def settle(_mapping: Mapping) -> None:
        raise OSError("no such queue")

    registry.settle = settle
    mapping = await create(registry, enabled=False)
    await until(registry, mapping, "Disabled")
    await registry.close()
    await database.close()


async def test_a_mapping_is_made_once_even_when_asked_for_twice_at_once(tmp_path: Path) -> None:
    database, registry = await opened(tmp_path)
    results = await asyncio.gather(*(create(registry) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, Mapping) for result in results) == 1
    assert sum(isinstance(result, MappingExists) for result in results) == 4
    await registry.close()
    await database.close()


async def test_accounts_and_regions_are_apart(tmp_path: Path) -> None:
    database, registry = await opened(tmp_path)
    mapping = await create(registry)
    for account, region in (("111111111111", REGION), (ACCOUNT, "eu-west-1")):
        assert registry.mappings(account, region) == []
        with pytest.raises(MappingNotFound):
            registry.get(account, region, mapping.id)
    await registry.clear()
    assert registry.mappings(ACCOUNT, REGION) == []
    await database.close()
