"""Inline policies: AWS::IAM::Policy, for any number of roles, users and groups; RolePolicy, UserPolicy, GroupPolicy.

AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html, aws-resource-iam-rolepolicy.html and so on.
"""

from __future__ import annotations

from typing import ClassVar, Final

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.iam.answers import as_given
from lambent.stacks.providers.iam.principal import GROUP, ROLE, USER, Principal
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_HOLDERS: Final = {"Groups": GROUP, "Roles": ROLE, "Users": USER}


class PolicyProvider(Provider):
    """Ref is a name of its own, which nothing but the stack knows."""

    type: ClassVar[str] = "AWS::IAM::Policy"

    async def create(self, work: Work) -> Made:
        name = work.name(64)
        await self._put(work)
        return Made(name, {"Id": name})

    async def update(self, work: Work) -> Made:
        await self._put(work)
        after = _held(work.properties)
        for member, holder, policy in _held(work.old):
            if (member, holder, policy) not in after:
                await _HOLDERS[member].drop(work, holder, policy)
        return Made(work.physical_id, work.attributes)

    async def _put(self, work: Work) -> None:
        held = _held(work.properties)
        if not held:
            raise ResourceFailure("At least one of [Groups,Roles,Users] must be non-empty.", "InvalidRequest")
        before = set() if work.again else set(_held(work.old))
        same = work.old.get("PolicyDocument") == work.properties["PolicyDocument"]
        for each in held:
            if same and each in before:
                continue
            member, holder, policy = each
            await _HOLDERS[member].put(work, holder, policy, work.properties["PolicyDocument"])

    async def delete(self, work: Work) -> None:
        for member, holder, policy in _held(work.properties):
            await _HOLDERS[member].drop(work, holder, policy)

    async def read(self, work: Work) -> Properties | None:
        live: Properties = {"PolicyName": work.properties["PolicyName"]}
        for member, holder, policy in _held(work.properties):
            given = work.properties["PolicyDocument"]
            found = as_given(await _HOLDERS[member].inline(work, holder, policy), given)
            if found is not None:
                live.setdefault(member, []).append(holder)
                # One that differs is what has drifted.
                if "PolicyDocument" not in live or found != given:
                    live["PolicyDocument"] = found
        return live if "PolicyDocument" in live else None


def _held(properties: Properties) -> list[tuple[str, str, str]]:
    """Where the policy is put: the member, the role, user or group, and the policy's name there."""
    return [
        (member, holder, properties["PolicyName"])
        for member in _HOLDERS
        for holder in properties.get(member) or ()
    ]


class HeldPolicyProvider(Provider):
    """One policy of one principal; Ref is both names."""

    principal: ClassVar[Principal]

    async def create(self, work: Work) -> Made:
        name, policy = work.properties[self.principal.member], work.properties["PolicyName"]
        physical_id = f"{policy}|{name}"
        if not work.again and await self.principal.inline(work, name, policy) is not None:
            raise ResourceFailure(f"{physical_id} already exists", "AlreadyExists")
        await self._put(work)
        return Made(physical_id, {})

    async def update(self, work: Work) -> Made:
        await self._put(work)
        return Made(work.physical_id, work.attributes)

    async def _put(self, work: Work) -> None:
        wanted = work.properties
        await self.principal.put(
            work, wanted[self.principal.member], wanted["PolicyName"], wanted.get("PolicyDocument") or {}
        )

    async def delete(self, work: Work) -> None:
        policy, _, name = work.physical_id.partition("|")
        await self.principal.drop(work, name, policy)

    async def read(self, work: Work) -> Properties | None:
        policy, _, name = work.physical_id.partition("|")
        found = await self.principal.inline(work, name, policy)
        if found is None:
            return None
        return {
            "PolicyName": policy,
            self.principal.member: name,
            "PolicyDocument": as_given(found, work.properties.get("PolicyDocument")),
        }

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        work.physical_id = f"{identifier['PolicyName']}|{identifier[self.principal.member]}"
        if await self.read(work) is None:
            raise ResourceFailure(f"{work.physical_id} was not found.", "NotFound")
        return Made(work.physical_id, {})


class RolePolicyProvider(HeldPolicyProvider):
    type: ClassVar[str] = "AWS::IAM::RolePolicy"
    principal = ROLE


class UserPolicyProvider(HeldPolicyProvider):
    type: ClassVar[str] = "AWS::IAM::UserPolicy"
    principal = USER


class GroupPolicyProvider(HeldPolicyProvider):
    type: ClassVar[str] = "AWS::IAM::GroupPolicy"
    principal = GROUP
