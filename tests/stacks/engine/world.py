"""The outside world of stacks' tests: things that are kept in a file, made and removed by a provider of the tests' own.

The file outlives a killed process, as services do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from lambent.stacks.errors import ReplacementNeeded, ResourceFailure
from lambent.stacks.providers.catalogue import PROVIDERS, Catalogue
from lambent.stacks.providers.provider import Made, Properties, Provider
from lambent.stacks.request import StackRequest
from lambent.stacks.stacks import Stacks
from lambent.stacks.transforms import Fetcher, Transforms
from lambent.store import open_database

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

    from lambent.clock import Clock
    from lambent.neighbours.service_calls import ServiceCall
    from lambent.stacks.providers.provider import Work
    from lambent.stacks.records import Stack
    from lambent.store import Database, Statement
    from lambent.store.database import Results


_OWN = ("DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Condition", "Metadata")

ACCOUNT = "000000000000"
REGION = "us-east-1"


class World:
    """What there is: name -> properties, kept in `path`. `fail` is asked before anything is done, and may raise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.things: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.calls: list[tuple[str, str]] = []
        self.fail: Callable[[str, Work], None] = _never
        self.held: dict[str, asyncio.Event] = {}
        self.published: list[dict[str, Any]] = []
        self.templates: dict[str, str] = {}
        self.parameters: dict[str, str] = {}
        self.tick: Callable[[], None] = _nothing

    def keep(self) -> None:
        """As a service would: before it answers."""
        self.tick()
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.things))
        new.replace(self.path)
        self.tick()

    async def ask(self, call: ServiceCall) -> dict[str, Any]:
        """The services that stacks themselves ask."""
        if call.operation == "Publish":
            self.published.append(call.parameters)
            return {"MessageId": "1"}
        if call.operation == "GetParameter":
            return {"Parameter": {"Value": self.parameters[call.parameters["Name"]]}}
        raise AssertionError(call)


class ThingProvider(Provider):
    """`Name` is its name and replaces; `Replace` is told to replace by the provider; `Value` changes in place."""

    type: ClassVar[str] = "AWS::SSM::Parameter"

    def __init__(self, world: World) -> None:
        self.world = world

    async def _begin(self, what: str, work: Work) -> None:
        self.world.calls.append((what, work.logical_id))
        self.world.fail(what, work)
        held = self.world.held.get(f"{what} {work.logical_id}")
        if held is not None:
            while not held.is_set():
                await work.sleep(0.01)

    async def create(self, work: Work) -> Made:
        name = work.properties.get("Name") or work.name(64)
        there = self.world.things.get(name)
        if there is not None and not (work.again and there["token"] == work.token):
            raise ResourceFailure(f"{name} already exists.", "AlreadyExists")
        if there is None:
            self.world.things[name] = {"properties": work.properties, "token": work.token}
            self.world.keep()
        await work.initiated(name, {"Length": len(name)})
        await self._begin("create", work)
        return Made(name, {"Length": len(name), "Value": work.properties.get("Value")})

    async def update(self, work: Work) -> Made:
        await self._begin("update", work)
        if work.properties.get("Description") == "replace":
            raise ReplacementNeeded
        there = self.world.things.get(work.physical_id)
        if there is None:
            raise ResourceFailure(f"{work.physical_id} is gone", "NotFound")
        assert work.attributes["Length"] == len(work.physical_id)
        there["properties"] = work.properties
        self.world.keep()
        return Made(
            work.physical_id, {"Length": len(work.physical_id), "Value": work.properties.get("Value")}
        )

    async def delete(self, work: Work) -> None:
        await self._begin("delete", work)
        self.world.things.pop(work.physical_id, None)
        self.world.keep()

    async def read(self, work: Work) -> Properties | None:
        there = self.world.things.get(work.physical_id)
        return None if there is None else there["properties"]

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        name = identifier["Name"]
        if name not in self.world.things:
            raise ResourceFailure(f"{name} does not exist", "NotFound")
        return Made(name, {"Length": len(name)})


class Platform:
    """Stacks on a database of their own, in that world."""

    def __init__(self, database: Database, stacks: Stacks, world: World) -> None:
        self.database = database
        self.stacks = stacks
        self.world = world

    @classmethod
    async def open(
        cls, folder: Path, clock: Clock, world: World | None = None, *, ignore_unsupported: bool = False
    ) -> Platform:
        """As an earlier one has left it. The world counts what becomes durable."""
        world = world or World(folder / "world.json")
        database: Database = _Counted(await open_database(folder / "lambent.db", durability="normal"), world)
        fetcher = _Templates(world)
        transforms = Transforms(world.ask, fetcher, clock)
        catalogue = Catalogue({}, {**PROVIDERS, "AWS::SSM::Parameter": ThingProvider(world)})
        stacks = await Stacks.open(
            database,
            clock,
            world.ask,
            catalogue=catalogue,
            transforms=transforms,
            fetcher=fetcher,
            ignore_unsupported=ignore_unsupported,
        )
        return cls(database, stacks, world)

    async def close(self) -> None:
        """End in an orderly way."""
        await self.stacks.drain(5)
        await self.database.close()

    async def create(self, name: str, body: str, **members: Any) -> Stack:
        """A stack, once its creation has ended."""
        return await self.stacks.finished(await self.stacks.create(request(name, body, **members)))

    async def update(self, name: str, body: str, **members: Any) -> Stack:
        """The stack, once its update has ended."""
        return await self.stacks.finished(await self.stacks.update(request(name, body, **members)))

    async def delete(self, stack: Stack, **members: Any) -> Stack:
        """The stack, once its deletion has ended."""
        await self.stacks.delete(ACCOUNT, REGION, stack.id, **members)
        return await self.stacks.finished(stack)

    async def events(self, stack: Stack, since: int = 0) -> list[tuple[str, str, str | None]]:
        """Logical id, status and reason, oldest first; `since`: without so many of the first."""
        found = await self.stacks.events(stack, limit=10_000)
        return [(event.logical_id, event.status, event.reason) for event in reversed(found)][since:]


class _Counted:
    """A database whose writes are counted, before and after they are durable."""

    def __init__(self, database: Database, world: World) -> None:
        self._database = database
        self._world = world
        self.read = database.read
        self.read_now = database.read_now
        self.submit = database.submit
        self.close = database.close

    async def write(self, *statements: Statement) -> Results:
        self._world.tick()
        results = await self._database.write(*statements)
        self._world.tick()
        return results


class _Templates(Fetcher):
    def __init__(self, world: World) -> None:
        super().__init__(world.ask, list)
        self._world = world

    async def text(self, url: str, account: str, region: str) -> str:
        return self._world.templates[url]


def request(name: str, body: str, **members: Any) -> StackRequest:
    """A request for a stack of that template."""
    return StackRequest(ACCOUNT, REGION, name, template_body=body, **members)


def template(resources: dict[str, Any], **sections: Any) -> str:
    """Logical ids with properties of things, as a template; `DependsOn` and the like among them go to the resource."""
    described = {}
    for logical_id, members in resources.items():
        if "Type" in members:
            described[logical_id] = members
            continue
        own = {name: members[name] for name in _OWN if name in members}
        properties = {"Type": "String", "Value": "x"}
        properties.update({name: value for name, value in members.items() if name not in _OWN})
        described[logical_id] = {"Type": "AWS::SSM::Parameter", "Properties": properties, **own}
    return json.dumps({"Resources": described, **sections})


def _nothing() -> None:
    """Nobody counts."""


def _never(what: str, work: Work) -> None:
    """Nothing fails."""
