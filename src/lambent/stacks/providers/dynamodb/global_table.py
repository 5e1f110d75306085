"""Global tables: the stack's region's replica is a table with the settings of that replica, others are its replicas.

AWS::DynamoDB::GlobalTable in the CloudFormation template reference. What serves DynamoDB has to serve replicas for
tables with more than one region: moto does not, and is asked whether it has made them.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.base import ServiceProvider, chosen, invalid, not_served, refuse, told, untold
from lambent.stacks.providers.dynamodb import scaling, settings
from lambent.stacks.providers.dynamodb.table import (
    active,
    create_table,
    delete_table,
    described,
    made_of,
    read_table,
    update_table,
    updated,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

# What is the same for all replicas, and called the same for a table.
_SAME: Final = (
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "LocalSecondaryIndexes",
    "BillingMode",
    "StreamSpecification",
    "TimeToLiveSpecification",
    "WarmThroughput",
)
# What each replica has of its own, and a table calls the same.
_OWN: Final = (
    "ContributorInsightsSpecification",
    "DeletionProtectionEnabled",
    "KinesisStreamSpecification",
    "PointInTimeRecoverySpecification",
    "ResourcePolicy",
    "TableClass",
    "Tags",
)
_THROUGHPUT: Final = (
    "ReadOnDemandThroughputSettings",
    "ReadProvisionedThroughputSettings",
    "WriteOnDemandThroughputSettings",
    "WriteProvisionedThroughputSettings",
)
_NOT_SERVED: Final = (
    "GlobalTableSourceArn",
    "GlobalTableWitnesses",
    "MultiRegionConsistency",
    "TableType",
    "VectorIndexes",
)


class GlobalTableProvider(ServiceProvider):
    """`AWS::DynamoDB::GlobalTable`: Ref is its name."""

    type: ClassVar[str] = "AWS::DynamoDB::GlobalTable"

    async def create(self, work: Work) -> Made:
        refuse(work, *_NOT_SERVED)
        table = _as_table(work, work.properties)
        others = _others(work, work.properties)
        if others and "StreamSpecification" not in table:
            raise invalid("StreamSpecification has to be set for a table with more than one replica.")
        made = await create_table(work, table)
        await _replicate(work, made.physical_id, {}, others)
        await scaling.change(work, made.physical_id, {}, work.properties)
        return await self.made(work, made.physical_id)

    async def update(self, work: Work) -> Made:
        refuse(work, *_NOT_SERVED)
        name = work.physical_id
        await update_table(work, _as_table(work, work.old), _as_table(work, work.properties))
        await _replicate(work, name, _others(work, work.old), _others(work, work.properties))
        await scaling.change(work, name, work.old, work.properties)
        return await self.made(work, name)

    async def delete(self, work: Work) -> None:
        name = work.physical_id
        if await described(work, name) is not None:
            await scaling.change(work, name, work.properties, {})
            await _replicate(work, name, _others(work, work.properties), {})
        await delete_table(work)

    async def read(self, work: Work) -> Properties | None:
        table = await described(work, work.physical_id)
        if table is None:
            return None
        found = {**read_table(table), **await settings.read(work, work.physical_id, table["TableArn"])}
        own = {**_own(work, work.properties), **chosen(found, _OWN)}
        for member in ("Tags", "ResourcePolicy"):
            if member not in found:
                own.pop(member, None)
        expected = _others(work, work.properties)
        others = [one["RegionName"] for one in table.get("Replicas") or []]
        encryption = found.get("SSESpecification")
        properties = told(
            {
                **chosen(found, _SAME),
                "GlobalSecondaryIndexes": _read_indexes(work, found.get("GlobalSecondaryIndexes", [])),
                "SSESpecification": chosen(encryption, ("SSEEnabled", "SSEType")) if encryption else None,
                "Replicas": [
                    own,
                    *(expected.get(one, {"Region": one}) for one in others if one != work.stack.region),
                ],
            }
        )
        return untold(work, properties, "WarmThroughput", *_THROUGHPUT)

    async def made(self, work: Work, physical_id: str) -> Made:
        table = await active(work, physical_id)
        made = made_of(table)
        # Where the service tells none, one that stays the same.
        identifier = table.get("TableId") or str(uuid.uuid5(uuid.NAMESPACE_URL, table["TableArn"]))
        return Made(made.physical_id, {**made.attributes, "TableId": identifier})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["TableName"]


def _read_indexes(work: Work, found: list[Properties]) -> list[Properties]:
    """What each is, with the throughput that it is expected to have: that goes by use."""
    expected = {index["IndexName"]: index for index in work.properties.get("GlobalSecondaryIndexes") or []}
    return [
        {
            **chosen(expected.get(index["IndexName"], {}), ("WarmThroughput", *_THROUGHPUT)),
            **chosen(index, ("IndexName", "KeySchema", "Projection")),
        }
        for index in found
    ]


def _own(work: Work, properties: Properties) -> Properties:
    for replica in properties["Replicas"]:
        if replica["Region"] == work.stack.region:
            found: Properties = replica
            return found
    raise invalid(f"Replicas has to have one in the region of the stack, {work.stack.region}.")


def _others(work: Work, properties: Properties) -> dict[str, Properties]:
    return {one["Region"]: one for one in properties["Replicas"] if one["Region"] != work.stack.region}


def _as_table(work: Work, properties: Properties) -> Properties:
    """The properties of AWS::DynamoDB::Table that the replica in the stack's region has."""
    own = _own(work, properties)
    provisioned = properties.get("BillingMode", "PROVISIONED") == "PROVISIONED"
    own_indexes = {index["IndexName"]: index for index in own.get("GlobalSecondaryIndexes") or []}
    table: Properties = {
        **chosen(properties, _SAME),
        **chosen(own, _OWN),
        **_capacity(properties, own, provisioned=provisioned),
        "GlobalSecondaryIndexes": [
            {
                **chosen(index, ("IndexName", "KeySchema", "Projection", "WarmThroughput")),
                **_capacity(index, own_indexes.get(index["IndexName"], {}), provisioned=provisioned),
                **chosen(own_indexes.get(index["IndexName"], {}), ("ContributorInsightsSpecification",)),
            }
            for index in properties.get("GlobalSecondaryIndexes") or []
        ],
    }
    stream, replica_stream = table.get("StreamSpecification"), own.get("ReplicaStreamSpecification")
    if stream and replica_stream:
        table["StreamSpecification"] = {**stream, **replica_stream}
    encryption = properties.get("SSESpecification")
    if encryption:
        table["SSESpecification"] = {**encryption, **own.get("SSESpecification", {})}
    return {name: value for name, value in table.items() if value != []}


