"""Events on a running platform: from PutEvents to functions and queues, and over kill -9."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from .conftest import Background, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Platform

SAY = "import json\n\ndef handler(event, context):\n    print('GOT ' + json.dumps(event))\n"
# Logs of a moment ago may be lost by kill -9: it tells the test itself.
TELL = """
import socket

def handler(event, context):
    with socket.create_connection(("127.0.0.1", event["detail"]["port"])) as post:
        post.sendall(event["id"].encode())
"""
ACCOUNT, REGION = "000000000000", "us-east-1"


@pytest.fixture
def bus(platform: Platform) -> str:
    """A bus of this test's own."""
    name = f"bus-{uuid.uuid4().hex[:12]}"
    platform.client("events").create_event_bus(Name=name)
    return name


class Post:
    """Collects what functions tell."""

    def __init__(self) -> None:
        self.received: set[str] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, connection.makefile() as file:
                said = file.read()
            if said == "end":
                return
            if said:  # a process that was killed between connecting and telling says nothing
                self.received.add(said)

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"end")
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def post() -> Iterator[Post]:
    post = Post()
    yield post
    post.close()


@pytest.fixture
def own(tmp_path: Path, platform: Platform) -> Iterator[Platform]:
    """A platform of this test's own, not started yet."""
    running = type(platform)(tmp_path, async_retry_seconds="0.1,0.1")
    yield running
    try:
        assert running.stop() == 0
        assert "Traceback" not in running.printed
    finally:
        if running.process.poll() is None:
            running.kill()


def put_rule(client: Any, bus: str, name: str, targets: list[dict[str, Any]], pattern: Any = None) -> str:
    """A rule for events of the source "shop" unless a pattern is given; its ARN."""
    text = json.dumps(pattern or {"source": ["shop"]})
    arn: str = client.put_rule(Name=name, EventBusName=bus, EventPattern=text)["RuleArn"]
    client.put_targets(Rule=name, EventBusName=bus, Targets=targets)
    return arn


