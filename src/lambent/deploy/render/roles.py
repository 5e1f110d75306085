"""Execution roles: a unit may do what its code does, to the resources that it does it to, and write its own logs.

Which actions an access needs: "Actions, resources, and condition keys" of each service in the Service Authorization
Reference; what event source mappings read with: "Execution role permissions" of their pages in the Lambda guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.deploy import names
from lambent.deploy.render.composition import get, sub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.deploy.manifest import Destination, Unit
    from lambent.deploy.render.composition import Composition

    Statement = tuple[tuple[str, ...], Any]
    """Actions, and the resources that they are for."""

_OF_QUEUE: Final = {
    "send": ("sqs:SendMessage",),
    "receive": (
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    ),
}
_OF_TABLE: Final = {
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
}
_OF_OBJECTS: Final = {
    "read": ("s3:GetObject",),
    "write": ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"),
    "put": ("s3:AbortMultipartUpload", "s3:PutObject"),
}
_OF_STREAM: Final = {
    "read": (
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ),
    "put": ("kinesis:PutRecord", "kinesis:PutRecords"),
    "write": ("kinesis:PutRecord", "kinesis:PutRecords"),
}
_READS_QUEUE: Final = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
_READS_STREAM: Final = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
)
_READS_TABLE_STREAM: Final = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)
_OF_DESTINATION: Final = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
    "s3": "s3:PutObject",
}


def add_role(composition: Composition, unit: Unit) -> None:
    """The role of a unit."""
    composition.add(
        "role",
        unit.name,
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
            "Policies": [
                {
                    "PolicyName": "lambent",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": statements_of(composition, unit),
                    },
                }
            ],
        },
    )


def trust(service: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    """Who may take a role."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if condition is not None:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def statements_of(composition: Composition, unit: Unit, *, logs: bool = True) -> list[dict[str, Any]]:
    """What a unit may do: statements of a policy, each resource's actions together. `logs` is whether with its own."""
    c, manifest = composition, composition.manifest
    found: list[Statement] = []
    if logs:
        group = get(names.logical_id("log_group", unit.name))
        found.append((("logs:CreateLogStream", "logs:PutLogEvents"), group))
    if unit.tracing:
        found.append((("xray:PutTelemetryRecords", "xray:PutTraceSegments"), "*"))
    found += [
        (_READS_QUEUE, c.queue_arn(queue.queue))
        for queue in manifest.queue_triggers
        if queue.unit == unit.name
    ]
    for stream in manifest.stream_triggers:
        if stream.unit == unit.name and stream.kind == "stream":
            found.append((_READS_STREAM, c.stream_arn(stream.name)))
        elif stream.unit == unit.name:
            found.append((_READS_TABLE_STREAM, c.table_stream_arn(stream.name)))
    for channel in manifest.channels:
        # The framework sends what a handler returns by itself.
        if any(route.unit == unit.name and route.replies for route in channel.routes):
            found += _of_use(c, "channel", channel.name, ("manage",))
    for destination in (unit.on_success, unit.on_failure):
        if destination is not None:
            target = destination_arn(c, destination, before=True)
            if service_of(destination) == "s3":
                # Records are objects in it; what is asked of the bucket itself is whether it is there.
                found.append((("s3:ListBucket",), target))
                target = sub(f"{destination.name}/*")
            found.append(((_OF_DESTINATION[service_of(destination)],), target))
    for use in manifest.uses:
        if use.unit == unit.name:
            found += _of_use(c, use.kind, use.name, use.access)
    for permission in manifest.permissions:
        if permission.unit == unit.name:
            found.append((permission.actions, [sub(one) for one in permission.resources]))
    return _merged(found)


def _of_use(c: Composition, kind: str, name: str, access: tuple[str, ...]) -> Iterator[Statement]:
    if kind == "queue":
        yield _actions(_OF_QUEUE, access), c.queue_arn(name)
    elif kind == "table":
        table = c.table_arn(name)
        yield _actions(_OF_TABLE, access), table
        if "read" in access and (c.table(name).indexes or c.table(name).external):
            index = {"Fn::Sub": ["${Table}/index/*", {"Table": table}]}
            yield ("dynamodb:Query", "dynamodb:Scan"), index
    elif kind == "bucket":
        yield _actions(_OF_OBJECTS, access), c.bucket_arn(name, "/*")
        if "read" in access:
            # Without it S3 answers 403 instead of 404 for objects that are not there.
            yield ("s3:ListBucket",), c.bucket_arn(name)
    elif kind == "topic":
        yield ("sns:Publish",), c.topic_arn(name)
    elif kind == "stream":
        yield _actions(_OF_STREAM, access), c.stream_arn(name)
    elif kind == "channel":
        start = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"
        where = {"Fn::Sub": [f"{start}/{c.stage}/*/@connections/*", {"Api": c.channel_id(name)}]}
        yield ("execute-api:ManageConnections",), where
    elif kind == "function":
        yield ("lambda:InvokeFunction",), c.function_arn_text(name)
    elif kind == "bus":
        yield ("events:PutEvents",), c.bus_arn(name)


def _actions(known: dict[str, tuple[str, ...]], access: tuple[str, ...]) -> tuple[str, ...]:
    """Those of all accesses; one that is not known here asks for all."""
    wanted = [one for one in access if one in known] or list(known)
    return tuple(action for one in wanted for action in known[one])


def _merged(found: list[Statement]) -> list[dict[str, Any]]:
    """One statement for resources of which the same is done: a role has 10 KB for all ("IAM and STS quotas")."""
    of_resource: dict[str, tuple[Any, set[str]]] = {}
    for actions, resources in found:
        for resource in resources if isinstance(resources, list) else [resources]:
            of_resource.setdefault(repr(resource), (resource, set()))[1].update(actions)
    of_actions: dict[tuple[str, ...], list[Any]] = {}
    for resource, asked in of_resource.values():
        of_actions.setdefault(tuple(sorted(asked)), []).append(resource)
    return [
        {
            "Effect": "Allow",
            "Action": list(asked),
            "Resource": resources if len(resources) > 1 else resources[0],
        }
        for asked, resources in of_actions.items()
    ]


def destination_arn(c: Composition, destination: Destination, *, before: bool = False) -> Any:
    """The ARN of where records of asynchronous invocations go; `before` is for what is made before functions are."""
    kind, name = destination.kind, destination.name
    if kind == "queue":
        return c.queue_arn(name)
    if kind == "topic":
        return c.topic_arn(name)
    if kind == "function":
        return c.function_arn_text(name) if before else c.function_arn(name)
    if kind == "bus":
        return c.bus_arn(name)
    return sub(name)


def service_of(destination: Destination) -> str:
    """The service of a destination, as ARNs name it."""
    if destination.kind == "arn":
        parts = destination.name.split(":")
        return parts[2] if len(parts) > 2 and parts[2] in _OF_DESTINATION else "lambda"
    return {"queue": "sqs", "topic": "sns", "function": "lambda", "bus": "events"}[destination.kind]
