from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lambent.events.deliveries.parcel import Parcel, Retry
from lambent.events.schedules.targets import parcel

ROLE = "arn:aws:iam::000000000000:role/any"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:hello"
SCHEDULE = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/a"
DUE = 1_647_975_583_000


def made(arn: str, **target: Any) -> Parcel:
    return parcel(
        {"Arn": arn, "RoleArn": ROLE, **target},
        account="000000000000",
        region="us-east-1",
        schedule_arn=SCHEDULE,
        due_ms=DUE,
    )


def test_a_target_without_an_input_gets_a_notification() -> None:
    one = made(FUNCTION)
    event = json.loads(one.body)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event.pop("id"))
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": "2022-03-22T18:59:43Z",
        "region": "us-east-1",
        "resources": [SCHEDULE],
        "detail": "{}",
    }
    assert (one.target_arn, one.role_arn, one.principal) == (FUNCTION, ROLE, "scheduler.amazonaws.com")
    assert one.retry == Retry(86_400, 185)
    assert one.dead_letter_arn is None


def test_what_an_input_says_of_its_schedule() -> None:
    names = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    text = "|".join(f"<aws.scheduler.{name}>" for name in names)
    arn, time, execution, attempt = made(QUEUE, Input=text).body.split("|")
    assert (arn, time, attempt) == (SCHEDULE, "2022-03-22T18:59:43Z", "1")
    assert re.fullmatch("[0-9a-f]{16}", execution)


@pytest.mark.parametrize(
    ("arn", "target", "options"),
    [
        (f"{QUEUE}.fifo", {"SqsParameters": {"MessageGroupId": "g"}}, {"MessageGroupId": "g"}),
        (
            "arn:aws:events:us-east-1:000000000000:event-bus/default",
            {"EventBridgeParameters": {"DetailType": "t", "Source": "s"}},
            {"DetailType": "t", "Source": "s"},
        ),
        (
            "arn:aws:kinesis:us-east-1:000000000000:stream/s",
            {"KinesisParameters": {"PartitionKey": "k"}},
            {"PartitionKey": "k"},
        ),
        (FUNCTION, {}, {}),
        (
            "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
            {},
            {"service": "sqs", "operation": "SendMessage"},
        ),
        (
            "arn:aws:scheduler:::aws-sdk:eventbridge:putEvents",
            {},
            {"service": "events", "operation": "PutEvents"},
        ),
    ],
)
def test_options_by_kind_of_target(arn: str, target: dict[str, Any], options: dict[str, str]) -> None:
    one = made(arn, Input='{"A": 1}', **target)
    assert one.options == options
    assert one.body == '{"A": 1}'


def test_members_of_universal_inputs_are_those_of_the_service() -> None:
    one = made(
        "arn:aws:scheduler:::aws-sdk:sfn:startExecution", Input='{"StateMachineArn": "a", "Input": "{}"}'
    )
    assert one.options == {"service": "stepfunctions", "operation": "StartExecution"}
    assert json.loads(one.body) == {"stateMachineArn": "a", "input": "{}"}


def test_dead_letters() -> None:
    one = made(
        QUEUE,
        Input="Hello, world!",
        DeadLetterConfig={"Arn": f"{QUEUE}-dead"},
        RetryPolicy={"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0},
    )
    assert one.retry == Retry(60, 0)
    assert one.dead_letter_arn == f"{QUEUE}-dead"
    attributes = dict(one.dead_letter_attributes)
    assert len(attributes.pop("EXECUTION_ID")) == 16
    # The example of "Configuring a schedule's dead-letter queue".
    assert attributes == {
        "IS_PAYLOAD_TRUNCATED": "false",
        "SCHEDULED_TIME": "2022-03-22T18:59:43Z",
        "SCHEDULE_ARN": SCHEDULE,
        "TARGET_ARN": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
    }
    assert json.loads(one.dead_letter_body or "") == {
        "MessageBody": "Hello, world!",
        "QueueUrl": "https://sqs.us-east-1.amazonaws.com/000000000000/orders",
    }
    one = made(FUNCTION, Input="{}", DeadLetterConfig={"Arn": QUEUE})
    assert json.loads(one.dead_letter_body or "") == {
        "FunctionName": FUNCTION,
        "InvocationType": "Event",
        "Payload": "{}",
    }
