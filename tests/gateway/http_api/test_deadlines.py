"""Time limits: each ends what is due, in order, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import weakref

import uvloop

from lambent.gateway.http_api.deadlines import Deadlines, Expiring


class Waiting(Expiring):
    def __init__(self, name: str, over: list[str]) -> None:
        self.name = name
        self.over = over

    def expired(self) -> None:
        self.over.append(self.name)


def test_what_is_due_ends() -> None:
    async def run() -> None:
        over: list[str] = []
        deadlines: Deadlines[Waiting] = Deadlines(0.05)
        first, second, third = (Waiting(name, over) for name in ("first", "second", "third"))
        deadlines.add(first)
        deadlines.add(second)
        assert deadlines.remove(first)
        assert not deadlines.remove(first)
        await asyncio.sleep(0.02)
        deadlines.add(third)
        async with asyncio.timeout(5):
            while over != ["second"]:
                await asyncio.sleep(0.001)
            assert not deadlines.remove(second)
            while over != ["second", "third"]:
                await asyncio.sleep(0.001)

    uvloop.run(run())


def test_what_is_through_is_not_kept() -> None:
    async def run() -> None:
        deadlines: Deadlines[Waiting] = Deadlines(30)
        waiting = Waiting("a", [])
        kept = weakref.ref(waiting)
        deadlines.add(waiting)
        deadlines.remove(waiting)
        del waiting
        gc.collect()
        assert kept() is None

    uvloop.run(run())
