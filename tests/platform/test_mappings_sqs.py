"""Queues whose messages functions process: events, failures, crashes, loops, and queues of another platform."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.platform.conftest import Gate, Platform

# Says the event, and returns what the test wants.
SAYS = """
import json, os, socket

def handler(event, context):
    with socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) as gate:
        gate.sendall(json.dumps([context.aws_request_id, os.getpid(), event]).encode() + b"\\n")
        return json.loads(gate.makefile().readline())
"""

FAILS = "def handler(event, context):\n    raise ValueError(event['Records'][0]['body'])\n"

# Notes the bodies in a file, in the order in which they were processed.
NOTES = """
import os

def handler(event, context):
    with open(os.environ["FILE"], "a") as file:
        for record in event["Records"]:
            file.write(record["body"] + "\\n")
"""

# Answers each message with another one to the same queue, as an SDK does that was given a trace.
LOOPS = """
import json, os, urllib.request

def handler(event, context):
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"],
        json.dumps({"QueueUrl": os.environ["QUEUE"], "MessageBody": "again"}).encode(),
        {
            "X-Amz-Target": "AmazonSQS.SendMessage",
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amzn-Trace-Id": os.environ["_X_AMZN_TRACE_ID"],
        },
    )
    urllib.request.urlopen(request).read()
