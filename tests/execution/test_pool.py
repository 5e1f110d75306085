"""What a pool decides by time alone; its life with real environments is in tests/platform."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

from lambent.execution.pool import Pool


class _Environment(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]  # SimpleNamespace has none


def pool(timeout_ms: int) -> Pool:
    unused: Any = None
    return Pool(
        SimpleNamespace(timeout_ms=timeout_ms),  # type: ignore[arg-type]
        unused,
        unused,
        SimpleNamespace(armed=True),  # type: ignore[arg-type]
        unused,
    )


def test_one_without_a_process_does_not_keep_older_ones_from_being_reaped() -> None:
    async def scenario() -> None:
        reaped: list[str] = []
        made = pool(1000)

        def idle(name: str, process: object, seconds: float) -> Any:
            environment = _Environment(process=process, close=lambda: reaped.append(name))
            made.busy[environment] = 0  # type: ignore[index]
            made.ended(environment)  # type: ignore[arg-type]
            environment.idle_since = time.monotonic() - seconds

        idle("old", object(), 60)
        idle("young", object(), 1)
        idle("crashed", None, 1)
        made.reap(30)
        assert reaped == ["old"]

    asyncio.run(scenario())
