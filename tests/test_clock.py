from __future__ import annotations

import asyncio
import time

from lambent.clock import SystemClock


def test_both_clocks_begin_with_the_machines_time() -> None:
    async def run() -> None:
        clock = SystemClock()
        assert abs(clock.wall_ms() - time.time() * 1000) < 100
        assert abs(clock.steady_ms() - clock.wall_ms()) < 100

    asyncio.run(run())


def test_timers_of_both_kinds_go_off_in_order_and_not_before_their_time() -> None:
    async def run() -> None:
        clock = SystemClock()
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        called: list[tuple[str, int]] = []
        now = clock.wall_ms()
        clock.at_wall(now + 60, called.append, ("wall 60", now + 60))
        clock.at_wall(now + 20, lambda: called.append(("wall 20", now + 20)))
        clock.at_steady(clock.steady_ms() + 40, lambda: called.append(("steady 40", now + 38)))
        clock.at_wall(now - 5000, lambda: called.append(("past", now)))
        clock.at_wall(now + 90, lambda: done.set_result(None) if clock.wall_ms() >= now + 90 else None)
        assert called == []  # never within the call
        await asyncio.wait_for(done, 5)
        assert [name for name, _ in called] == ["past", "wall 20", "steady 40", "wall 60"]

    asyncio.run(run())


def test_a_timer_that_is_cancelled_does_not_go_off() -> None:
    async def run() -> None:
        clock = SystemClock()
        done = asyncio.get_running_loop().create_future()
        called: list[str] = []
        first = clock.at_wall(clock.wall_ms() + 10, called.append, "first")
        clock.at_wall(clock.wall_ms() + 20, called.append, "second")
        steady = clock.at_steady(clock.steady_ms() + 10, called.append, "steady")
        clock.at_wall(clock.wall_ms() + 50, done.set_result, None)
        first.cancel()
        steady.cancel()
        await asyncio.wait_for(done, 5)
        assert called == ["second"]
        first.cancel()

    asyncio.run(run())


def test_many_timers() -> None:
    async def run() -> None:
        clock = SystemClock()
        done = asyncio.get_running_loop().create_future()
        now = clock.wall_ms()
        called: list[int] = []
        for number in range(1000):
            clock.at_wall(now + number * 7 % 101, called.append, number * 7 % 101)
        clock.at_wall(now + 150, done.set_result, None)
        await asyncio.wait_for(done, 5)
        assert len(called) == 1000
        assert called == sorted(called)

    asyncio.run(run())
