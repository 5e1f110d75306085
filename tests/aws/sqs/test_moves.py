"""Message-move tasks; LocalStack's test_sqs_move_task, recorded against AWS."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from tests.aws.sqs.serving import eventually, plain, refused, words

if TYPE_CHECKING:
    from tests.aws.sqs.serving import Api

INVALID = "InvalidParameterValue"


def dead_letters(api: Api, count: int) -> tuple[str, str]:
    """(source, queue for dead letters) of which the latter has so many messages."""
    dead = api.queue()
    policy = json.dumps({"deadLetterTargetArn": api.arn(dead), "maxReceiveCount": 1})
    source = api.queue(RedrivePolicy=policy, VisibilityTimeout="0")
    if count:
        entries = [{"Id": str(number), "MessageBody": f"message-{number}"} for number in range(count)]
        api.client.send_message_batch(QueueUrl=source, Entries=entries)
        assert len(api.messages(source, MaxNumberOfMessages=10)) == count
        assert api.messages(source, MaxNumberOfMessages=10) == []
        eventually(lambda: size(api, dead) == count)
    return source, dead


def size(api: Api, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(api.client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def tasks(api: Api, arn: str, **members: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = plain(api.client.list_message_move_tasks(SourceArn=arn, **members))[
        "Results"
    ]
    return found


def test_to_another_queue(api: Api) -> None:
    """test_basic_move_task_workflow"""
    _, dead = dead_letters(api, 2)
    destination, arn = api.queue(), api.arn(dead)
    target = api.arn(destination)
    handle = api.client.start_message_move_task(SourceArn=arn, DestinationArn=target)["TaskHandle"]
    decoded = json.loads(base64.b64decode(handle))
    assert decoded["sourceArn"] == arn
    assert uuid.UUID(decoded["taskId"]).version == 4
    eventually(lambda: tasks(api, arn)[0]["Status"] == "COMPLETED")
    (task,) = tasks(api, arn, MaxResults=10)
    assert task.pop("StartedTimestamp") > 1_600_000_000_000
    assert task == {
        "ApproximateNumberOfMessagesMoved": 2,
        "ApproximateNumberOfMessagesToMove": 2,
        "DestinationArn": target,
        "SourceArn": arn,
        "Status": "COMPLETED",
    }
    moved = api.messages(destination, MaxNumberOfMessages=10)
    assert {one["Body"] for one in moved} == {"message-0", "message-1"}
    assert size(api, dead) == 0


def test_back_to_where_they_came_from(api: Api) -> None:
    """test_move_task_workflow_with_default_destination"""
    source, dead = dead_letters(api, 2)
    arn = api.arn(dead)
    api.client.start_message_move_task(SourceArn=arn)
    eventually(lambda: size(api, source) == 2)
    eventually(lambda: tasks(api, arn)[0]["Status"] == "COMPLETED")
    assert "DestinationArn" not in tasks(api, arn)[0]


def test_as_many_at_once_as_a_second_may_have(api: Api) -> None:
    """moto's test_list_message_move_tasks"""
    _, dead = dead_letters(api, 3)
    arn, destination = api.arn(dead), api.queue()
    members = {"SourceArn": arn, "DestinationArn": api.arn(destination), "MaxNumberOfMessagesPerSecond": 3}
    api.client.start_message_move_task(**members)
    assert (tasks(api, arn)[0]["Status"], size(api, destination)) == ("COMPLETED", 3)


