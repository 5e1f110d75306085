"""KMS: keys and their aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    changed,
    document_of,
    document_text,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_WINDOW_DAYS: Final = 30
_STEP: Final = "lambent:step"
"""A tag of a key that is being made: so a restart finds it, as keys have no names."""


class KeyProvider(ServiceProvider):
    """`AWS::KMS::Key`: Ref is its id. A key that goes is deleted after `PendingWindowInDays`."""

    type: ClassVar[str] = "AWS::KMS::Key"

    async def create(self, work: Work) -> Made:
        key = work.physical_id or (await self._left(work) if work.again else None)
        if not key:
            properties = work.properties
            policy = properties.get("KeyPolicy")
            answer = await work.call(
                "kms",
                "CreateKey",
                Description=properties.get("Description"),
                KeySpec=properties.get("KeySpec"),
                KeyUsage=properties.get("KeyUsage"),
                MultiRegion=properties.get("MultiRegion"),
                Origin=properties.get("Origin"),
                Policy=document_text(policy) if policy else None,
                BypassPolicyLockoutSafetyCheck=properties.get("BypassPolicyLockoutSafetyCheck"),
                Tags=pairs({**tags_of(work, system=False), _STEP: work.token}, "TagKey", "TagValue"),
            )
            key = answer["KeyMetadata"]["KeyId"]
        made = await self.made(work, key)
        await work.initiated(key, made.attributes)
        await self._switch(work, key, {})
        await work.call("kms", "UntagResource", KeyId=key, TagKeys=[_STEP])
        return made

    async def update(self, work: Work) -> Made:
        key, properties = work.physical_id, work.properties
        if changed(work, "Description"):
            await work.call(
                "kms", "UpdateKeyDescription", KeyId=key, Description=properties.get("Description", "")
            )
        if changed(work, "KeyPolicy"):
            text = document_text(properties.get("KeyPolicy") or _default_policy(work))
            await work.call("kms", "PutKeyPolicy", KeyId=key, PolicyName="default", Policy=text)
        await self._switch(work, key, work.old)
        tags = tag_changes(work, system=False)
        if tags.removed:
            await work.call("kms", "UntagResource", KeyId=key, TagKeys=tags.removed)
        if tags.put:
            await work.call("kms", "TagResource", KeyId=key, Tags=pairs(tags.put, "TagKey", "TagValue"))
        return await self.made(work, key)

    async def delete(self, work: Work) -> None:
        facts = await self._facts(work)
        if facts is None or facts["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion"):
            return
        await work.call(
            "kms",
            "ScheduleKeyDeletion",
            KeyId=work.physical_id,
            PendingWindowInDays=work.properties.get("PendingWindowInDays", _WINDOW_DAYS),
        )

    async def read(self, work: Work) -> Properties | None:
        facts = await self._facts(work)
        if facts is None or facts["KeyState"] == "PendingDeletion":
            return None
        key = work.physical_id
        policy = await work.call("kms", "GetKeyPolicy", KeyId=key, PolicyName="default")
        tags = await work.call("kms", "ListResourceTags", KeyId=key)
        rotates = False
        if facts.get("KeySpec") == "SYMMETRIC_DEFAULT" and facts["Enabled"]:
            rotates = (await work.call("kms", "GetKeyRotationStatus", KeyId=key))["KeyRotationEnabled"]
        return told(
            {
                "Description": facts.get("Description"),
                "Enabled": facts["Enabled"],
                "EnableKeyRotation": rotates,
                "KeyPolicy": document_of(policy["Policy"]),
                "KeySpec": facts.get("KeySpec"),
                "KeyUsage": facts.get("KeyUsage"),
                "MultiRegion": facts.get("MultiRegion"),
                "Tags": own_pairs(tags.get("Tags", []), "TagKey", "TagValue"),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await work.call("kms", "DescribeKey", KeyId=physical_id)
        return Made(physical_id, {"Arn": found["KeyMetadata"]["Arn"], "KeyId": physical_id})

    @staticmethod
    async def _switch(work: Work, key: str, old: Properties) -> None:
        """On or off, and its rotation, where that is not as it was."""
        enabled, was = work.properties.get("Enabled", True), old.get("Enabled", True)
        if enabled and not was:
            await work.call("kms", "EnableKey", KeyId=key)
        rotation = ("EnableKeyRotation", "RotationPeriodInDays")
        if any(work.properties.get(member) != old.get(member) for member in rotation):
            if work.properties.get("EnableKeyRotation"):
                days = work.properties.get("RotationPeriodInDays")
                await work.call("kms", "EnableKeyRotation", KeyId=key, RotationPeriodInDays=days)
            elif old.get("EnableKeyRotation"):
                await work.call("kms", "DisableKeyRotation", KeyId=key)
        if was and not enabled:
            await work.call("kms", "DisableKey", KeyId=key)

    @staticmethod
    async def _left(work: Work) -> str | None:
        """The key that this step has made before a restart: it carries the step's token."""
        marker: str | None = None
        while True:
            page = await work.call("kms", "ListKeys", Marker=marker)
            for one in page["Keys"]:
                tags = await unless(work.call("kms", "ListResourceTags", KeyId=one["KeyId"]))
                for tag in (tags or {}).get("Tags", []):
                    if (tag["TagKey"], tag["TagValue"]) == (_STEP, work.token):
                        return str(one["KeyId"])
            marker = page.get("NextMarker")
            if not marker:
                return None

    @staticmethod
    async def _facts(work: Work) -> dict[str, Any] | None:
        found = await unless(work.call("kms", "DescribeKey", KeyId=work.physical_id))
        return None if found is None else found["KeyMetadata"]


def _default_policy(work: Work) -> Properties:
    """What a key has that was made without one (kms/latest/developerguide/key-policy-default.html)."""
    root = f"arn:{work.stack.partition}:iam::{work.stack.account}:root"
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": "kms:*",
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}


class AliasProvider(ServiceProvider):
    """`AWS::KMS::Alias`: Ref is its name."""

    type: ClassVar[str] = "AWS::KMS::Alias"

    async def create(self, work: Work) -> Made:
        name, key = work.properties["AliasName"], work.properties["TargetKeyId"]
        try:
            await work.call("kms", "CreateAlias", AliasName=name, TargetKeyId=key)
        except ServiceFailure as failure:
            if failure.code != "AlreadyExistsException":
                raise
            if not work.again:
                raise already_exists(work, name) from None
        return Made(name)

    async def update(self, work: Work) -> Made:
        key = work.properties["TargetKeyId"]
        await work.call("kms", "UpdateAlias", AliasName=work.physical_id, TargetKeyId=key)
        return Made(work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call("kms", "DeleteAlias", AliasName=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        marker: str | None = None
        while True:
            page = await work.call("kms", "ListAliases", Marker=marker)
            for alias in page["Aliases"]:
                if alias["AliasName"] == work.physical_id and alias.get("TargetKeyId"):
                    key, given = alias["TargetKeyId"], str(work.properties.get("TargetKeyId"))
                    # A key is named by its id or its ARN.
                    same = given.rpartition(":key/")[2] == key
                    return {"AliasName": alias["AliasName"], "TargetKeyId": given if same else key}
            marker = page.get("NextMarker")
            if not marker:
                return None

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id)
