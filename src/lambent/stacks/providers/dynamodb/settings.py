"""What a table has by operations of its own: time to live, backups, policies, insights, streams to Kinesis, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.stacks.providers.base import (
    as_tags,
    document_of,
    document_text,
    own_pairs,
    pairs,
    tag_changes_of,
    unless,
)

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work


async def change(work: Work, table: dict[str, Any], old: Properties, new: Properties) -> None:
    """Make what differs so. `table`: as described. After a creation `old` is empty: tags are there then."""
    name, arn = table["TableName"], table["TableArn"]
    await _time_to_live(work, name, old.get("TimeToLiveSpecification"), new.get("TimeToLiveSpecification"))
    await _recovery(
        work, name, old.get("PointInTimeRecoverySpecification"), new.get("PointInTimeRecoverySpecification")
    )
    await _insights(work, name, old, new)
    await _kinesis(work, name, old.get("KinesisStreamSpecification"), new.get("KinesisStreamSpecification"))
    await _policy(work, arn, old.get("ResourcePolicy"), new.get("ResourcePolicy"))
    if old:
        await _retag(work, arn, old.get("Tags"), new.get("Tags"))
    stream = table.get("LatestStreamArn")
    if stream:
        before, after = old.get("StreamSpecification") or {}, new.get("StreamSpecification") or {}
        await _policy(work, stream, before.get("ResourcePolicy"), after.get("ResourcePolicy"))
        was, tags = as_tags(before.get("Tags")), as_tags(after.get("Tags"))
        gone = [key for key in was if key not in tags]
        if gone:
            await work.call("dynamodb", "UntagResource", ResourceArn=stream, TagKeys=gone)
        if tags and tags != was:
            await work.call("dynamodb", "TagResource", ResourceArn=stream, Tags=pairs(tags))


async def read(work: Work, name: str, arn: str) -> Properties:
    """The properties of that kind which a table has."""
    properties: Properties = {}
    ttl = (await work.call("dynamodb", "DescribeTimeToLive", TableName=name))["TimeToLiveDescription"]
    if ttl.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"):
        properties["TimeToLiveSpecification"] = {"AttributeName": ttl["AttributeName"], "Enabled": True}
    backups = (await work.call("dynamodb", "DescribeContinuousBackups", TableName=name))[
        "ContinuousBackupsDescription"
    ]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    properties["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": recovery == "ENABLED"}
    policy = await unless(
        work.call("dynamodb", "GetResourcePolicy", ResourceArn=arn),
        "PolicyNotFoundException",
        "ResourceNotFoundException",
    )
    if policy and policy.get("Policy"):
        properties["ResourcePolicy"] = {"PolicyDocument": document_of(policy["Policy"])}
    tags = own_pairs((await work.call("dynamodb", "ListTagsOfResource", ResourceArn=arn)).get("Tags", []))
    if tags:
        properties["Tags"] = tags
    return properties


async def _time_to_live(work: Work, name: str, old: Properties | None, new: Properties | None) -> None:
    if old == new:
        return
    found = (await work.call("dynamodb", "DescribeTimeToLive", TableName=name))["TimeToLiveDescription"]
    live = found.get("AttributeName") if found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") else None
    wanted = new.get("AttributeName") if new and new.get("Enabled") else None
    if live and live != wanted:
        await _set_time_to_live(work, name, live, enabled=False)
    if wanted and live != wanted:
        await _set_time_to_live(work, name, wanted, enabled=True)


async def _set_time_to_live(work: Work, name: str, attribute: str, *, enabled: bool) -> None:
    specification = {"Enabled": enabled, "AttributeName": attribute}
    await work.call("dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=specification)


async def _recovery(work: Work, name: str, old: Properties | None, new: Properties | None) -> None:
    wanted = new or {"PointInTimeRecoveryEnabled": False}
    if (old or {"PointInTimeRecoveryEnabled": False}) == wanted:
        return
    specification = {"PointInTimeRecoveryEnabled": bool(wanted.get("PointInTimeRecoveryEnabled"))}
    if wanted.get("RecoveryPeriodInDays"):
        specification["RecoveryPeriodInDays"] = wanted["RecoveryPeriodInDays"]
    await work.call(
        "dynamodb",
        "UpdateContinuousBackups",
        TableName=name,
        PointInTimeRecoverySpecification=specification,
    )


async def _insights(work: Work, name: str, old: Properties, new: Properties) -> None:
    before, after = _insights_of(old), _insights_of(new)
    for index in after:  # an index that has gone has taken its own with it
        was, wanted = before.get(index, {}), after.get(index, {})
        if was == wanted or not (was.get("Enabled") or wanted.get("Enabled")):
            continue
        await work.call(
            "dynamodb",
            "UpdateContributorInsights",
            TableName=name,
            IndexName=index or None,
            ContributorInsightsAction="ENABLE" if wanted.get("Enabled") else "DISABLE",
            ContributorInsightsMode=wanted.get("Mode") if wanted.get("Enabled") else None,
        )


def _insights_of(properties: Properties) -> dict[str, Properties]:
    """By index, "" for the table itself."""
    found = {"": properties.get("ContributorInsightsSpecification") or {}}
    for index in properties.get("GlobalSecondaryIndexes") or []:
        found[index["IndexName"]] = index.get("ContributorInsightsSpecification") or {}
    return found


async def _kinesis(work: Work, name: str, old: Properties | None, new: Properties | None) -> None:
    if old == new:
        return
    if old:
        await unless(
            work.call(
                "dynamodb",
                "DisableKinesisStreamingDestination",
                TableName=name,
                StreamArn=old["StreamArn"],
            )
        )
    if new:
        precision = new.get("ApproximateCreationDateTimePrecision")
        await work.call(
            "dynamodb",
            "EnableKinesisStreamingDestination",
            TableName=name,
            StreamArn=new["StreamArn"],
            EnableKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": precision}
            if precision
            else None,
        )


async def _policy(work: Work, arn: str, old: Properties | None, new: Properties | None) -> None:
    if old == new:
        return
    if new:
        text = document_text(new["PolicyDocument"])
        await work.call("dynamodb", "PutResourcePolicy", ResourceArn=arn, Policy=text)
    else:
        await unless(
            work.call("dynamodb", "DeleteResourcePolicy", ResourceArn=arn),
            "PolicyNotFoundException",
            "ResourceNotFoundException",
        )


async def _retag(work: Work, arn: str, old: Any, new: Any) -> None:
    tags = tag_changes_of(work, old, new, system=False)
    # moto adds a second tag of the same key, where DynamoDB changes the first.
    gone = [*tags.removed, *tags.put]
    if gone:
        await work.call("dynamodb", "UntagResource", ResourceArn=arn, TagKeys=gone)
    if tags.put:
        await work.call("dynamodb", "TagResource", ResourceArn=arn, Tags=pairs(tags.put))
