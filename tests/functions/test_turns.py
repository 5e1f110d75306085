from __future__ import annotations

import asyncio

import pytest

from lambent.functions.turns import Turns


async def test_turns_of_one_key_follow_each_other_in_order_of_arrival() -> None:
    turns: Turns[str] = Turns()
    events: list[str] = []

    async def take(name: str) -> None:
        async with turns.take("key"):
            events.append(f"{name} in")
            await asyncio.sleep(0)
            events.append(f"{name} out")

    await asyncio.gather(*(take(name) for name in "abc"))
    assert events == ["a in", "a out", "b in", "b out", "c in", "c out"]


async def test_turns_of_other_keys_do_not_wait() -> None:
    turns: Turns[str] = Turns()
    async with turns.take("one"), turns.take("two"):
        pass


async def test_a_turn_is_given_up_by_failure_and_by_cancellation() -> None:
    turns: Turns[str] = Turns()
    with pytest.raises(ValueError, match="failed"):
        async with turns.take("key"):
            raise ValueError("failed")

    async def hold() -> None:
        async with turns.take("key"):
            await asyncio.Event().wait()

    holder, waiter = asyncio.ensure_future(hold()), asyncio.ensure_future(hold())
    await asyncio.sleep(0)
    for task in (waiter, holder):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with turns.take("key"):
        pass
