"""The life of a stack with a nested one, lived by a process that may be killed at any time, and then goes on.

Every process does what comes next by what it finds, as people do who have been cut off.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

from tests.stacks.engine.world import ACCOUNT, REGION, Platform, World, request, template

from lambent.clock import SystemClock
from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.stacks.providers.provider import Work
    from lambent.stacks.records import Stack

PARAMETERS = {"Value": {"Type": "String"}}
CHILDREN = {
    "one": template({"X": {"Name": "x", "Value": {"Ref": "Value"}}}, Parameters=PARAMETERS),
    "two": template(
        {"X": {"Name": "xx", "Value": {"Ref": "Value"}}, "Y": {"Name": "y"}}, Parameters=PARAMETERS
    ),
    "three": template({"Y": {"Name": "y", "Value": {"Ref": "Value"}}}, Parameters=PARAMETERS),
}


def _child(name: str) -> dict[str, Any]:
    properties = {"TemplateURL": name, "Parameters": {"Value": name}}
    return {"Type": "AWS::CloudFormation::Stack", "Properties": properties}


BODIES = {
    "create": template({"A": {}, "B": {"Name": "b", "DependsOn": "A"}, "Child": _child("one")}),
    "update": template(
        {
            "A": {"Value": "y"},
            "B": {"Name": "bb", "DependsOn": "A"},
            "C": {"Name": "c"},
            "Child": _child("two"),
        }
    ),
    "fail": template(
        {
            "A": {"Value": "z"},
            "B": {"Name": "bbb", "DependsOn": "A"},
            "D": {"DependsOn": ["B", "Child"]},
            "E": {"Name": "e"},
            "Child": _child("three"),
        }
    ),
}
EXPECTED = {
    "CREATE_COMPLETE": ["b:x", "own:x", "x:one"],
    "UPDATE_COMPLETE": ["bb:x", "c:x", "own:y", "xx:two", "y:x"],
    "UPDATE_ROLLBACK_COMPLETE": ["bb:x", "c:x", "own:y", "xx:two", "y:x"],
    "DELETE_COMPLETE": [],
}
"""Names and values of what there is, by the parent's status."""


def found(world: World) -> list[str]:
    """What there is in that form; a name that was made for it is `own`."""
    return sorted(
        f"{name if len(name) < 5 else 'own'}:{thing['properties'].get('Value')}"
        for name, thing in world.things.items()
    )


async def live(folder: Path, kill_at: int) -> int:
    """Live to the end, or until the so-manieth thing becomes durable. How many did."""
    world = World(folder / "world.json")
    world.templates.update(CHILDREN)
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def fail(what: str, work: Work) -> None:
        if what == "create" and work.logical_id == "D":
            raise ResourceFailure("no")

    world.tick, world.fail = tick, fail
    platform = await Platform.open(folder, SystemClock(), world)
    await platform.stacks.start()
    stacks = platform.stacks
    while True:
        stack: Stack | None = next(
            (one for one in stacks.stacks(ACCOUNT, REGION) if one.parent_id is None), None
        )
        if stack is None:
            await stacks.create(request("one", BODIES["create"], token="create"))
            continue
        for one in stacks.stacks(ACCOUNT, REGION):
            await stacks.finished(one)
        assert found(world) == EXPECTED[stack.status], stack.status
        settled = [one.status for one in stacks.stacks(ACCOUNT, REGION)]
        assert not any(status.endswith(("_IN_PROGRESS", "_FAILED")) for status in settled), settled
        assert all(one.operation is None and not one.leftovers for one in stacks.stacks(ACCOUNT, REGION))
        if stack.status == "CREATE_COMPLETE":
            await stacks.update(request("one", BODIES["update"], token="update"))
        elif stack.status == "UPDATE_COMPLETE":
            await stacks.update(request("one", BODIES["fail"], token="fail"))
        elif stack.status == "UPDATE_ROLLBACK_COMPLETE":
            await stacks.delete(ACCOUNT, REGION, "one", token="delete")
        else:
            break
    await platform.close()
    return ticks


def process(folder: Path, kill_at: int) -> None:
    """The life of one process."""
    asyncio.run(asyncio.wait_for(live(folder, kill_at), 20))
