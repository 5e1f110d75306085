"""Which permissions a call of boto3 needs.

Operations are botocore's; most are IAM actions of the same name with the service's signing name before them. The
exceptions, and the parameters that tell which resource a call is for, are from "Actions, resources, and condition keys"
of each service in the Service Authorization Reference.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

_PREFIXES: Final = {
    "cloudwatch": "cloudwatch",
    "iot-data": "iot",
    "resourcegroupstaggingapi": "tag",
    "opensearch": "es",
    "timestream-write": "timestream",
    "timestream-query": "timestream",
    "pinpoint": "mobiletargeting",
    "efs": "elasticfilesystem",
    "cloudsearchdomain": "cloudsearch",
}
"""Of services whose IAM prefix is neither their signing name nor their endpoint's."""

_ACTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "s3": {
        "AbortMultipartUpload": ("s3:AbortMultipartUpload",),
        "CompleteMultipartUpload": ("s3:PutObject",),
        "CopyObject": ("s3:GetObject", "s3:PutObject"),
        "CreateMultipartUpload": ("s3:PutObject",),
        "DeleteBucketCors": ("s3:PutBucketCORS",),
        "DeleteBucketEncryption": ("s3:PutEncryptionConfiguration",),
        "DeleteBucketLifecycle": ("s3:PutLifecycleConfiguration",),
        "DeleteBucketTagging": ("s3:PutBucketTagging",),
        "DeleteObjects": ("s3:DeleteObject",),
        "GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
        "GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
        "GetBucketNotificationConfiguration": ("s3:GetBucketNotification",),
        "GetBucketReplication": ("s3:GetReplicationConfiguration",),
        "GetObjectAttributes": ("s3:GetObject", "s3:GetObjectAttributes"),
        "GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
        "GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
        "HeadBucket": ("s3:ListBucket",),
        "HeadObject": ("s3:GetObject",),
        "ListBuckets": ("s3:ListAllMyBuckets",),
        "ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
        "ListObjects": ("s3:ListBucket",),
        "ListObjectsV2": ("s3:ListBucket",),
        "ListObjectVersions": ("s3:ListBucketVersions",),
        "ListParts": ("s3:ListMultipartUploadParts",),
        "PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
        "PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
        "PutBucketNotificationConfiguration": ("s3:PutBucketNotification",),
        "PutBucketReplication": ("s3:PutReplicationConfiguration",),
        "PutObjectLockConfiguration": ("s3:PutBucketObjectLockConfiguration",),
        "PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
        "SelectObjectContent": ("s3:GetObject",),
        "UploadPart": ("s3:PutObject",),
        "UploadPartCopy": ("s3:GetObject", "s3:PutObject"),
    },
    "lambda": {
        "Invoke": ("lambda:InvokeFunction",),
        "InvokeAsync": ("lambda:InvokeFunction",),
        "InvokeWithResponseStream": ("lambda:InvokeFunction",),
    },
    "sqs": {
        "ChangeMessageVisibilityBatch": ("sqs:ChangeMessageVisibility",),
        "DeleteMessageBatch": ("sqs:DeleteMessage",),
        "SendMessageBatch": ("sqs:SendMessage",),
    },
    "sns": {"PublishBatch": ("sns:Publish",)},
    "dynamodb": {
        "BatchExecuteStatement": (
            "dynamodb:PartiQLDelete",
            "dynamodb:PartiQLInsert",
            "dynamodb:PartiQLSelect",
            "dynamodb:PartiQLUpdate",
        ),
        "ExecuteStatement": (
            "dynamodb:PartiQLDelete",
            "dynamodb:PartiQLInsert",
            "dynamodb:PartiQLSelect",
            "dynamodb:PartiQLUpdate",
        ),
        "ExecuteTransaction": (
            "dynamodb:PartiQLDelete",
            "dynamodb:PartiQLInsert",
            "dynamodb:PartiQLSelect",
            "dynamodb:PartiQLUpdate",
        ),
        "TransactGetItems": ("dynamodb:GetItem",),
        "TransactWriteItems": (
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ),
    },
    "apigatewaymanagementapi": {
        "DeleteConnection": ("execute-api:ManageConnections",),
        "GetConnection": ("execute-api:ManageConnections",),
        "PostToConnection": ("execute-api:ManageConnections",),
    },
    "bedrock-runtime": {
        "Converse": ("bedrock:InvokeModel",),
        "ConverseStream": ("bedrock:InvokeModelWithResponseStream",),
    },
    "sts": {"GetCallerIdentity": (), "GetSessionToken": ()},
}

