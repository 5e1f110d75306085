"""PutEvents and TestEventPattern; names of tests with a recording are those of its scenario (`TestEvents`)."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .conftest import DETAIL, PATTERN, PATTERN_NO_DETAIL, SOURCE, entry, plain, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import TargetQueue

    Queue = Callable[..., TargetQueue]


def listen(client: Any, target: TargetQueue, pattern: Any = PATTERN, **members: Any) -> None:
    """A rule for the default bus with one target."""
    client.put_rule(Name="rule", EventPattern=json.dumps(pattern))
    client.put_targets(Rule="rule", Targets=[{"Id": "queue", "Arn": target.arn, **members}])


def missing(name: str) -> dict[str, Any]:
    return {
        "FailedEntryCount": 1,
        "Entries": [
            {
                "ErrorCode": "InvalidArgument",
                "ErrorMessage": f"Parameter {name} is not valid. Reason: {name} is a required argument.",
            }
        ],
    }


def test_put_events_without_source(client: Any) -> None:
    answer = client.put_events(Entries=[{"DetailType": SOURCE, "Detail": json.dumps(DETAIL)}])
    assert plain(answer) == missing("Source")


def test_put_event_without_detail(client: Any) -> None:
    answer = client.put_events(Entries=[{"Source": SOURCE, "DetailType": SOURCE}])
    assert plain(answer) == missing("Detail")


def test_put_event_without_detail_type(client: Any) -> None:
    answer = client.put_events(Entries=[entry(DetailType="")])
    assert plain(answer) == missing("DetailType")


def test_put_event_with_too_big_detail(client: Any) -> None:
    detail = {"payload": ["p" * (256 * 1024 - 17)]}
    assert refused(client.put_events, Entries=[entry(detail)]) == (
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )


@pytest.mark.parametrize(
    "detail",
    ["NotJSON", "[]", "{{}", '"NotJSON"', '{"a":' * 1200 + "1" + "}" * 1200],
    ids=["STRING", "ARRAY", "MALFORMED_JSON", "SERIALIZED_STRING", "deep"],
)
def test_put_event_malformed_detail(client: Any, detail: str) -> None:
    assert plain(client.put_events(Entries=[entry(detail)])) == {
        "FailedEntryCount": 1,
        "Entries": [{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}],
    }


def test_some_entries_are_refused_and_the_others_are_taken(client: Any, queue: Queue) -> None:
    target = queue()
    listen(client, target)
    answer = client.put_events(Entries=[entry(), entry("[]"), entry(source="aws.s3"), entry()])
    assert answer["FailedEntryCount"] == 2
    assert [one.get("ErrorCode") for one in answer["Entries"]] == [
        None,
        "MalformedDetail",
        "NotAuthorizedForSourceException",
        None,
    ]
    assert len(target.bodies()) == 2


@pytest.mark.parametrize("time", ["2022-01-01", "01-01-2022T00:00:00Z", "2022-01-01 00:00:00Z"])
def test_put_events_time(client: Any, queue: Queue, time: str) -> None:
    target = queue()
    listen(client, target, PATTERN_NO_DETAIL)
    client.put_events(Entries=[entry({"message": "short time"}, Time=time)])
    (event,) = target.bodies()
    assert event["time"] == "2022-01-01T00:00:00Z"


def test_put_events_exceed_limit_ten_entries(client: Any, bus: str) -> None:
    code, message = refused(client.put_events, Entries=[entry(EventBusName=bus)] * 11)
    shown = (
        f"PutEventsRequestEntry(time=null, source={SOURCE}, resources=null, detailType={SOURCE},"
        f" detail={json.dumps(DETAIL)}, eventBusName={bus}, traceHeader=null, kmsKeyIdentifier=null,"
        " internalMetadata=null)"
    )
    assert code == "ValidationException"
    assert message == (
        f"1 validation error detected: Value '[{', '.join([shown] * 11)}]' at 'entries' failed to satisfy"
        " constraint: Member must have length less than or equal to 10"
    )


def test_put_events_response_entries_order(client: Any, queue: Queue) -> None:
    one, two = queue("one"), queue("two")
    client.put_rule(Name="rule", EventPattern=json.dumps(PATTERN_NO_DETAIL))
    client.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": one.arn}, {"Id": "2", "Arn": two.arn}])
    answer = client.put_events(Entries=[entry()])
    (put,) = answer["Entries"]
    assert answer["FailedEntryCount"] == 0
    assert list(put) == ["EventId"]
    for target in (one, two):
        (event,) = target.bodies()
        assert event["id"] == put["EventId"]


def test_put_events_with_target_delivery_failure(client: Any, account: str) -> None:
    client.put_rule(Name="rule", EventPattern=json.dumps(PATTERN_NO_DETAIL))
    gone = f"arn:aws:sqs:us-east-1:{account}:gone"
    client.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": gone}])
    answer = client.put_events(Entries=[entry()])
    assert answer["FailedEntryCount"] == 0
    assert str(uuid.UUID(answer["Entries"][0]["EventId"])) == answer["Entries"][0]["EventId"]


def test_put_events_with_time_field(client: Any, queue: Queue) -> None:
    target = queue()
    listen(client, target, {"source": ["test-source"], "detail-type": ["test-detail-type"]})
    moment = datetime.datetime.now(datetime.UTC)
    (put,) = client.put_events(
        Entries=[
            entry({"message": "test message"}, "test-source", DetailType="test-detail-type", Time=moment)
        ]
    )["Entries"]
    (event,) = target.bodies()
    assert event["time"] == moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert event["id"] == put["EventId"]


def test_every_field_of_an_event(client: Any, account: str, queue: Queue) -> None:
    target = queue()
    listen(client, target)
    # Numbers stay as they were written, spaces between tokens do not.
    detail = '{ "command": "update-account", "n": 1.50, "big": 12345678901234567890123, "text": "a b" }'
    (put,) = client.put_events(
        Entries=[entry(detail, Resources=["arn:one", "arn:two"], TraceHeader="Root=1-2-3")]
    )["Entries"]
    (message,) = target.messages()
    head = re.sub(r'"time":"[^"]+"', '"time":"…"', message.body)
    assert head == (
        f'{{"version":"0","id":"{put["EventId"]}","detail-type":"{SOURCE}","source":"{SOURCE}",'
        f'"account":"{account}","time":"…","region":"us-east-1","resources":["arn:one","arn:two"],'
        '"detail":{"command":"update-account","n":1.50,"big":12345678901234567890123,"text":"a b"}}'
    )
    assert message.trace == "Root=1-2-3"


def test_put_events_nonexistent_event_bus(client: Any, queue: Queue) -> None:
    target = queue()
    listen(client, target, {"detail-type": ["CustomType"], "source": ["MySource"]})
    here = entry({"message": "for the default event bus"}, "MySource", DetailType="CustomType")
    there = {**here, "EventBusName": "missing"}
    answer = client.put_events(Entries=[here, there])
    assert answer["FailedEntryCount"] == 0
    assert [list(put) for put in answer["Entries"]] == [["EventId"], ["EventId"]]
    (event,) = target.bodies()
    assert event["id"] == answer["Entries"][0]["EventId"]
    assert refused(client.describe_event_bus, Name="missing") == (
        "ResourceNotFoundException",
        "Event bus missing does not exist.",
    )


@pytest.mark.parametrize(
    ("pattern", "details", "matching"),
    [
        (
            {"detail": {"event": {"data": {"type": ["1", "2"]}}}},
            [{"event": {"data": {"type": kinds}}} for kinds in (["3", "1"], ["2"], ["3"])],
            [0, 1],
        ),
        (
            {"detail": {"event": {"data": {"type": ["1"]}}}},
            [{"event": {"data": {"type": "1"}}}, {"event": {"data": {"type": "2"}}}, {"hello": "world"}],
            [0],
        ),
    ],
    ids=["test_put_events_pattern_with_values_in_array", "test_put_events_pattern_nested"],
)
def test_patterns(client: Any, queue: Queue, pattern: Any, details: list[Any], matching: list[int]) -> None:
    target = queue()
    listen(client, target, pattern, InputPath="$.detail")
    for detail in details:
        client.put_events(Entries=[entry(detail, "test", DetailType="test")])
    assert target.bodies() == [details[number] for number in matching]


def test_process_to_single_matching_rules_single_target(client: Any, queue: Queue) -> None:
    """Three rules with more and more sources, one target each time."""
    sources = ["source-one", "source-two", "source-three"]
    targets = [queue(str(number)) for number in range(3)]
    for number, target in enumerate(targets):
        pattern = {"source": sources[: number + 1]}
        client.put_rule(Name=f"rule-{number}", EventPattern=json.dumps(pattern))
        client.put_targets(Rule=f"rule-{number}", Targets=[{"Id": "queue", "Arn": target.arn}])
    client.put_events(Entries=[entry(source=source) for source in sources])
    assert [sorted(event["source"] for event in target.bodies()) for target in targets] == [
        sorted(sources[: number + 1]) for number in range(3)
    ]


def test_process_pattern_to_single_matching_rules_single_target(client: Any, queue: Queue) -> None:
    one, two = queue("one"), queue("two")
    client.put_rule(
        Name="one", EventPattern=json.dumps({"detail": {"payload": {"id": ["123"]}}, "source": ["s"]})
    )
    client.put_rule(
        Name="two",
        EventPattern=json.dumps(
            {"source": ["s"], "$or": [{"detail": {"payload": {"id": ["123"]}}}, {"detail": {"id": ["123"]}}]}
        ),
    )
    for name, target in (("one", one), ("two", two)):
        targets = [{"Id": "queue", "Arn": target.arn, "InputPath": "$.detail"}]
        client.put_targets(Rule=name, Targets=targets)
    details = [{"payload": {"id": "123"}}, {"id": "123"}]
    client.put_events(Entries=[entry(detail, "s") for detail in details])
    assert one.bodies() == details[:1]
    assert two.bodies() == details


def test_event_pattern(client: Any) -> None:
    event = {"id": "1", "source": "a", "detail-type": "b", "detail": {"n": 1}}
    matches = client.test_event_pattern(
        EventPattern='{"detail":{"n":[{"numeric":["<",2]}]}}', Event=json.dumps(event)
    )
    assert plain(matches) == {"Result": True}
    misses = client.test_event_pattern(EventPattern='{"source":["z"]}', Event=json.dumps(event))
    assert plain(misses) == {"Result": False}
    code, message = refused(client.test_event_pattern, EventPattern='{"a":', Event="{}")
    assert code == "InvalidEventPatternException"
    assert message.startswith("Event pattern is not valid. Reason: ")


@pytest.mark.parametrize("event", ["plain string", '["plain string"]', '{"testEvent": "value"}'])
def test_events_that_are_none(client: Any, event: str) -> None:
    """LocalStack's tests of the kind, which were validated on AWS (`test_invalid_event_payload`)."""
    refusal = refused(client.test_event_pattern, EventPattern='{"a":["b"]}', Event=event)
    assert refusal == ("ValidationException", "Parameter Event is not valid.")


def test_what_is_not_served_says_so(client: Any) -> None:
    with pytest.raises(ClientError, match="CreateArchive of the service events is not implemented") as caught:
        client.create_archive(
            ArchiveName="a", EventSourceArn="arn:aws:events:us-east-1:000000000000:event-bus/x"
        )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.skip(reason="connections are not served: CreateConnection answers 501")
def test_create_connection_validations() -> None:
    """Recorded: three violations of the model in one answer."""
