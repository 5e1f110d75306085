"""Firehose: delivery streams. Where records arrive is up to who serves `firehose`: those of moto write to S3 alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    changed,
    chosen,
    name_of,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
    until,
    untold,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 64
_DESTINATIONS: Final = (
    "AmazonOpenSearchServerlessDestination",
    "AmazonopensearchserviceDestination",
    "ElasticsearchDestination",
    "ExtendedS3Destination",
    "HttpEndpointDestination",
    "IcebergDestination",
    "RedshiftDestination",
    "S3Destination",
    "SnowflakeDestination",
    "SplunkDestination",
)
_CONFIGURATIONS: Final = tuple(f"{name}Configuration" for name in _DESTINATIONS)
_SOURCES: Final = (
    "DeliveryStreamType",
    "DatabaseSourceConfiguration",
    "DirectPutSourceConfiguration",
    "KinesisStreamSourceConfiguration",
    "MSKSourceConfiguration",
)
_ENCRYPTION: Final = "DeliveryStreamEncryptionConfigurationInput"
_INNER: Final = {"S3BackupConfiguration": "S3BackupUpdate", "S3Configuration": "S3Update"}


class DeliveryStreamProvider(ServiceProvider):
    """`AWS::KinesisFirehose::DeliveryStream`: Ref is its name."""

    type: ClassVar[str] = "AWS::KinesisFirehose::DeliveryStream"

    async def create(self, work: Work) -> Made:
        name = name_of(work, "DeliveryStreamName", _NAME_LIMIT)
        tags = pairs(tags_of(work, system=False))
        try:
            await work.call(
                "firehose",
                "CreateDeliveryStream",
                DeliveryStreamName=name,
                Tags=tags or None,
                **chosen(work.properties, (*_SOURCES, *_CONFIGURATIONS, _ENCRYPTION)),
            )
        except ServiceFailure as failure:
            if failure.code != "ResourceInUseException":
                raise
            if not work.again:
                raise already_exists(work, name) from None
        await work.initiated(name)
        await _active(work, name)
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        name = work.physical_id
        description = await _active(work, name)
        for kind, member in zip(_DESTINATIONS, _CONFIGURATIONS, strict=True):
            if member in work.properties and changed(work, member):
                await work.call(
                    "firehose",
                    "UpdateDestination",
                    DeliveryStreamName=name,
                    CurrentDeliveryStreamVersionId=description["VersionId"],
                    DestinationId=description["Destinations"][0]["DestinationId"],
                    **{f"{kind}Update": _update(work.properties[member])},
                )
                description = await _active(work, name)
        if changed(work, _ENCRYPTION):
            await _encrypt(work, name)
        tags = tag_changes(work, system=False)
        if tags.removed:
            await work.call("firehose", "UntagDeliveryStream", DeliveryStreamName=name, TagKeys=tags.removed)
        if tags.put:
            await work.call("firehose", "TagDeliveryStream", DeliveryStreamName=name, Tags=pairs(tags.put))
        return await self.made(work, name)

    async def delete(self, work: Work) -> None:
        name = work.physical_id

        async def gone() -> bool | None:
            return True if await _described(work, name) is None else None

        if await unless(work.call("firehose", "DeleteDeliveryStream", DeliveryStreamName=name)) is not None:
            await until(work, gone)

    async def read(self, work: Work) -> Properties | None:
        name = work.physical_id
        found = await _described(work, name)
        if found is None:
            return None
        tags = await work.call("firehose", "ListTagsForDeliveryStream", DeliveryStreamName=name)
        properties: Properties = {
            "DeliveryStreamName": name,
            "DeliveryStreamType": found["DeliveryStreamType"],
            "Tags": own_pairs(tags.get("Tags", [])),
        }
        # Destinations are told in other words than they are set in.
        return untold(work, told(properties), *_SOURCES, *_CONFIGURATIONS, _ENCRYPTION)

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": arn(work, "firehose", f"deliverystream/{physical_id}")})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["DeliveryStreamName"]


async def _described(work: Work, name: str) -> dict[str, Any] | None:
    found = await unless(work.call("firehose", "DescribeDeliveryStream", DeliveryStreamName=name))
    return None if found is None else found["DeliveryStreamDescription"]


async def _active(work: Work, name: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found = await work.call("firehose", "DescribeDeliveryStream", DeliveryStreamName=name)
        description: dict[str, Any] = found["DeliveryStreamDescription"]
        status = description["DeliveryStreamStatus"]
        if status.endswith("_FAILED"):
            reason = description.get("FailureDescription", {}).get("Details") or status
            raise ResourceFailure(reason, "NotStabilized")
        return description if status == "ACTIVE" else None

    return await until(work, look)


async def _encrypt(work: Work, name: str) -> None:
    encryption = work.properties.get(_ENCRYPTION)
    if encryption:
        await work.call(
            "firehose",
            "StartDeliveryStreamEncryption",
            DeliveryStreamName=name,
            DeliveryStreamEncryptionConfigurationInput=encryption,
        )
    else:
        await work.call("firehose", "StopDeliveryStreamEncryption", DeliveryStreamName=name)
    await _active(work, name)


def _update(configuration: Properties) -> dict[str, Any]:
    """A destination as UpdateDestination takes it."""
    return {_INNER.get(member, member): value for member, value in configuration.items()}
