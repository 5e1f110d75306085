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
        done = asyncio.get_running_loop().create_future()
        called: list[tuple[str, bool]] = []
        wall, steady = clock.wall_ms(), clock.steady_ms()

        def at_wall(name: str, after_ms: int) -> None:
            clock.at_wall(wall + after_ms, lambda: called.append((name, clock.wall_ms() >= wall + after_ms)))

        at_wall("third", 60)
        at_wall("second", 20)
        at_wall("first", -5000)
        # The loop rounds to its own resolution.
        clock.at_steady(steady + 40, lambda: called.append(("steady", clock.steady_ms() >= steady + 38)))
        clock.at_wall(wall + 90, done.set_result, None)
        assert called == []  # never within the call
        await asyncio.wait_for(done, 5)
        assert ("steady", True) in called
        called.remove(("steady", True))
        assert called == [("first", True), ("second", True), ("third", True)]

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
