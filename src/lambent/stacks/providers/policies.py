"""Policies that are resources of their own: one for several queues or topics, or one of one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from lambent.stacks.providers.base import already_exists
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from lambent.stacks.errors import ResourceFailure
    from lambent.stacks.providers.provider import Properties, Work


class Holders(ABC):
    """What has policies: queues by their URLs, topics by their ARNs."""

    @abstractmethod
    async def put(self, work: Work, holder: str) -> None:
        """Give it the PolicyDocument of the step. Raises ServiceFailure."""

    @abstractmethod
    async def remove(self, work: Work, holder: str) -> None:
        """Take away what it has; a holder that is not there is no error."""

    @abstractmethod
    async def policy(self, work: Work, holder: str) -> Any:
        """What it has, None for none."""

    def taken(self, work: Work, holder: str) -> ResourceFailure:
        """It has a policy already."""
        return already_exists(work, holder)


class SharedPolicyProvider(Provider):
    """One policy for some holders, in place of what they have. Ref is a name of its own."""

    holders: ClassVar[Holders]
    member: ClassVar[str]
    """The property that names the holders."""
    name_limit: ClassVar[int]

    async def create(self, work: Work) -> Made:
        physical_id = work.name(self.name_limit)
        named = work.properties[self.member]
        for holder in named:
            await self.holders.put(work, holder)
            if holder == named[0]:
                # The next may fail, and this one has to go then.
                await work.initiated(physical_id, {"Id": physical_id})
        return Made(physical_id, {"Id": physical_id})

    async def update(self, work: Work) -> Made:
        named = work.properties[self.member]
        for holder in work.old.get(self.member, []):
            if holder not in named:
                await self.holders.remove(work, holder)
        for holder in named:
            await self.holders.put(work, holder)
        return Made(work.physical_id, {"Id": work.physical_id})

    async def delete(self, work: Work) -> None:
        for holder in work.properties.get(self.member, []):
            await self.holders.remove(work, holder)

    async def read(self, work: Work) -> Properties | None:
        policy = None
        named = work.properties.get(self.member, [])
        for holder in named:
            policy = await self.holders.policy(work, holder)
            if policy is None:
                return None
        return {self.member: named, "PolicyDocument": policy}


class InlinePolicyProvider(Provider):
    """The policy of one holder, whose name is its id."""

    holders: ClassVar[Holders]
    member: ClassVar[str]
    """The property that names the holder."""

    async def create(self, work: Work) -> Made:
        holder = work.properties[self.member]
        if not work.again and await self.holders.policy(work, holder) is not None:
            raise self.holders.taken(work, holder)
        await self.holders.put(work, holder)
        return Made(holder)

    async def update(self, work: Work) -> Made:
        await self.holders.put(work, work.physical_id)
        return Made(work.physical_id)

    async def delete(self, work: Work) -> None:
        await self.holders.remove(work, work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        policy = await self.holders.policy(work, work.physical_id)
        return None if policy is None else {self.member: work.physical_id, "PolicyDocument": policy}
