"""Kinesis: streams, their consumers, and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    document_of,
    document_text,
    name_of,
    own_pairs,
    refuse,
    tag_changes,
    tags_of,
    told,
    unless,
    until,
)
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 128
_RETENTION_H: Final = 24
_PROVISIONED: Final = "PROVISIONED"
_METRICS: Final = {
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
}
"""What ALL stands for."""

_NOT_SERVED: Final = ("MaxRecordSizeInKiB", "WarmThroughputMiBps", "RecordDistributionStrategy")


class StreamProvider(ServiceProvider):
    """`AWS::Kinesis::Stream`: Ref is its name."""

    type: ClassVar[str] = "AWS::Kinesis::Stream"

    async def create(self, work: Work) -> Made:
        refuse(work, *_NOT_SERVED)
        name = name_of(work, "Name", _NAME_LIMIT)
        mode = work.properties.get("StreamModeDetails")
        shards = work.properties.get("ShardCount")
        if shards is None and (mode or {}).get("StreamMode", _PROVISIONED) == _PROVISIONED:
            shards = 1
        try:
            await work.call(
                "kinesis", "CreateStream", StreamName=name, ShardCount=shards, StreamModeDetails=mode
            )
        except ServiceFailure as failure:
            if failure.code != "ResourceInUseException":
                raise
            if not work.again:
                raise already_exists(work, name) from None
        made = await self.made(work, name)
        await work.initiated(name, made.attributes)
        summary = await _active(work, name)
        await _set(work, name, summary)
        tags = tags_of(work)
        if tags:
            await work.call("kinesis", "AddTagsToStream", StreamName=name, Tags=tags)
        return made

    async def update(self, work: Work) -> Made:
        refuse(work, *_NOT_SERVED)
        name = work.physical_id
        summary = await _active(work, name)
        mode = (work.properties.get("StreamModeDetails") or {}).get("StreamMode", _PROVISIONED)
        if summary.get("StreamModeDetails", {}).get("StreamMode", _PROVISIONED) != mode:
            await work.call(
                "kinesis",
                "UpdateStreamMode",
                StreamARN=summary["StreamARN"],
                StreamModeDetails={"StreamMode": mode},
            )
            summary = await _active(work, name)
        shards = work.properties.get("ShardCount") or 1
        if mode == _PROVISIONED and summary["OpenShardCount"] != shards:
            await work.call(
                "kinesis",
                "UpdateShardCount",
                StreamName=name,
                TargetShardCount=shards,
                ScalingType="UNIFORM_SCALING",
            )
            summary = await _active(work, name)
        await _set(work, name, summary)
        tags = tag_changes(work)
        if tags.removed:
            await work.call("kinesis", "RemoveTagsFromStream", StreamName=name, TagKeys=tags.removed)
        if tags.put:
            await work.call("kinesis", "AddTagsToStream", StreamName=name, Tags=tags.put)
        return await self.made(work, name)

    async def delete(self, work: Work) -> None:
        name = work.physical_id

        async def gone() -> bool | None:
            return True if await _summary(work, name) is None else None

        deleted = await unless(
            work.call("kinesis", "DeleteStream", StreamName=name, EnforceConsumerDeletion=True)
        )
        if deleted is not None:
            await until(work, gone)

    async def read(self, work: Work) -> Properties | None:
        name = work.physical_id
        summary = await _summary(work, name)
        if summary is None:
            return None
        tags = await work.call("kinesis", "ListTagsForStream", StreamName=name)
        encrypted = summary.get("EncryptionType") == "KMS"
        return told(
            {
                "Name": name,
                "ShardCount": summary.get("OpenShardCount"),
                "RetentionPeriodHours": summary.get("RetentionPeriodHours"),
                "StreamModeDetails": summary.get("StreamModeDetails"),
                "StreamEncryption": {"EncryptionType": "KMS", "KeyId": summary.get("KeyId")}
                if encrypted
                else None,
                "DesiredShardLevelMetrics": sorted(_metrics(summary)),
                "Tags": own_pairs(tags.get("Tags", [])),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": arn(work, "kinesis", f"stream/{physical_id}")})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Name"]


class StreamConsumerProvider(ServiceProvider):
    """`AWS::Kinesis::StreamConsumer`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::Kinesis::StreamConsumer"

    async def create(self, work: Work) -> Made:
        stream, name = work.properties["StreamARN"], work.properties["ConsumerName"]
        tags = work.properties.get("Tags")
        try:
            made = await work.call(
                "kinesis",
                "RegisterStreamConsumer",
                StreamARN=stream,
                ConsumerName=name,
                Tags={tag["Key"]: tag["Value"] for tag in tags} if tags else None,
            )
            consumer = made["Consumer"]["ConsumerARN"]
        except ServiceFailure as failure:
            if failure.code != "ResourceInUseException":
                raise
            if not work.again:
                raise already_exists(work, f"{stream}|{name}") from None
            found = await work.call("kinesis", "DescribeStreamConsumer", StreamARN=stream, ConsumerName=name)
            consumer = found["ConsumerDescription"]["ConsumerARN"]
        await work.initiated(consumer)
        return await self.made(work, consumer)

    async def update(self, work: Work) -> Made:
        # Every property replaces it.
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        consumer = work.physical_id

        async def gone() -> bool | None:
            return True if await _consumer(work, consumer) is None else None

        deleted = await unless(work.call("kinesis", "DeregisterStreamConsumer", ConsumerARN=consumer))
        if deleted is not None:
            await until(work, gone)

    async def read(self, work: Work) -> Properties | None:
        found = await _consumer(work, work.physical_id)
        if found is None:
            return None
        return {"ConsumerName": found["ConsumerName"], "StreamARN": found["StreamARN"]}

    async def made(self, work: Work, physical_id: str) -> Made:
        async def active() -> dict[str, Any] | None:
            found = await work.call("kinesis", "DescribeStreamConsumer", ConsumerARN=physical_id)
            consumer: dict[str, Any] = found["ConsumerDescription"]
            return consumer if consumer["ConsumerStatus"] == "ACTIVE" else None

        found = await until(work, active)
        return Made(
            physical_id,
            {
                "ConsumerARN": physical_id,
                "ConsumerCreationTimestamp": found["ConsumerCreationTimestamp"].isoformat(),
                "ConsumerName": found["ConsumerName"],
                "ConsumerStatus": found["ConsumerStatus"],
                "StreamARN": found["StreamARN"],
            },
        )

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["ConsumerARN"]


