"""What EC2's resources have in common: ids that the service invents, tags, and its words for what is not there."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.base import ServiceProvider, own_pairs, pairs, tag_changes, tags_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from lambent.stacks.providers.provider import Made, Work

STEP: Final = "lambent:step"
"""A tag while a resource is being made: a step that was cut finds by it what it has made."""

_NOT_FOUND: Final = (".NotFound", "NatGatewayNotFound")
_ENDED: Final = frozenset({"deleted", "deleting", "failed"})


class TaggedProvider(ServiceProvider):
    """A resource with tags and an id of EC2's, which Ref gives.

    `kind`: its type in tag specifications. `described`: the operation that lists them, the member of its answer, and
    the member with the id.
    """

    kind: ClassVar[str]
    described: ClassVar[tuple[str, str, str]]

    @abstractmethod
    async def make(self, work: Work, tags: list[dict[str, Any]]) -> str:
        """Have EC2 make it, with these tag specifications; gives its id."""

    async def set(self, work: Work, found: dict[str, Any]) -> None:
        """What operations of their own set. Goes by what is there."""

    @abstractmethod
    async def remove(self, work: Work) -> None:
        """Have EC2 remove it; raises when it is not there."""

    async def create(self, work: Work) -> Made:
        physical_id = work.physical_id or (await self._cut(work) if work.again else None)
        if not physical_id:
            tags = pairs({**tags_of(work), STEP: work.token})
            physical_id = await self.make(work, [{"ResourceType": self.kind, "Tags": tags}])
        await work.initiated(physical_id)
        await self.set(work, await self.find(work, physical_id) or {})
        await work.call("ec2", "DeleteTags", Resources=[physical_id], Tags=[{"Key": STEP}])
        return await self.made(work, physical_id)

    async def update(self, work: Work) -> Made:
        physical_id = work.physical_id
        await self.set(work, await self.find(work, physical_id) or {})
        await retag(work, physical_id)
        return await self.made(work, physical_id)

    async def delete(self, work: Work) -> None:
        await unless_gone(self.remove(work))

    async def find(self, work: Work, physical_id: str) -> dict[str, Any] | None:
        """The resource as EC2 describes it; None when it is not there, or no more."""
        operation, member, name = self.described
        found = await unless_gone(work.call("ec2", operation, **{f"{name}s": [physical_id]}))
        for one in (found or {}).get(member, []):
            if one[name] == physical_id and str(one.get("State")).lower() not in _ENDED:
                described: dict[str, Any] = one
                return described
        return None

    async def _cut(self, work: Work) -> str | None:
        operation, member, name = self.described
        marked = [{"Name": f"tag:{STEP}", "Values": [work.token]}]
        found = await work.call("ec2", operation, Filters=marked)
        return next((one[name] for one in found.get(member, [])), None)


async def unless_gone(asked: Awaitable[Any]) -> Any:
    """An answer, or None where EC2 knows of no such thing."""
    try:
        return await asked
    except ServiceFailure as failure:
        if failure.code.endswith(_NOT_FOUND):
            return None
        raise


async def retag(work: Work, physical_id: str) -> None:
    """Make the tags of the resource those of its update."""
    tags = tag_changes(work)
    if tags.removed:
        keys = [{"Key": key} for key in tags.removed]
        await work.call("ec2", "DeleteTags", Resources=[physical_id], Tags=keys)
    if tags.put:
        await work.call("ec2", "CreateTags", Resources=[physical_id], Tags=pairs(tags.put))


def live_tags(found: dict[str, Any]) -> list[dict[str, str]]:
    """The tags that somebody gave it."""
    return [tag for tag in own_pairs(found.get("Tags", [])) if tag["Key"] != STEP]
