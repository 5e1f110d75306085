"""A real log store on a real file."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import uvloop

from lambent.observe import LogEvent, LogGroup, LogQuery, LogStore, open_log_store

if TYPE_CHECKING:
    from pathlib import Path

Scenario: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
def run() -> Callable[[Scenario], None]:
    """Run a scenario on uvloop, as the platform does."""

    def run_scenario(scenario: Scenario) -> None:
        async def bounded() -> None:
            await asyncio.wait_for(scenario(), 30)

        uvloop.run(bounded())

    return run_scenario


class Logs:
    """A store and shorthands for one account and region."""

    def __init__(self, store: LogStore) -> None:
        self.store = store

    def group(self, name: str = "/aws/lambda/f") -> LogGroup:
        return self.store.group("000000000000", "us-east-1", name)

    def stream(self, name: str = "s", group: str = "/aws/lambda/f", **options: Any) -> Any:
        return self.store.stream("000000000000", "us-east-1", group, name, **options)

    async def events(self, group: str = "/aws/lambda/f", **query: Any) -> list[LogEvent]:
        """Every event of the group, page by page."""
        query = {"limit": 1000, **query}
        found: list[LogEvent] = []
        while True:
            page = await self.store.events(self.group(group), LogQuery(**query))
            found += page.events
            if not page.more:
                return found
            query["after"] = page.events[-1].position

    async def texts(self, group: str = "/aws/lambda/f", **query: Any) -> list[str]:
        return [event.message for event in await self.events(group, **query)]


@pytest.fixture
def open_logs(tmp_path: Path) -> Callable[..., contextlib.AbstractAsyncContextManager[Logs]]:
    """`async with open_logs() as logs`: the same file each time within a test."""

    @contextlib.asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[Logs]:
        store = await open_log_store(tmp_path / "logs.db", **options)
        try:
            yield Logs(store)
        finally:
            await store.close()

    return opened