class ResourcePolicyProvider(Provider):
    """`AWS::Kinesis::ResourcePolicy`: the policy of a stream or consumer, whose ARN is its id."""

    type: ClassVar[str] = "AWS::Kinesis::ResourcePolicy"

    async def create(self, work: Work) -> Made:
        resource = work.properties["ResourceArn"]
        if not work.again and await _policy(work, resource) is not None:
            raise already_exists(work, resource)
        return await self._put(work, resource)

    async def update(self, work: Work) -> Made:
        return await self._put(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call("kinesis", "DeleteResourcePolicy", ResourceARN=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        policy = await _policy(work, work.physical_id)
        return None if policy is None else {"ResourceArn": work.physical_id, "ResourcePolicy": policy}

    async def _put(self, work: Work, resource: str) -> Made:
        text = document_text(work.properties["ResourcePolicy"])
        await work.call("kinesis", "PutResourcePolicy", ResourceARN=resource, Policy=text)
        return Made(resource)


async def _summary(work: Work, name: str) -> dict[str, Any] | None:
    found = await unless(work.call("kinesis", "DescribeStreamSummary", StreamName=name))
    return None if found is None else found["StreamDescriptionSummary"]


async def _active(work: Work, name: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found = await work.call("kinesis", "DescribeStreamSummary", StreamName=name)
        summary: dict[str, Any] = found["StreamDescriptionSummary"]
        return summary if summary["StreamStatus"] == "ACTIVE" else None

    return await until(work, look)


async def _set(work: Work, name: str, summary: dict[str, Any]) -> None:
    """What operations of their own set: retention, encryption, metrics. Goes by what is there."""
    properties = work.properties
    retention, live = properties.get("RetentionPeriodHours") or _RETENTION_H, summary["RetentionPeriodHours"]
    if retention != live:
        way = "Increase" if retention > live else "Decrease"
        operation = f"{way}StreamRetentionPeriod"
        await work.call("kinesis", operation, StreamName=name, RetentionPeriodHours=retention)
        await _active(work, name)
    encryption = properties.get("StreamEncryption")
    key = summary.get("KeyId") if summary.get("EncryptionType") == "KMS" else None
    if encryption and key != encryption["KeyId"]:
        await work.call("kinesis", "StartStreamEncryption", StreamName=name, **encryption)
        await _active(work, name)
    elif key and not encryption:
        await work.call("kinesis", "StopStreamEncryption", StreamName=name, EncryptionType="KMS", KeyId=key)
        await _active(work, name)
    wanted, measured = set(properties.get("DesiredShardLevelMetrics") or []), _metrics(summary)
    if "ALL" in wanted:
        wanted = {"ALL"} if "ALL" in measured else _METRICS
    if measured - wanted:
        await work.call(
            "kinesis",
            "DisableEnhancedMonitoring",
            StreamName=name,
            ShardLevelMetrics=sorted(measured - wanted),
        )
        await _active(work, name)
    if wanted - measured:
        await work.call(
            "kinesis",
            "EnableEnhancedMonitoring",
            StreamName=name,
            ShardLevelMetrics=sorted(wanted - measured),
        )
        await _active(work, name)


def _metrics(summary: Mapping[str, Any]) -> set[str]:
    monitoring = summary.get("EnhancedMonitoring") or []
    return {metric for one in monitoring for metric in one.get("ShardLevelMetrics") or []}


async def _consumer(work: Work, consumer: str) -> dict[str, Any] | None:
    found = await unless(work.call("kinesis", "DescribeStreamConsumer", ConsumerARN=consumer))
    return None if found is None else found["ConsumerDescription"]


async def _policy(work: Work, resource: str) -> Any:
    found = await unless(work.call("kinesis", "GetResourcePolicy", ResourceARN=resource))
    return document_of((found or {}).get("Policy")) or None
