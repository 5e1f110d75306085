"""Rules, with their targets.

What Ref gives is recorded in go-to-k/cdkd#949 and aws-cloudformation/cloudformation-coverage-roadmap#1131: the rule's
name, after the bus's name and a bar where that is not the default one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.errors import ReplacementNeeded, ResourceFailure
from lambent.stacks.providers import ecs_targets
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    document_of,
    document_text,
    name_of,
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

_NAME_LIMIT: Final = 64
_DEFAULT: Final = "default"


class RuleProvider(ServiceProvider):
    """`AWS::Events::Rule`."""

    type: ClassVar[str] = "AWS::Events::Rule"

    async def create(self, work: Work) -> Made:
        name = name_of(work, "Name", _NAME_LIMIT)
        bus = work.properties.get("EventBusName")
        if not work.again:
            there = await unless(work.call("events", "DescribeRule", Name=name, EventBusName=bus))
            if there is not None:
                raise already_exists(work, name)
        tags = pairs(tags_of(work))
        await _put(work, name, bus, Tags=tags or None)
        bus_name = _bus_name(bus)
        made = await self.made(work, name if bus_name == _DEFAULT else f"{bus_name}|{name}")
        targets = work.properties.get("Targets")
        if targets:
            await work.initiated(made.physical_id, made.attributes)
            await _put_targets(work, name, bus, targets)
        return made

    async def update(self, work: Work) -> Made:
        bus = work.properties.get("EventBusName")
        if _bus_name(work.old.get("EventBusName")) != _bus_name(bus):
            raise ReplacementNeeded("EventBusName")
        _, name = _parts(work.physical_id)
        await _put(work, name, bus)
        before = {target["Id"]: target for target in work.old.get("Targets") or []}
        after = {target["Id"]: target for target in work.properties.get("Targets") or []}
        # First those that go: there are five at most.
        await _remove_targets(work, name, bus, [target for target in before if target not in after])
        await _put_targets(work, name, bus, [one for key, one in after.items() if before.get(key) != one])
        made = await self.made(work, work.physical_id)
        tags, rule = tag_changes(work), made.attributes["Arn"]
        if tags.removed:
            await work.call("events", "UntagResource", ResourceARN=rule, TagKeys=tags.removed)
        if tags.put:
            await work.call("events", "TagResource", ResourceARN=rule, Tags=pairs(tags.put))
        return made

    async def delete(self, work: Work) -> None:
        _, name = _parts(work.physical_id)
        bus = work.properties.get("EventBusName") or _parts(work.physical_id)[0]
        targets = await _targets(work, name, bus)
        if targets is None:
            return
        await _remove_targets(work, name, bus, [target["Id"] for target in targets])
        await unless(work.call("events", "DeleteRule", Name=name, EventBusName=bus))

    async def read(self, work: Work) -> Properties | None:
        bus, name = _parts(work.physical_id)
        found = await unless(work.call("events", "DescribeRule", Name=name, EventBusName=bus))
        if found is None:
            return None
        tags = await work.call("events", "ListTagsForResource", ResourceARN=found["Arn"])
        return told(
            {
                "Name": name,
                "EventBusName": work.properties.get("EventBusName", bus),
                "Description": found.get("Description"),
                "EventPattern": document_of(found.get("EventPattern")),
                "ScheduleExpression": found.get("ScheduleExpression"),
                "State": found.get("State"),
                "RoleArn": found.get("RoleArn"),
                "Targets": [
                    ecs_targets.read(target, rule=True) for target in await _targets(work, name, bus) or []
                ],
                "Tags": own_pairs(tags.get("Tags", [])),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        bus, name = _parts(physical_id)
        resource = f"rule/{name}" if bus == _DEFAULT else f"rule/{bus}/{name}"
        return Made(physical_id, {"Arn": arn(work, "events", resource), "RuleName": name})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        bus, _, name = identifier["Arn"].partition(":rule/")[2].rpartition("/")
        return f"{bus}|{name}" if bus else name


def _bus_name(given: str | None) -> str:
    """A bus is named by its name or its ARN."""
    return (given or _DEFAULT).rpartition(":event-bus/")[2]


def _parts(physical_id: str) -> tuple[str, str]:
    bus, _, name = physical_id.rpartition("|")
    return bus or _DEFAULT, name


async def _put(work: Work, name: str, bus: str | None, **more: Any) -> None:
    properties = work.properties
    pattern = properties.get("EventPattern")
    await work.call(
        "events",
        "PutRule",
        Name=name,
        EventBusName=bus,
        EventPattern=None if pattern is None else document_text(pattern),
        ScheduleExpression=properties.get("ScheduleExpression"),
        State=properties.get("State"),
        Description=properties.get("Description"),
        RoleArn=properties.get("RoleArn"),
        **more,
    )


async def _put_targets(work: Work, name: str, bus: str | None, targets: list[Properties]) -> None:
    if not targets:
        return
    requested = [ecs_targets.requested(target) for target in targets]
    answer = await work.call("events", "PutTargets", Rule=name, EventBusName=bus, Targets=requested)
    _check(answer)


async def _remove_targets(work: Work, name: str, bus: str | None, ids: list[str]) -> None:
    if ids:
        # That one is gone already is told in the answer, and no matter.
        await work.call("events", "RemoveTargets", Rule=name, EventBusName=bus, Ids=ids)


async def _targets(work: Work, name: str, bus: str | None) -> list[dict[str, Any]] | None:
    found: list[dict[str, Any]] = []
    token = None
    while True:
        page = await unless(
            work.call("events", "ListTargetsByRule", Rule=name, EventBusName=bus, NextToken=token)
        )
        if page is None:
            return None
        found += page.get("Targets", [])
        token = page.get("NextToken")
        if not token:
            return found


def _check(answer: dict[str, Any]) -> None:
    for failed in answer.get("FailedEntries") or []:
        raise ResourceFailure(failed.get("ErrorMessage") or failed.get("ErrorCode", ""), "InvalidRequest")