def _capacity(shared: Properties, own: Properties, *, provisioned: bool) -> Properties:
    """What is written is the same for all replicas, what is read each has of its own."""
    if not provisioned:
        on_demand = {**shared.get("WriteOnDemandThroughputSettings", {})}
        on_demand |= shared.get("ReadOnDemandThroughputSettings", {}) | own.get(
            "ReadOnDemandThroughputSettings", {}
        )
        return {"OnDemandThroughput": on_demand} if on_demand else {}
    write = shared.get("WriteProvisionedThroughputSettings", {}).get("WriteCapacityAutoScalingSettings")
    read = (
        own.get("ReadProvisionedThroughputSettings") or shared.get("ReadProvisionedThroughputSettings") or {}
    )
    reading = read.get("ReadCapacityUnits") or scaling.first_capacity(
        read.get("ReadCapacityAutoScalingSettings")
    )
    throughput = told({"ReadCapacityUnits": reading, "WriteCapacityUnits": scaling.first_capacity(write)})
    return {"ProvisionedThroughput": throughput} if throughput else {}


async def _replicate(work: Work, name: str, old: dict[str, Properties], new: dict[str, Properties]) -> None:
    table = await active(work, name)
    live = {one["RegionName"] for one in table.get("Replicas") or []}
    for region in old:
        if region not in new and region in live:
            await updated(work, name, ReplicaUpdates=[{"Delete": {"RegionName": region}}])
    for region, replica in new.items():
        if region not in live:
            await updated(work, name, ReplicaUpdates=[{"Create": _replica(region, replica)}])
            made = await active(work, name)
            if region not in {one["RegionName"] for one in made.get("Replicas") or []}:
                raise not_served(f"Replicas with the region {region}, another one than the stack's,")
        elif old.get(region) != replica:
            await updated(work, name, ReplicaUpdates=[{"Update": _replica(region, replica)}])


def _replica(region: str, replica: Properties) -> dict[str, Any]:
    return told(
        {
            "RegionName": region,
            "KMSMasterKeyId": replica.get("SSESpecification", {}).get("KMSMasterKeyId"),
            "TableClassOverride": replica.get("TableClass"),
        }
    )
