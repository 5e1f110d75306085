"""The configurations of a bucket: each is a property, and has operations of its own to put, get and remove it.

AWS::S3::Bucket in the CloudFormation template reference, and the operations in the API reference of S3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.stacks.providers.base import chosen, told, unless
from lambent.stacks.providers.s3 import lifecycle, renaming

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.stacks.providers.provider import Properties, Work

_UNSET: Final = (
    "NoSuchBucket",
    "NoSuchCORSConfiguration",
    "NoSuchLifecycleConfiguration",
    "NoSuchWebsiteConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "NoSuchConfiguration",
    "NoSuchBucketPolicy",
    "OwnershipControlsNotFoundError",
    "ReplicationConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
    "ObjectLockConfigurationNotFoundError",
)

_GRANTS: Final = {
    "Private": "private",
    "PublicRead": "public-read",
    "PublicReadWrite": "public-read-write",
    "AuthenticatedRead": "authenticated-read",
    "LogDeliveryWrite": "log-delivery-write",
    "BucketOwnerRead": "bucket-owner-read",
    "BucketOwnerFullControl": "bucket-owner-full-control",
    "AwsExecRead": "aws-exec-read",
}


class Configuration(NamedTuple):
    """`member`: that of the request, and of the answer unless `answered` is another one; "" there: the answer itself.

    `get` is "" where the property cannot be read. `remove`: the operation that removes it; where there is none, `unset`
    is what is put instead.
    """

    property: str
    put: str
    member: str
    get: str
    answered: str
    requested: Callable[[Any], Any]
    read: Callable[[dict[str, Any]], Properties]
    remove: str = ""
    unset: Any = None
    beside: tuple[str, ...] = ()
    """Members of the property that stand beside `member` in the request."""


class Listed(NamedTuple):
    """A list of configurations, each by its Id: put and removed one by one."""

    property: str
    operation: str
    """What comes after Put, Get and Delete."""
    member: str
    requested: Callable[[Properties], dict[str, Any]]


def _renamed(table: renaming.Renaming) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    return (lambda value: renaming.requested(value, table)), (lambda found: renaming.read(found, table))


def _website(configuration: Properties) -> dict[str, Any]:
    request: dict[str, Any] = renaming.requested(configuration, renaming.WEBSITE)
    for member, key in (("ErrorDocument", "Key"), ("IndexDocument", "Suffix")):
        if member in request:
            request[member] = {key: request[member]}
    return request


def _read_website(found: dict[str, Any]) -> Properties:
    configuration: Properties = told(renaming.read(found, renaming.WEBSITE))
    for member, key in (("ErrorDocument", "Key"), ("IndexDocument", "Suffix")):
        if member in configuration:
            configuration[member] = configuration[member][key]
    return configuration


def _notification(configuration: Properties) -> dict[str, Any]:
    request: dict[str, Any] = {}
    for member, value in renaming.requested(configuration, renaming.NOTIFICATION).items():
        if member == "EventBridgeConfiguration":
            if value.get("EventBridgeEnabled", True):
                request[member] = {}
        else:
            request[member] = [
                {**{name: one[name] for name in one if name != "Event"}, "Events": [one["Event"]]}
                for one in value
            ]
    return request


def _read_notification(found: dict[str, Any]) -> Properties:
    read: dict[str, Any] = renaming.read(found, renaming.NOTIFICATION)
    configuration: Properties = {}
    for member in renaming.NOTIFICATION:
        configuration[member] = [
            {**chosen(one, ("Function", "Queue", "Topic", "Filter")), "Event": event}
            for one in read.get(member) or []
            for event in one["Events"]
        ]
    configuration = told(configuration)
    if "EventBridgeConfiguration" in found:
        configuration["EventBridgeConfiguration"] = {"EventBridgeEnabled": True}
    return configuration


def _logging(configuration: Properties) -> dict[str, Any]:
    return {"LoggingEnabled": {"TargetPrefix": "", **renaming.requested(configuration, renaming.LOGGING)}}


def _read_logging(found: dict[str, Any]) -> Properties:
    read: Properties = renaming.read(found, renaming.LOGGING)
    return told(chosen(read, ("DestinationBucketName", "LogFilePrefix", "TargetObjectKeyFormat")))


def _same(value: Any) -> Any:
    return value


CONFIGURATIONS: Final = (
    Configuration(
        "OwnershipControls", "PutBucketOwnershipControls", "OwnershipControls",
        "GetBucketOwnershipControls", "OwnershipControls", _same, _same, "DeleteBucketOwnershipControls",
    ),
    Configuration(
        "PublicAccessBlockConfiguration", "PutPublicAccessBlock", "PublicAccessBlockConfiguration",
        "GetPublicAccessBlock", "PublicAccessBlockConfiguration", _same, _same, "DeletePublicAccessBlock",
    ),
    Configuration(
        "AccessControl", "PutBucketAcl", "ACL", "", "", _GRANTS.__getitem__, _same, unset="private",
    ),
    Configuration(
        "VersioningConfiguration", "PutBucketVersioning", "VersioningConfiguration",
        "GetBucketVersioning", "", _same, lambda found: chosen(found, ("Status",)), unset={"Status": "Suspended"},
    ),
    Configuration(
        "BucketEncryption", "PutBucketEncryption", "ServerSideEncryptionConfiguration",
        "GetBucketEncryption", "ServerSideEncryptionConfiguration", *_renamed(renaming.ENCRYPTION),
        "DeleteBucketEncryption",
    ),
    Configuration(
        "CorsConfiguration", "PutBucketCors", "CORSConfiguration",
        "GetBucketCors", "", *_renamed(renaming.CORS), "DeleteBucketCors",
    ),
    Configuration(
        "LifecycleConfiguration", "PutBucketLifecycleConfiguration", "LifecycleConfiguration",
        "GetBucketLifecycleConfiguration", "", lifecycle.requested, lifecycle.read, "DeleteBucketLifecycle",
        beside=(lifecycle.SMALLEST,),
    ),
    Configuration(
        "WebsiteConfiguration", "PutBucketWebsite", "WebsiteConfiguration",
        "GetBucketWebsite", "", _website, _read_website, "DeleteBucketWebsite",
    ),
    Configuration(
        "ObjectLockConfiguration", "PutObjectLockConfiguration", "ObjectLockConfiguration",
        "GetObjectLockConfiguration", "ObjectLockConfiguration", _same, _same, unset={"ObjectLockEnabled": "Enabled"},
    ),
    Configuration(
        "AccelerateConfiguration", "PutBucketAccelerateConfiguration", "AccelerateConfiguration",
        "GetBucketAccelerateConfiguration", "",
        lambda value: {"Status": value["AccelerationStatus"]},
        lambda found: {"AccelerationStatus": found.get("Status")},
        unset={"Status": "Suspended"},
    ),
    Configuration(
        "LoggingConfiguration", "PutBucketLogging", "BucketLoggingStatus",
        "GetBucketLogging", "LoggingEnabled", _logging, _read_logging,
    ),
    Configuration(
        "ReplicationConfiguration", "PutBucketReplication", "ReplicationConfiguration",
        "GetBucketReplication", "ReplicationConfiguration", *_renamed(renaming.REPLICATION),
        "DeleteBucketReplication",
    ),
    Configuration(
        "NotificationConfiguration", "PutBucketNotificationConfiguration", "NotificationConfiguration",
        "GetBucketNotificationConfiguration", "", _notification, _read_notification,
    ),
)  # fmt: skip
"""In the order in which they are put: what others depend on first."""


def _inventory(one: Properties) -> dict[str, Any]:
    return told(
        {
            "Destination": {"S3BucketDestination": _destination(one["Destination"], "AccountId")},
            "IsEnabled": one["Enabled"],
            "Filter": chosen(one, ("Prefix",)),
            "Id": one["Id"],
            "IncludedObjectVersions": one["IncludedObjectVersions"],
            "OptionalFields": one.get("OptionalFields"),
            "Schedule": {"Frequency": one["ScheduleFrequency"]},
        }
    )


def _analytics(one: Properties) -> dict[str, Any]:
    analysis = dict(one["StorageClassAnalysis"])
    if "DataExport" in analysis:
        export = analysis["DataExport"]
        destination = _destination(export["Destination"], "BucketAccountId")
        analysis["DataExport"] = {
            "OutputSchemaVersion": export["OutputSchemaVersion"],
            "Destination": {"S3BucketDestination": destination},
        }
    return {"Id": one["Id"], **_filtered(one), "StorageClassAnalysis": analysis}


def _destination(one: Properties, account: str) -> dict[str, Any]:
    found = {
        "Bucket": one["BucketArn"],
        account: one.get("BucketAccountId"),
        **chosen(one, ("Format", "Prefix")),
    }
    return told(found)


def _metrics(one: Properties) -> dict[str, Any]:
    return {"Id": one["Id"], **_filtered(one)}


def _tiering(one: Properties) -> dict[str, Any]:
    return {**chosen(one, ("Id", "Status", "Tierings")), **_filtered(one)}


def _filtered(one: Properties) -> dict[str, Any]:
    found = lifecycle.filter_of(one)
    return {} if found == {"Prefix": ""} else {"Filter": found}


LISTED: Final = (
    Listed("InventoryConfigurations", "BucketInventoryConfiguration", "InventoryConfiguration", _inventory),
    Listed("AnalyticsConfigurations", "BucketAnalyticsConfiguration", "AnalyticsConfiguration", _analytics),
    Listed("MetricsConfigurations", "BucketMetricsConfiguration", "MetricsConfiguration", _metrics),
    Listed(
        "IntelligentTieringConfigurations",
        "BucketIntelligentTieringConfiguration",
        "IntelligentTieringConfiguration",
        _tiering,
    ),
)


async def change(work: Work, bucket: str, old: Properties, new: Properties) -> None:
    """Put what differs, remove what is not there any more."""
    for one in CONFIGURATIONS:
        before, after = old.get(one.property), new.get(one.property)
        if before == after:
            continue
        if after is not None:
            request = {one.member: one.requested(after)} | (chosen(after, one.beside) if one.beside else {})
            await work.call("s3", one.put, Bucket=bucket, **request)
        elif one.remove:
            await unless(work.call("s3", one.remove, Bucket=bucket), *_UNSET)
        else:
            await work.call("s3", one.put, Bucket=bucket, **{one.member: one.unset or {}})
    for listed in LISTED:
        was = {each["Id"]: each for each in old.get(listed.property) or []}
        now = {each["Id"]: each for each in new.get(listed.property) or []}
        for name in was:
            if name not in now:
                await unless(work.call("s3", f"Delete{listed.operation}", Bucket=bucket, Id=name), *_UNSET)
        for name, each in now.items():
            if was.get(name) != each:
                request = {listed.member: listed.requested(each)}
                await work.call("s3", f"Put{listed.operation}", Bucket=bucket, Id=name, **request)


async def read(work: Work, bucket: str, members: Properties) -> Properties:
    """The live ones of those properties: each costs a request, and only these are compared."""
    properties: Properties = {}
    for one in CONFIGURATIONS:
        if one.property not in members or not one.get:
            continue
        answer = await unless(work.call("s3", one.get, Bucket=bucket), *_UNSET)
        found = answer.get(one.answered) if answer and one.answered else answer
        if found is not None:
            # moto tells of what stands beside the configuration what it is by default.
            properties[one.property] = one.read(found) | chosen(members[one.property], one.beside)
    events = (members.get("NotificationConfiguration") or {}).get("EventBridgeConfiguration")
    if events and properties.get("NotificationConfiguration") is not None:
        # moto keeps it, and leaves it out of what it tells.
        properties["NotificationConfiguration"].setdefault("EventBridgeConfiguration", events)
    return told(properties)
