"""Tables: made with everything that CreateTable takes, then given what has operations of its own.

What can be changed and how: AWS::DynamoDB::Table in the CloudFormation template reference, UpdateTable in the API
reference of DynamoDB, which changes one thing at a time and only while the table is ACTIVE. Messages are
CloudFormation's own as public reports tell them (aws/aws-cdk#14920,
aws-cloudformation/cloudformation-coverage-roadmap#881).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ReplacementNeeded
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    chosen,
    invalid,
    name_of,
    pairs,
    refuse,
    told,
    unless,
    until,
    untold,
)
from lambent.stacks.providers.dynamodb import indexes, settings
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

NAME_LIMIT: Final = 255

# Members of CreateTable that are the same as the properties.
_SAME: Final = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "OnDemandThroughput",
    "WarmThroughput",
    "TableClass",
    "DeletionProtectionEnabled",
)
UNTOLD: Final = (
    "ContributorInsightsSpecification",
    "KinesisStreamSpecification",
    "OnDemandThroughput",
    "TableClass",
    "WarmThroughput",
)
"""What has operations of its own, or is left out by moto."""


class TableProvider(ServiceProvider):
    """`AWS::DynamoDB::Table`: Ref is its name."""

    type: ClassVar[str] = "AWS::DynamoDB::Table"

    async def create(self, work: Work) -> Made:
        refuse(work, "ImportSourceSpecification", "VectorIndexes")
        return await create_table(work, work.properties)

    async def update(self, work: Work) -> Made:
        refuse(work, "VectorIndexes")
        return await update_table(work, work.old, work.properties)

    async def delete(self, work: Work) -> None:
        await delete_table(work)

    async def read(self, work: Work) -> Properties | None:
        table = await described(work, work.physical_id)
        if table is None:
            return None
        found = {**read_table(table), **await settings.read(work, work.physical_id, table["TableArn"])}
        return untold(work, found, *UNTOLD)

    async def made(self, work: Work, physical_id: str) -> Made:
        return made_of(await active(work, physical_id))

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["TableName"]


# ------------------------------------------------------------ making, changing and removing, also for global tables


async def create_table(work: Work, properties: Properties) -> Made:
    """A table that is ACTIVE, with everything set. `properties`: those of AWS::DynamoDB::Table."""
    _check_definitions(properties)
    name = name_of(work, "TableName", NAME_LIMIT)
    tags = {
        key: value
        for key, value in work.merged_tags(properties.get("Tags")).items()
        if not key.startswith("aws:")
    }
    request = {
        **chosen(properties, _SAME),
        "GlobalSecondaryIndexes": indexes.requested(properties.get("GlobalSecondaryIndexes")),
        "StreamSpecification": _stream(properties.get("StreamSpecification")),
        "SSESpecification": _encryption(properties.get("SSESpecification")),
        "LocalSecondaryIndexes": properties.get("LocalSecondaryIndexes") or None,
        "Tags": pairs(tags) or None,
    }
    try:
        await work.call("dynamodb", "CreateTable", TableName=name, **request)
    except ServiceFailure as failure:
        if failure.code != "ResourceInUseException":
            raise
        if not work.again:
            raise already_exists(work, name) from None
    await work.initiated(name)
    table = await active(work, name)
    await settings.change(work, table, {}, properties)
    return made_of(table)


async def update_table(work: Work, old: Properties, new: Properties) -> Made:
    """The same table with other properties. Raises ReplacementNeeded."""
    _check_definitions(new)
    _check_replacement(old, new)
    name = work.physical_id
    table = await active(work, name)
    changes = indexes.changes(
        table.get("GlobalSecondaryIndexes") or [],
        old.get("GlobalSecondaryIndexes"),
        new.get("GlobalSecondaryIndexes"),
    )
    await _change_capacity(work, table, old, new, changes)
    for member in ("TableClass", "DeletionProtectionEnabled", "WarmThroughput"):
        if old.get(member) != new.get(member):
            default = {"TableClass": "STANDARD", "DeletionProtectionEnabled": False}.get(member)
            value = new.get(member, default)
            if value is not None:
                await updated(work, name, **{member: value})
    if old.get("SSESpecification") != new.get("SSESpecification"):
        encryption = _encryption(new.get("SSESpecification")) or {"Enabled": False}
        if encryption["Enabled"] or table.get("SSEDescription"):
            await updated(work, name, SSESpecification=encryption)
    await _change_stream(work, name, old, new)
    for index_name in changes.removed:
        await updated(work, name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index_name}}])
    for index in changes.added:
        await updated(
            work,
            name,
            AttributeDefinitions=new["AttributeDefinitions"],
            GlobalSecondaryIndexUpdates=[{"Create": index}],
        )
    table = await active(work, name)
    await settings.change(work, table, old, new)
    return made_of(table)


async def delete_table(work: Work) -> None:
    """Gone when it returns."""
    name = work.physical_id

    async def gone() -> bool | None:
        return True if await described(work, name) is None else None

    if await unless(work.call("dynamodb", "DeleteTable", TableName=name)) is not None:
        await until(work, gone)


async def described(work: Work, name: str) -> dict[str, Any] | None:
    """What DescribeTable tells, or None."""
    found = await unless(work.call("dynamodb", "DescribeTable", TableName=name))
    return None if found is None else found["Table"]


async def active(work: Work, name: str) -> dict[str, Any]:
    """The table when it is ACTIVE, with its indexes and replicas. Raises ServiceFailure when it is not there."""

    async def look() -> dict[str, Any] | None:
        table: dict[str, Any] = (await work.call("dynamodb", "DescribeTable", TableName=name))["Table"]
        states = [table.get("TableStatus")]
        states += [index.get("IndexStatus") for index in table.get("GlobalSecondaryIndexes", [])]
        states += [replica.get("ReplicaStatus") for replica in table.get("Replicas", [])]
        return table if all(state in (None, "ACTIVE") for state in states) else None

    return await until(work, look)


async def updated(work: Work, name: str, **members: Any) -> None:
    """One change by UpdateTable, and its end."""
    await work.call("dynamodb", "UpdateTable", TableName=name, **members)
    await active(work, name)


def made_of(table: dict[str, Any]) -> Made:
    """A table as it is described, as a resource."""
    attributes = {"Arn": table["TableArn"]}
    if table.get("LatestStreamArn") and (table.get("StreamSpecification") or {}).get("StreamEnabled"):
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Made(table["TableName"], attributes)


def read_table(table: dict[str, Any]) -> Properties:
    """The properties that DescribeTable tells."""
    billing = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    stream = table.get("StreamSpecification") or {}
    encryption = table.get("SSEDescription") or {}
    used = {key["AttributeName"] for key in _keys(table)}
    properties: Properties = {
        **chosen(table, ("TableName", "KeySchema", "DeletionProtectionEnabled")),
        "AttributeDefinitions": [
            one for one in table["AttributeDefinitions"] if one["AttributeName"] in used
        ],
        "BillingMode": billing,
        "LocalSecondaryIndexes": [
            chosen(index, ("IndexName", "KeySchema", "Projection"))
            for index in table.get("LocalSecondaryIndexes") or []
        ],
        "GlobalSecondaryIndexes": [
            indexes.read(index, billing) for index in table.get("GlobalSecondaryIndexes") or []
        ],
        "TableClass": table.get("TableClassSummary", {}).get("TableClass"),
        "OnDemandThroughput": table.get("OnDemandThroughput"),
    }
    if billing == "PROVISIONED":
        properties["ProvisionedThroughput"] = indexes.throughput(table.get("ProvisionedThroughput"))
    if stream.get("StreamEnabled"):
        properties["StreamSpecification"] = {"StreamViewType": stream["StreamViewType"]}
    if encryption.get("Status") in ("ENABLED", "ENABLING", "UPDATING"):
        properties["SSESpecification"] = told(
            {
                "SSEEnabled": True,
                "SSEType": encryption.get("SSEType"),
                "KMSMasterKeyId": encryption.get("KMSMasterKeyArn"),
            }
        )
    return told(properties)


# ------------------------------------------------------------ parts of it


def _check_definitions(properties: Properties) -> None:
    used = {key["AttributeName"] for key in _keys(properties)}
    defined = {one["AttributeName"] for one in properties.get("AttributeDefinitions", [])}
    if used != defined:
        raise invalid(
            "Property AttributeDefinitions is inconsistent with the KeySchema of the table and the secondary indexes"
        )


def _keys(properties: Properties) -> list[dict[str, str]]:
    keys = list(properties["KeySchema"])
    for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        for index in properties.get(member) or []:
            keys += index["KeySchema"]
    return keys


def _check_replacement(old: Properties, new: Properties) -> None:
    """Raises ReplacementNeeded for other keys, other local indexes, and other types of keys' attributes."""
    if old.get("KeySchema") != new.get("KeySchema"):
        raise ReplacementNeeded("KeySchema")
    if (old.get("LocalSecondaryIndexes") or []) != (new.get("LocalSecondaryIndexes") or []):
        raise ReplacementNeeded("LocalSecondaryIndexes")
    before = {one["AttributeName"]: one["AttributeType"] for one in old.get("AttributeDefinitions", [])}
    after = {one["AttributeName"]: one["AttributeType"] for one in new.get("AttributeDefinitions", [])}
    if any(after.get(name, kind) != kind for name, kind in before.items()):
        raise ReplacementNeeded("AttributeDefinitions")


