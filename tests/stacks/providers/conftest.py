"""A platform for tests of providers, in this process, and the work that providers are given."""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from lambent.aws.context import STACKS_SESSION
from lambent.aws.service_calls import ServiceCalls
from lambent.clock import SystemClock
from lambent.neighbours.service_calls import ServiceCall
from lambent.node.platform import Platform
from lambent.node.settings import Settings
from lambent.stacks.changes import drift
from lambent.stacks.providers.provider import StackIdentity
from lambent.stacks.providers.work import StepWork
from lambent.stacks.schemas import schema_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from lambent.stacks.providers.catalogue import Catalogue
    from lambent.stacks.providers.provider import Made, Properties, Provider

ACCOUNT = "000000000000"
REGION = "us-east-1"
_DEADLINE_S = 60


class Resource:
    """One resource, through its life, by its provider alone: what the engine would do, in one thread's calls.

    `again` does a step once more, as after a crash: with the same token. Every method waits for its end.
    """

    def __init__(self, world: World, type_name: str, logical_id: str, tags: dict[str, str]) -> None:
        self.provider: Provider = world.catalogue.find(type_name)
        self.world = world
        self.type = type_name
        self.logical_id = logical_id
        self.tags = tags
        self.properties: Properties = {}
        self.made: Made | None = None
        self.work: StepWork
        self.policy: dict[str, Any] = {}
        """Its UpdatePolicy and CreationPolicy."""
        self._step = 0

    @property
    def id(self) -> str:
        """Its physical id: what Ref gives."""
        assert self.made is not None
        return self.made.physical_id

    @property
    def attributes(self) -> dict[str, Any]:
        """What GetAtt gives."""
        assert self.made is not None
        return self.made.attributes

    def create(self, *, again: bool = False, **properties: Any) -> Resource:
        self._next(again)
        self.properties = properties
        self.made = self.world.run(self.provider.create(self._work(properties, {}, again=again)))
        return self

    def update(
        self, *, again: bool = False, tags: dict[str, str] | None = None, **properties: Any
    ) -> Resource:
        self._next(again)
        work = self._work(properties, self.properties, again=again)
        if tags is not None:
            work.tags, work.old_tags = tags, self.tags  # type: ignore[attr-defined, unused-ignore]
        self.made = self.world.run(self.provider.update(work))
        self.properties = properties
        self.tags = self.tags if tags is None else tags
        return self

    def again(self) -> Resource:
        """The last creation once more."""
        before = self.made
        self.create(again=True, **self.properties)
        assert self.made == before
        return self

    def lost(self) -> Resource:
        """The last creation once more, where not even what it had initiated is known."""
        before, self.made = self.made, None
        self.create(again=True, **self.properties)
        assert self.made == before
        return self

    def update_twice(self, **properties: Any) -> Resource:
        """An update, and the same once more: its answer has not come before the platform ended."""
        old = self.properties
        self.update(**properties)
        made, self.properties = self.made, old
        self.update(again=True, **properties)
        assert self.made == made
        return self

    def delete(self, *, again: bool = False) -> None:
        self._next(again)
        self.world.run(self.provider.delete(self._work(self.properties, {}, again=again)))

    def delete_twice(self) -> None:
        self.delete()
        self.delete(again=True)
        self.delete()

    def read(self) -> Properties | None:
        found: Properties | None = self.world.run(self.provider.read(self._work(self.properties, {})))
        return found

    def drift(self) -> list[dict[str, Any]]:
        """In what the live resource differs from what it was made with."""
        live = self.read()
        assert live is not None
        tags = {key: value for key, value in self.tags.items() if not key.startswith("aws:")}
        return drift(schema_of(self.type), self.properties, live, tags)

    def adopt(self, **identifier: str) -> Resource:
        self._next(again=False)
        self.made = self.world.run(self.provider.adopt(self._work(self.properties, {}), identifier))
        return self

    def _next(self, again: bool) -> None:
        if not again:
            self._step = next(self.world.steps)

    def _work(self, properties: Properties, old: Properties, *, again: bool = False) -> StepWork:
        self.work = StepWork(
            self.world.platform_ask,
            self.world.clock,
            self.world.stack,
            self.logical_id,
            self.type,
            properties,
            token=f"token-{self._step}",
            old=old,
            physical_id="" if self.made is None else self.made.physical_id,
            attributes={} if self.made is None else self.made.attributes,
            tags=self.tags,
            again=again,
            update_policy=self.policy,
        )
        return self.work


class World:
    """A running platform on a loop in a thread."""

    def __init__(self, data: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.stack = StackIdentity(
            f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/8d1f1e60-0000-11f0-0000-0affd5f9ee6b",
            "shop",
            ACCOUNT,
            REGION,
        )
        self.steps = itertools.count(1)
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.platform: Platform = self.run(Platform.start(Settings(port=0, ephemeral=True, data=data)))
        self.catalogue: Catalogue = self.run(self.platform.stack_parts()).catalogue
        self.clock = self.run(self._clock())
        self.calls = ServiceCalls(
            self.platform.credentials, lambda: self.platform.inside_url, session=STACKS_SESSION
        )
        self.platform_ask = self.calls.ask

    async def _clock(self) -> SystemClock:
        return SystemClock()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_DEADLINE_S)

    def ask(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Ask a service, as anybody may."""
        answer: dict[str, Any] = self.run(
            self.platform_ask(ServiceCall(service, operation, parameters, REGION, ACCOUNT, ""))
        )
        return answer

    def resource(self, type_name: str, logical_id: str = "Thing", **tags: str) -> Resource:
        """A resource of the stack `shop`, not made yet; `tags` are the stack's."""
        system = {
            "aws:cloudformation:stack-name": self.stack.name,
            "aws:cloudformation:stack-id": self.stack.id,
            "aws:cloudformation:logical-id": logical_id,
        }
        return Resource(self, type_name, logical_id, {**system, **tags})

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.calls.close)
        self.run(self.platform.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One platform, and moto where a test asks for what moto serves, for all tests of a process.

    For each of them: its start costs more than most tests. They leave nothing behind that another one could meet.
    """
    world = World(tmp_path_factory.mktemp("platform"))
    try:
        yield world
    finally:
        world.close()
