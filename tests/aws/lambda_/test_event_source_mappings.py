"""Event source mappings, as AWS answered in the scenarios of TestLambdaEventSourceMappings."""

from __future__ import annotations

import datetime
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

QUEUE = "arn:aws:sqs:us-east-1:111111111111:orders"
FIFO = f"{QUEUE}.fifo"
STREAM = "arn:aws:kinesis:us-east-1:111111111111:stream/clicks"
TABLE = "arn:aws:dynamodb:us-east-1:111111111111:table/orders/stream/2025-11-25T00:00:00.000"
KAFKA = {
    "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000"]}},
    "SourceAccessConfigurations": [
        {"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:111111111111:secret:x"}
    ],
    "Topics": ["topic"],
    "StartingPosition": "TRIM_HORIZON",
}
ACCESS = KAFKA["SourceAccessConfigurations"]
CLUSTER = "arn:aws:kafka:us-east-1:111111111111:cluster/c/0b1f7a8e-2c3d-4e5f-8a9b-0c1d2e3f4a5b-1"
BROKER = "arn:aws:mq:us-east-1:111111111111:broker:b:b-0b1f7a8e-2c3d-4e5f-8a9b-0c1d2e3f4a5b"
ELSEWHERE = "Event source region must match Lambda region us-east-1."
DOCUMENTS = "arn:aws:rds:us-east-1:111111111111:cluster:documents"


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what changes from run to run."""
    assert isinstance(answer["LastModified"], datetime.datetime)
    assert answer["EventSourceMappingArn"].endswith(f":event-source-mapping:{answer['UUID']}")
    left_out = ("LastModified", "UUID", "EventSourceMappingArn", "ResponseMetadata")
    return {key: value for key, value in answer.items() if key not in left_out}


def settled(client: Any, mapping_id: str, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while (got := client.get_event_source_mapping(UUID=mapping_id))["State"] != state:
        assert time.monotonic() < deadline, got
    return dict(got)


def gone(client: Any, mapping_id: str) -> bool:
    try:
        client.get_event_source_mapping(UUID=mapping_id)
    except client.exceptions.ResourceNotFoundException:
        return True
    return False


@pytest.fixture
def arn(create: Callable[..., Any]) -> str:
    return str(create("hello")["FunctionArn"])


def test_life_of_a_queue_mapping(client: Any, arn: str) -> None:
    made = client.create_event_source_mapping(FunctionName="hello", EventSourceArn=QUEUE)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    described = {
        "BatchSize": 10,
        "EventSourceArn": QUEUE,
        "FunctionArn": arn,
        "FunctionResponseTypes": [],
        "MaximumBatchingWindowInSeconds": 0,
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    }
    assert plain(made) == described
    mapping_id = made["UUID"]
    assert plain(settled(client, mapping_id, "Enabled")) == {**described, "State": "Enabled"}

    changed = client.update_event_source_mapping(
        UUID=mapping_id,
        BatchSize=5,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 2},
        FilterCriteria={"Filters": [{"Pattern": '{"body": {"a": ["b"]}}'}]},
    )
    assert (changed["State"], changed["BatchSize"]) == ("Updating", 5)
    assert changed["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert changed["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert changed["FilterCriteria"] == {"Filters": [{"Pattern": '{"body": {"a": ["b"]}}'}]}
    settled(client, mapping_id, "Enabled")
    assert client.update_event_source_mapping(UUID=mapping_id, Enabled=False)["State"] == "Disabling"
    kept = settled(client, mapping_id, "Disabled")
    assert kept["BatchSize"] == 5
    cleared = client.update_event_source_mapping(UUID=mapping_id, FilterCriteria={"Filters": []})
    assert "FilterCriteria" not in cleared
    settled(client, mapping_id, "Disabled")
    assert client.update_event_source_mapping(UUID=mapping_id, Enabled=True)["State"] == "Enabling"
    settled(client, mapping_id, "Enabled")

    deleted = client.delete_event_source_mapping(UUID=mapping_id)
    assert (deleted["State"], deleted["ResponseMetadata"]["HTTPStatusCode"]) == ("Deleting", 202)
    deadline = time.monotonic() + 20
    while not gone(client, mapping_id):
        assert time.monotonic() < deadline


@pytest.mark.parametrize("source", [STREAM, TABLE], ids=["kinesis", "dynamodb"])
def test_a_stream_has_its_own_defaults(client: Any, arn: str, source: str) -> None:
    made = client.create_event_source_mapping(
        FunctionName="hello", EventSourceArn=source, StartingPosition="LATEST"
    )
    assert plain(made) == {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": source,
        "FunctionArn": arn,
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "LATEST",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }


def test_a_mapping_that_is_not_to_be_enabled_is_disabled_from_the_start(client: Any, arn: str) -> None:
    # Recorded: test_fifo_message_group_parallelism.
    made = client.create_event_source_mapping(
        FunctionName="hello", EventSourceArn=FIFO, BatchSize=1, Enabled=False
    )
    assert plain(made) == {
        "BatchSize": 1,
        "EventSourceArn": FIFO,
        "FunctionArn": arn,
        "FunctionResponseTypes": [],
        "MaximumBatchingWindowInSeconds": 0,
        "State": "Disabled",
        "StateTransitionReason": "USER_INITIATED",
    }
    assert client.update_event_source_mapping(UUID=made["UUID"], Enabled=True)["State"] == "Enabling"


def test_scaling_is_set_and_taken_away(client: Any, arn: str) -> None:
    made = client.create_event_source_mapping(
        FunctionName="hello", EventSourceArn=QUEUE, ScalingConfig={"MaximumConcurrency": 2}
    )
    assert made["ScalingConfig"] == {"MaximumConcurrency": 2}
    pollers = {"MinimumPollers": 2, "MaximumPollers": 5}
    settled(client, made["UUID"], "Enabled")
    changed = client.update_event_source_mapping(
        UUID=made["UUID"], ScalingConfig={}, ProvisionedPollerConfig=pollers
    )
    assert "ScalingConfig" not in changed
    assert changed["ProvisionedPollerConfig"] == pollers
    settled(client, made["UUID"], "Enabled")
    assert "ProvisionedPollerConfig" not in client.update_event_source_mapping(
        UUID=made["UUID"], ProvisionedPollerConfig={}
    )


def test_a_stream_keeps_what_it_is_given(client: Any, arn: str) -> None:
    members = {
        "BatchSize": 1,
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
        "MaximumBatchingWindowInSeconds": 1,
        "MaximumRecordAgeInSeconds": 60,
        "MaximumRetryAttempts": 1,
        "TumblingWindowInSeconds": 30,
        "StartingPosition": "AT_TIMESTAMP",
    }
    moment = datetime.datetime(2025, 11, 25, 1, 2, 3, tzinfo=datetime.UTC)
    made = client.create_event_source_mapping(
        FunctionName="hello", EventSourceArn=STREAM, StartingPositionTimestamp=moment, **members
    )
    assert {name: made[name] for name in members} == members
    assert made["StartingPositionTimestamp"] == moment


def test_a_self_managed_kafka(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    made = client.create_event_source_mapping(FunctionName="hello", **KAFKA)
    assert plain(made) == {
        "BatchSize": 100,
        "FunctionArn": arn,
        "LastProcessingResult": "No records processed",
        "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": made["UUID"]},
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
        **KAFKA,
    }
    servers = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000", "kafka:2000"]}}
    again = refused(
        client.create_event_source_mapping,
        FunctionName="hello",
        **{**KAFKA, "SelfManagedEventSource": servers},
    )
    assert (again["code"], again["status"]) == ("ResourceConflictException", 409)
    assert again["message"] == (
        f'An event source mapping with event source ("kafka:1000,kafka:2000"), function ("{arn}"), '
        'topics ("topic") already exists. Please update or delete the existing mapping with UUID '
        f"{made['UUID']}"
    )
    named = {"SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "random_id"}, "Topics": ["topic_2"]}
    other = client.create_event_source_mapping(FunctionName="hello", **{**KAFKA, **named})
    assert other["SelfManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": "random_id"}


def test_a_function_reads_a_source_once(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    queue = client.create_event_source_mapping(FunctionName="hello", EventSourceArn=QUEUE)
    again = refused(client.create_event_source_mapping, FunctionName=arn, EventSourceArn=QUEUE)
    assert (again["code"], again["status"]) == ("ResourceConflictException", 409)
    assert again["message"] == (
        f'An event source mapping with SQS arn (" {QUEUE} ") and function (" hello ") already exists. Please update '
        f"or delete the existing mapping with UUID {queue['UUID']}"
    )
    members = {"EventSourceArn": STREAM, "StartingPosition": "LATEST"}
    stream = client.create_event_source_mapping(FunctionName="hello", **members)
    again = refused(client.create_event_source_mapping, FunctionName="hello", **members)
    assert again["message"] == (
        f'The event source arn (" {STREAM} ") and function (" hello ") provided mapping already exists. Please '
        f"update or delete the existing mapping with UUID {stream['UUID']}"
    )


def test_the_function_keeps_the_name_it_was_given(client: Any, arn: str, account: str) -> None:
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="myalias", FunctionVersion="1")
    for given, wanted in [
        ("hello", arn),
        (f"{account}:function:hello:$LATEST", f"{arn}:$LATEST"),
        (f"{account}:function:hello:1", f"{arn}:1"),
        (f"{arn}:myalias", f"{arn}:myalias"),
    ]:
        made = client.create_event_source_mapping(FunctionName=given, EventSourceArn=QUEUE)
        assert made["FunctionArn"] == wanted


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"FunctionName": "nobody"}, "Unrecognized event source."),
        ({"EventSourceArn": "arn:aws:s3:::bucket"}, "Unrecognized event source."),
        *(
            ({"EventSourceArn": arn.replace("us-east-1", "us-west-2")}, ELSEWHERE)
            for arn in (QUEUE, STREAM, TABLE, CLUSTER)
        ),
        ({"EventSourceArn": TABLE.partition("/stream")[0]}, "Unrecognized event source."),
        *(
            ({"EventSourceArn": STREAM.replace(":stream/", other)}, "Unrecognized event source.")
            for other in (":", ":stream/two words ", ":consumer/")
        ),
        (
            {"EventSourceArn": STREAM, "StartingPosition": "LATEST", "MaximumRecordAgeInSeconds": 59},
            "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)",
        ),
        ({"FunctionName": "nobody", "EventSourceArn": QUEUE}, "Function does not exist"),
        ({"FunctionName": "hello:nothing", "EventSourceArn": QUEUE}, "Function does not exist"),
        (
            {"EventSourceArn": QUEUE, "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        (
            {
                "FunctionName": "nobody",
                "EventSourceArn": QUEUE,
                "DestinationConfig": {"OnSuccess": {"Destination": QUEUE}},
            },
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        (
            {"EventSourceArn": STREAM},
            (
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member "
                "must not be null."
            ),
        ),
        (
            {"EventSourceArn": TABLE, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1},
            f"Unsupported starting position for arn type: {TABLE}",
        ),
        (
            {"EventSourceArn": QUEUE, "FilterCriteria": {"Filters": [{"Pattern": "{"}]}},
            "Invalid filter pattern definition.",
        ),
        (
            {"EventSourceArn": QUEUE, "FilterCriteria": {"Filters": [{"Pattern": '{"a": "b"}'}]}},
            "Invalid filter pattern definition.",
        ),
        (
            {"EventSourceArn": QUEUE, "BatchSize": 11},
            (
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
            ),
        ),
        (
            {"EventSourceArn": FIFO, "BatchSize": 100, "MaximumBatchingWindowInSeconds": 5},
            "Batching window is not supported for FIFO queues",
        ),
        (
            {"EventSourceArn": QUEUE, "StartingPosition": "LATEST", "StartingPositionTimestamp": 1},
            "StartingPosition is not valid for SQS event sources.",
        ),
        (
            {"EventSourceArn": TABLE, "StartingPosition": "LATEST", "StartingPositionTimestamp": 1},
            "Timestamp only valid with StartingPosition AT_TIMESTAMP",
        ),
        (
            {"EventSourceArn": STREAM, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": -1},
            (
                "Received Exception while reading from provided stream. "
                "class java.lang.Long can not be converted to a Timestamp"
            ),
        ),
        (
            {key: value for key, value in KAFKA.items() if key != "SourceAccessConfigurations"},
            "Required 'sourceAccessConfigurations' parameter is missing.",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_refused_mappings(
    client: Any, arn: str, refused: Callable[..., Any], members: dict[str, Any], message: str
) -> None:
    answer = refused(client.create_event_source_mapping, **{"FunctionName": "hello", **members})
    assert answer == {
        "code": "InvalidParameterValueException",
        "status": 400,
        "message": message,
        "type": "User",
    }
    assert client.list_event_source_mappings()["EventSourceMappings"] == []


@pytest.mark.parametrize(
    "members",
    [
        {"EventSourceArn": FIFO, "BatchSize": 11},
        {"EventSourceArn": QUEUE, "ParallelizationFactor": 2},
        {"EventSourceArn": CLUSTER, "StartingPosition": "LATEST"},
        {"EventSourceArn": BROKER, "SourceAccessConfigurations": ACCESS},
        {"EventSourceArn": BROKER, "Queues": ["q"]},
        {"EventSourceArn": DOCUMENTS, "SourceAccessConfigurations": ACCESS, "StartingPosition": "LATEST"},
        {"EventSourceArn": QUEUE, "Tags": {"aws:x": "y"}},
        {"EventSourceArn": QUEUE, "Tags": {str(number): "" for number in range(51)}},
        {"EventSourceArn": STREAM, "StartingPosition": "AT_TIMESTAMP"},
        {"EventSourceArn": STREAM, "StartingPosition": "LATEST", "ScalingConfig": {"MaximumConcurrency": 2}},
        {
            "EventSourceArn": STREAM,
            "StartingPosition": "LATEST",
            "TumblingWindowInSeconds": 1,
            "ParallelizationFactor": 2,
        },
        {"EventSourceArn": QUEUE, "FilterCriteria": {"Filters": [{"Pattern": "{}"}] * 6}},
        {
            "EventSourceArn": QUEUE,
            "ProvisionedPollerConfig": {"MinimumPollers": 2},
            "ScalingConfig": {"MaximumConcurrency": 2},
        },
    ],
    ids=json.dumps,
)
def test_settings_that_do_not_go_together(
    client: Any, arn: str, refused: Callable[..., Any], members: dict[str, Any]
) -> None:
    answer = refused(client.create_event_source_mapping, FunctionName="hello", **members)
    assert answer["code"] == "InvalidParameterValueException"


@pytest.mark.parametrize("operation", ["get", "update", "delete"])
def test_missing_mappings(client: Any, refused: Callable[..., Any], operation: str) -> None:
    answer = refused(
        getattr(client, f"{operation}_event_source_mapping"), UUID="12345678-1234-1234-1234-123456789012"
    )
    assert answer == {
        "code": "ResourceNotFoundException",
        "status": 404,
        "message": "The resource you requested does not exist.",
        "type": "User",
    }


def test_lists_are_filtered_and_come_in_pages(client: Any, create: Callable[..., Any], arn: str) -> None:
    create("other")
    for number in range(5):
        client.create_event_source_mapping(FunctionName="hello", EventSourceArn=f"{QUEUE}{number}")
    client.create_event_source_mapping(FunctionName="other", EventSourceArn=f"{QUEUE}0")

    def count(**members: Any) -> list[int]:
        pages = client.get_paginator("list_event_source_mappings").paginate(
            PaginationConfig={"PageSize": 4}, **members
        )
        return [len(page["EventSourceMappings"]) for page in pages]

    assert count() == [4, 2]
    assert count(FunctionName="hello") == [4, 1]
    assert count(EventSourceArn=f"{QUEUE}0") == [2]
    assert count(EventSourceArn=f"{QUEUE}0", FunctionName=arn) == [1]


def test_a_mapping_outlives_its_function(client: Any, arn: str) -> None:
    made = client.create_event_source_mapping(FunctionName="hello", EventSourceArn=QUEUE)
    settled(client, made["UUID"], "Enabled")
    client.delete_function(FunctionName="hello")
    assert client.get_event_source_mapping(UUID=made["UUID"])["FunctionArn"] == arn


def test_mappings_have_tags(client: Any, arn: str, refused: Callable[..., Any]) -> None:
    made = client.create_event_source_mapping(
        FunctionName="hello", EventSourceArn=QUEUE, Tags={"testtag": "custom"}
    )
    mapping = made["EventSourceMappingArn"]
    assert client.list_tags(Resource=mapping)["Tags"] == {"testtag": "custom"}
    client.tag_resource(Resource=mapping, Tags={"A": "a", "B": "b"})
    client.untag_resource(Resource=mapping, TagKeys=["A", "testtag", "missing"])
    assert client.list_tags(Resource=mapping)["Tags"] == {"B": "b"}
    missing = f"{mapping[:-4]}0000"
    for operation, members in (
        (client.list_tags, {}),
        (client.tag_resource, {"Tags": {"a": "b"}}),
        (client.untag_resource, {"TagKeys": ["a"]}),
    ):
        answer = refused(operation, Resource=missing, **members)
        assert answer["message"] == f"Event source mapping not found: {missing}"
