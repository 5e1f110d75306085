"""What belongs to an API: resources whose properties are the members of API Gateway V2's operations.

`AWS::ApiGatewayV2::*` in the CloudFormation template reference. A property that is taken away is set to what stands for
nothing: an empty text, false, and in maps an empty value of each key, as the service lays maps over those that are
there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.base import ServiceProvider, unless
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

SERVICE: Final = "apigatewayv2"
_NOT_THERE: Final = ("NotFoundException",)


class PartProvider(ServiceProvider):
    """One type.

    `noun` is what its operations are called by (`CreateRoute`), `id_member` what the service calls it by, `above` what
    it belongs to. `flags`, `maps` and `lists` are the properties of those kinds, `fixed` those that an update does not
    take. `natural` are the properties by which a part that a crash has left is found; without any it is one that has
    all its members and that nothing uses.
    """

    noun: ClassVar[str]
    id_member: ClassVar[str]
    members: ClassVar[tuple[str, ...]]
    above: ClassVar[tuple[str, ...]] = ("ApiId",)
    flags: ClassVar[frozenset[str]] = frozenset()
    maps: ClassVar[frozenset[str]] = frozenset()
    lists: ClassVar[frozenset[str]] = frozenset()
    fixed: ClassVar[frozenset[str]] = frozenset()
    natural: ClassVar[tuple[str, ...]] = ()

    async def create(self, work: Work) -> Made:
        physical_id = work.physical_id
        if not physical_id and work.again:
            physical_id = await self._left(work) or ""
        if not physical_id:
            answer = await work.call(SERVICE, f"Create{self.noun}", **self._above(work), **self.given(work))
            physical_id = str(answer[self.id_member])
        return await self.made(work, physical_id)

    async def update(self, work: Work) -> Made:
        changes = self.changes(work)
        if changes:
            await work.call(SERVICE, f"Update{self.noun}", **self._named(work), **changes)
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, f"Delete{self.noun}", **self._named(work)), *_NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, f"Get{self.noun}", **self._named(work)), *_NOT_THERE)
        if found is None:
            return None
        properties: Properties = {**self._above(work), self.id_member: work.physical_id}
        for member in self.members:
            if found.get(member) is not None:
                properties[member] = found[member]
        return properties

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {self.id_member: physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        work.properties = {**work.properties, **{name: identifier[name] for name in self.above}}
        return identifier[self.id_member]

    def given(self, work: Work) -> dict[str, Any]:
        """The members of a creation."""
        return {
            name: self.told(name, work.properties[name]) for name in self.members if name in work.properties
        }

    def told(self, name: str, value: Any) -> Any:
        """A property as the service takes it."""
        return value

    def changes(self, work: Work) -> dict[str, Any]:
        """The members of an update."""
        found: dict[str, Any] = {}
        for name in self.members:
            before, after = work.old.get(name), work.properties.get(name)
            if before == after or name in self.fixed:
                continue
            if name in self.maps:
                gone = {key: self.nothing(name) for key in before or {} if key not in (after or {})}
                found[name] = {**gone, **self.told(name, after or {})}
            elif after is not None:
                found[name] = self.told(name, after)
            elif name in self.flags:
                found[name] = False
            elif name in self.lists:
                found[name] = []
            else:
                found[name] = self.default(name)
        return {name: value for name, value in found.items() if value is not None}

    def nothing(self, name: str) -> Any:
        """What a key of a map is set to that is taken away."""
        return ""

    def default(self, name: str) -> Any:
        """What a text or number is set to that is taken away; None to leave it."""
        return ""

    def _above(self, work: Work) -> dict[str, Any]:
        return {name: work.properties[name] for name in self.above}

    def _named(self, work: Work) -> dict[str, Any]:
        return {**self._above(work), self.id_member: work.physical_id}

    async def _left(self, work: Work) -> str | None:
        """What this step has made before a restart."""
        wanted = self.given(work)
        names = self.natural or tuple(wanted)
        token: str | None = None
        while True:
            page = await work.call(SERVICE, f"Get{self.noun}s", **self._above(work), NextToken=token)
            for one in page["Items"]:
                if all(one.get(name) == wanted.get(name) for name in names) and await self.is_free(work, one):
                    return str(one[self.id_member])
            token = page.get("NextToken")
            if not token:
                return None

    async def is_free(self, work: Work, found: dict[str, Any]) -> bool:
        """Whether a part that looks like this step's own is nobody else's."""
        return True
