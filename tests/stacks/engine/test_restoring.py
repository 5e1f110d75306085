"""What services forget when the platform ends is made again when it starts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

BODY = template(
    {"A": {"Name": "a"}, "B": {"Value": {"Ref": "A"}}, "C": {"DependsOn": "B", "DeletionPolicy": "Retain"}}
)


async def test_what_was_forgotten_is_there_again(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", BODY)
    gone = await platform.delete(await platform.create("gone", template({"G": {}})))
    await platform.update("one", BODY.replace('"Value": "x"', '"Value": "y"'))
    there = dict(platform.world.things)
    await platform.close()
    (tmp_path / "world.json").unlink()
    platform = await Platform.open(tmp_path, SystemClock())
    await platform.stacks.start(forgetful=True)
    await platform.stacks.finished(platform.stacks.find(ACCOUNT, REGION, stack.id))
    await platform.stacks.finished(platform.stacks.find(ACCOUNT, REGION, gone.id))
    assert platform.world.things == there
    assert [name for _, name in platform.world.calls] == ["A", "B", "C"]
    await platform.close()
    platform = await Platform.open(tmp_path, SystemClock())
    await platform.stacks.start(forgetful=True, elsewhere={"ssm"})
    await platform.stacks.finished(platform.stacks.find(ACCOUNT, REGION, stack.id))
    assert platform.world.calls == []
    await platform.close()


async def test_before_what_was_cut_goes_on(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", BODY)
    platform.world.held["create D"] = asyncio.Event()
    body = template({"A": {"Name": "aa"}, "B": {"Value": {"Ref": "A"}}, "D": {"DependsOn": "B", "Name": "d"}})
    await platform.stacks.update(request("one", body))
    while ("create", "D") not in platform.world.calls:
        await asyncio.sleep(0)
    await platform.stacks.drain(0.01)
    await platform.database.close()
    (tmp_path / "world.json").unlink()
    platform = await Platform.open(tmp_path, SystemClock())
    await platform.stacks.start(forgetful=True)
    stack = await platform.stacks.finished(platform.stacks.find(ACCOUNT, REGION, stack.id))
    assert stack.status == "UPDATE_COMPLETE"
    values = sorted(thing["properties"]["Value"] for thing in platform.world.things.values())
    assert values == ["aa", "x", "x", "x"]  # C is retained
    await platform.close()