async def _change_capacity(
    work: Work, table: dict[str, Any], old: Properties, new: Properties, changes: indexes.IndexChanges
) -> None:
    """By what is there: asking for the throughput that a table has is refused."""
    billing = new.get("BillingMode", "PROVISIONED")
    request: dict[str, Any] = {}
    if table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED") != billing:
        request["BillingMode"] = billing
    provisioned = new.get("ProvisionedThroughput")
    if provisioned and (request or indexes.throughput(table.get("ProvisionedThroughput")) != provisioned):
        request["ProvisionedThroughput"] = provisioned
    before, on_demand = old.get("OnDemandThroughput") or {}, new.get("OnDemandThroughput") or {}
    if before != on_demand and billing == "PAY_PER_REQUEST":
        request["OnDemandThroughput"] = {**dict.fromkeys(before, indexes.UNLIMITED), **on_demand}
    if changes.updated:
        # All in one request: those of a table that is provisioned from now on need it.
        request["GlobalSecondaryIndexUpdates"] = [{"Update": update} for update in changes.updated]
    if request:
        await updated(work, table["TableName"], **request)


async def _change_stream(work: Work, name: str, old: Properties, new: Properties) -> None:
    before, after = _stream(old.get("StreamSpecification")), _stream(new.get("StreamSpecification"))
    if before == after:
        return
    table = await active(work, name)
    live = table.get("StreamSpecification") or {}
    view = after["StreamViewType"] if after else None
    if live.get("StreamEnabled") and live.get("StreamViewType") == view:
        return
    if live.get("StreamEnabled"):
        # A stream that is there cannot be changed: another one takes its place.
        await updated(work, name, StreamSpecification={"StreamEnabled": False})
    if after:
        await updated(work, name, StreamSpecification=after)


def _stream(specification: Properties | None) -> dict[str, Any] | None:
    if not specification:
        return None
    return {"StreamEnabled": True, "StreamViewType": specification["StreamViewType"]}


def _encryption(specification: Properties | None) -> dict[str, Any] | None:
    if not specification:
        return None
    members = {
        "Enabled": specification.get("SSEEnabled"),
        **chosen(specification, ("SSEType", "KMSMasterKeyId")),
    }
    return told(members)
