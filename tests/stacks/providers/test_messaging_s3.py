"""AWS::S3::*: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

BUCKET = "AWS::S3::Bucket"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:uploads"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:resize"
FILTER = {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]}}
OPEN = {
    "BlockPublicAcls": False,
    "BlockPublicPolicy": False,
    "IgnorePublicAcls": False,
    "RestrictPublicBuckets": False,
}
RULE = {"Status": "Enabled", "Id": "old", "Prefix": "logs/", "ExpirationInDays": 30}

CONFIGURATIONS: list[tuple[str, Any, Any]] = [
    ("VersioningConfiguration", {"Status": "Enabled"}, {"Status": "Suspended"}),
    (
        "BucketEncryption",
        {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
            ]
        },
        {
            "ServerSideEncryptionConfiguration": [
                {
                    "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"},
                    "BucketKeyEnabled": True,
                }
            ]
        },
    ),
    (
        "CorsConfiguration",
        {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 60}]},
        {
            "CorsRules": [
                {
                    "AllowedMethods": ["PUT"],
                    "AllowedOrigins": ["a.example"],
                    "ExposedHeaders": ["etag"],
                    "MaxAge": 9,
                }
            ]
        },
    ),
    (
        "LifecycleConfiguration",
        {"Rules": [RULE]},
        {
            "Rules": [
                {
                    "Status": "Enabled",
                    "Id": "moved",
                    "Prefix": "a/",
                    "TagFilters": [{"Key": "x", "Value": "y"}],
                    "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 5}],
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
                }
            ]
        },
    ),
    (
        "WebsiteConfiguration",
        {"IndexDocument": "index.html", "ErrorDocument": "404.html"},
        {
            "IndexDocument": "i.html",
            "RoutingRules": [
                {
                    "RoutingRuleCondition": {"KeyPrefixEquals": "old/"},
                    "RedirectRule": {"ReplaceKeyPrefixWith": "new/"},
                }
            ],
        },
    ),
    ("PublicAccessBlockConfiguration", OPEN, {**OPEN, "BlockPublicAcls": True}),
    (
        "OwnershipControls",
        {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
    ),
    (
        "NotificationConfiguration",
        {
            "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": QUEUE}],
        },
        {"LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": FUNCTION, "Filter": FILTER}]},
    ),
    ("AccelerateConfiguration", {"AccelerationStatus": "Enabled"}, {"AccelerationStatus": "Suspended"}),
]
LEFT = {
    "VersioningConfiguration": {"Status": "Suspended"},
    "AccelerateConfiguration": {"AccelerationStatus": "Suspended"},
}


def test_a_bucket_is_made_changed_and_removed(world: World) -> None:
    first = {name: value for name, value, _ in CONFIGURATIONS}
    second = {name: value for name, _, value in CONFIGURATIONS}
    bucket = (
        world.resource(BUCKET, "Uploads", team="a")
        .create(Tags=[{"Key": "kind", "Value": "x"}], **first)
        .again()
    )
    assert bucket.drift() == []
    name = bucket.id
    assert name.startswith("shop-uploads-")
    assert name == name.lower()
    assert bucket.attributes == {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.us-east-1.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.us-east-1.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-us-east-1.amazonaws.com",
    }
    live = bucket.read()
    assert live is not None
    tags = {tag["Key"]: tag["Value"] for tag in live.pop("Tags")}
    assert tags == {"team": "a", "kind": "x"}
    assert live == first | {"BucketName": name}

    bucket.update_twice(**second)
    assert bucket.drift() == []
    assert bucket.read() == second | {"BucketName": name, "Tags": [{"Key": "team", "Value": "a"}]}
    bucket.update_twice()
    assert bucket.drift() == []
    bucket.properties = second
    live = bucket.read()
    assert live is not None
    # What has no way to be removed is suspended, and a bucket's default encryption stays.
    live.pop("BucketEncryption", None)
    assert live == LEFT | {"BucketName": name, "Tags": [{"Key": "team", "Value": "a"}]}
    bucket.delete_twice()
    assert bucket.read() is None


def test_configurations_that_are_lists(world: World) -> None:
    inventory = {
        "Id": "i",
        "Enabled": True,
        "IncludedObjectVersions": "All",
        "ScheduleFrequency": "Daily",
        "Destination": {"BucketArn": "arn:aws:s3:::elsewhere", "Format": "CSV"},
    }
    bucket = (
        world.resource(BUCKET).create(InventoryConfigurations=[inventory], ObjectLockEnabled=True).again()
    )
    assert bucket.drift() == []

    def daily() -> str:
        found = world.ask("s3", "GetBucketInventoryConfiguration", Bucket=bucket.id, Id="i")
        frequency: str = found["InventoryConfiguration"]["Schedule"]["Frequency"]
        return frequency

    assert daily() == "Daily"
    bucket.update_twice(
        InventoryConfigurations=[{**inventory, "ScheduleFrequency": "Weekly"}], ObjectLockEnabled=True
    )
    assert daily() == "Weekly"
    bucket.delete()


def test_a_bucket_that_is_not_empty_stays(world: World) -> None:
    bucket = world.resource(BUCKET).create(BucketName="full-bucket", AccessControl="PublicRead")
    world.ask("s3", "PutObject", Bucket="full-bucket", Key="a", Body=b"x")
    with pytest.raises(ServiceFailure, match="The bucket you tried to delete is not empty") as failed:
        bucket.delete()
    assert failed.value.code == "BucketNotEmpty"
    world.ask("s3", "DeleteObject", Bucket="full-bucket", Key="a")
    bucket.delete()


def test_a_bucket_may_keep_its_own_logs(world: World) -> None:
    bucket = world.resource(BUCKET).create(
        AccessControl="LogDeliveryWrite",
        LoggingConfiguration={"LogFilePrefix": "l/"},
        NotificationConfiguration={"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
    )
    live = bucket.read()
    assert live is not None
    assert live["LoggingConfiguration"] == {"DestinationBucketName": bucket.id, "LogFilePrefix": "l/"}
    bucket.update_twice()
    assert bucket.drift() == []
    for logged in world.ask("s3", "ListObjectsV2", Bucket=bucket.id).get("Contents", []):
        world.ask("s3", "DeleteObject", Bucket=bucket.id, Key=logged["Key"])
    bucket.delete()


def test_a_name_that_is_taken(world: World) -> None:
    bucket = world.resource(BUCKET).create(BucketName="taken-bucket")
    with pytest.raises(ResourceFailure, match="taken-bucket already exists") as failed:
        world.resource(BUCKET).create(BucketName="taken-bucket")
    assert failed.value.code == "AlreadyExists"
    assert world.resource(BUCKET).adopt(BucketName="taken-bucket").made == bucket.made
    bucket.delete()
    with pytest.raises(ResourceFailure, match="not served"):
        world.resource(BUCKET).create(AbacStatus="Enabled")


def test_policies(world: World) -> None:
    bucket = world.resource(BUCKET).create()
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": bucket.attributes["Arn"],
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = world.resource("AWS::S3::BucketPolicy").create(Bucket=bucket.id, PolicyDocument=document).again()
    assert policy.drift() == []
    assert policy.id == bucket.id
    assert policy.read() == policy.properties
    with pytest.raises(ResourceFailure, match="The bucket policy already exists on bucket"):
        world.resource("AWS::S3::BucketPolicy").create(Bucket=bucket.id, PolicyDocument=document)
    policy.update_twice(Bucket=bucket.id, PolicyDocument=document | {"Id": "x"})
    assert policy.drift() == []
    assert policy.read() == policy.properties
    policy.delete_twice()
    assert policy.read() is None
    bucket.delete()
    policy.delete()