_METHODS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "s3": {
        "copy": ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
        "download_file": ("s3:GetObject",),
        "download_fileobj": ("s3:GetObject",),
        "generate_presigned_post": ("s3:PutObject",),
        "upload_file": ("s3:AbortMultipartUpload", "s3:PutObject"),
        "upload_fileobj": ("s3:AbortMultipartUpload", "s3:PutObject"),
    }
}
"""Of methods that boto3 has beyond the operations."""

_RESOURCE_METHODS: Final = {
    # What is written on one goes out in batches.
    ("dynamodb", "BatchWriter"): {"delete_item": "batch_write_item", "put_item": "batch_write_item"},
    ("s3", "Object"): {
        "copy": "copy",
        "copy_from": "copy_object",
        "delete": "delete_object",
        "get": "get_object",
        "load": "head_object",
        "put": "put_object",
        "wait_until_exists": "head_object",
    },
    ("s3", "Bucket"): {
        "delete_objects": "delete_objects",
        "object_versions": "list_object_versions",
        "objects": "list_objects_v2",
        "put_object": "put_object",
    },
    ("s3", ""): {"buckets": "list_buckets"},
    ("sns", "Topic"): {"publish": "publish"},
    ("sqs", "Queue"): {"receive_messages": "receive_message", "send_messages": "send_message_batch"},
}
"""Methods of boto3's resources that are not named after their operation, and the operation of their collections."""

_NOT_OPERATIONS: Final = frozenset(
    {
        "can_paginate",
        "close",
        "exceptions",
        "get_paginator",
        "get_waiter",
        "meta",
        "waiter_names",
        "load",
        "reload",
    }
)


class Named(NamedTuple):
    """How a call tells its resource: the parameter, ARNs in which {} is its value, and what kind it is in an app."""

    parameter: str
    arns: tuple[str, ...]
    kind: str | None = None


_ARN: Final = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:"
_NAMED: Final = {
    "s3": Named("Bucket", ("arn:${AWS::Partition}:s3:::{}", "arn:${AWS::Partition}:s3:::{}/*"), "bucket"),
    "dynamodb": Named(
        "TableName", (_ARN % "dynamodb" + "table/{}", _ARN % "dynamodb" + "table/{}/index/*"), "table"
    ),
    "sqs": Named("QueueUrl", (_ARN % "sqs" + "{}",), "queue"),
    "sns": Named("TopicArn", (_ARN % "sns" + "{}",), "topic"),
    "lambda": Named(
        "FunctionName", (_ARN % "lambda" + "function:{}", _ARN % "lambda" + "function:{}:*"), "function"
    ),
    "kinesis": Named("StreamName", (_ARN % "kinesis" + "stream/{}",), "stream"),
    "firehose": Named("DeliveryStreamName", (_ARN % "firehose" + "deliverystream/{}",)),
    "secretsmanager": Named("SecretId", (_ARN % "secretsmanager" + "secret:{}-*",)),
    "ssm": Named("Name", (_ARN % "ssm" + "parameter/{}",)),
    "stepfunctions": Named("stateMachineArn", (_ARN % "states" + "stateMachine:{}",)),
    "logs": Named("logGroupName", (_ARN % "logs" + "log-group:{}:*",)),
    "kms": Named("KeyId", (_ARN % "kms" + "key/{}",)),
    "events": Named("EventBusName", (_ARN % "events" + "event-bus/{}",), "bus"),
    "sts": Named("RoleArn", ("{}",)),
}

_ACCESS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "bucket": {
        "put": ("s3:AbortMultipartUpload", "s3:PutObject"),
        "read": ("s3:GetObject", "s3:ListBucket"),
        "write": ("s3:DeleteObject",),
    },
    "table": {
        "read": (
            "dynamodb:BatchGetItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DescribeTable",
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:Scan",
        ),
        "write": (
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ),
    },
    "queue": {
        "receive": (
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ),
        "send": ("sqs:SendMessage",),
    },
    "topic": {"publish": ("sns:Publish",)},
    "stream": {
        "put": ("kinesis:PutRecord", "kinesis:PutRecords"),
        "read": (
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        ),
    },
    "function": {"call": ("lambda:InvokeFunction",)},
    "bus": {"emit": ("events:PutEvents",)},
}
"""By the kind of a resource: what each access permits. Rendering makes the statements of these words."""


