from __future__ import annotations

import datetime
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

ROLE = "arn:aws:iam::000000000000:role/any"
OFF = {"Mode": "OFF"}


class Clients:
    """What schedules are made with, and where they arrive."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.scheduler = platform.client("scheduler")
        self.sqs = platform.client("sqs")

    def queue(self, **attributes: str) -> tuple[str, str]:
        """A new queue: its URL and its ARN."""
        name = f"q{uuid.uuid4().hex[:12]}" + (".fifo" if "FifoQueue" in attributes else "")
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    def message(self, url: str, seconds: int = 20) -> dict[str, Any]:
        """The next message of a queue."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"], AttributeNames=["All"]
            )
            if found.get("Messages"):
                message: dict[str, Any] = found["Messages"][0]
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                return message
        raise AssertionError("no message came")

    def schedule(self, expression: str, arn: str, *, client: Any = None, **changes: Any) -> str:
        """A new schedule; its name."""
        name = f"s{uuid.uuid4().hex[:12]}"
        target = {"Arn": arn, "RoleArn": ROLE, **changes.pop("Target", {})}
        (client or self.scheduler).create_schedule(
            Name=name, ScheduleExpression=expression, FlexibleTimeWindow=OFF, Target=target, **changes
        )
        return name

    def gone(self, name: str) -> bool:
        try:
            self.scheduler.get_schedule(Name=name)
        except self.scheduler.exceptions.ResourceNotFoundException:
            return True
        return False


def at(seconds: float) -> str:
    """An expression for a moment so many seconds from now."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


@pytest.fixture
def clients(platform: Platform) -> Clients:
    return Clients(platform)


def test_a_function_is_called_with_the_notification(
    platform: Platform, clients: Clients, poll: Callable[..., Any]
) -> None:
    name = platform.create("import json\ndef handler(event, context):\n    print('GOT', json.dumps(event))\n")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    schedule = clients.schedule("rate(1 minute)", arn)

    def seen() -> Any:
        return next((line for line in platform.logs(name) if line.startswith("GOT ")), None)

    event = json.loads(poll(seen)[4:])
    assert (event["source"], event["detail-type"], event["detail"]) == (
        "aws.scheduler",
        "Scheduled Event",
        "{}",
    )
    assert event["resources"] == [f"arn:aws:scheduler:us-east-1:000000000000:schedule/default/{schedule}"]
    clients.scheduler.delete_schedule(Name=schedule)


def test_a_one_time_schedule_comes_within_a_second_and_is_deleted(
    clients: Clients, poll: Callable[..., Any]
) -> None:
    url, arn = clients.queue()
    expression = at(2)
    text = "<aws.scheduler.scheduled-time>"
    name = clients.schedule(expression, arn, ActionAfterCompletion="DELETE", Target={"Input": text})
    message = clients.message(url)
    assert message["Body"] == f"{expression[3:-1]}Z"
    due = datetime.datetime.fromisoformat(message["Body"]).timestamp()
    # Within a second, and one more for a machine that runs other tests as well.
    assert -0.01 <= int(message["Attributes"]["SentTimestamp"]) / 1000 - due < 2
    poll(lambda: clients.gone(name))


def test_fifo_queues_and_universal_targets(platform: Platform, clients: Clients) -> None:
    url, arn = clients.queue(FifoQueue="true", ContentBasedDeduplication="true")
    clients.schedule(at(0), arn, Target={"Input": "in a group", "SqsParameters": {"MessageGroupId": "g"}})
    message = clients.message(url)
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ("in a group", "g")

    url, _ = clients.queue()
    request = {"QueueUrl": url, "MessageBody": "by any operation"}
    clients.schedule(
        at(0), "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", Target={"Input": json.dumps(request)}
    )
    assert clients.message(url)["Body"] == "by any operation"


def test_a_bus_gets_an_event(platform: Platform, clients: Clients) -> None:
    events = platform.client("events")
    url, arn = clients.queue()
    source = f"test.{uuid.uuid4().hex}"
    events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]}))
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ],
    }
    clients.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events.put_targets(Rule=source, Targets=[{"Id": "1", "Arn": arn}])
    clients.schedule(
        at(0),
        "arn:aws:events:us-east-1:000000000000:event-bus/default",
        Target={"Input": '{"a": 1}', "EventBridgeParameters": {"DetailType": "tick", "Source": source}},
    )
    event = json.loads(clients.message(url)["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == (source, "tick", {"a": 1})


def test_what_cannot_be_delivered_ends_in_the_dead_letter_queue(clients: Clients) -> None:
    url, dead = clients.queue()
    missing = "arn:aws:sqs:us-east-1:000000000000:does-not-exist"
    name = clients.schedule(
        at(0), missing, Target={"Input": "Hello, world!", "DeadLetterConfig": {"Arn": dead}}
    )
    message = clients.message(url)
    assert json.loads(message["Body"])["MessageBody"] == "Hello, world!"
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["SCHEDULE_ARN"].endswith(f":schedule/default/{name}")
    assert attributes["TARGET_ARN"] == "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    assert attributes["RETRY_ATTEMPTS"] == "0"
    assert {"ERROR_CODE", "ERROR_MESSAGE", "EXECUTION_ID", "IS_PAYLOAD_TRUNCATED", "SCHEDULED_TIME"} <= set(
        attributes
    )


def test_what_was_missed_while_the_platform_was_down_comes_once(
    own: Callable[..., Platform], poll: Callable[..., Any]
) -> None:
    platform = own()
    clients = Clients(platform)
    url, arn = clients.queue()
    passed = time.time() + 1.5
    clients.schedule(at(1.5), arn, ActionAfterCompletion="DELETE", Target={"Input": "once"})
    kept = clients.schedule("cron(0 0 1 1 ? 2190)", arn)
    platform.kill()
    poll(lambda: time.time() > passed)
    platform.start()
    clients = Clients(platform)
    url = clients.sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
    assert clients.message(url)["Body"] == "once"
    assert [each["Name"] for each in clients.scheduler.list_schedules()["Schedules"]] == [kept]
    assert "Messages" not in clients.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
