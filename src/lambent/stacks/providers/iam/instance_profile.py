"""AWS::IAM::InstanceProfile (AWSCloudFormation/latest/TemplateReference/aws-resource-iam-instanceprofile.html)."""

from __future__ import annotations

from typing import Any, ClassVar

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.iam.answers import EXISTS, MISSING, call_unless
from lambent.stacks.providers.provider import Made, Properties, Provider, Work


class InstanceProfileProvider(Provider):
    """Ref is the profile's name."""

    type: ClassVar[str] = "AWS::IAM::InstanceProfile"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        name = wanted.get("InstanceProfileName") or work.name(128)
        try:
            answer = await work.call(
                "iam", "CreateInstanceProfile", InstanceProfileName=name, Path=wanted.get("Path")
            )
        except ServiceFailure as failure:
            if failure.code != EXISTS or not work.again:
                raise
            answer = await work.call("iam", "GetInstanceProfile", InstanceProfileName=name)
            there = _roles(answer["InstanceProfile"])
            if (
                not work.physical_id
                and wanted.get("InstanceProfileName")
                and there not in ([], wanted["Roles"])
            ):
                raise
        made = _made(answer["InstanceProfile"])
        await work.initiated(made.physical_id, made.attributes)
        await self._settle(work, name)
        return made

    async def _settle(self, work: Work, name: str) -> None:
        """Give it the roles of the template, and no other: one at the most."""
        found = await work.call("iam", "GetInstanceProfile", InstanceProfileName=name)
        there, wanted = _roles(found["InstanceProfile"]), work.properties["Roles"]
        for role in there:
            if role not in wanted:
                await call_unless(
                    work,
                    MISSING,
                    "RemoveRoleFromInstanceProfile",
                    InstanceProfileName=name,
                    RoleName=role,
                )
        for role in wanted:
            if role not in there:
                await work.call("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)

    async def update(self, work: Work) -> Made:
        await self._settle(work, work.physical_id)
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        name = work.physical_id
        for role in work.properties.get("Roles") or ():
            await call_unless(
                work, MISSING, "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role
            )
        await call_unless(work, MISSING, "DeleteInstanceProfile", InstanceProfileName=name)

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetInstanceProfile", InstanceProfileName=work.physical_id)
        if found is None:
            return None
        profile = found["InstanceProfile"]
        return {
            "InstanceProfileName": profile["InstanceProfileName"],
            "Path": profile["Path"],
            "Roles": _roles(profile),
        }

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        name = identifier["InstanceProfileName"]
        found = await call_unless(work, MISSING, "GetInstanceProfile", InstanceProfileName=name)
        if found is None:
            raise ResourceFailure(f"Instance Profile {name} cannot be found.", "NotFound")
        return _made(found["InstanceProfile"])


def _roles(profile: dict[str, Any]) -> list[str]:
    return [role["RoleName"] for role in profile.get("Roles") or ()]


def _made(profile: dict[str, Any]) -> Made:
    return Made(profile["InstanceProfileName"], {"Arn": profile["Arn"]})
