"""The loop of an environment: threads take turns, and what waits for a thread is no deadlock."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from lambent.app.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


async def later(value: int) -> int:
    await asyncio.sleep(0)
    return value


def test_threads_take_turns(loop: Loop) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda value: loop.run(later(value)), range(400)))
    assert results == list(range(400))


def test_a_thread_that_the_loop_waits_for_may_use_it(loop: Loop) -> None:
    async def outer() -> int:
        return await asyncio.to_thread(lambda: loop.run(later(3)))

    assert loop.run(outer()) == 3


def test_the_loop_cannot_wait_for_itself(loop: Loop) -> None:
    async def outer() -> Any:
        return loop.run(later(3))

    with pytest.raises(RuntimeError, match="cannot wait for more of that"):
        loop.run(outer())


def test_a_loop_of_somebody_else(loop: Loop) -> None:
    async def within() -> None:
        with pytest.raises(RuntimeError, match=r"call it in a thread, await asyncio\.to_thread"):
            loop.run(later(3))
        assert await asyncio.to_thread(loop.run, later(3)) == 3

    asyncio.run(within())


def test_two_loops_in_one_thread(loop: Loop) -> None:
    other = Loop()

    async def outer() -> int:
        return await asyncio.to_thread(lambda: other.run(later(3)))

    assert loop.run(outer()) == 3
    other.close()


def test_another_thread_waits_for_its_turn(loop: Loop) -> None:
    begun, ended = threading.Event(), threading.Event()

    async def slow() -> str:
        begun.set()
        await asyncio.to_thread(ended.wait, 10)
        return "slow"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(loop.run, slow())
        assert begun.wait(10)
        second = pool.submit(loop.run, later(2))
        assert not second.done()
        ended.set()
        assert (first.result(10), second.result(10)) == ("slow", 2)
