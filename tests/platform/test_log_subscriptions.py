"""Subscription filters on a running platform: from a line in a log to functions and streams."""

from __future__ import annotations

import gzip
import json
import secrets
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.platform.conftest import RUNTIME, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Platform

ACCOUNT, REGION = "000000000000", "us-east-1"
SAY = """
import base64, gzip, json

def handler(event, context):
    print("GOT " + json.dumps(json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))))
"""
TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Source:
    Type: AWS::Logs::LogGroup
  Listener:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: {RUNTIME}
      Handler: index.handler
      InlineCode: |
        CODE
      Events:
        Log:
          Type: CloudWatchLogs
          Properties:
            LogGroupName: !Ref Source
            FilterPattern: ERROR
Outputs:
  Source:
    Value: !Ref Source
  Listener:
    Value: !Ref Listener
"""


def now_ms() -> int:
    return int(time.time() * 1000)


def arn_of(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def got(platform: Platform, name: str) -> list[dict[str, Any]]:
    """What a function says that it got."""
    return [json.loads(line[4:]) for line in platform.logs(name) if line.startswith("GOT ")]


def admit(platform: Platform, name: str, principal: str = "logs.amazonaws.com", group: str = "*") -> None:
    platform.aws.add_permission(
        FunctionName=name,
        StatementId=uuid.uuid4().hex,
        Action="lambda:InvokeFunction",
        Principal=principal,
        SourceArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*",
    )


@pytest.fixture
def logs(platform: Platform) -> Any:
    return platform.client("logs")


@pytest.fixture
def group(logs: Any) -> str:
    """A group of this test's own."""
    name = f"/group/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    return name


def test_a_template_delivers_lines(platform: Platform, logs: Any) -> None:
    stacks = platform.client("cloudformation")
    code = SAY.strip().replace("\n", "\n        ")
    stacks.create_stack(
        StackName="subscribed",
        TemplateBody=TEMPLATE.replace("CODE", code),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    stacks.get_waiter("stack_create_complete").wait(
        StackName="subscribed", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (stack,) = stacks.describe_stacks(StackName="subscribed")["Stacks"]
    named = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    source, listener = named["Source"], named["Listener"]
    logs.create_log_stream(logGroupName=source, logStreamName="s")
    now = now_ms()
    events = [
        {"timestamp": now, "message": "an ERROR"},
        {"timestamp": now, "message": "all is well"},
        {"timestamp": now + 1, "message": "another ERROR"},
    ]
    logs.put_log_events(logGroupName=source, logStreamName="s", logEvents=events)
    (document,) = wait_until(lambda: got(platform, listener))
    kept = logs.filter_log_events(logGroupName=source, filterPattern="ERROR")["events"]
    (described,) = logs.describe_subscription_filters(logGroupName=source)["subscriptionFilters"]
    assert document == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": source,
        "logStream": "s",
        "subscriptionFilters": [described["filterName"]],
        "logEvents": [
            {"id": event["eventId"], "timestamp": event["timestamp"], "message": event["message"]}
            for event in kept
        ],
    }
    assert [event["message"] for event in document["logEvents"]] == ["an ERROR", "another ERROR"]
    stacks.delete_stack(StackName="subscribed")


def test_what_a_function_prints_reaches_another(platform: Platform, logs: Any) -> None:
    speaker = platform.create("def handler(event, context):\n    print('say', event)\n")
    listener = platform.create(SAY)
    admit(platform, listener, f"logs.{REGION}.amazonaws.com", f"/aws/lambda/{speaker}")
    platform.aws.invoke(FunctionName=speaker, Payload=b"0")
    wait_until(lambda: platform.logs(speaker))
    wanted = {"logGroupName": f"/aws/lambda/{speaker}", "filterName": "f", "filterPattern": '"say"'}
    logs.put_subscription_filter(**wanted, destinationArn=arn_of(listener))
    for number in range(1, 4):
        platform.aws.invoke(FunctionName=speaker, Payload=str(number).encode())

    def messages() -> list[str]:
        return [event["message"] for document in got(platform, listener) for event in document["logEvents"]]

    wait_until(lambda: len(messages()) >= 3)
    assert messages() == ["say 1\n", "say 2\n", "say 3\n"]

    # What comes to the speaker's group would come from the listener's, and so for ever.
    admit(platform, speaker)
    with pytest.raises(ClientError, match="would never end"):
        logs.put_subscription_filter(
            logGroupName=f"/aws/lambda/{listener}",
            filterName="f",
            filterPattern="",
            destinationArn=arn_of(speaker),
        )
    with pytest.raises(ClientError, match="would never end"):
        logs.put_subscription_filter(
            logGroupName=f"/aws/lambda/{listener}",
            filterName="f",
            filterPattern="",
            destinationArn=arn_of(listener),
        )


def test_a_filter_that_becomes_a_loop_delivers_nothing(platform: Platform, logs: Any, group: str) -> None:
    listener = platform.create(SAY)
    admit(platform, listener, group=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    logs.put_subscription_filter(
        logGroupName=group, filterName="f", filterPattern="", destinationArn=arn_of(listener)
    )
    platform.aws.update_function_configuration(FunctionName=listener, LoggingConfig={"LogGroup": group})
    platform.settle(listener)

    def put(message: str) -> None:
        event = {"timestamp": now_ms(), "message": message}
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])

    put("first")
    platform.aws.update_function_configuration(
        FunctionName=listener, LoggingConfig={"LogGroup": f"/aws/lambda/{listener}"}
    )
    platform.settle(listener)
    put("second")
    documents = wait_until(lambda: got(platform, listener))
    assert [[event["message"] for event in one["logEvents"]] for one in documents] == [["second"]]


