"""AWS::IAM::ManagedPolicy (AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html)."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.iam.answers import (
    EXISTS,
    MISSING,
    as_given,
    call_unless,
    document,
    pages,
    read_document,
    same_document,
)
from lambent.stacks.providers.iam.principal import GROUP, ROLE, USER
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_HOLDERS: Final = {"Roles": ROLE, "Users": USER, "Groups": GROUP}
_MOST_VERSIONS: Final = 5


class ManagedPolicyProvider(Provider):
    """Ref is the policy's ARN."""

    type: ClassVar[str] = "AWS::IAM::ManagedPolicy"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        name = wanted.get("ManagedPolicyName") or work.name(128)
        path = wanted.get("Path") or "/"
        try:
            answer = await work.call(
                "iam",
                "CreatePolicy",
                PolicyName=name,
                PolicyDocument=document(wanted["PolicyDocument"]),
                Path=wanted.get("Path"),
                Description=wanted.get("Description"),
            )
            arn = answer["Policy"]["Arn"]
        except ServiceFailure as failure:
            if failure.code != EXISTS or not work.again:
                raise
            arn = f"arn:{work.stack.partition}:iam::{work.stack.account}:policy{path}{name}"
            if not await self._begun(work, arn):
                raise
        await work.initiated(arn, {"PolicyArn": arn})
        await _attach(work, arn)
        return await _made(work, arn)

    async def _begun(self, work: Work, arn: str) -> bool:
        """Whether the policy that is there is what a step that was cut would have made."""
        if work.physical_id == arn or not work.properties.get("ManagedPolicyName"):
            return True
        there = await _document(work, arn)
        return there is not None and same_document(there, work.properties["PolicyDocument"])

    async def update(self, work: Work) -> Made:
        arn, wanted = work.physical_id, work.properties["PolicyDocument"]
        there = await _document(work, arn) if work.again else work.old.get("PolicyDocument")
        if not same_document(there, wanted):
            versions = await pages(work, "ListPolicyVersions", "Versions", PolicyArn=arn)
            if len(versions) >= _MOST_VERSIONS:
                oldest = min(
                    (each for each in versions if not each["IsDefaultVersion"]),
                    key=lambda each: int(each["VersionId"].removeprefix("v")),
                )
                await work.call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=oldest["VersionId"])
            await work.call(
                "iam",
                "CreatePolicyVersion",
                PolicyArn=arn,
                PolicyDocument=document(wanted),
                SetAsDefault=True,
            )
        await _attach(work, arn)
        return await _made(work, arn)

    async def delete(self, work: Work) -> None:
        arn = work.physical_id
        for member, holder in _HOLDERS.items():
            for name in work.properties.get(member) or ():
                await holder.detach(work, name, arn)
        if await call_unless(work, MISSING, "GetPolicy", PolicyArn=arn) is None:
            return
        for version in await pages(work, "ListPolicyVersions", "Versions", PolicyArn=arn):
            if not version["IsDefaultVersion"]:
                await call_unless(
                    work, MISSING, "DeletePolicyVersion", PolicyArn=arn, VersionId=version["VersionId"]
                )
        await call_unless(work, MISSING, "DeletePolicy", PolicyArn=arn)

    async def read(self, work: Work) -> Properties | None:
        arn = work.physical_id
        found = await call_unless(work, MISSING, "GetPolicy", PolicyArn=arn)
        if found is None:
            return None
        policy = found["Policy"]
        live: Properties = {
            "ManagedPolicyName": policy["PolicyName"],
            "Path": policy.get("Path", "/"),
            "Description": policy.get("Description") or "",
            "PolicyDocument": as_given(await _document(work, arn), work.properties.get("PolicyDocument")),
        }
        for member, holder in _HOLDERS.items():
            if member in work.properties:
                entities = await pages(
                    work,
                    "ListEntitiesForPolicy",
                    f"Policy{member}",
                    PolicyArn=arn,
                    EntityFilter=holder.kind,
                )
                live[member] = [each[holder.member] for each in entities]
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        arn = identifier["PolicyArn"]
        if await call_unless(work, MISSING, "GetPolicy", PolicyArn=arn) is None:
            raise ResourceFailure(f"Policy {arn} was not found.", "NotFound")
        return await _made(work, arn)


async def _attach(work: Work, arn: str) -> None:
    """Attach it to whom the template names, and detach it from those of before."""
    for member, holder in _HOLDERS.items():
        before, after = work.old.get(member) or (), work.properties.get(member) or ()
        for name in after:
            # Attaching once more changes nothing; in moto it would be counted.
            if name not in before or work.again:
                if work.again and arn in await holder.attached(work, name):
                    continue
                await work.call("iam", f"Attach{holder.kind}Policy", **holder.named(name), PolicyArn=arn)
        for name in before:
            if name not in after:
                await holder.detach(work, name, arn)


async def _document(work: Work, arn: str) -> Any:
    found = await call_unless(work, MISSING, "GetPolicy", PolicyArn=arn)
    if found is None:
        return None
    version = await work.call(
        "iam", "GetPolicyVersion", PolicyArn=arn, VersionId=found["Policy"]["DefaultVersionId"]
    )
    return read_document(version["PolicyVersion"]["Document"])


async def _made(work: Work, arn: str) -> Made:
    policy = (await work.call("iam", "GetPolicy", PolicyArn=arn))["Policy"]
    return Made(
        arn,
        {
            "PolicyArn": arn,
            "PolicyId": policy["PolicyId"],
            "AttachmentCount": policy.get("AttachmentCount", 0),
            "PermissionsBoundaryUsageCount": policy.get("PermissionsBoundaryUsageCount", 0),
            "IsAttachable": policy.get("IsAttachable", True),
            "DefaultVersionId": policy["DefaultVersionId"],
            "CreateDate": _time(policy["CreateDate"]),
            "UpdateDate": _time(policy["UpdateDate"]),
        },
    )


def _time(moment: Any) -> str:
    if isinstance(moment, datetime.datetime):
        return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(moment)
