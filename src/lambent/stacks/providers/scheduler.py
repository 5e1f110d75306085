"""EventBridge Scheduler: schedules and their groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ReplacementNeeded
from lambent.stacks.providers import ecs_targets
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    chosen,
    name_of,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
    until,
    whole_numbers,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 64
_DEFAULT: Final = "default"
_MEMBERS: Final = (
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
)


class ScheduleProvider(ServiceProvider):
    """`AWS::Scheduler::Schedule`: Ref is its name."""

    type: ClassVar[str] = "AWS::Scheduler::Schedule"

    async def create(self, work: Work) -> Made:
        name = name_of(work, "Name", _NAME_LIMIT)
        try:
            await work.call("scheduler", "CreateSchedule", Name=name, **_request(work))
        except ServiceFailure as failure:
            if failure.code != "ConflictException":
                raise
            if not work.again:
                raise already_exists(work, name) from None
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        if work.old.get("GroupName", _DEFAULT) != work.properties.get("GroupName", _DEFAULT):
            # The group is a part of what a schedule is found by.
            raise ReplacementNeeded("GroupName")
        await work.call("scheduler", "UpdateSchedule", Name=work.physical_id, **_request(work))
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        group = work.properties.get("GroupName")
        await unless(work.call("scheduler", "DeleteSchedule", Name=work.physical_id, GroupName=group))

    async def read(self, work: Work) -> Properties | None:
        group = work.properties.get("GroupName")
        found = await unless(work.call("scheduler", "GetSchedule", Name=work.physical_id, GroupName=group))
        if found is None:
            return None
        properties: Properties = chosen(found, ("Name", "GroupName", *_MEMBERS))
        for member in ("StartDate", "EndDate"):
            if properties.get(member) is not None:
                properties[member] = _moment(properties[member])
        window = told(properties["FlexibleTimeWindow"])
        return told(
            {
                **properties,
                "FlexibleTimeWindow": window,
                "Target": ecs_targets.read(found["Target"], rule=False),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        group = work.properties.get("GroupName", _DEFAULT)
        return Made(physical_id, {"Arn": arn(work, "scheduler", f"schedule/{group}/{physical_id}")})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Name"]


class ScheduleGroupProvider(ServiceProvider):
    """`AWS::Scheduler::ScheduleGroup`: Ref is its name. Its schedules go with it."""

    type: ClassVar[str] = "AWS::Scheduler::ScheduleGroup"

    async def create(self, work: Work) -> Made:
        name = name_of(work, "Name", _NAME_LIMIT)
        tags = pairs(tags_of(work))
        try:
            await work.call("scheduler", "CreateScheduleGroup", Name=name, Tags=tags or None)
        except ServiceFailure as failure:
            if failure.code != "ConflictException":
                raise
            if not work.again:
                raise already_exists(work, name) from None
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        tags, group = tag_changes(work), arn(work, "scheduler", f"schedule-group/{work.physical_id}")
        if tags.removed:
            await work.call("scheduler", "UntagResource", ResourceArn=group, TagKeys=tags.removed)
        if tags.put:
            await work.call("scheduler", "TagResource", ResourceArn=group, Tags=pairs(tags.put))
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        name = work.physical_id

        async def gone() -> bool | None:
            return None if await unless(work.call("scheduler", "GetScheduleGroup", Name=name)) else True

        deleted = await unless(
            work.call("scheduler", "DeleteScheduleGroup", Name=name),
            "ResourceNotFoundException",
            # It is being deleted already.
            "ConflictException",
        )
        if deleted is not None or work.again:
            await until(work, gone)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call("scheduler", "GetScheduleGroup", Name=work.physical_id))
        if found is None:
            return None
        tags = await work.call("scheduler", "ListTagsForResource", ResourceArn=found["Arn"])
        return told({"Name": found["Name"], "Tags": own_pairs(tags.get("Tags", []))})

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await work.call("scheduler", "GetScheduleGroup", Name=physical_id)
        return Made(
            physical_id,
            {
                "Arn": found["Arn"],
                "CreationDate": _moment(found["CreationDate"]),
                "LastModificationDate": _moment(found["LastModificationDate"]),
                "State": found["State"],
            },
        )

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Name"]


def _request(work: Work) -> dict[str, Any]:
    request = chosen(work.properties, _MEMBERS)
    request["Target"] = ecs_targets.requested(work.properties["Target"])
    request["GroupName"] = work.properties.get("GroupName")
    numbers: dict[str, Any] = whole_numbers(request)
    return numbers


def _moment(found: Any) -> str:
    text: str = found.isoformat(timespec="milliseconds")
    return text.replace(".000", "").replace("+00:00", "Z")