def test_functions_have_to_let_logs_in(platform: Platform, logs: Any, group: str) -> None:
    listener = platform.create(SAY)
    admit(platform, listener, group="/another")
    for name in (listener, "nobody"):
        with pytest.raises(ClientError) as caught:
            logs.put_subscription_filter(
                logGroupName=group, filterName="f", filterPattern="", destinationArn=arn_of(name)
            )
        error = caught.value.response["Error"]
        assert error["Code"] == "InvalidParameterException"
        assert error["Message"].startswith("Could not execute the lambda function.")


def test_streams(platform: Platform, logs: Any, group: str) -> None:
    kinesis = platform.client("kinesis")
    name = f"s{uuid.uuid4().hex}"
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"
    wanted = {
        "logGroupName": group,
        "filterName": "f",
        "filterPattern": "",
        "destinationArn": arn,
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/logs",
    }
    with pytest.raises(ClientError, match="Could not deliver test message to specified Kinesis stream"):
        logs.put_subscription_filter(**wanted)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    logs.put_subscription_filter(**wanted)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    event = {"timestamp": now_ms(), "message": "hello"}
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])

    def records() -> list[dict[str, Any]]:
        (shard,) = kinesis.list_shards(StreamName=name)["Shards"]
        place = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        found: list[dict[str, Any]] = kinesis.get_records(ShardIterator=place["ShardIterator"])["Records"]
        return found

    wait_until(lambda: len(records()) == 2)
    control, data = (json.loads(gzip.decompress(record["Data"])) for record in records())
    assert control["messageType"] == "CONTROL_MESSAGE"
    assert records()[1]["PartitionKey"] == "s"
    assert data["logEvents"][0]["message"] == "hello"


def test_firehose(platform: Platform, logs: Any, group: str) -> None:
    s3, firehose = platform.client("s3"), platform.client("firehose")
    name = f"h{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    role = f"arn:aws:iam::{ACCOUNT}:role/logs"
    answer = firehose.create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": f"arn:aws:s3:::{name}"},
    )
    logs.put_subscription_filter(
        logGroupName=group,
        filterName="f",
        filterPattern="hello",
        destinationArn=answer["DeliveryStreamARN"],
        roleArn=role,
    )
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    event = {"timestamp": now_ms(), "message": "hello"}
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])

    def kinds() -> set[str]:
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=name).get("Contents", [])]
        bodies = [s3.get_object(Bucket=name, Key=key)["Body"].read() for key in keys]
        return {json.loads(gzip.decompress(body))["messageType"] for body in bodies}

    wait_until(lambda: kinds() == {"CONTROL_MESSAGE", "DATA_MESSAGE"})


def test_many_lines_come_in_parts_that_functions_take(platform: Platform, logs: Any, group: str) -> None:
    listener = platform.create(
        "import base64, gzip, json\n\n"
        "def handler(event, context):\n"
        "    document = json.loads(gzip.decompress(base64.b64decode(event['awslogs']['data'])))\n"
        "    print('GOT ' + json.dumps([event['message'][:4] for event in document['logEvents']]))\n"
    )
    admit(platform, listener, group=group)
    logs.put_subscription_filter(
        logGroupName=group, filterName="f", filterPattern="", destinationArn=arn_of(listener)
    )
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    now = now_ms()
    # Nothing that gzip makes smaller.
    events = [
        {"timestamp": now, "message": f"{number:04}{secrets.token_urlsafe(7_000)}"} for number in range(100)
    ]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    def parts() -> list[Any]:
        return [json.loads(line[4:]) for line in platform.logs(listener) if line.startswith("GOT ")]

    wait_until(lambda: sum(map(len, parts())) == 100)
    assert len(parts()) == 2
    assert sorted(number for part in parts() for number in part) == [f"{number:04}" for number in range(100)]


def test_filters_outlive_kill_9(own: Callable[..., Platform]) -> None:
    platform = own()
    logs = platform.client("logs")
    listener = platform.create(SAY)
    admit(platform, listener)
    logs.create_log_group(logGroupName="/kept")
    logs.create_log_stream(logGroupName="/kept", logStreamName="s")
    logs.put_subscription_filter(
        logGroupName="/kept", filterName="f", filterPattern="", destinationArn=arn_of(listener)
    )
    platform.kill()
    platform.start()
    event = {"timestamp": now_ms(), "message": "hello"}
    logs = platform.client("logs")
    logs.put_log_events(logGroupName="/kept", logStreamName="s", logEvents=[event])
    (document,) = wait_until(lambda: got(platform, listener))
    assert document["logEvents"][0]["message"] == "hello"
