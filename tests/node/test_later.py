"""Parts that are made when they are first needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import uvloop
from tests.node.test_platform import client

from lambent.node.later import Later
from lambent.node.platform import Platform
from lambent.node.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_one_is_made_for_all_that_ask_and_a_failure_is_not_kept() -> None:
    made: list[str] = []

    async def make() -> str:
        made.append("begun")
        await asyncio.sleep(0)
        if len(made) == 1:
            raise OSError("not yet")
        return f"part {len(made)}"

    async def scenario() -> None:
        part = Later(make)
        assert await part.settled() is None
        failures = await asyncio.gather(part.get(), part.get(), return_exceptions=True)
        assert [str(failure) for failure in failures] == ["not yet"] * 2
        assert part.now is None
        cancelled = asyncio.ensure_future(part.get())
        await asyncio.sleep(0)
        cancelled.cancel()
        assert await part.settled() == "part 2", "one that gives up does not end it for others"
        assert list(await asyncio.gather(part.get(), part.get())) == ["part 2"] * 2
        assert part.now == "part 2"

    uvloop.run(scenario())


def test_what_an_earlier_run_has_left_is_there_from_the_start(tmp_path: Path) -> None:
    settings = Settings(port=0, data=tmp_path, durability="normal")

    async def first() -> None:
        platform = await Platform.start(settings)
        with pytest.raises(AssertionError):
            _ = platform.stacks
        await asyncio.to_thread(make, platform)
        await platform.stop()

    async def second() -> None:
        platform = await Platform.start(settings)
        assert platform.gateway.rest.now is not None
        assert [stack.name for stack in platform.stacks.stacks.ledger.stacks.values()] == ["one"]
        await platform.stop()

    def make(platform: Platform) -> None:
        client(platform, "apigateway").create_api_key(name="key", enabled=True)
        template = '{"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}'
        client(platform, "cloudformation").create_stack(StackName="one", TemplateBody=template)

    uvloop.run(first())
    uvloop.run(second())
