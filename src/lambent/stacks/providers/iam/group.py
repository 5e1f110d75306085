"""AWS::IAM::Group and UserToGroupAddition.

AWSCloudFormation/latest/TemplateReference/aws-resource-iam-group.html, aws-resource-iam-usertogroupaddition.html
"""

from __future__ import annotations

from typing import Any, ClassVar

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.iam.answers import EXISTS, MISSING, call_unless, pages
from lambent.stacks.providers.iam.principal import GROUP
from lambent.stacks.providers.provider import Made, Properties, Provider, Work


class GroupProvider(Provider):
    """Ref is the group's name."""

    type: ClassVar[str] = "AWS::IAM::Group"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        name = wanted.get("GroupName") or work.name(128)
        try:
            answer = await work.call("iam", "CreateGroup", GroupName=name, Path=wanted.get("Path"))
        except ServiceFailure as failure:
            if failure.code != EXISTS or not work.again:
                raise
            answer = await work.call("iam", "GetGroup", GroupName=name)
            ours = work.physical_id or not wanted.get("GroupName")
            if not ours and answer["Group"]["Path"] != wanted.get("Path", "/"):
                raise
        made = _made(answer["Group"])
        await work.initiated(made.physical_id, made.attributes)
        await GROUP.settle(work, name)
        return made

    async def update(self, work: Work) -> Made:
        name, old, new = work.physical_id, work.old, work.properties
        made = Made(name, work.attributes)
        if work.again or new.get("Path") != old.get("Path"):
            await work.call("iam", "UpdateGroup", GroupName=name, NewPath=new.get("Path") or "/")
            made = _made((await work.call("iam", "GetGroup", GroupName=name))["Group"])
        await GROUP.settle(work, name)
        return made

    async def delete(self, work: Work) -> None:
        await GROUP.strip(work, work.physical_id)
        await call_unless(work, MISSING, "DeleteGroup", GroupName=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetGroup", GroupName=work.physical_id)
        if found is None:
            return None
        group = found["Group"]
        return {
            "GroupName": group["GroupName"],
            "Path": group["Path"],
            **await GROUP.policies(work, work.physical_id),
        }

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        name = identifier["GroupName"]
        found = await call_unless(work, MISSING, "GetGroup", GroupName=name)
        if found is None:
            raise ResourceFailure(f"The group with name {name} cannot be found.", "NotFound")
        return _made(found["Group"])


def _made(group: dict[str, Any]) -> Made:
    return Made(group["GroupName"], {"Arn": group["Arn"]})


class UserToGroupAdditionProvider(Provider):
    """Ref is a name of its own, which nothing but the stack knows."""

    type: ClassVar[str] = "AWS::IAM::UserToGroupAddition"

    async def create(self, work: Work) -> Made:
        await self._put(work)
        name = work.name(128)
        return Made(name, {"Id": name})

    async def update(self, work: Work) -> Made:
        await self._put(work)
        group = work.properties["GroupName"]
        for user in work.old["Users"]:
            if work.old["GroupName"] != group or user not in work.properties["Users"]:
                await _remove(work, work.old["GroupName"], user)
        return Made(work.physical_id, work.attributes)

    async def _put(self, work: Work) -> None:
        # Adding who is in already changes nothing.
        for user in work.properties["Users"]:
            await work.call("iam", "AddUserToGroup", GroupName=work.properties["GroupName"], UserName=user)

    async def delete(self, work: Work) -> None:
        for user in work.properties["Users"]:
            await _remove(work, work.properties["GroupName"], user)

    async def read(self, work: Work) -> Properties | None:
        group = work.properties["GroupName"]
        if await call_unless(work, MISSING, "GetGroup", GroupName=group) is None:
            return None
        users = await pages(work, "GetGroup", "Users", GroupName=group)
        there = {user["UserName"] for user in users}
        found = [user for user in work.properties["Users"] if user in there]
        return {"GroupName": group, "Users": found} if found else None


async def _remove(work: Work, group: str, user: str) -> None:
    await call_unless(work, MISSING, "RemoveUserFromGroup", GroupName=group, UserName=user)