def test_slowly_until_cancelled(api: Api) -> None:
    """test_move_task_cancel, test_start_multiple_move_tasks"""
    _, dead = dead_letters(api, 4)
    arn, target = api.arn(dead), api.arn(api.queue())
    members = {"SourceArn": arn, "DestinationArn": target, "MaxNumberOfMessagesPerSecond": 1}
    handle = api.client.start_message_move_task(**members)["TaskHandle"]
    assert words(api.client.start_message_move_task, SourceArn=arn) == (
        INVALID,
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    )
    (task,) = tasks(api, arn)
    assert (task["Status"], task["TaskHandle"]) == ("RUNNING", handle)
    assert task["MaxNumberOfMessagesPerSecond"] == 1
    answer = plain(api.client.cancel_message_move_task(TaskHandle=handle))
    assert answer["ApproximateNumberOfMessagesMoved"] <= 2
    api.server.advance(2)
    eventually(lambda: tasks(api, arn)[0]["Status"] == "CANCELLED")
    assert "TaskHandle" not in tasks(api, arn)[0]


def test_the_destination_goes(api: Api) -> None:
    """test_move_task_delete_destination_queue_while_running"""
    _, dead = dead_letters(api, 4)
    arn, destination = api.arn(dead), api.queue()
    members = {"SourceArn": arn, "DestinationArn": api.arn(destination), "MaxNumberOfMessagesPerSecond": 1}
    api.client.start_message_move_task(**members)
    api.client.delete_queue(QueueUrl=destination)
    api.server.advance(2)
    eventually(lambda: tasks(api, arn)[0]["Status"] == "FAILED")
    assert tasks(api, arn)[0]["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert size(api, dead) > 0


def test_what_cannot_be_moved(api: Api) -> None:
    """test_source_needs_redrive_policy, test_destination_needs_to_exist"""
    plain_arn = api.arn(api.queue())
    assert words(api.client.start_message_move_task, SourceArn=plain_arn) == (
        INVALID,
        "Source queue must be configured as a Dead Letter Queue.",
    )
    members = {"SourceArn": api.arn(dead_letters(api, 0)[1]), "DestinationArn": f"{plain_arn}-gone"}
    answer = refused(api.client.start_message_move_task, **members)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert answer["Error"]["Code"] == "ResourceNotFoundException"
    message = "The resource that you specified for the DestinationArn parameter doesn't exist."
    assert answer["Error"]["Message"] == message


@pytest.mark.parametrize("call", ["start_message_move_task", "list_message_move_tasks"])
def test_no_source(api: Api, call: str) -> None:
    assert words(getattr(api.client, call), SourceArn="arn:aws:sqs:us-east-1:111111111111:gone") == (
        "ResourceNotFoundException",
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    )


def test_no_task(api: Api) -> None:
    """test_cancel_with_invalid_task_handle, …_invalid_source_arn_in_task_handle, …_invalid_task_id_in_task_handle"""

    def handle(arn: str) -> str:
        return base64.b64encode(json.dumps({"taskId": str(uuid.uuid4()), "sourceArn": arn}).encode()).decode()

    assert words(api.client.cancel_message_move_task, TaskHandle="foobared") == (
        INVALID,
        "Value for parameter TaskHandle is invalid.",
    )
    assert words(api.client.cancel_message_move_task, TaskHandle=handle(api.arn(api.queue()))) == (
        "ResourceNotFoundException",
        "Task does not exist.",
    )
    gone = handle("arn:aws:sqs:us-east-1:111111111111:gone")
    assert words(api.client.cancel_message_move_task, TaskHandle=gone) == (
        "ResourceNotFoundException",
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    )


def test_limits(api: Api) -> None:
    """moto's test_sqs_message_move_tasks"""
    arn = api.arn(dead_letters(api, 0)[1])
    for rate in (0, 501):
        assert words(
            api.client.start_message_move_task, SourceArn=arn, MaxNumberOfMessagesPerSecond=rate
        ) == (
            INVALID,
            f"Value {rate} for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and 500.",
        )
    for most in (0, 11):
        assert words(api.client.list_message_move_tasks, SourceArn=arn, MaxResults=most) == (
            INVALID,
            f"Value {most} for parameter MaxResults is invalid. Reason: Must be between 1 and 10.",
        )
    assert plain(api.client.list_message_move_tasks(SourceArn=arn)) == ({} if api.query else {"Results": []})
