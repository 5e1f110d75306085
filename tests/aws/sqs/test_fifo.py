"""FIFO queues on the wire: what they ask for, and what they show.

Scenarios named are those of LocalStack's TestSqsProvider, recorded against AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.aws.sqs.serving import plain, words

if TYPE_CHECKING:
    from tests.aws.sqs.serving import Api

INVALID = "InvalidParameterValue"
CONTENT = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}


def test_sequence_and_attributes(api: Api) -> None:
    """test_fifo_message_attributes"""
    url = api.queue(
        **CONTENT,
        VisibilityTimeout="0",
        DeduplicationScope="messageGroup",
        FifoThroughputLimit="perMessageGroupId",
    )
    sent = plain(
        api.client.send_message(
            QueueUrl=url,
            MessageBody="message-body-1",
            MessageGroupId="group-1",
            MessageDeduplicationId="dedup-1",
        )
    )
    assert sent.pop("MessageId")
    sequence = sent.pop("SequenceNumber")
    assert len(sequence) == 20
    assert int(sequence)
    assert sent == {"MD5OfMessageBody": "19c9e282d65f9733bc6b35d50062c7ee"}
    for count in ("1", "2"):
        (message,) = api.messages(url, AttributeNames=["All"])
        for timestamp in ("ApproximateFirstReceiveTimestamp", "SentTimestamp"):
            assert len(message["Attributes"].pop(timestamp)) == 13
        assert message["Attributes"] == {
            "ApproximateReceiveCount": count,
            "MessageDeduplicationId": "dedup-1",
            "MessageGroupId": "group-1",
            "SenderId": "111111111111",
            "SequenceNumber": sequence,
        }


def test_what_they_ask_for(api: Api) -> None:
    """test_posting_to_fifo_requires_deduplicationid_group_id"""
    url = api.queue(FifoQueue="true")
    needed = "either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    assert words(api.client.send_message, QueueUrl=url, MessageBody="m", MessageGroupId="g") == (
        INVALID,
        f"The queue should {needed}",
    )
    assert words(api.client.send_message, QueueUrl=url, MessageBody="m", MessageDeduplicationId="d") == (
        "MissingParameter",
        "The request must contain the parameter MessageGroupId.",
    )


@pytest.mark.parametrize("deduplication_id", ["", "a" * 129, "group 123"])
def test_deduplication_ids(api: Api, deduplication_id: str) -> None:
    """test_message_deduplication_id_invalid, test_message_deduplication_id_success"""
    url = api.queue(FifoQueue="true")
    members: dict[str, Any] = {"QueueUrl": url, "MessageBody": "m", "MessageGroupId": "test"}
    reason = (
        "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    )
    assert words(api.client.send_message, **members, MessageDeduplicationId=deduplication_id) == (
        INVALID,
        f"Value {deduplication_id} for parameter MessageDeduplicationId is invalid. Reason: {reason}",
    )
    api.client.send_message(**members, MessageDeduplicationId="a-z:A-Z/0-9_!~" + "a" * 114)


def test_standard_queues_have_no_deduplication(api: Api) -> None:
    reason = "The request includes a parameter that is not valid for this queue type."
    members = {"QueueUrl": api.queue(), "MessageBody": "m", "MessageDeduplicationId": "d"}
    assert words(api.client.send_message, **members) == (
        INVALID,
        f"Value d for parameter MessageDeduplicationId is invalid. Reason: {reason}",
    )


def test_delays_are_the_queues(api: Api) -> None:
    """test_fifo_queue_send_message_with_delay_seconds_fails, …_with_zero_delay_defaults_to_queue_delay"""
    url = api.queue(**CONTENT, DelaySeconds="2")
    members: dict[str, Any] = {"QueueUrl": url, "MessageBody": "message-1", "MessageGroupId": "1"}
    reason = "The request include parameter that is not valid for this queue type."
    assert words(api.client.send_message, **members, DelaySeconds=2) == (
        INVALID,
        f"Value 2 for parameter DelaySeconds is invalid. Reason: {reason}",
    )
    sent = api.client.send_message(**members, DelaySeconds=0)
    assert sent["MD5OfMessageBody"] == "3d6b824fd8c1520e9a047d21fee6fb1f"
    assert plain(api.client.receive_message(QueueUrl=url)) == {}
    api.server.advance(2)
    assert [one["Body"] for one in api.messages(url)] == ["message-1"]


@pytest.mark.parametrize("content_based", [True, False])
def test_duplicates_arrive_once_also_after_a_delete(api: Api, content_based: bool) -> None:
    """test_fifo_deduplication_arrives_once_after_delete, test_fifo_deduplication_not_on_message_group_id"""
    url = api.queue(**(CONTENT if content_based else {"FifoQueue": "true"}))
    members: dict[str, Any] = {"QueueUrl": url, "MessageBody": '{"foo": "bar"}', "MessageGroupId": "group-1"}
    if not content_based:
        members["MessageDeduplicationId"] = "dedup1"
    first = api.client.send_message(**members)
    (message,) = api.messages(url)
    assert message["MD5OfBody"] == "94232c5b8fc9272f6f73a1e36eb68fcf"
    api.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    again = api.client.send_message(**members)
    assert again["MessageId"] == first["MessageId"]
    api.client.send_message(**{**members, "MessageGroupId": "group-2"})
    assert api.messages(url) == []


def test_same_deduplication_id_in_other_groups(api: Api) -> None:
    """test_fifo_high_throughput_ordering, test_sqs_fifo_message_group_scope_no_throughput_setting"""
    url = api.queue(FifoQueue="true", DeduplicationScope="messageGroup")
    for number in ("1", "2"):
        api.client.send_message(
            QueueUrl=url,
            MessageBody=f"Test{number}",
            MessageGroupId=f"group{number}",
            MessageDeduplicationId="1",
        )
    assert sorted(one["Body"] for one in api.messages(url, MaxNumberOfMessages=10)) == ["Test1", "Test2"]


def test_groups_are_locked(api: Api) -> None:
    """test_fifo_empty_message_groups_added_back_to_queue"""
    url = api.queue(**CONTENT)
    api.client.send_message(QueueUrl=url, MessageBody="Message 1", MessageGroupId="g")
    (message,) = api.messages(url)
    assert message["MD5OfBody"] == "68390233272823b7adf13a1db79b2cd7"
    api.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert api.messages(url) == []
    api.client.send_message(QueueUrl=url, MessageBody="Message 2", MessageGroupId="g")
    assert [one["Body"] for one in api.messages(url)] == ["Message 2"]


def test_handles_that_have_expired(api: Api) -> None:
    """test_fifo_delete_after_visibility_timeout, test_fifo_delete_after_visibility_timeout_extended"""
    url = api.queue(**CONTENT, VisibilityTimeout="2")
    api.client.send_message(QueueUrl=url, MessageBody="foobar", MessageGroupId="1")
    (message,) = api.messages(url)
    handle = message["ReceiptHandle"]
    api.client.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5)
    api.server.advance(4)
    api.client.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5)
    api.server.advance(6)
    assert words(api.client.delete_message, QueueUrl=url, ReceiptHandle=handle) == (
        INVALID,
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
    )
    (message,) = api.messages(url)
    api.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.mark.parametrize(("visible", "found"), [(0, []), (1, ["foo"]), (2, ["foo", "bar"])])
def test_groups_stay_locked_while_one_is_in_flight(api: Api, visible: int, found: list[str]) -> None:
    """test_fifo_group_visibility_extends_with_change_message_visibility"""
    url = api.queue(**CONTENT, VisibilityTimeout="60")
    for body in ("foo", "bar", "baz"):
        api.client.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    received = api.messages(url, MaxNumberOfMessages=10)
    assert [one["Body"] for one in received] == ["foo", "bar", "baz"]
    for message in received[:visible]:
        api.client.change_message_visibility(
            QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    assert [one["Body"] for one in api.messages(url, MaxNumberOfMessages=10)] == found


def test_counts(api: Api) -> None:
    """test_fifo_approximate_number_of_messages_not_visible"""
    url = api.queue(**CONTENT)
    for number in range(4):
        api.client.send_message(QueueUrl=url, MessageBody=f"m{number}", MessageGroupId=f"g{number}")
    assert len(api.messages(url, MaxNumberOfMessages=3)) == 3
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = api.client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert found == {"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "3"}


def test_attempts_get_the_same_again(api: Api) -> None:
    url = api.queue(**CONTENT)
    for body in ("one", "two"):
        api.client.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body)
    first = api.messages(url, ReceiveRequestAttemptId="attempt-1", VisibilityTimeout=30)
    api.server.advance(20)
    assert api.messages(url, ReceiveRequestAttemptId="attempt-1", VisibilityTimeout=30) == first
    api.server.advance(20)
    other = api.messages(url, ReceiveRequestAttemptId="attempt-2", MaxNumberOfMessages=10)
    assert [one["Body"] for one in other] == ["two"]
    api.client.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    assert api.messages(url, ReceiveRequestAttemptId="attempt-1") == []


@pytest.mark.parametrize("attempt", ["", "a b", "a" * 129])
def test_attempts_that_are_none(api: Api, attempt: str) -> None:
    code, message = words(
        api.client.receive_message, QueueUrl=api.queue(FifoQueue="true"), ReceiveRequestAttemptId=attempt
    )
    assert code == INVALID
    assert message.startswith(f"Value {attempt} for parameter ReceiveRequestAttemptId is invalid.")


def test_standard_queues_have_no_attempts(api: Api) -> None:
    reason = "The request include parameter that is not valid for this queue type."
    assert words(api.client.receive_message, QueueUrl=api.queue(), ReceiveRequestAttemptId="a") == (
        INVALID,
        f"Value a for parameter ReceiveRequestAttemptId is invalid. Reason: {reason}",
    )
