"""AWS::IAM::User and AccessKey.

AWSCloudFormation/latest/TemplateReference/aws-resource-iam-user.html, aws-resource-iam-accesskey.html
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import pairs, tags_of
from lambent.stacks.providers.iam.answers import (
    EXISTS,
    MISSING,
    call_unless,
    pages,
    retag,
)
from lambent.stacks.providers.iam.principal import USER
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_TAGS: Final = ("TagUser", "UntagUser")


class UserProvider(Provider):
    """Ref is the user's name."""

    type: ClassVar[str] = "AWS::IAM::User"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        name = wanted.get("UserName") or work.name(64)
        try:
            answer = await work.call(
                "iam",
                "CreateUser",
                UserName=name,
                Path=wanted.get("Path"),
                PermissionsBoundary=wanted.get("PermissionsBoundary"),
                Tags=pairs(tags_of(work, system=False)) or None,
            )
        except ServiceFailure as failure:
            if failure.code != EXISTS or not work.again:
                raise
            answer = await work.call("iam", "GetUser", UserName=name)
            if not await _begun(work, answer["User"]):
                raise
        made = _made(answer["User"])
        await work.initiated(made.physical_id, made.attributes)
        await self._settle(work, name)
        return made

    async def _settle(self, work: Work, name: str) -> None:
        await USER.settle(work, name)
        before, after = work.old.get("Groups") or (), work.properties.get("Groups") or ()
        for group in after:
            if group not in before or work.again:
                await work.call("iam", "AddUserToGroup", GroupName=group, UserName=name)
        for group in before:
            if group not in after:
                await call_unless(work, MISSING, "RemoveUserFromGroup", GroupName=group, UserName=name)
        await _log_in(work, name)

    async def update(self, work: Work) -> Made:
        name, old, new = work.physical_id, work.old, work.properties
        made = Made(name, work.attributes)
        if work.again or new.get("Path") != old.get("Path"):
            await work.call("iam", "UpdateUser", UserName=name, NewPath=new.get("Path") or "/")
            made = _made((await work.call("iam", "GetUser", UserName=name))["User"])
        await USER.bound(work, name)
        await self._settle(work, name)
        await retag(work, _TAGS, "UserName", name)
        return made

    async def delete(self, work: Work) -> None:
        name = work.physical_id
        for group in work.properties.get("Groups") or ():
            await call_unless(work, MISSING, "RemoveUserFromGroup", GroupName=group, UserName=name)
        if work.properties.get("LoginProfile"):
            await call_unless(work, MISSING, "DeleteLoginProfile", UserName=name)
        await USER.strip(work, name)
        await call_unless(work, MISSING, "DeleteUser", UserName=name)

    async def read(self, work: Work) -> Properties | None:
        name = work.physical_id
        found = await call_unless(work, MISSING, "GetUser", UserName=name)
        if found is None:
            return None
        user = found["User"]
        live: Properties = {
            "UserName": user["UserName"],
            "Path": user["Path"],
            **await USER.policies(work, name),
        }
        if "LoginProfile" in work.properties:
            profile = await call_unless(work, MISSING, "GetLoginProfile", UserName=name)
            if profile is not None:
                reset = profile["LoginProfile"].get("PasswordResetRequired", False)
                live["LoginProfile"] = {"PasswordResetRequired": reset}
        if "Groups" in work.properties:
            groups = await pages(work, "ListGroupsForUser", "Groups", UserName=name)
            live["Groups"] = [group["GroupName"] for group in groups]
        boundary = user.get("PermissionsBoundary")
        if boundary:
            live["PermissionsBoundary"] = boundary["PermissionsBoundaryArn"]
        tags = await pages(work, "ListUserTags", "Tags", UserName=name)
        if tags:
            live["Tags"] = tags
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        name = identifier["UserName"]
        found = await call_unless(work, MISSING, "GetUser", UserName=name)
        if found is None:
            raise ResourceFailure(f"The user with name {name} cannot be found.", "NotFound")
        return _made(found["User"])


async def _begun(work: Work, user: dict[str, Any]) -> bool:
    """Whether the user that is there is what a step that was cut would have made."""
    if work.physical_id or not work.properties.get("UserName"):
        return True
    tags = await pages(work, "ListUserTags", "Tags", UserName=user["UserName"])
    there = {tag["Key"]: tag["Value"] for tag in tags}
    return user["Path"] == work.properties.get("Path", "/") and there == tags_of(work, system=False)


async def _log_in(work: Work, name: str) -> None:
    old, new = work.old.get("LoginProfile"), work.properties.get("LoginProfile")
    if old == new and not work.again:
        return
    if not new:
        if old:
            await call_unless(work, MISSING, "DeleteLoginProfile", UserName=name)
        return
    given = {
        "UserName": name,
        "Password": new["Password"],
        "PasswordResetRequired": new.get("PasswordResetRequired", False),
    }
    if old or await call_unless(work, EXISTS, "CreateLoginProfile", **given) is None:
        await work.call("iam", "UpdateLoginProfile", **given)


def _made(user: dict[str, Any]) -> Made:
    return Made(user["UserName"], {"Arn": user["Arn"]})


class AccessKeyProvider(Provider):
    """Ref is the key's id."""

    type: ClassVar[str] = "AWS::IAM::AccessKey"

    async def create(self, work: Work) -> Made:
        user = work.properties["UserName"]
        made = Made(work.physical_id, work.attributes)
        if not work.physical_id:
            key = (await work.call("iam", "CreateAccessKey", UserName=user))["AccessKey"]
            made = Made(
                key["AccessKeyId"],
                {"Id": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]},
            )
            await work.initiated(made.physical_id, made.attributes)
        if work.properties.get("Status", "Active") != "Active":
            await self._put(work)
        return made

    async def update(self, work: Work) -> Made:
        await self._put(work)
        return Made(work.physical_id, work.attributes)

    async def _put(self, work: Work) -> None:
        await work.call(
            "iam",
            "UpdateAccessKey",
            UserName=work.properties["UserName"],
            AccessKeyId=work.physical_id,
            Status=work.properties.get("Status", "Active"),
        )

    async def delete(self, work: Work) -> None:
        await call_unless(
            work,
            MISSING,
            "DeleteAccessKey",
            UserName=work.properties["UserName"],
            AccessKeyId=work.physical_id,
        )

    async def read(self, work: Work) -> Properties | None:
        user = work.properties["UserName"]
        if await call_unless(work, MISSING, "GetUser", UserName=user) is None:
            return None
        for key in await pages(work, "ListAccessKeys", "AccessKeyMetadata", UserName=user):
            if key["AccessKeyId"] == work.physical_id:
                return {"UserName": user, "Status": key["Status"]}
        return None
