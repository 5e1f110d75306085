"""Work on things that need each other, as much of it at once as can be."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

Key = TypeVar("Key")

LIMIT: Final = 32
"""Steps of one stack at a time."""


async def walk(
    needs: Mapping[Key, Collection[Key]],
    do: Callable[[Key], Awaitable[bool]],
    *,
    halted: Callable[[], bool],
    limit: int = LIMIT,
) -> None:
    """Do each of them after all that it needs, in the mapping's order where that leaves a choice.

    What needs something that is not in the mapping does not wait for it. What needs something that has answered False
    is not done. Once `halted`, nothing more is begun. Returns when all that was begun has ended; what `do` raises is
    raised after the others have been cancelled.
    """
    missing = {key: sum(1 for need in needs[key] if need in needs) for key in needs}
    dependants: dict[Key, list[Key]] = {key: [] for key in needs}
    for key, wanted in needs.items():
        for need in wanted:
            if need in dependants:
                dependants[need].append(key)
    ready = deque(key for key, count in missing.items() if count == 0)
    running: dict[asyncio.Future[bool], Key] = {}
    try:
        while True:
            while ready and len(running) < limit and not halted():
                key = ready.popleft()
                running[asyncio.ensure_future(do(key))] = key
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                key = running.pop(future)
                if not future.result():
                    continue
                for dependant in dependants[key]:
                    missing[dependant] -= 1
                    if missing[dependant] == 0:
                        ready.append(dependant)
    finally:
        for future in running:
            future.cancel()
        if running:
            await asyncio.gather(*running, return_exceptions=True)
