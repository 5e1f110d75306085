"""AWS::S3::*: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

RUNTIME = f"python3.{min(sys.version_info[1], 14)}"
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
        {"Rules": [RULE], "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"},
        {
            "TransitionDefaultMinimumObjectSize": "varies_by_storage_class",
            "Rules": [
                {
                    "Status": "Enabled",
                    "Id": "moved",
                    "Prefix": "a/",
                    "TagFilters": [{"Key": "x", "Value": "y"}],
                    "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 5}],
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
                }
            ],
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
    # S3 looks whether they are there.
    world.ask("sqs", "CreateQueue", QueueName="uploads")
    world.resource("AWS::Lambda::Function", "Resize").create(
        FunctionName="resize",
        Runtime=RUNTIME,
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"ZipFile": "def handler(event, context): ..."},
    )
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


LISTED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "Inventory",
        "Schedule",
        {
            "Id": "i",
            "Enabled": True,
            "IncludedObjectVersions": "All",
            "ScheduleFrequency": "Daily",
            "Destination": {"BucketArn": "arn:aws:s3:::elsewhere", "Format": "CSV"},
        },
        {"ScheduleFrequency": "Weekly"},
    ),
    ("Metrics", "Filter", {"Id": "i", "Prefix": "a/"}, {"Prefix": "b/"}),
    ("Analytics", "Filter", {"Id": "i", "StorageClassAnalysis": {}, "Prefix": "a/"}, {"Prefix": "b/"}),
    (
        "IntelligentTiering",
        "Status",
        {"Id": "i", "Status": "Enabled", "Tierings": [{"AccessTier": "ARCHIVE_ACCESS", "Days": 90}]},
        {"Status": "Disabled"},
    ),
]


def test_configurations_that_are_lists(world: World) -> None:
    lists: dict[str, Any] = {f"{kind}Configurations": [first] for kind, _, first, _ in LISTED}
    bucket = world.resource(BUCKET).create(ObjectLockEnabled=True, **lists)
    bucket.again()
    assert bucket.drift() == []

    def live(kind: str, **identifier: str) -> dict[str, Any]:
        operation = f"GetBucket{kind}Configuration" if identifier else f"ListBucket{kind}Configurations"
        return world.ask("s3", operation, Bucket=bucket.id, **identifier)

    before = {kind: live(kind, Id="i")[f"{kind}Configuration"] for kind, *_ in LISTED}
    lists = {f"{kind}Configurations": [first | change] for kind, _, first, change in LISTED}
    bucket.update_twice(ObjectLockEnabled=True, **lists)
    for kind, member, *_ in LISTED:
        after = live(kind, Id="i")[f"{kind}Configuration"]
        assert after["Id"] == "i"
        assert after[member] != before[kind][member]
        assert live(kind)[f"{kind}ConfigurationList"] == [after]
    bucket.update_twice(ObjectLockEnabled=True)
    for kind, *_ in LISTED:
        # The bucket is still there: moto took the removal for that of the bucket.
        assert f"{kind}ConfigurationList" not in live(kind)
        with pytest.raises(ServiceFailure, match="The specified configuration does not exist"):
            live(kind, Id="i")
    bucket.delete()


def test_what_a_bucket_cannot_be_asked_for_is_not_taken_for_something_else(world: World) -> None:
    bucket = world.resource(BUCKET).create()
    with pytest.raises(ServiceFailure, match="not implemented"):
        world.ask(
            "s3",
            "PutBucketRequestPayment",
            Bucket=bucket.id,
            RequestPaymentConfiguration={"Payer": "Requester"},
        )
    with pytest.raises(ResourceFailure, match="The property MetadataConfiguration is not served") as refused:
        bucket.update(MetadataConfiguration={"JournalTableConfiguration": {}})
    assert refused.value.code == "InvalidRequest"
    # What was refused can be taken back.
    bucket.properties = {"MetadataConfiguration": {"JournalTableConfiguration": {}}}
    bucket.update()
    bucket.delete()


def test_logs_go_where_a_policy_will_let_them(world: World) -> None:
    target = world.resource(BUCKET, "Target").create()
    bucket = world.resource(BUCKET).create(LoggingConfiguration={"DestinationBucketName": target.id})
    assert bucket.drift() == []
    bucket.delete()
    target.delete()


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
