"""Random operations that fail at random, cut by orderly stops: what there is is always what the records say."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock
from lambent.stacks.errors import ResourceFailure, StackError

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.stacks.providers.provider import Work
    from lambent.stacks.records import Stack

IDS = "ABCDEF"
TURNS = 40


class Player:
    """Does something with one stack, and knows what it should be."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.dice = random.Random(seed)  # noqa: S311 - a game
        self.failing: set[str] = set()
        self.platform: Platform
        self.stack: Stack | None = None
        self.wanted: dict[str, dict[str, Any]] = {}
        self.stable: dict[str, dict[str, Any]] = {}

    async def open(self) -> None:
        self.platform = await Platform.open(self.folder, SystemClock())
        self.platform.world.fail = self.fail
        await self.platform.stacks.start()
        if self.stack is not None:
            self.stack = self.platform.stacks.find(ACCOUNT, REGION, self.stack.id)

    def fail(self, what: str, work: Work) -> None:
        if f"{what} {work.logical_id}" in self.failing:
            raise ResourceFailure(f"{what} {work.logical_id}", "InvalidRequest")

    def body(self) -> dict[str, dict[str, Any]]:
        """Resources with names that may be the same, needing only those before them."""
        dice = self.dice
        chosen = [name for name in IDS if dice.random() < 0.7] or ["A"]
        resources: dict[str, dict[str, Any]] = {}
        for index, name in enumerate(chosen):
            members: dict[str, Any] = {"Value": str(dice.randrange(3))}
            if dice.random() < 0.5:
                members["Name"] = f"{name.lower()}{dice.randrange(3)}"
            members["DependsOn"] = dice.sample(chosen[:index], min(index, dice.randrange(3)))
            resources[name] = members
        return resources

    async def act(self) -> None:
        """One operation, to its end, perhaps over a stop and a start."""
        dice, stacks, stack = self.dice, self.platform.stacks, self.stack
        self.failing = {
            f"{what} {name}"
            for what in ("create", "update", "delete")
            for name in IDS
            if dice.random() < 0.12
        }
        status = "" if stack is None or stack.status == "DELETE_COMPLETE" else stack.status
        body = self.body()
        try:
            if not status:
                wish = dice.choice(["ROLLBACK", "DELETE", "DO_NOTHING"])
                self.stack = await stacks.create(request("one", template(body), on_failure=wish))
                self.wanted, self.stable = body, {}
            elif status in ("CREATE_FAILED", "UPDATE_FAILED") and dice.random() < 0.4:
                await stacks.rollback(ACCOUNT, REGION, "one")
            elif status == "UPDATE_ROLLBACK_FAILED" and dice.random() < 0.7:
                await stacks.continue_rollback(ACCOUNT, REGION, "one")
            elif dice.random() < 0.2:
                await stacks.delete(ACCOUNT, REGION, "one")
            else:
                await stacks.update(request("one", template(body), disable_rollback=dice.random() < 0.4))
                self.wanted = body
        except StackError:
            return
        for _ in range(dice.choice([0, 0, 0, 5, 20, 60])):
            await asyncio.sleep(0)
        if dice.random() < 0.3:
            await self.platform.close()
            await self.open()
        assert self.stack is not None
        self.stack = await self.platform.stacks.finished(self.stack)

    def check(self) -> None:
        """Everything that there is is known, and in settled stacks is as it was asked for."""
        stack, things = self.stack, self.platform.world.things
        assert stack is not None
        status = stack.status
        assert stack.operation is None
        assert not status.endswith("_IN_PROGRESS")
        known = {leftover.deployment.physical_id for leftover in stack.leftovers}
        for resource in stack.resources.values():
            for deployment in (resource.now, resource.before, resource.uncertain, *resource.extra):
                if deployment is not None:
                    known.add(deployment.physical_id)
        # A removal that failed at the end of an update is given up, as on AWS.
        given_up = {name for name in things if name not in known}
        for name in given_up:
            assert any(what.startswith("delete") for what in self.failing), (status, name)
            del things[name]
            self.platform.world.keep()
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            self.stable = self.wanted
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
            assert set(stack.resources) == set(self.stable), status
            for logical_id, members in self.stable.items():
                resource = stack.resources[logical_id]
                live = things[resource.physical_id]["properties"]
                assert live["Value"] == members["Value"], (status, logical_id)
                assert live.get("Name") == members.get("Name"), (status, logical_id)
                assert not resource.touched
                assert resource.step is None
        if status in ("DELETE_COMPLETE", "ROLLBACK_COMPLETE"):
            assert not things, status


@pytest.mark.parametrize("seed", range(3))
async def test_what_there_is_is_what_was_asked_for(tmp_path: Path, seed: int) -> None:
    player = Player(tmp_path, seed)
    await player.open()
    seen = set()
    for _ in range(TURNS):
        await player.act()
        player.check()
        assert player.stack is not None
        seen.add(player.stack.status)
    assert len(seen) >= 4, seen
    await player.platform.close()
