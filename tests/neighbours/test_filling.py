"""What a new moto has to know before it is asked: made by those who ask at once, while all others wait."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.errors import NeighbourDown
from lambent.neighbours.neighbours import Neighbours

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.neighbours.call import Call


async def status(neighbours: Neighbours, call: Call) -> int:
    answer = await neighbours.send(call)
    answer.close()
    return answer.status


class Filled:
    """Neighbours of which a bucket is always there."""

    def __init__(self, call: Callable[..., Call]) -> None:
        self.neighbours = Neighbours()
        self.neighbours.on_started(self.fill)
        self.call = call
        self.times = 0
        self.hold: asyncio.Event | None = None

    async def fill(self) -> None:
        self.times += 1
        if self.hold is not None:
            await self.hold.wait()
        headers = self.neighbours.restoring("AWS::S3::Bucket", "kept", {})
        await self.put([(name.encode(), value.encode()) for name, value in headers.items()])

    async def put(self, more: list[tuple[bytes, bytes]]) -> int:
        return await status(self.neighbours, self.call(method=b"PUT", target=b"/kept", more=more))

    async def found(self) -> int:
        return await status(self.neighbours, self.call(method=b"HEAD", target=b"/kept"))


def test_it_is_filled_before_others_ask_and_again_after_it_has_ended(run: Any, call: Any) -> None:
    async def scenario() -> None:
        filled = Filled(call)
        neighbours = filled.neighbours
        assert filled.times == 0
        assert await asyncio.gather(*(filled.found() for _ in range(5))) == [200] * 5
        assert filled.times == 1
        pid = neighbours.facts()["moto"]["pid"]
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        while neighbours.facts()["moto"].get("pid") == pid:
            await asyncio.sleep(0.005)

        # Who asks meanwhile waits, whatever he says of himself.
        filled.hold = asyncio.Event()
        asking = [asyncio.ensure_future(filled.found())]
        asking.append(asyncio.ensure_future(filled.put([(b"x-lambent-restored", b"guessed {}")])))
        while filled.times < 2:
            await asyncio.sleep(0.005)
        assert not (await asyncio.wait(asking, timeout=0.1))[0]
        filled.hold.set()
        assert await asyncio.gather(*asking) == [200, 200]

        # Forgetting is what was asked for.
        await neighbours.reset()
        assert (await filled.found(), filled.times) == (404, 2)
        await neighbours.close()

    run(scenario)


def test_a_failure_to_fill_it_holds_nobody_up(run: Any, call: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        neighbours = Neighbours()

        async def fill() -> None:
            raise RuntimeError("no")

        neighbours.on_started(fill)
        assert await status(neighbours, call()) == 200
        assert "does not know what it should" in caplog.text
        await neighbours.close()

    run(scenario)


def test_what_fills_it_ends_with_the_platform(run: Any, call: Any) -> None:
    async def scenario() -> None:
        filled = Filled(call)
        filled.hold = asyncio.Event()
        asking = asyncio.ensure_future(filled.found())
        while not filled.times:
            await asyncio.sleep(0.005)
        await filled.neighbours.close()
        with pytest.raises(NeighbourDown, match="stopping"):
            await asking

    run(scenario)
