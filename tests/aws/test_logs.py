"""CloudWatch Logs through boto3, over a socket, on a real store."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import uvloop
from botocore.config import Config
from botocore.exceptions import ClientError

from lambent.aws.dispatcher import AwsDispatcher
from lambent.aws.logs.conditions import PatternError
from lambent.aws.logs.patterns import compile_pattern
from lambent.aws.logs.service import LogsService
from lambent.http import HttpServer
from lambent.observe import LogStore, open_log_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACCOUNT, REGION = "000000000000", "us-east-1"
NOW = int(time.time() * 1000)


class Platform:
    """Logs behind the dispatcher and the HTTP server, on a loop in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.store: LogStore
        self.url = ""
        self.call(self._start)

    def call(self, work: Callable[[], Any]) -> Any:
        """Run `work`, a function or a coroutine function, on the loop."""

        async def run() -> Any:
            result = work()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)

    async def _start(self) -> None:
        self.store = await open_log_store(self._path)
        dispatcher = AwsDispatcher(
            [LogsService(self.store)],
            credentials=None,
            account=ACCOUNT,
            default_region=REGION,
            endpoint_url=lambda: self.url,
        )
        self._server = HttpServer(dispatcher.handle)
        await self._server.start("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.address[1]}"

    async def _stop(self) -> None:
        await self._server.drain(5)
        await self.store.close()

    def close(self) -> None:
        self.call(self._stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def client(self, region: str = REGION) -> Any:
        return boto3.client(
            "logs",
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def log(self, stream: str, *texts: str, group: str = "/g", at: int = NOW) -> None:
        """Append as a function does."""

        def append() -> None:
            handle = self.store.stream(ACCOUNT, REGION, group, stream)
            for number, text in enumerate(texts):
                handle.append(at + number, text)

        self.call(append)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    running = Platform(tmp_path / "logs.db")
    yield running
    running.close()


@pytest.fixture
def logs(platform: Platform) -> Iterator[Any]:
    client = platform.client()
    yield client
    client.close()


def error_of(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error["Code"], error["Message"]


# Groups


def test_a_group_as_aws_describes_it(logs: Any) -> None:
    logs.create_log_group(logGroupName="/aws/lambda/f", tags={"env": "testing1"})
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    assert abs(group.pop("creationTime") - int(time.time() * 1000)) < 20_000
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/f"
    assert group == {
        "logGroupName": "/aws/lambda/f",
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "logGroupArn": arn,
    }
    logs.delete_log_group(logGroupName="/aws/lambda/f")
    assert logs.describe_log_groups()["logGroups"] == []


def test_group_errors(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    assert error_of(logs.create_log_group, logGroupName="g") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    missing = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert error_of(logs.delete_log_group, logGroupName="other") == missing
    assert error_of(logs.describe_log_streams, logGroupName="other") == missing
    assert error_of(logs.filter_log_events, logGroupName="other") == missing
    assert error_of(logs.put_retention_policy, logGroupName="other", retentionInDays=1) == missing
    assert error_of(logs.describe_log_groups, logGroupNamePrefix="a", logGroupNamePattern="b") == (
        "InvalidParameterException",
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    )
    code, message = error_of(logs.create_log_group, logGroupName="no spaces")
    assert code == "InvalidParameterException"
    assert "failed to satisfy constraint: Member must satisfy regular expression pattern" in message


def test_groups_in_pages_by_prefix_and_by_pattern(logs: Any) -> None:
    for number in range(7):
        logs.create_log_group(logGroupName=f"/app/{number}")
    logs.create_log_group(logGroupName="other")
    pages = list(
        logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix="/app", PaginationConfig={"PageSize": 3}
        )
    )
    assert [[group["logGroupName"][-1] for group in page["logGroups"]] for page in pages] == [
        ["0", "1", "2"],
        ["3", "4", "5"],
        ["6"],
    ]
    assert len(logs.describe_log_groups(logGroupNamePattern="pp/4")["logGroups"]) == 1
    assert error_of(logs.describe_log_groups, nextToken="nonsense")[0] == "InvalidParameterException"


def test_groups_are_apart_by_region(platform: Platform, logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    other = platform.client("eu-central-1")
    assert other.describe_log_groups()["logGroups"] == []
    other.close()


def test_retention(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.put_retention_policy(logGroupName="g", retentionInDays=14)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 14
    code, message = error_of(logs.put_retention_policy, logGroupName="g", retentionInDays=2)
    assert code == "InvalidParameterException"
    assert message.startswith("1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy")
    logs.delete_retention_policy(logGroupName="g")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]


def test_tags_old_and_new_operations(logs: Any) -> None:
    logs.create_log_group(logGroupName="g", tags={"env": "testing1"})
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g"
    logs.tag_resource(resourceArn=arn, tags={"test1": "val1", "test2": "val2"})
    logs.tag_log_group(logGroupName="g", tags={"test3": "val3", "env": "testing2"})
    expected = {"env": "testing2", "test1": "val1", "test2": "val2", "test3": "val3"}
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == expected
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == expected
    logs.untag_log_group(logGroupName="g", tags=["env", "test1"])
    logs.untag_resource(resourceArn=arn, tagKeys=["test3"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"test2": "val2"}
    assert error_of(logs.list_tags_for_resource, resourceArn=arn + "x")[0] == "ResourceNotFoundException"
    assert (
        error_of(logs.list_tags_for_resource, resourceArn="arn:aws:s3:::b")[0] == "InvalidParameterException"
    )
    many = {f"k{number}": "v" for number in range(50)}
    assert error_of(logs.tag_resource, resourceArn=arn, tags=many)[0] == "TooManyTagsException"


# Streams


def test_a_stream_as_aws_describes_it(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="2025/01/01/[$LATEST]abc")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g"
    for where in ({"logGroupName": "g"}, {"logGroupIdentifier": "g"}, {"logGroupIdentifier": arn}):
        (stream,) = logs.describe_log_streams(**where)["logStreams"]
        stream.pop("creationTime")
        assert stream == {
            "logStreamName": "2025/01/01/[$LATEST]abc",
            "arn": f"{arn}:log-stream:2025/01/01/[$LATEST]abc",
            "storedBytes": 0,
        }
    assert error_of(logs.describe_log_streams, logGroupName="g", logGroupIdentifier="g") == (
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )
    assert error_of(logs.create_log_stream, logGroupName="g", logStreamName="2025/01/01/[$LATEST]abc") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    logs.delete_log_stream(logGroupName="g", logStreamName="2025/01/01/[$LATEST]abc")
    assert error_of(logs.delete_log_stream, logGroupName="g", logStreamName="x") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
    assert logs.describe_log_streams(logGroupName="g")["logStreams"] == []


def test_streams_by_last_event_in_pages(platform: Platform, logs: Any) -> None:
    for number in range(5):
        platform.log(f"s{number}", "x", at=NOW - number)
    pages = list(
        logs.get_paginator("describe_log_streams").paginate(
            logGroupName="/g", orderBy="LastEventTime", descending=True, PaginationConfig={"PageSize": 2}
        )
    )
    names = [[stream["logStreamName"] for stream in page["logStreams"]] for page in pages]
    assert names == [["s0", "s1"], ["s2", "s3"], ["s4"]]
    first = pages[0]["logStreams"][0]
    assert first["firstEventTimestamp"] == first["lastEventTimestamp"] == NOW
    assert first["lastIngestionTime"] >= NOW
    assert len(logs.describe_log_streams(logGroupName="/g", logStreamNamePrefix="s4")["logStreams"]) == 1
    assert error_of(
        logs.describe_log_streams, logGroupName="/g", orderBy="LastEventTime", logStreamNamePrefix="s"
    ) == ("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")


# Events


def test_put_and_get_events(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    events = [{"timestamp": NOW + number, "message": f"m{number}"} for number in range(3)]
    answer = logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    assert "rejectedLogEventsInfo" not in answer
    found = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)["events"]
    assert [{"timestamp": event["timestamp"], "message": event["message"]} for event in found] == events
    assert all(event["ingestionTime"] >= NOW for event in found)
    ranged = logs.get_log_events(logGroupName="g", logStreamName="s", startTime=NOW, endTime=NOW + 2)[
        "events"
    ]
    assert [event["message"] for event in ranged] == ["m0", "m1"]  # the end is excluded
    assert error_of(logs.get_log_events, logGroupName="g", logStreamName="x") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )


def test_what_put_log_events_refuses(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")

    def put(*events: tuple[int, str]) -> tuple[str, str]:
        batch = [{"timestamp": timestamp, "message": message} for timestamp, message in events]
        return error_of(logs.put_log_events, logGroupName="g", logStreamName="s", logEvents=batch)

    assert put((NOW, "a"), (NOW - 1, "b")) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )
    assert put(*[(NOW, "x" * 99_974)] * 11) == (
        "InvalidParameterException",
        "Upload too large: 1100000 bytes exceeds limit of 1048576",
    )
    assert put((NOW - 90_000_000, "a"), (NOW, "b")) == (
        "InvalidParameterException",
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    )
    batch = [{"timestamp": NOW, "message": "x"}]
    assert error_of(logs.put_log_events, logGroupName="g", logStreamName="t", logEvents=batch) == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
    assert logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == []


def test_events_too_old_or_too_new_are_rejected_and_the_rest_is_kept(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    day, hour = 86_400_000, 3_600_000
    batch = [
        {"timestamp": NOW - 15 * day, "message": "old"},
        {"timestamp": NOW - 2 * day, "message": "expired"},
        {"timestamp": NOW, "message": "good"},
        {"timestamp": NOW + 3 * hour, "message": "new"},
    ]
    answer = logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=batch)
    assert answer["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1,
        "expiredLogEventEndIndex": 2,
        "tooNewLogEventStartIndex": 3,
    }
    kept = logs.get_log_events(logGroupName="g", logStreamName="s")["events"]
    assert [event["message"] for event in kept] == ["good"]


def test_get_log_events_both_ways(platform: Platform, logs: Any) -> None:
    platform.log("s", *[f"m{number}" for number in range(10)])
    platform.log("other", "not this")

    def get(**request: Any) -> tuple[list[str], str, str]:
        page = logs.get_log_events(logGroupName="/g", logStreamName="s", limit=4, **request)
        return (
            [event["message"] for event in page["events"]],
            page["nextForwardToken"],
            page["nextBackwardToken"],
        )

    newest, forward, backward = get()
    assert newest == ["m6", "m7", "m8", "m9"]
    older, _, backward = get(nextToken=backward)
    assert older == ["m2", "m3", "m4", "m5"]
    oldest, again, backward = get(nextToken=backward)
    assert oldest == ["m0", "m1"]
    assert get(nextToken=again, startFromHead=True)[0] == ["m2", "m3", "m4", "m5"]
    nothing, turned, same = get(nextToken=backward)
    assert (nothing, same) == ([], backward)
    assert get(nextToken=turned, startFromHead=True)[0] == ["m0", "m1", "m2", "m3"]
    nothing, same, turned = get(nextToken=forward, startFromHead=True)
    assert (nothing, same) == ([], forward)
    assert get(nextToken=turned)[0] == ["m6", "m7", "m8", "m9"]
    platform.log("s", "m10", at=NOW + 10)
    assert get(nextToken=forward, startFromHead=True)[0] == ["m10"]
    assert get(startFromHead=True)[0] == ["m0", "m1", "m2", "m3"]
    assert error_of(get, nextToken="x/1")[1] == "The specified nextToken is invalid."


def test_filter_log_events_interleaves_streams(platform: Platform, logs: Any) -> None:
    platform.log("a", "a0", "a1", at=NOW)
    platform.log("b", "b0", "b1", at=NOW)
    answer = logs.filter_log_events(logGroupName="/g", interleaved=True)
    events = answer["events"]
    assert sorted((event["timestamp"], event["logStreamName"], event["message"]) for event in events) == [
        (NOW, "a", "a0"),
        (NOW, "b", "b0"),
        (NOW + 1, "a", "a1"),
        (NOW + 1, "b", "b1"),
    ]
    assert [event["timestamp"] for event in events] == [NOW, NOW, NOW + 1, NOW + 1]
    assert len({event["eventId"] for event in events}) == 4
    assert all(re.fullmatch(r"\d{56}", event["eventId"]) for event in events)
    assert answer["searchedLogStreams"] == []
    assert "nextToken" not in answer

    def texts(**request: Any) -> list[str]:
        return [event["message"] for event in logs.filter_log_events(logGroupName="/g", **request)["events"]]

    assert texts(logStreamNames=["a"]) == ["a0", "a1"]
    assert texts(logStreamNamePrefix="b") == ["b0", "b1"]
    assert sorted(texts(endTime=NOW)) == ["a0", "b0"]  # the end is included
    assert sorted(texts(startTime=NOW + 1)) == ["a1", "b1"]
    assert texts(filterPattern="?a1 ?b0") == ["b0", "a1"]
    assert texts(startFromHead=False, filterPattern="a", startTime=NOW) == ["a1", "a0"]
    assert error_of(texts, logStreamNames=["x"])[0] == "ResourceNotFoundException"
    assert error_of(texts, logStreamNames=["a"], logStreamNamePrefix="a")[0] == "InvalidParameterException"
    assert error_of(texts, filterPattern="{ $.a") == ("InvalidParameterException", "Invalid filter pattern")


@pytest.mark.parametrize("from_head", [True, False])
def test_filter_log_events_in_pages(platform: Platform, logs: Any, from_head: bool) -> None:
    platform.log("s", *[f"{number} {'even' if number % 2 == 0 else 'odd'}" for number in range(100)])
    pages = list(
        logs.get_paginator("filter_log_events").paginate(
            logGroupName="/g",
            startTime=NOW,
            startFromHead=from_head,
            filterPattern="even",
            PaginationConfig={"PageSize": 20},
        )
    )
    assert [len(page["events"]) for page in pages] == [20, 20, 10]
    numbers = [int(event["message"].split()[0]) for page in pages for event in page["events"]]
    assert numbers == (list(range(0, 100, 2)) if from_head else list(range(98, -1, -2)))


def test_following_as_aws_logs_tail_does(platform: Platform, logs: Any) -> None:
    """`aws logs tail --follow` asks again from the newest timestamp and leaves out the ids it has seen."""
    platform.log("s", "one")
    first = logs.filter_log_events(logGroupName="/g", interleaved=True, startTime=NOW - 1000)["events"]
    platform.log("t", "two")
    again = logs.filter_log_events(logGroupName="/g", interleaved=True, startTime=first[-1]["timestamp"])[
        "events"
    ]
    seen = {event["eventId"] for event in first}
    assert [event["message"] for event in again if event["eventId"] not in seen] == ["two"]


def test_a_full_disk_is_an_error_that_says_so(platform: Platform, logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")

    async def fill() -> None:
        from lambent.store import Statement

        database = platform.store._database
        pages = (await database.read("PRAGMA page_count"))[0][0]
        await database.write(Statement(f"PRAGMA max_page_count = {pages!r}"))

    platform.call(fill)
    batch = [{"timestamp": NOW, "message": "x" * 100_000}]
    with pytest.raises(ClientError) as caught:
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=batch)
    assert caught.value.response["Error"]["Code"] == "ServiceUnavailableException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
    assert logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == []


# Filter patterns

JSON = (
    '{"level":"ERROR","latency":120,"user":{"name":"ada","roles":["admin",{"id":7}]},'
    '"nothing":null,"ok":true,"a.b":"1","ip":"123.123.1.2"}'
)


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "[error 400]", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR SERVER", False),
        (r'"say \"hi\""', 'they say "hi" there', True),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("-DEBUG", "anything else", True),
        ("?ERROR ?WARN", "a WARN b", True),
        ("?ERROR ?WARN", "INFO", False),
        ("?ERROR ?WARN -400", "[ERROR 400]", False),
        ("INFO ?ERROR", "INFO alone", True),
        ("%AUTHORIZED%", "UNAUTHORIZED", True),
        ("%[0-9]{3}ms%", "took 123ms", True),
        ("%[0-9]{3}ms%", "took 12ms", False),
        ('{ $.level = "ERROR" }', JSON, True),
        ("{ $.level = ERROR }", JSON, True),
        ('{ $.level = "ERR*" }', JSON, True),
        ('{ $.level = "*OR" }', JSON, True),
        ('{ $.level = "E*O*" }', JSON, True),
        ("{ $.level != ERROR }", JSON, False),
        ("{ $.level != INFO }", JSON, True),
        ("{ $.missing != INFO }", JSON, False),
        ("{ $.ip != 123.123.* }", JSON, False),
        ("{ $.ip = %123\\.123\\.% }", JSON, True),
        ("{ $.latency = 120 }", JSON, True),
        ("{ $.latency = 1.2e2 }", JSON, True),
        ("{ $.latency > 100 }", JSON, True),
        ("{ $.latency >= 120 && $.latency <= 120 }", JSON, True),
        ("{ $.latency < 120 }", JSON, False),
        ("{ $.level > 1 }", JSON, False),
        ("{ $.user.name = ada }", JSON, True),
        ("{ $.user.roles[0] = admin }", JSON, True),
        ("{ $.user.roles[1].id = 7 }", JSON, True),
        ("{ $.user.roles[*] = admin }", JSON, True),
        ("{ $.user.roles[2] = admin }", JSON, False),
        ("{ $.['a.b'] = 1 }", JSON, True),
        ("{ $.nothing IS NULL }", JSON, True),
        ("{ $.level IS NULL }", JSON, False),
        ("{ $.ok IS TRUE }", JSON, True),
        ("{ $.ok IS FALSE }", JSON, False),
        ("{ $.missing NOT EXISTS }", JSON, True),
        ("{ $.user NOT EXISTS }", JSON, False),
        ("{ ($.level = INFO) || ($.level = ERROR && $.latency > 100) }", JSON, True),
        ("{ $.level = INFO || $.level = ERROR && $.latency > 200 }", JSON, False),
        ("{ $.level = ERROR }", "plain ERROR", False),
        ("{ $.level = ERROR }", "{broken", False),
        (
            "[ip, user, time, request, status, bytes]",
            '127.0.0.1 ada [10/Oct 13:55] "GET /a b" 404 1534',
            True,
        ),
        ("[ip, user]", "127.0.0.1 ada extra", False),
        ("[..., status = 4*, bytes > 1000]", '127.0.0.1 ada [10/Oct] "GET /" 404 1534', True),
        ("[..., status = 4*, bytes > 1000]", '127.0.0.1 ada [10/Oct] "GET /" 200 1534', False),
        ("[ip = 127*, ..., status = 404 || status = 410, bytes]", "127.0.0.1 x y 410 9", True),
        ("[level = ERROR && level != WARN, ...]", "ERROR x", True),
    ],
)
def test_filter_pattern(pattern: str, message: str, matches: bool) -> None:
    predicate = compile_pattern(pattern)
    assert (predicate is None or predicate(message)) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        '"open',
        "%open",
        "%(a+)+%",
        "%[%",
        "{ $.a = }",
        "{ $.a",
        "{ a = 1 }",
        "{ }",
        "{ ($.a = 1 }",
        "{ $.a = 1 ) }",
        "{ $.a = 1 && }",
        "{ $.a IS MAYBE }",
        "{ $.a > x }",
        "[a, b",
        "[a = , b]",
        "[..., a, ...]",
    ],
)
def test_unreadable_filter_pattern(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


def test_resource_policies(platform: Platform) -> None:
    client = platform.client()
    document = '{"Version": "2012-10-17", "Statement": []}'
    put = client.put_resource_policy(policyName="events", policyDocument=document)["resourcePolicy"]
    assert (put["policyName"], put["policyDocument"]) == ("events", document)
    client.put_resource_policy(policyName="events", policyDocument="{}")
    for number in range(9):
        client.put_resource_policy(policyName=f"more-{number}", policyDocument="{}")
    first = client.describe_resource_policies(limit=7)
    second = client.describe_resource_policies(nextToken=first["nextToken"])
    named = {each["policyName"]: each["policyDocument"] for each in first["resourcePolicies"]}
    assert len(named) == 7
    assert named["events"] == "{}"
    assert len(second["resourcePolicies"]) == 3
    assert platform.client("eu-west-1").describe_resource_policies()["resourcePolicies"] == []
    with pytest.raises(ClientError, match="LimitExceededException"):
        client.put_resource_policy(policyName="one too many", policyDocument="{}")
    with pytest.raises(ClientError, match="not a JSON object"):
        client.put_resource_policy(policyName="events", policyDocument="x")
    client.delete_resource_policy(policyName="events")
    with pytest.raises(ClientError, match=re.escape("Policy with name [events] does not exist.")):
        client.delete_resource_policy(policyName="events")


# Subscription filters

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/logs"


def test_subscription_filters(logs: Any) -> None:
    logs.create_log_group(logGroupName="/g")

    def put(name: str, pattern: str = "", **members: Any) -> None:
        logs.put_subscription_filter(
            logGroupName="/g",
            filterName=name,
            filterPattern=pattern,
            **{"destinationArn": FUNCTION, **members},
        )

    def described(**members: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = logs.describe_subscription_filters(logGroupName="/g", **members)[
            "subscriptionFilters"
        ]
        return found

    put("two", "ERROR")
    put("one", destinationArn=STREAM, roleArn=ROLE, distribution="Random")
    first, second = described()
    assert first.pop("creationTime") > NOW - 1000
    assert first == {
        "filterName": "one",
        "logGroupName": "/g",
        "filterPattern": "",
        "destinationArn": STREAM,
        "roleArn": ROLE,
        "distribution": "Random",
        "applyOnTransformedLogs": False,
    }
    assert (second["filterName"], second["filterPattern"], second["distribution"]) == (
        "two",
        "ERROR",
        "ByLogStream",
    )
    assert "roleArn" not in second
    assert error_of(put, name="three") == ("LimitExceededException", "Resource limit exceeded.")
    put("two", "WARN")
    assert [one["filterPattern"] for one in described(filterNamePrefix="t")] == ["WARN"]
    page = logs.describe_subscription_filters(logGroupName="/g", limit=1)
    assert described(nextToken=page["nextToken"])[0]["filterName"] == "two"

    logs.delete_subscription_filter(logGroupName="/g", filterName="one")
    assert error_of(logs.delete_subscription_filter, logGroupName="/g", filterName="one") == (
        "ResourceNotFoundException",
        "The specified subscription filter does not exist.",
    )
    logs.delete_log_group(logGroupName="/g")
    assert error_of(described)[0] == "ResourceNotFoundException"
    logs.create_log_group(logGroupName="/g")
    assert described() == []


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"filterPattern": "{ $.a"}, "Invalid filter pattern"),
        ({"destinationArn": "nowhere"}, "Invalid destination ARN: nowhere"),
        (
            {"destinationArn": "arn:aws:sns:us-east-1:000000000000:t"},
            "PutSubscriptionFilter operation cannot work with destinationArn for vendor sns",
        ),
        ({"roleArn": ROLE}, "destinationArn for vendor lambda cannot be used with roleArn"),
        ({"destinationArn": STREAM}, "destinationArn for vendor kinesis cannot be used without roleArn"),
        (
            {"emitSystemFields": ["@aws.region"]},
            "emitSystemFields is not supported by Lambent: leave it out.",
        ),
    ],
)
def test_subscription_filters_that_are_none(logs: Any, members: dict[str, Any], message: str) -> None:
    logs.create_log_group(logGroupName="/g")
    wanted = {"logGroupName": "/g", "filterName": "f", "filterPattern": "", "destinationArn": FUNCTION}
    assert error_of(logs.put_subscription_filter, **{**wanted, **members}) == (
        "InvalidParameterException",
        message,
    )
    logs.create_log_group(logGroupName="/rare", logGroupClass="INFREQUENT_ACCESS")
    code, _ = error_of(logs.put_subscription_filter, **{**wanted, "logGroupName": "/rare"})
    assert code == "InvalidOperationException"
    code, _ = error_of(logs.put_subscription_filter, **{**wanted, "logGroupName": "/none"})
    assert code == "ResourceNotFoundException"
