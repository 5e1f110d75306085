"""Loading what has changed, where there are too many files to look at between two requests."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import uvloop
from tests.dev.running import save

from lambent.dev.pipeline import Ready
from lambent.dev.reload import Reloader
from lambent.dev.screen import Screen
from lambent.dev.sources import Sources

if TYPE_CHECKING:
    from pathlib import Path

READY = Ready(stack="s", app="s", template={}, shape=b"", code={}, labels={}, sources={})


class Loaded:
    """A pipeline and a stack that note what they are asked."""

    def __init__(self) -> None:
        self.prepared: list[list[str]] = []

    def prepare(self, changed: list[str]) -> Ready:
        self.prepared.append(changed)
        return READY

    async def bring(self, ready: Ready) -> bool:
        return False


def test_the_files_of_a_large_project_are_looked_at_in_a_thread(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"{number}.py").touch()
    loaded: Any = Loaded()
    first: Future[Ready] = Future()
    first.set_result(READY)

    async def scenario(executor: ThreadPoolExecutor) -> None:
        settled = asyncio.Event()
        sources = Sources(tmp_path)
        assert sources.is_large
        reloader = Reloader(
            loaded, sources, Screen(io.StringIO()), executor, settled=settled.set, brought=lambda _: None
        )
        await reloader.first(first, loaded)
        for changed in ([], ["7.py"]):
            settled.clear()
            for name in changed:
                save(tmp_path / name, "new = 1")
            while not reloader.busy:
                # A look that has cost much is not repeated at once.
                reloader.look()
                await asyncio.sleep(0)
            assert loaded.prepared == []
            await settled.wait()
            assert loaded.prepared == ([changed] if changed else [])
        await reloader.close()
        save(tmp_path / "8.py", "new = 1")
        reloader.look()
        assert not reloader.busy, "it is closed"

    with ThreadPoolExecutor(1) as executor:
        uvloop.run(scenario(executor))
