"""Kinesis and DynamoDB streams that call functions: with real servers, by boto3, through crashes."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.platform.conftest import Platform

HANDLER = """
import json

def handler(event, context):
    print(json.dumps(event))
    return None
"""

POISON = """
import base64, json

def handler(event, context):
    print(json.dumps(event))
    for record in event["Records"]:
        if b"poison" in base64.b64decode(record["kinesis"]["data"]):
            raise RuntimeError("poison")
"""


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return found


def wait_for(numbers: Callable[[], list[int]], number: int) -> None:
    """Wait until a number, or a greater one, is there."""
    wait_until(lambda: max(numbers(), default=-1) >= number)


def events(platform: Platform, function: str) -> list[dict[str, Any]]:
    """What a function was called with."""
    return [json.loads(line) for line in platform.logs(function) if line.startswith('{"')]


def data(found: list[dict[str, Any]]) -> list[str]:
    """The data of all Kinesis records."""
    return [
        base64.b64decode(record["kinesis"]["data"]).decode() for event in found for record in event["Records"]
    ]


def new_stream(platform: Platform, name: str, shards: int = 1) -> str:
    """A stream; its ARN."""
    kinesis = platform.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    return str(kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"])


def put(platform: Platform, stream: str, *texts: str, key: str = "k") -> None:
    """Add records, all at once."""
    records = [{"Data": text.encode(), "PartitionKey": key} for text in texts]
    platform.client("kinesis").put_records(StreamName=stream, Records=records)


def enabled(client: Any, **members: Any) -> str:
    """A new mapping that is enabled; its id."""
    uuid = client.create_event_source_mapping(**members)["UUID"]
    wait_until(lambda: client.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
    return str(uuid)


def test_kinesis_calls_a_function(platform: Platform) -> None:
    arn = new_stream(platform, "calls")
    put(platform, "calls", "before")
    function = platform.create(HANDLER)
    uuid = enabled(platform.aws, FunctionName=function, EventSourceArn=arn, StartingPosition="LATEST")
    put(platform, "calls", "one", "two")
    found = wait_until(lambda: events(platform, function))
    assert data(found) == ["one", "two"]
    record = found[0]["Records"][0]
    sequence = record["kinesis"]["sequenceNumber"]
    assert isinstance(record["kinesis"].pop("approximateArrivalTimestamp"), int | float)
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "k",
            "sequenceNumber": sequence,
            "data": "b25l",
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/any",
        "awsRegion": "us-east-1",
        "eventSourceARN": arn,
    }
    wait_until(lambda: platform.aws.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK", 5)
    platform.aws.delete_event_source_mapping(UUID=uuid)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:kinesis:us-east-1:000000000000:stream/nowhere",
        "arn:aws:dynamodb:us-east-1:000000000000:table/nowhere/stream/2026-01-01T00:00:00.000",
    ],
)
def test_a_stream_that_is_not_there(platform: Platform, arn: str) -> None:
    """Recorded: test_esm_with_not_existing_kinesis_stream and test_esm_with_not_existing_dynamodb_stream."""
    function = platform.create(HANDLER)
    with pytest.raises(ClientError) as refused:
        platform.aws.create_event_source_mapping(
            FunctionName=function, EventSourceArn=arn, StartingPosition="LATEST"
        )
    assert refused.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": f"Stream not found: {arn}",
    }


def test_a_stream_that_is_split(platform: Platform) -> None:
    """Nothing is left out. Which shards its records are in is not to be tested with moto, which adds to closed ones."""
    arn = new_stream(platform, "split")
    function = platform.create(HANDLER)
    enabled(platform.aws, FunctionName=function, EventSourceArn=arn, StartingPosition="TRIM_HORIZON")
    kinesis = platform.client("kinesis")
    kinesis.split_shard(
        StreamName="split", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    for key in "abcdefgh":
        put(platform, "split", key, key=key)
    found = wait_until(lambda: (seen := events(platform, function)) and len(data(seen)) == 8 and seen)
    assert sorted(data(found)) == list("abcdefgh")


def test_a_table_calls_a_function(platform: Platform) -> None:
    dynamodb = platform.client("dynamodb")
    arn = dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    function = platform.create(HANDLER)
    pattern = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"id": {"S": [{"prefix": "a"}]}}}}
    enabled(
        platform.aws,
        FunctionName=function,
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=1,
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
    )
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "a1"}, "raw": {"B": b"foobar"}})
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "b1"}})
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "a1"}, "n": {"N": "2"}})
    dynamodb.delete_item(TableName="orders", Key={"id": {"S": "a1"}})
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "a2"}})
    found = wait_until(lambda: len(seen := events(platform, function)) == 3 and seen)
    first, second, third = (event["Records"][0] for event in found)
    assert first.pop("eventID")
    created = first["dynamodb"].pop("ApproximateCreationDateTime")
    assert abs(created - time.time()) < 60
    assert first["dynamodb"].pop("SequenceNumber").isdigit()
    assert first["dynamodb"].pop("SizeBytes") > 0
    assert first == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": {"id": {"S": "a1"}},
            "NewImage": {"id": {"S": "a1"}, "raw": {"B": "Zm9vYmFy"}},
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": arn,
    }
    assert second["eventName"] == "MODIFY"
    assert second["dynamodb"]["OldImage"] == {"id": {"S": "a1"}, "raw": {"B": "Zm9vYmFy"}}
    assert third["dynamodb"]["Keys"] == {"id": {"S": "a2"}}


def test_records_that_are_given_up_go_to_a_queue_and_a_bucket(platform: Platform) -> None:
    arn = new_stream(platform, "poisoned")
    function = platform.create(POISON)
    sqs, s3 = platform.client("sqs"), platform.client("s3")
    url = sqs.create_queue(QueueName="poisoned")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket="poisoned")
    uuid = enabled(
        platform.aws,
        FunctionName=function,
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=1,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    put(platform, "poisoned", "one", "poison", "two")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    document = json.loads(message["Body"])
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["approximateInvokeCount"] == 2
    assert document["requestContext"]["functionArn"].endswith(f":function:{function}")
    assert document["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    wait_until(lambda: "two" in data(events(platform, function)))
    assert data(events(platform, function)) == ["one", "poison", "poison", "two"]

    platform.aws.update_event_source_mapping(
        UUID=uuid, DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::poisoned"}}
    )
    wait_until(lambda: platform.aws.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
    put(platform, "poisoned", "poison")
    listed = wait_until(lambda: s3.list_objects_v2(Bucket="poisoned").get("Contents"))
    assert listed[0]["Key"].startswith(f"aws/lambda/{uuid}/shardId-000000000000/")
    kept = json.loads(s3.get_object(Bucket="poisoned", Key=listed[0]["Key"])["Body"].read())
    assert data([json.loads(kept["payload"])]) == ["poison"]


def test_windows_from_a_time_on(platform: Platform) -> None:
    arn = new_stream(platform, "windows")
    put(platform, "windows", "before")
    second = int(time.time())
    wait_until(lambda: time.time() > second + 1)
    function = platform.create(
        "import json\n\n"
        "def handler(event, context):\n"
        "    print(json.dumps(event))\n"
        "    return {'state': {'n': event['state'].get('n', 0) + len(event['Records'])}}\n"
    )
    enabled(
        platform.aws,
        FunctionName=function,
        EventSourceArn=arn,
        StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=int(time.time()),
        TumblingWindowInSeconds=1,
        BatchSize=1,
    )
    put(platform, "windows", "one", "two", "three")
    last = wait_until(
        lambda: [event for event in events(platform, function) if event["isFinalInvokeForWindow"]]
    )
    assert "before" not in data(events(platform, function))
    wait_until(lambda: len(data(events(platform, function))) == 3)
    assert last[0]["Records"] == []
    assert 1 <= last[0]["state"]["n"] <= 3


def test_a_mapping_that_is_disabled_goes_on_where_it_stopped(platform: Platform) -> None:
    arn = new_stream(platform, "disabled")
    function = platform.create(HANDLER)
    uuid = enabled(platform.aws, FunctionName=function, EventSourceArn=arn, StartingPosition="TRIM_HORIZON")
    put(platform, "disabled", "one")
    wait_until(lambda: events(platform, function))
    platform.aws.update_event_source_mapping(UUID=uuid, Enabled=False)
    wait_until(lambda: platform.aws.get_event_source_mapping(UUID=uuid)["State"] == "Disabled")
    put(platform, "disabled", "two", "three")
    platform.aws.update_event_source_mapping(UUID=uuid, Enabled=True, BatchSize=1)
    wait_until(lambda: len(data(events(platform, function))) == 3)
    assert [data([event]) for event in events(platform, function)] == [["one"], ["two"], ["three"]]


@pytest.fixture
def crashing(tmp_path: Path, platform: Platform) -> Iterator[Platform]:
    """A platform whose streams are another one's, so that they outlive it."""
    (tmp_path / "lambent.toml").write_text(
        f"""
        [neighbours.kinesis]
        endpoint = "{platform.url}"
        access_key = "test"
        secret_key = "test"
        """
    )
    started = type(platform)(tmp_path, isolation="none")
    yield started.start()
    assert started.stop() == 0


