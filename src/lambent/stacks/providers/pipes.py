"""EventBridge Pipes: kept as they are described. Whether events flow is up to who serves `pipes`: moto's do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers import ecs_targets
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    chosen,
    lower_first,
    name_of,
    tag_changes,
    tags_of,
    told,
    unless,
    until,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 64
_MEMBERS: Final = (
    "Description",
    "DesiredState",
    "Enrichment",
    "EnrichmentParameters",
    "KmsKeyIdentifier",
    "LogConfiguration",
    "RoleArn",
    "SourceParameters",
    "Target",
    "TargetParameters",
)
_SOURCE_CREATE_ONLY: Final = (
    "StartingPosition",
    "StartingPositionTimestamp",
    "QueueName",
    "VirtualHost",
    "TopicName",
    "ConsumerGroupID",
    "AdditionalBootstrapServers",
)
_OVERRIDDEN: Final = ("Environment", "EnvironmentFiles", "ResourceRequirements")


class PipeProvider(ServiceProvider):
    """`AWS::Pipes::Pipe`: Ref is its name."""

    type: ClassVar[str] = "AWS::Pipes::Pipe"

    async def create(self, work: Work) -> Made:
        name = name_of(work, "Name", _NAME_LIMIT)
        if not work.again and await unless(work.call("pipes", "DescribePipe", Name=name)) is not None:
            raise already_exists(work, name)
        try:
            await work.call(
                "pipes",
                "CreatePipe",
                Name=name,
                Source=work.properties["Source"],
                Tags=tags_of(work) or None,
                **_request(work.properties),
            )
        except ServiceFailure as failure:
            if failure.code != "ConflictException" or not work.again:
                raise
        await work.initiated(name)
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        name = work.physical_id
        request = _request(work.properties)
        source = request.get("SourceParameters")
        if source:
            # How reading begins is said once.
            request["SourceParameters"] = {
                member: {key: one for key, one in value.items() if key not in _SOURCE_CREATE_ONLY}
                for member, value in source.items()
            }
        await work.call("pipes", "UpdatePipe", Name=name, **request)
        made = await self.made(work, name)
        tags, pipe = tag_changes(work), made.attributes["Arn"]
        if tags.removed:
            await work.call("pipes", "UntagResource", resourceArn=pipe, tagKeys=tags.removed)
        if tags.put:
            await work.call("pipes", "TagResource", resourceArn=pipe, tags=tags.put)
        return made

    async def delete(self, work: Work) -> None:
        name = work.physical_id

        async def gone() -> bool | None:
            return None if await unless(work.call("pipes", "DescribePipe", Name=name)) else True

        if await unless(work.call("pipes", "DeletePipe", Name=name)) is not None:
            await until(work, gone)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call("pipes", "DescribePipe", Name=work.physical_id))
        if found is None:
            return None
        own = {key: value for key, value in (found.get("Tags") or {}).items() if not key.startswith("aws:")}
        return told({**chosen(found, ("Name", "Source", *_MEMBERS)), "Tags": own})

    async def made(self, work: Work, physical_id: str) -> Made:
        async def settled() -> dict[str, Any] | None:
            found = await work.call("pipes", "DescribePipe", Name=physical_id)
            state: str = found["CurrentState"]
            if state.endswith("_FAILED"):
                raise ResourceFailure(found.get("StateReason") or state, "NotStabilized")
            return found if state in ("RUNNING", "STOPPED") else None

        found = await until(work, settled)
        return Made(
            physical_id,
            told(
                {
                    "Arn": found["Arn"],
                    "CurrentState": found["CurrentState"],
                    "CreationTime": _moment(found.get("CreationTime")),
                    "LastModifiedTime": _moment(found.get("LastModifiedTime")),
                    "StateReason": found.get("StateReason"),
                }
            ),
        )

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Name"]


def _request(properties: Properties) -> dict[str, Any]:
    request = chosen(properties, _MEMBERS)
    target = request.get("TargetParameters") or {}
    if "EcsTaskParameters" in target:
        task = ecs_targets.requested({"EcsParameters": target["EcsTaskParameters"]})["EcsParameters"]
        if "Overrides" in task:
            task = {**task, "Overrides": _overrides(task["Overrides"])}
        request["TargetParameters"] = {**target, "EcsTaskParameters": task}
    return request


def _overrides(given: Properties) -> dict[str, Any]:
    overrides = dict(given)
    for member in ("EphemeralStorage", "InferenceAcceleratorOverrides"):
        if member in overrides:
            overrides[member] = lower_first(overrides[member])
    if "ContainerOverrides" in overrides:
        overrides["ContainerOverrides"] = [
            {member: lower_first(value) if member in _OVERRIDDEN else value for member, value in one.items()}
            for one in overrides["ContainerOverrides"]
        ]
    return overrides


def _moment(found: Any) -> str | None:
    return None if found is None else found.isoformat(timespec="seconds").replace("+00:00", "Z")
