"""AWS::IAM::Role (AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import pairs, tags_of
from lambent.stacks.providers.iam.answers import (
    EXISTS,
    MISSING,
    as_given,
    call_unless,
    document,
    read_document,
    retag,
    same_document,
)
from lambent.stacks.providers.iam.principal import ROLE
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_SESSION_S: Final = 3600
_TAGS: Final = ("TagRole", "UntagRole")


class RoleProvider(Provider):
    """Ref is the role's name."""

    type: ClassVar[str] = "AWS::IAM::Role"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        name = wanted.get("RoleName") or work.name(64)
        try:
            answer = await work.call(
                "iam",
                "CreateRole",
                RoleName=name,
                AssumeRolePolicyDocument=document(wanted["AssumeRolePolicyDocument"]),
                Path=wanted.get("Path"),
                Description=wanted.get("Description"),
                MaxSessionDuration=wanted.get("MaxSessionDuration"),
                PermissionsBoundary=wanted.get("PermissionsBoundary"),
                Tags=pairs(tags_of(work, system=False)) or None,
            )
        except ServiceFailure as failure:
            answer = await self._begun(work, name) if work.again and failure.code == EXISTS else {}
            if not answer:
                raise
        made = _made(answer["Role"])
        await work.initiated(made.physical_id, made.attributes)
        await ROLE.settle(work, name)
        return made

    async def _begun(self, work: Work, name: str) -> dict[str, Any]:
        """The role that is there, where it is what a step that was cut would have made."""
        answer = await work.call("iam", "GetRole", RoleName=name)
        if work.physical_id == name or work.properties.get("RoleName") is None:
            return answer
        role, wanted = answer["Role"], work.properties
        same = (
            same_document(read_document(role["AssumeRolePolicyDocument"]), wanted["AssumeRolePolicyDocument"])
            and role["Path"] == wanted.get("Path", "/")
            and (role.get("Description") or "") == wanted.get("Description", "")
        )
        return answer if same else {}

    async def update(self, work: Work) -> Made:
        name, old, new = work.physical_id, work.old, work.properties
        trust = new["AssumeRolePolicyDocument"]
        if work.again or trust != old.get("AssumeRolePolicyDocument"):
            await work.call("iam", "UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=document(trust))
        if work.again or any(
            new.get(each) != old.get(each) for each in ("Description", "MaxSessionDuration")
        ):
            await work.call(
                "iam",
                "UpdateRole",
                RoleName=name,
                Description=new.get("Description") or "",
                MaxSessionDuration=new.get("MaxSessionDuration") or _SESSION_S,
            )
        await ROLE.bound(work, name)
        await ROLE.settle(work, name)
        await retag(work, _TAGS, "RoleName", name)
        return Made(name, work.attributes)

    async def delete(self, work: Work) -> None:
        await ROLE.strip(work, work.physical_id)
        await call_unless(work, MISSING, "DeleteRole", RoleName=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetRole", RoleName=work.physical_id)
        if found is None:
            return None
        role: dict[str, Any] = found["Role"]
        live: Properties = {
            "RoleName": role["RoleName"],
            "Path": role["Path"],
            "AssumeRolePolicyDocument": as_given(
                read_document(role["AssumeRolePolicyDocument"]),
                work.properties.get("AssumeRolePolicyDocument"),
            ),
            "Description": role.get("Description") or "",
            "MaxSessionDuration": role.get("MaxSessionDuration", _SESSION_S),
            **await ROLE.policies(work, work.physical_id),
        }
        boundary = role.get("PermissionsBoundary")
        if boundary:
            live["PermissionsBoundary"] = boundary["PermissionsBoundaryArn"]
        if role.get("Tags"):
            live["Tags"] = role["Tags"]
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        found = await call_unless(work, MISSING, "GetRole", RoleName=identifier["RoleName"])
        if found is None:
            raise ResourceFailure(f"The role with name {identifier['RoleName']} cannot be found.", "NotFound")
        return _made(found["Role"])


def _made(role: dict[str, Any]) -> Made:
    return Made(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})
