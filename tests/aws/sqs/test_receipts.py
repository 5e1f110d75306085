"""Receipt handles: deleting and keeping what was received.

Scenarios named are those of LocalStack's TestSqsProvider, recorded against AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.aws.sqs.serving import plain, refused, words

if TYPE_CHECKING:
    from tests.aws.sqs.serving import Api


@pytest.fixture
def url(api: Api) -> str:
    """A queue with one message."""
    made = api.queue()
    api.client.send_message(QueueUrl=made, MessageBody="test")
    return made


def handle(api: Api, url: str) -> str:
    (message,) = api.messages(url)
    found: str = message["ReceiptHandle"]
    return found


def test_deleted_as_often_as_one_likes(api: Api, url: str) -> None:
    """test_delete_message_with_deleted_receipt_handle"""
    received = handle(api, url)
    for _ in range(3):
        assert plain(api.client.delete_message(QueueUrl=url, ReceiptHandle=received)) == {}
    api.server.advance(31)
    assert api.messages(url) == []


def test_deleted_after_the_visibility_timeout(api: Api, url: str) -> None:
    """test_delete_after_visibility_timeout, test_remove_message_with_old_receipt_handle"""
    received = handle(api, url)
    api.server.advance(31)
    api.client.delete_message(QueueUrl=url, ReceiptHandle=received)
    assert plain(api.client.receive_message(QueueUrl=url)) == {}


def test_received_again_with_another_handle(api: Api, url: str) -> None:
    """test_receive_after_visibility_timeout"""
    first = handle(api, url)
    assert api.messages(url) == []
    api.server.advance(31)
    assert handle(api, url) != first


@pytest.mark.parametrize("call", ["delete_message", "change_message_visibility"])
def test_garbage(api: Api, url: str, call: str) -> None:
    """test_delete_message_with_illegal_receipt_handle, test_invalid_receipt_handle_should_return_error_message"""
    more = {"VisibilityTimeout": 60} if call.startswith("change") else {}
    answer = refused(getattr(api.client, call), QueueUrl=url, ReceiptHandle="garbage", **more)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert answer["Error"]["Code"] == "ReceiptHandleIsInvalid"
    assert answer["Error"]["Message"] == 'The input receipt handle "garbage" is not a valid receipt handle.'


def test_another_queues_handle(api: Api, url: str) -> None:
    received = handle(api, url)
    members = {"QueueUrl": api.queue(), "ReceiptHandle": received}
    assert words(api.client.delete_message, **members)[0] == "ReceiptHandleIsInvalid"


def test_visibility_is_ended_and_extended(api: Api, url: str) -> None:
    """test_change_message_visibility_not_permanent, test_extend_message_visibility_timeout_set_in_queue"""
    received = handle(api, url)
    answer = api.client.change_message_visibility(QueueUrl=url, ReceiptHandle=received, VisibilityTimeout=0)
    assert plain(answer) == {}
    received = handle(api, url)
    for _ in range(3):
        api.server.advance(20)
        api.client.change_message_visibility(QueueUrl=url, ReceiptHandle=received, VisibilityTimeout=30)
        assert api.messages(url) == []


def test_visibility_of_what_nobody_else_has_received(api: Api, url: str) -> None:
    """test_change_message_visibility_after_visibility_timeout_expiration"""
    received = handle(api, url)
    api.server.advance(31)
    answer = api.client.change_message_visibility(QueueUrl=url, ReceiptHandle=received, VisibilityTimeout=10)
    assert plain(answer) == {}


def test_visibility_of_what_is_deleted(api: Api, url: str) -> None:
    """test_change_visibility_on_deleted_message_raises_invalid_parameter_value"""
    received = handle(api, url)
    api.client.delete_message(QueueUrl=url, ReceiptHandle=received)
    members = {"QueueUrl": url, "ReceiptHandle": received, "VisibilityTimeout": 42}
    reason = "Message does not exist or is not available for visibility timeout change."
    assert words(api.client.change_message_visibility, **members) == (
        "InvalidParameterValue",
        f"Value {received} for parameter ReceiptHandle is invalid. Reason: {reason}",
    )


@pytest.mark.parametrize("seconds", [-1, 43_201])
def test_visibility_has_limits(api: Api, url: str, seconds: int) -> None:
    words_of_it = f"Value {seconds} for parameter VisibilityTimeout is invalid."
    code, message = words(api.client.receive_message, QueueUrl=url, VisibilityTimeout=seconds)
    assert (code, message.startswith(words_of_it)) == ("InvalidParameterValue", True)
    members = {"QueueUrl": url, "ReceiptHandle": handle(api, url), "VisibilityTimeout": seconds}
    code, message = words(api.client.change_message_visibility, **members)
    assert (code, message.startswith(words_of_it)) == ("InvalidParameterValue", True)


def test_counts(api: Api, url: str) -> None:
    """test_approximate_number_of_messages_not_visible"""
    api.client.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=100)
    received = handle(api, url)
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]

    def counts() -> list[str]:
        found = api.client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return [found[name] for name in names]

    assert counts() == ["0", "1", "1"]
    api.client.change_message_visibility(QueueUrl=url, ReceiptHandle=received, VisibilityTimeout=0)
    assert counts() == ["1", "0", "1"]