"""


class Queue:
    """A queue, as its clients see it."""

    def __init__(self, platform: Platform, *, fifo: bool = False, **attributes: str) -> None:
        self.sqs = platform.client("sqs")
        name = f"q{uuid.uuid4().hex[:12]}"
        if fifo:
            name, attributes = f"{name}.fifo", {"FifoQueue": "true", **attributes}
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = self.attribute("QueueArn")

    def attribute(self, name: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return str(answer["Attributes"][name])

    def send(self, body: str, **members: Any) -> Any:
        return self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **members)

    @property
    def counts(self) -> tuple[int, int]:
        """Visible messages, and those in flight."""
        return (
            int(self.attribute("ApproximateNumberOfMessages")),
            int(self.attribute("ApproximateNumberOfMessagesNotVisible")),
        )


def connect(platform: Platform, queue: Queue, function: str, client: Any = None, **members: Any) -> str:
    """A mapping that is enabled; its id."""
    client = client or platform.aws
    made = client.create_event_source_mapping(EventSourceArn=queue.arn, FunctionName=function, **members)
    reach(client, made["UUID"], "Enabled")
    return str(made["UUID"])


def reach(client: Any, mapping: str, state: str) -> None:
    deadline = time.monotonic() + 20
    while (found := client.get_event_source_mapping(UUID=mapping))["State"] != state:
        assert time.monotonic() < deadline, found
        time.sleep(0.005)


def says(platform: Platform, gate: Gate, **members: Any) -> str:
    return platform.create(SAYS, Environment={"Variables": {"PORT": str(gate.port)}}, **members)


def bodies(said: list[Any]) -> list[str]:
    return [record["body"] for record in said[2]["Records"]]


def test_a_message_and_its_event(platform: Platform, gate: Gate, poll: Callable[..., Any]) -> None:
    queue = Queue(platform, VisibilityTimeout="60")
    mapping = connect(platform, queue, says(platform, gate))
    sent = queue.send(
        '{"a": "é"}',
        MessageAttributes={
            "Title": {"DataType": "String", "StringValue": "The Whistler"},
            "Cover": {"DataType": "Binary", "BinaryValue": b"\x00\x01\x02"},
        },
    )
    (record,) = gate.wait()[0][2]["Records"]
    times = record["attributes"]
    assert abs(int(times.pop("SentTimestamp")) / 1000 - time.time()) < 60
    assert abs(int(times.pop("ApproximateFirstReceiveTimestamp")) / 1000 - time.time()) < 60
    assert times.pop("SenderId")
    assert record.pop("receiptHandle")
    lists: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    assert record == {
        "messageId": sent["MessageId"],
        "body": '{"a": "é"}',
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {
            "Title": {"stringValue": "The Whistler", **lists, "dataType": "String"},
            "Cover": {"binaryValue": "AAEC", **lists, "dataType": "Binary"},
        },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": "us-east-1",
    }
    assert queue.counts == (0, 1)
    gate.release()
    poll(lambda: queue.counts == (0, 0))
    platform.aws.delete_event_source_mapping(UUID=mapping)


def test_groups_in_their_order_with_reported_failures(platform: Platform, gate: Gate) -> None:
    queue = Queue(platform, fifo=True, VisibilityTimeout="1", ContentBasedDeduplication="true")
    for body in ("1", "2", "3"):
        queue.send(body, MessageGroupId="g")
    function = says(platform, gate, Timeout=1)
    mapping = connect(platform, queue, function, FunctionResponseTypes=["ReportBatchItemFailures"])
    (said,) = gate.wait()
    assert bodies(said) == ["1", "2", "3"]
    assert said[2]["Records"][0]["attributes"]["MessageGroupId"] == "g"
    failed = [{"itemIdentifier": record["messageId"]} for record in said[2]["Records"][1:]]
    gate.release({"batchItemFailures": failed})
    queue.send("4", MessageGroupId="g")
    again = [body for _ in range(1) for body in bodies(gate.wait()[0])]
    gate.release()
    assert again == ["2", "3", "4"]
    platform.aws.delete_event_source_mapping(UUID=mapping)


def test_poison_ends_with_the_dead_letters(platform: Platform, poll: Callable[..., Any]) -> None:
    dead = Queue(platform)
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2})
    queue = Queue(platform, VisibilityTimeout="1", RedrivePolicy=policy)
    function = platform.create(FAILS, Timeout=1)
    mapping = connect(platform, queue, function)
    sent = queue.send("poison")
    poll(lambda: dead.counts == (1, 0))
    assert queue.counts == (0, 0)
    assert sum("ValueError: poison" in line for line in platform.logs(function)) == 2
    (message,) = dead.sqs.receive_message(QueueUrl=dead.url, AttributeNames=["All"])["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "poison")
    platform.aws.delete_event_source_mapping(UUID=mapping)


def test_what_aws_refuses(platform: Platform) -> None:
    queue = Queue(platform)
    function = platform.create("def handler(event, context):\n    pass\n", Timeout=31)
    create = platform.aws.create_event_source_mapping
    with pytest.raises(ClientError) as refused:
        create(EventSourceArn=queue.arn, FunctionName=function)
    assert refused.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds",
    }
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError, match=r"SQS Error Code: AWS\.SimpleQueueService\.NonExistentQueue\."):
        create(EventSourceArn=f"{queue.arn}-missing", FunctionName=function)


def test_a_loop_through_a_queue_ends(platform: Platform, poll: Callable[..., Any]) -> None:
    queue = Queue(platform, VisibilityTimeout="60")
    function = platform.create(LOOPS, Environment={"Variables": {"QUEUE": queue.url}})
    mapping = connect(platform, queue, function)
    queue.send("start")

    def runs() -> int:
        return sum(line.startswith("START") for line in platform.logs(function))

    poll(lambda: runs() >= 16)
    # The last message stays in flight: nobody processes it.
    poll(lambda: queue.counts == (0, 1))
    assert runs() == 16
    platform.aws.delete_event_source_mapping(UUID=mapping)


@pytest.fixture
def other(tmp_path: Path, platform: Platform) -> Iterator[Platform]:
    """A platform whose SQS is that of the first one."""
    (tmp_path / "lambent.toml").write_text(f'[neighbours]\nsqs = "{platform.url}"\n')
    started = type(platform)(tmp_path)
    started.variables = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    started.start()
    yield started
    assert started.stop() == 0
    assert "Traceback" not in started.printed


def test_a_queue_at_another_platform(
    platform: Platform, other: Platform, gate: Gate, poll: Callable[..., Any]
) -> None:
    queue = Queue(platform)
    mapping = connect(other, queue, says(other, gate))
    queue.send("hello", MessageAttributes={"Kind": {"DataType": "Number", "StringValue": "6"}})
    (record,) = gate.wait()[0][2]["Records"]
    assert (record["body"], record["eventSourceARN"]) == ("hello", queue.arn)
    assert record["messageAttributes"]["Kind"]["stringValue"] == "6"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    gate.release()
    poll(lambda: queue.counts == (0, 0))
    # A mapping that is stopped leaves no poll behind that would take a message with it.
    other.aws.update_event_source_mapping(UUID=mapping, Enabled=False)
    reach(other.aws, mapping, "Disabled")
    queue.send("again")
    assert queue.counts == (1, 0)
    other.aws.delete_event_source_mapping(UUID=mapping)


def test_nothing_is_lost_or_skipped_by_kill_9(
    tmp_path: Path, platform: Platform, poll: Callable[..., Any]
) -> None:
    """Killed again and again while messages come, run and go: each is processed, those of a group in their order."""
    notes = tmp_path / "notes"
    notes.touch()
    running = type(platform)(tmp_path / "node", isolation="none")
    (tmp_path / "node").mkdir()
    running.start()
    plain = Queue(running, VisibilityTimeout="2")
    ordered = Queue(running, fifo=True, ContentBasedDeduplication="true", VisibilityTimeout="2")
    for queue in (plain, ordered):
        function = running.create(
            NOTES,
            Environment={"Variables": {"FILE": str(notes)}},
            client=running.client(),
            Timeout=2,
        )
        connect(running, queue, function, running.client())
    names = [queue.url.rpartition("/")[2] for queue in (plain, ordered)]
    sent: list[str] = []
    ending = threading.Event()

    def send_all() -> None:
        number = 0
        while not ending.is_set() or number < 100:
            sqs = running.client("sqs")
            try:
                urls = [sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in names]
                while not ending.is_set() or number < 100:
                    # Sent again with the same text when the answer was lost: only the FIFO queue knows that.
                    sqs.send_message(QueueUrl=urls[1], MessageBody=f"o{number}", MessageGroupId="g")
                    sqs.send_message(QueueUrl=urls[0], MessageBody=f"p{number}")
                    sent.extend((f"o{number}", f"p{number}"))
                    number += 1
            except (BotoCoreError, ClientError, OSError):
                time.sleep(0.01)  # it is being started

    sender = threading.Thread(target=send_all)
    sender.start()
    for _ in range(3):
        time.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - any moment will do
        running.kill()
        running.start()
    ending.set()
    sender.join(30)
    assert not sender.is_alive()
    poll(lambda: set(sent) <= set(notes.read_text().split()), 60)
    firsts = list(dict.fromkeys(line for line in notes.read_text().split() if line.startswith("o")))
    assert firsts == sorted(firsts, key=lambda name: int(name[1:]))
    assert running.stop() == 0
