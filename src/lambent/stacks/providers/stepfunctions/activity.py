"""Activities: names that workers ask for tasks under."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    lower_first,
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

_MISSING: Final = ("ActivityDoesNotExist", "ResourceNotFound")


class ActivityProvider(ServiceProvider):
    """`AWS::StepFunctions::Activity`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::StepFunctions::Activity"

    async def create(self, work: Work) -> Made:
        name = work.properties["Name"]
        activity = arn(work, "states", f"activity:{name}")
        if not work.again:
            there = await unless(
                work.call("stepfunctions", "DescribeActivity", activityArn=activity), *_MISSING
            )
            if there is not None:
                raise already_exists(work, activity)
        # The same again is no error for Step Functions.
        await unless(
            work.call(
                "stepfunctions",
                "CreateActivity",
                name=name,
                tags=pairs(tags_of(work), "key", "value") or None,
                encryptionConfiguration=lower_first(work.properties.get("EncryptionConfiguration")),
            ),
            *(("ActivityAlreadyExists",) if work.again else ("",)),
        )
        return await self.made(work, activity)

    async def update(self, work: Work) -> Made:
        tags, activity = tag_changes(work), work.physical_id
        if tags.removed:
            await work.call("stepfunctions", "UntagResource", resourceArn=activity, tagKeys=tags.removed)
        if tags.put:
            put = pairs(tags.put, "key", "value")
            await work.call("stepfunctions", "TagResource", resourceArn=activity, tags=put)
        return await self.made(work, activity)

    async def delete(self, work: Work) -> None:
        await unless(work.call("stepfunctions", "DeleteActivity", activityArn=work.physical_id), *_MISSING)

    async def read(self, work: Work) -> Properties | None:
        activity = work.physical_id
        found = await unless(work.call("stepfunctions", "DescribeActivity", activityArn=activity), *_MISSING)
        if found is None:
            return None
        tags = await work.call("stepfunctions", "ListTagsForResource", resourceArn=activity)
        return told({"Name": found["name"], "Tags": own_pairs(tags.get("tags", []), "key", "value")})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": physical_id, "Name": physical_id.rpartition(":")[2]})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Arn"]
