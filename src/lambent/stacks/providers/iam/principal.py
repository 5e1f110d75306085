"""What roles, users and groups have in common: inline policies, attached ones, and boundaries of permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.stacks.providers.base import unless
from lambent.stacks.providers.iam.answers import (
    MISSING,
    as_given,
    call_unless,
    document,
    pages,
    read_document,
)

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work


class Principal:
    """The operations of one kind: `Role`, `User` or `Group`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.member = f"{kind}Name"

    def named(self, name: str) -> dict[str, str]:
        """The parameter that names one."""
        return {self.member: name}

    async def settle(self, work: Work, name: str) -> None:
        """Give it the policies of `work.properties`, and take those away that only `work.old` names."""
        old, new = work.old, work.properties
        await self.attach(work, name, old.get("ManagedPolicyArns"), new.get("ManagedPolicyArns"))
        before, after = _inline(old), _inline(new)
        for policy, statements in after.items():
            if work.again or before.get(policy) != statements:
                await self.put(work, name, policy, statements)
        for policy in before:
            if policy not in after:
                await self.drop(work, name, policy)

    async def attach(self, work: Work, name: str, old: Any, new: Any) -> None:
        """Attach managed policies that are new, detach those that are no longer wanted."""
        before, after = list(old or ()), list(dict.fromkeys(new or ()))
        there = set(await self.attached(work, name)) if work.again else set(before)
        for arn in after:
            if arn not in there:
                await work.call("iam", f"Attach{self.kind}Policy", **self.named(name), PolicyArn=arn)
        for arn in before:
            if arn not in after:
                await self.detach(work, name, arn)

    async def attached(self, work: Work, name: str) -> list[str]:
        """The ARNs of the managed policies that it has."""
        found = await pages(work, f"ListAttached{self.kind}Policies", "AttachedPolicies", **self.named(name))
        return [each["PolicyArn"] for each in found]

    async def detach(self, work: Work, name: str, arn: str) -> None:
        """Detach a managed policy; one that is not attached is no error."""
        await call_unless(work, MISSING, f"Detach{self.kind}Policy", **self.named(name), PolicyArn=arn)

    async def put(self, work: Work, name: str, policy: str, statements: Any) -> None:
        """Set an inline policy."""
        await work.call(
            "iam",
            f"Put{self.kind}Policy",
            **self.named(name),
            PolicyName=policy,
            PolicyDocument=document(statements),
        )

    async def drop(self, work: Work, name: str, policy: str) -> None:
        """Delete an inline policy; one that is not there is no error."""
        await call_unless(work, MISSING, f"Delete{self.kind}Policy", **self.named(name), PolicyName=policy)

    async def inline(self, work: Work, name: str, policy: str) -> Any:
        """The document of an inline policy, None for one that is not there."""
        found = await call_unless(
            work, MISSING, f"Get{self.kind}Policy", **self.named(name), PolicyName=policy
        )
        return None if found is None else read_document(found["PolicyDocument"])

    async def bound(self, work: Work, name: str) -> None:
        """Set or take away the boundary of its permissions."""
        boundary, before = work.properties.get("PermissionsBoundary"), work.old.get("PermissionsBoundary")
        if not (boundary or before) or (boundary == before and not work.again):
            return
        if boundary:
            await work.call(
                "iam",
                f"Put{self.kind}PermissionsBoundary",
                **self.named(name),
                PermissionsBoundary=boundary,
            )
        else:
            await call_unless(work, MISSING, f"Delete{self.kind}PermissionsBoundary", **self.named(name))

    async def strip(self, work: Work, name: str) -> None:
        """Take away the policies that the template gave it. Others keep it from being deleted, as on AWS."""
        given = work.properties.get("ManagedPolicyArns") or ()
        # A creation may have failed at a policy: what is not attached may be no policy's ARN at all.
        there = await unless(self.attached(work, name), MISSING) if given else None
        for arn in there or ():
            if arn in given:
                await self.detach(work, name, arn)
        for policy in _inline(work.properties):
            await self.drop(work, name, policy)

    async def policies(self, work: Work, name: str) -> Properties:
        """ManagedPolicyArns and Policies as they are.

        Only where the template has them, and of inline policies only those of its names: AWS::IAM::Policy and the like
        give a role more of both, which is no drift.
        """
        live: Properties = {}
        if "ManagedPolicyArns" in work.properties:
            live["ManagedPolicyArns"] = await self.attached(work, name)
        if "Policies" in work.properties:
            live["Policies"] = []
            for policy, given in _inline(work.properties).items():
                found = await self.inline(work, name, policy)
                if found is not None:
                    live["Policies"].append({"PolicyName": policy, "PolicyDocument": as_given(found, given)})
        return live


def _inline(properties: Properties) -> dict[str, Any]:
    return {each["PolicyName"]: each["PolicyDocument"] for each in properties.get("Policies") or ()}


ROLE = Principal("Role")
USER = Principal("User")
GROUP = Principal("Group")