def test_after_kill_9_nothing_is_left_out_and_the_order_is_kept(
    platform: Platform, crashing: Platform, tmp_path: Path
) -> None:
    arn = new_stream(platform, "crashes")
    numbers = tmp_path / "numbers"
    source = f"""
import base64, time

def handler(event, context):
    for record in event["Records"]:
        with open({str(numbers)!r}, "a") as file:
            file.write(base64.b64decode(record["kinesis"]["data"]).decode() + "\\n")
        time.sleep(0.002)
"""
    client = crashing.client()
    function = crashing.create(source, client=client)
    enabled(client, FunctionName=function, EventSourceArn=arn, StartingPosition="TRIM_HORIZON", BatchSize=7)

    def noted() -> list[int]:
        return [int(line) for line in numbers.read_text().splitlines()] if numbers.exists() else []

    for first in (0, 100):
        put(platform, "crashes", *(str(number) for number in range(first, first + 100)))
        wait_for(noted, first + 40)
        crashing.kill()
        crashing.start()
    wait_for(noted, 199)
    seen = noted()
    # Each number comes after the one before it: what is repeated is repeated in order, from where progress was kept.
    assert set(seen) == set(range(200))
    reached = -1
    for number in seen:
        assert number <= reached + 1
        reached = max(reached, number)
    assert len(seen) < 200 + 2 * 60
