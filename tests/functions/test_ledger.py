"""Two registries on one database are two nodes: each has its own memory, and rows guard what both change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from lambent.functions import FunctionNotFound
from lambent.functions.errors import ConcurrencyUnavailable, FunctionExists, RevisionMismatch
from lambent.functions.settings import Settings

if TYPE_CHECKING:
    from typing import Protocol

    from tests.functions.conftest import Home

    from lambent.functions import Reference

    class Package(Protocol):
        def __call__(self, content: str = "", **files: str) -> bytes: ...


async def test_a_change_is_made_on_top_of_what_another_node_has_changed(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    one = await home.open()
    await one.create(reference, package(), settings)
    await one.settled(reference)
    two = await home.open()
    await asyncio.gather(
        *(
            node.tag(reference, {f"{name}{n}": ""})
            for name, node in (("one", one), ("two", two))
            for n in range(5)
        )
    )
    await one.tag(reference, {"last": ""})
    assert len(one.record(reference).tags) == 11
    await home.close()
    three = await home.open()
    assert len(three.record(reference).tags) == 11
    await home.close()


async def test_preconditions_are_checked_against_what_another_node_has_written(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    one = await home.open()
    await one.create(reference, package(), settings)
    await one.settled(reference)
    two = await home.open()
    known = two.record(reference).latest.revision_id
    await one.update_configuration(reference, Settings(memory_mb=512))
    await one.settled(reference)
    with pytest.raises(RevisionMismatch):
        await two.update_configuration(reference, Settings(memory_mb=256), revision_id=known)
    await two.publish(reference)
    assert two.record(reference).versions["1"].memory_mb == 512
    await home.close()


async def test_a_name_taken_on_another_node_is_taken(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    one, two = await home.open(), await home.open()
    created = await one.create(reference, package("one"), settings)
    await one.settled(reference)
    with pytest.raises(FunctionExists):
        await two.create(reference, package("two"), settings)
    assert two.record(reference).latest.uid == created.uid
    await home.close()


async def test_a_function_deleted_on_another_node_is_gone_even_if_there_is_a_new_one_of_its_name(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    one = await home.open()
    await one.create(reference, package("one"), settings)
    await one.settled(reference)
    two = await home.open()
    await one.delete(reference)
    with pytest.raises(FunctionNotFound):
        await two.tag(reference, {"a": "b"})
    with pytest.raises(FunctionNotFound):
        two.record(reference)
    await one.create(reference, package("new"), settings)
    await one.settled(reference)
    three = await home.open()
    stale = three.record(reference)
    await one.delete(reference)
    again = await one.create(reference, package("newer"), settings)
    await one.settled(reference)
    assert stale.revision == one.record(reference).revision
    await three.tag(reference, {"a": "b"})
    assert three.record(reference).latest.code_hash == again.code_hash
    await home.close()


async def test_nodes_together_cannot_reserve_more_than_there_is(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    other = reference._replace(name="other")
    one = await home.open()
    for name in (reference, other):
        await one.create(name, package(), settings)
        await one.settled(name)
    two = await home.open()
    await one.put_concurrency(reference, 600)
    with pytest.raises(ConcurrencyUnavailable):
        await two.put_concurrency(other, 400)
    assert await two.put_concurrency(other, 300) == 300
    await home.close()


async def test_an_activation_ended_by_one_node_is_not_repeated_by_another(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    one = await home.open()
    await one.create(reference, package(), replace(settings, memory_mb=256))
    two = await home.open()
    first = await one.settled(reference)
    second = await two.settled(reference)
    assert first.latest.state == second.latest.state == "Active"
    assert first.latest.revision_id == second.latest.revision_id
    await home.close()
