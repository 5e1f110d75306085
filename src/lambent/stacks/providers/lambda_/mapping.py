"""AWS::Lambda::EventSourceMapping.

AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
"""

from __future__ import annotations

import datetime
from typing import Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ReplacementNeeded, ResourceFailure
from lambent.stacks.providers.lambda_.answers import CONFLICT, MISSING, call_unless, looks, retag
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_IN_USE: Final = "ResourceInUseException"
_STACK: Final = "aws:cloudformation:stack-id"
_LOGICAL: Final = "aws:cloudformation:logical-id"

_CREATION_ONLY: Final = (
    "EventSourceArn",
    "Queues",
    "SelfManagedEventSource",
    "StartingPosition",
    "Topics",
)
# Settings, with what they are where the template does not have them. None: they stay as they are.
_DEFAULTS: Final[dict[str, Any]] = {
    "AmazonManagedKafkaEventSourceConfig": None,
    "BatchSize": None,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "DocumentDBEventSourceConfig": None,
    "Enabled": True,
    "FilterCriteria": {"Filters": []},
    "FunctionName": None,
    "FunctionResponseTypes": [],
    "KmsKeyArn": "",
    "LoggingConfig": None,
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "MetricsConfig": {"Metrics": []},
    "ParallelizationFactor": 1,
    "ProvisionedPollerConfig": {},
    "ScalingConfig": {},
    "SelfManagedKafkaEventSourceConfig": None,
    "SourceAccessConfigurations": [],
    "TumblingWindowInSeconds": 0,
}
_SPELLED: Final = {"KmsKeyArn": "KMSKeyArn"}
_QUEUE_BATCH: Final = 10
_BATCH: Final = 100


class EventSourceMappingProvider(Provider):
    """Ref is the mapping's UUID."""

    type: ClassVar[str] = "AWS::Lambda::EventSourceMapping"

    async def create(self, work: Work) -> Made:
        if work.physical_id:
            return _made(await self._settled(work))
        wanted = work.properties
        begins = wanted.get("StartingPositionTimestamp")
        try:
            answer = await work.call(
                "lambda",
                "CreateEventSourceMapping",
                **{member: wanted.get(member) for member in _CREATION_ONLY},
                **{_SPELLED.get(member, member): wanted.get(member) for member in _DEFAULTS},
                StartingPositionTimestamp=None
                if begins is None
                else datetime.datetime.fromtimestamp(float(begins), datetime.UTC),
                Tags=work.merged_tags(wanted.get("Tags")) or None,
            )
        except ServiceFailure as failure:
            answer = await self._begun(work) if work.again and failure.code == CONFLICT else {}
            if not answer:
                raise
        made = _made(answer)
        await work.initiated(made.physical_id, made.attributes)
        await self._settled(work)
        return made

    async def _begun(self, work: Work) -> dict[str, Any]:
        """The mapping that the same step has made before it was cut: it has the resource's tags."""
        answer = await work.call(
            "lambda",
            "ListEventSourceMappings",
            FunctionName=work.properties["FunctionName"],
            EventSourceArn=work.properties.get("EventSourceArn"),
        )
        for found in answer["EventSourceMappings"]:
            tags = await work.call("lambda", "ListTags", Resource=found["EventSourceMappingArn"])
            there = tags.get("Tags") or {}
            if (there.get(_STACK), there.get(_LOGICAL)) == (work.stack.id, work.logical_id):
                mapping: dict[str, Any] = found
                return mapping
        return {}

    async def _settled(self, work: Work) -> dict[str, Any]:
        """The mapping once it is enabled or disabled."""
        found: dict[str, Any] = {}
        async for _ in looks(work):
            found = await work.call("lambda", "GetEventSourceMapping", UUID=work.physical_id)
            if not found["State"].endswith("ing"):
                break
        return found

    async def update(self, work: Work) -> Made:
        old, new = work.old, work.properties
        if any(old.get(member) != new.get(member) for member in ("Queues", "Topics")):
            # Their schema does not say so, but Lambda has no operation for it.
            raise ReplacementNeeded
        members = {
            _SPELLED.get(member, member): _wanted(new, member)
            for member in _DEFAULTS
            # What neither has may be a setting that the source does not know.
            if (member in old or member in new) and (work.again or old.get(member) != new.get(member))
        }
        members = {member: value for member, value in members.items() if value is not None}
        await self._settled(work)
        if members:
            await work.call("lambda", "UpdateEventSourceMapping", UUID=work.physical_id, **members)
            await self._settled(work)
        await retag(work, work.attributes["EventSourceMappingArn"])
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        deleted = False
        async for _ in looks(work):
            try:
                operation = "GetEventSourceMapping" if deleted else "DeleteEventSourceMapping"
                if await call_unless(work, MISSING, operation, UUID=work.physical_id) is None:
                    return
                deleted = True
            except ServiceFailure as failure:
                # Something else is still being done with it.
                if failure.code != _IN_USE:
                    raise

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetEventSourceMapping", UUID=work.physical_id)
        if found is None:
            return None
        live: Properties = {
            member: found[_SPELLED.get(member, member)]
            for member in (*_CREATION_ONLY, *_DEFAULTS)
            if found.get(_SPELLED.get(member, member)) is not None
        }
        live["FunctionName"] = found["FunctionArn"]
        named = str(work.properties.get("FunctionName", ""))
        if named and not named.startswith("arn:") and found["FunctionArn"].endswith(f":function:{named}"):
            live["FunctionName"] = named
        live["Enabled"] = found["State"] in ("Creating", "Enabled", "Enabling", "Updating")
        if live.get("DestinationConfig") == {"OnFailure": {}}:
            del live["DestinationConfig"]
        tags = await work.call("lambda", "ListTags", Resource=found["EventSourceMappingArn"])
        live["Tags"] = [{"Key": key, "Value": value} for key, value in (tags.get("Tags") or {}).items()]
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        found = await call_unless(work, MISSING, "GetEventSourceMapping", UUID=identifier["Id"])
        if found is None:
            raise ResourceFailure("The resource you requested does not exist.", "NotFound")
        return _made(found)


def _wanted(new: Properties, member: str) -> Any:
    if member == "BatchSize" and member not in new:
        queue = ":sqs:" in str(new.get("EventSourceArn", ""))
        return _QUEUE_BATCH if queue else _BATCH
    return new.get(member, _DEFAULTS[member])


def _made(found: dict[str, Any]) -> Made:
    return Made(found["UUID"], {"Id": found["UUID"], "EventSourceMappingArn": found["EventSourceMappingArn"]})