def make_queue(client: Any, name: str, rule_arn: str = "arn:aws:events:*:*:rule/*") -> tuple[str, str]:
    """The URL and ARN of a queue that rules may send to."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": rule_arn}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    return client.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn


def received(client: Any, url: str, at_least: int = 1) -> list[dict[str, Any]]:
    """Messages of a queue, with their attributes, until there are so many; they are gone then."""
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        answer = client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1
        )
        for message in answer.get("Messages", []):
            found.append(message)
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= at_least

    wait_until(enough)
    return found


def got(platform: Platform, function: str) -> list[Any]:
    """The events that a function was called with."""
    return [json.loads(line[4:]) for line in platform.logs(function) if line.startswith("GOT ")]


def entry(bus: str, detail: Any, **members: Any) -> dict[str, Any]:
    return {
        "EventBusName": bus, "Source": "shop", "DetailType": "Order", "Detail": json.dumps(detail), **members
    }  # fmt: skip


def allow(platform: Platform, function: str, rule_arn: str) -> None:
    platform.aws.add_permission(
        FunctionName=function,
        StatementId=rule_arn.rpartition("/")[2],
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
    )


def test_process_to_multiple_matching_rules_single_target(platform: Platform, bus: str) -> None:
    """Recorded: two rules with the same function call it twice, with the same event."""
    events = platform.client("events")
    function = platform.create(SAY)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    for name in ("one", "two"):
        allow(platform, function, put_rule(events, bus, name, [{"Id": "1", "Arn": arn}]))
    (put,) = events.put_events(Entries=[entry(bus, {"n": 1}, Resources=["a"])])["Entries"]
    found = wait_until(lambda: len(calls := got(platform, function)) == 2 and calls)
    assert found[0] == found[1]
    assert found[0].pop("time").endswith("Z")
    assert found[0] == {
        "version": "0",
        "id": put["EventId"],
        "detail-type": "Order",
        "source": "shop",
        "account": ACCOUNT,
        "region": REGION,
        "resources": ["a"],
        "detail": {"n": 1},
    }


def test_a_function_that_lets_others_in(platform: Platform, bus: str) -> None:
    events, sqs = platform.client("events"), platform.client("sqs")
    function = platform.create(SAY)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    platform.aws.add_permission(
        FunctionName=function,
        StatementId="others",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )
    url, letters = make_queue(sqs, f"{bus}-letters")
    rule = put_rule(events, bus, "rule", [{"Id": "1", "Arn": arn, "DeadLetterConfig": {"Arn": letters}}])
    events.put_events(Entries=[entry(bus, {"n": 1})])
    (message,) = received(sqs, url)
    said = {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}
    hint = f"aws lambda add-permission --function-name {function}"
    assert hint in said.pop("ERROR_MESSAGE")
    assert said == {
        "RULE_ARN": rule,
        "TARGET_ARN": arn,
        "ERROR_CODE": "NO_PERMISSIONS",
        "RETRY_ATTEMPTS": "0",
    }
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    assert hint in platform.printed
    assert got(platform, function) == []
    # As soon as it is allowed, it works.
    allow(platform, function, rule)
    events.put_events(Entries=[entry(bus, {"n": 2})])
    wait_until(lambda: [event["detail"] for event in got(platform, function)] == [{"n": 2}])


def test_what_has_no_policy_takes_events_where_nobody_signs(platform: Platform, bus: str) -> None:
    events = platform.client("events")
    function = platform.create(SAY)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    put_rule(events, bus, "rule", [{"Id": "1", "Arn": arn}])
    events.put_events(Entries=[entry(bus, {"n": 1})])
    wait_until(lambda: len(got(platform, function)) == 1)
    hint = f"aws lambda add-permission --function-name {function}"
    assert any(
        "delivered, where AWS would not" in line and hint in line for line in platform.printed.splitlines()
    )


def test_what_has_no_policy_takes_nothing_where_signatures_count(own: Platform) -> None:
    own.variables["LAMBENT_CREDENTIALS"] = "AKIAOFTHEPLATFORM001:secret"
    own.start()

    def client(service: str) -> Any:
        return own.client(service, aws_access_key_id="AKIAOFTHEPLATFORM001", aws_secret_access_key="secret")

    events, sqs = client("events"), client("sqs")
    url = sqs.create_queue(QueueName="closed")["QueueUrl"]
    opened, letters = make_queue(sqs, "letters")
    target = {
        "Id": "1",
        "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:closed",
        "DeadLetterConfig": {"Arn": letters},
    }
    put_rule(events, "default", "rule", [target])
    events.put_events(Entries=[entry("default", {"n": 1})])
    (message,) = received(sqs, opened)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_qualifier_of_a_function(platform: Platform, bus: str) -> None:
    events = platform.client("events")
    function = platform.create(SAY)
    version = platform.aws.publish_version(FunctionName=function)["FunctionArn"]
    rule = put_rule(events, bus, "rule", [{"Id": "1", "Arn": version, "InputPath": "$.detail"}])
    platform.aws.add_permission(
        FunctionName=version,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    events.put_events(Entries=[entry(bus, {"n": 1})])
    assert wait_until(lambda: got(platform, function)) == [{"n": 1}]


def test_functions_are_called_with_json_alone(platform: Platform, bus: str) -> None:
    events, sqs = platform.client("events"), platform.client("sqs")
    function = platform.create(SAY)
    url, letters = make_queue(sqs, f"{bus}-letters")
    targets = [
        {
            "Id": name,
            "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
            "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": template},
            "DeadLetterConfig": {"Arn": letters},
        }
        for name, template in (("good", '"number <n>"'), ("bad", "number <n>"))
    ]
    allow(platform, function, put_rule(events, bus, "rule", targets))
    events.put_events(Entries=[entry(bus, {"n": 1})])
    (message,) = received(sqs, url)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_JSON"
    assert wait_until(lambda: got(platform, function)) == ["number 1"]


def test_fifo_queues_get_their_group(platform: Platform, bus: str) -> None:
    events, sqs = platform.client("events"), platform.client("sqs")
    name = f"{bus}.fifo"
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    policy = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "SQS:SendMessage",
        "Resource": "*",
    }
    attributes = {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "true",
        "Policy": json.dumps({"Statement": [policy]}),
    }
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    target = {"Id": "1", "Arn": arn, "SqsParameters": {"MessageGroupId": "all"}}
    put_rule(events, bus, "rule", [target])
    for number in range(3):
        events.put_events(Entries=[entry(bus, {"n": number})])
    found = received(sqs, url, 3)
    assert [json.loads(message["Body"])["detail"]["n"] for message in found] == [0, 1, 2]


def test_log_groups_get_events(platform: Platform, bus: str) -> None:
    events, logs = platform.client("events"), platform.client("logs")
    group = f"/aws/events/{bus}"
    logs.create_log_group(logGroupName=group)
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    put_rule(events, bus, "rule", [{"Id": "1", "Arn": found["arn"]}])
    (put,) = events.put_events(Entries=[entry(bus, {"n": 1})])["Entries"]
    (said,) = wait_until(lambda: logs.filter_log_events(logGroupName=group)["events"])
    assert json.loads(said["message"])["id"] == put["EventId"]
    # Not the event's: each delivery of it has a stream of its own.
    assert said["logStreamName"] != put["EventId"]


def test_kill_while_events_are_put(own: Platform, post: Post) -> None:
    """Whatever was acknowledged is in both queues and reaches the function; whatever is in one is in the other."""
    running = own.start()
    events, sqs = running.client("events"), running.client("sqs")
    events.create_event_bus(Name="bus")
    function = running.create(TELL)
    arns = [make_queue(sqs, name)[1] for name in ("one", "two")]
    arns.append(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
    targets = [{"Id": str(number), "Arn": arn} for number, arn in enumerate(arns)]
    rule = put_rule(events, "bus", "rule", targets)
    running.aws.add_permission(
        FunctionName=function,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    acknowledged: set[str] = set()

    def load() -> None:
        client = running.client("events")
        while True:
            try:
                answer = client.put_events(Entries=[entry("bus", {"port": post.port})] * 2)
            except (BotoCoreError, ClientError):
                return
            acknowledged.update(one["EventId"] for one in answer["Entries"])

    loads = [Background(load) for _ in range(3)]
    wait_until(lambda: len(acknowledged) > 60)
    running.kill()
    for one in loads:
        one.result()
    running.start()
    sqs = running.client("sqs")
    inside = []
    for name in ("one", "two"):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        ids = [json.loads(one["Body"])["id"] for one in received(sqs, url, len(acknowledged))]
        ids += [json.loads(one["Body"])["id"] for one in received(sqs, url, 0)]
        assert len(ids) == len(set(ids))
        inside.append(set(ids))
    assert inside[0] == inside[1] >= acknowledged
    wait_until(lambda: post.received == inside[0])


class Topics(BaseHTTPRequestHandler):
    """SNS, as far as Publish goes: refuses at first, takes later."""

    published: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.published.append(form["Message"][0])
        body = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_a_delivery_outlasts_its_target_and_a_kill(tmp_path: Path, own: Platform) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    (tmp_path / "lambent.toml").write_text(f'[neighbours]\nsns = "http://127.0.0.1:{port}"\n')
    running = own
    running.variables |= {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
    running.start()
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"
    put_rule(
        running.client("events"), "default", "rule", [{"Id": "1", "Arn": topic, "InputPath": "$.detail"}]
    )
    running.client("events").put_events(Entries=[entry("default", {"n": 1})])
    running.kill()
    server = HTTPServer(("127.0.0.1", port), Topics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        running.start()
        wait_until(lambda: Topics.published == ['{"n":1}'])
    finally:
        server.shutdown()
        server.server_close()