class _Metadata(msgspec.Struct):
    signing_name: str | None = msgspec.field(default=None, name="signingName")
    endpoint_prefix: str = msgspec.field(default="", name="endpointPrefix")


class _Model(msgspec.Struct):
    metadata: _Metadata
    operations: dict[str, msgspec.Raw]


@cache
def _model(service: str) -> tuple[str, dict[str, str]] | None:
    """A service's IAM prefix, and its operations by the names of their methods. None for what is no service."""
    import botocore
    from botocore import xform_name

    folder = Path(botocore.__file__).parent / "data" / service
    versions = sorted(one for one in folder.glob("*/service-2.json*")) if folder.is_dir() else []
    if not versions:
        return None
    path = versions[-1]
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    model = msgspec.json.decode(text, type=_Model)
    prefix = _PREFIXES.get(service) or model.metadata.signing_name or model.metadata.endpoint_prefix
    return prefix, {xform_name(name): name for name in model.operations}


def is_service(service: str) -> bool:
    """Whether botocore knows it."""
    return _model(service) is not None


def actions_of(service: str, method: str) -> tuple[str, ...] | None:
    """The IAM actions of a client's method; none for what asks nobody, None for what is no method."""
    model = _model(service)
    if model is None:
        return None
    prefix, operations = model
    if method in _METHODS.get(service, {}):
        return _METHODS[service][method]
    if method in _NOT_OPERATIONS:
        return ()
    operation = operations.get(method)
    if operation is None:
        return None
    return _ACTIONS.get(service, {}).get(operation, (f"{prefix}:{operation}",))


def actions_of_resource(service: str, kind: str, method: str) -> tuple[str, ...] | None:
    """The same for a method of boto3's resources (`Table`, `Object`, …), or of a collection ("objects.filter")."""
    if method == "batch_writer":
        return ()  # what is called on it needs something
    collection, _, within = method.partition(".")
    methods = _RESOURCE_METHODS.get((service, kind), {})
    found = actions_of(service, methods.get(collection, "" if within else method))
    if found is not None and within == "delete":
        versions = ("s3:DeleteObjectVersion",) if collection == "object_versions" else ()
        return (*found, "s3:DeleteObject", *versions)
    return found


def named(service: str) -> Named | None:
    """How calls of a service tell the resource that they are for."""
    return _NAMED.get(service)


def arns_of(service: str, value: str) -> tuple[str, ...]:
    """The ARNs of the resource that a literal names: a name, a URL of a queue, or an ARN."""
    if service == "kms" and value.rpartition(":")[2].startswith("alias/"):
        # Policies are for keys: an alias in one is for operations on the alias itself.
        # https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
        value = f"{value.rpartition(':')[0]}:key/*" if value.startswith("arn:") else "*"
    if value.startswith("arn:"):
        return (value, f"{value}/*") if service in ("s3", "dynamodb") else (value,)
    if service == "sqs" and value.startswith("http"):
        host, _, path = value.partition("://")[2].partition("/")
        account, _, name = path.strip("/").partition("/")
        region = host.split(".")[1] if host.startswith("sqs.") and host.count(".") > 1 else "${AWS::Region}"
        return (f"arn:${{AWS::Partition}}:sqs:{region}:{account}:{name}",)
    told = _NAMED[service]
    return tuple(arn.replace("{}", value.lstrip("/")) for arn in told.arns)


def access_of(kind: str, needed: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the actions do with a resource of the app, in the manifest's words; and those that there is no word for."""
    words = {action: access for access, actions in _ACCESS[kind].items() for action in actions}
    return (
        tuple(sorted({words[action] for action in needed if action in words})),
        tuple(action for action in needed if action not in words),
    )


def all_access(kind: str) -> tuple[str, ...]:
    """What code may do with a resource of which only the name is seen in it."""
    if kind == "queue":
        return ("send",)
    if kind == "stream":
        return ("put",)
    return tuple(sorted(_ACCESS[kind])) if kind in _ACCESS else ("manage",)
