"""Batches: what is wrong with all of one, and with one of all.

Scenarios named are those of LocalStack's TestSqsProvider, recorded against AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.aws.sqs.serving import plain, refused, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.sqs.serving import Api

QUEUE_SERVICE = "AWS.SimpleQueueService."
FIFO = {"FifoQueue": "true"}
K = {"k": {"DataType": "String", "StringValue": "x"}}
K_SIZE = len("k") + len("String") + len("x")
DEDUPLICATION = (
    "The queue should either have ContentBasedDeduplication enabled"
    " or MessageDeduplicationId provided explicitly"
)

CALLS: dict[str, tuple[Callable[[Api], Any], dict[str, Any]]] = {
    "SendMessage": (lambda api: api.client.send_message_batch, {"MessageBody": "b"}),
    "DeleteMessage": (lambda api: api.client.delete_message_batch, {"ReceiptHandle": "testHandle1"}),
    "ChangeMessageVisibility": (
        lambda api: api.client.change_message_visibility_batch,
        {"ReceiptHandle": "testHandle1", "VisibilityTimeout": 123},
    ),
}


@pytest.mark.parametrize("kind", CALLS)
def test_too_many_entries(api: Api, kind: str) -> None:
    """test_too_many_entries_in_batch_request, test_delete_message_batch_with_too_large_batch, …"""
    call, member = CALLS[kind]
    entries = [{"Id": str(number), **member} for number in range(20)]
    answer = refused(call(api), QueueUrl=api.queue(), Entries=entries)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    error = answer["Error"]
    assert error["Code"] == f"{QUEUE_SERVICE}TooManyEntriesInBatchRequest"
    assert error["Message"] == "Maximum number of entries per request are 10. You have sent 20."
    if not api.query:
        assert error["QueryErrorCode"] == "TooManyEntriesInBatchRequest"


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("entry_id", ["", "testLongId" * 10, "invalid:id", "é"])
def test_ids(api: Api, kind: str, entry_id: str) -> None:
    """test_invalid_batch_id, test_delete_message_batch_invalid_msg_id"""
    call, member = CALLS[kind]
    message = (
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores."
        " It can be at most 80 letters long."
    )
    entries = [{"Id": entry_id, **member}]
    assert words(call(api), QueueUrl=api.queue(), Entries=entries) == (
        f"{QUEUE_SERVICE}InvalidBatchEntryId",
        message,
    )


@pytest.mark.parametrize("kind", CALLS)
def test_ids_have_to_differ(api: Api, kind: str) -> None:
    call, member = CALLS[kind]
    assert words(call(api), QueueUrl=api.queue(), Entries=[{"Id": "a", **member}] * 2) == (
        f"{QUEUE_SERVICE}BatchEntryIdsNotDistinct",
        "Id a repeated.",
    )


@pytest.mark.parametrize("kind", CALLS)
def test_empty(api: Api, kind: str) -> None:
    """test_send_message_batch_with_empty_list"""
    assert words(CALLS[kind][0](api), QueueUrl=api.queue(), Entries=[]) == (
        f"{QUEUE_SERVICE}EmptyBatchRequest",
        f"There should be at least one {kind}BatchRequestEntry in the request.",
    )


def test_larger_than_a_megabyte(api: Api) -> None:
    """test_send_message_batch_with_oversized_contents"""
    entries = [
        {"Id": "1", "MessageBody": "a" * (1_048_576 - K_SIZE), "MessageAttributes": K},
        {"Id": "2", "MessageBody": "a"},
    ]
    assert words(api.client.send_message_batch, QueueUrl=api.queue(), Entries=entries) == (
        f"{QUEUE_SERVICE}BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    )


def test_the_maximum_of_the_queue_is_that_of_each_message(api: Api) -> None:
    """test_send_message_batch_with_oversized_contents_with_updated_maximum_message_size"""
    url = api.queue(MaximumMessageSize="2048")
    entries = [
        {"Id": "1", "MessageBody": "a" * (2048 - K_SIZE), "MessageAttributes": K},
        {"Id": "2", "MessageBody": "a"},
    ]
    answer = plain(api.client.send_message_batch(QueueUrl=url, Entries=entries))
    assert [one.pop("MessageId") for one in answer["Successful"]]
    assert answer == {
        "Successful": [
            {
                "Id": "1",
                "MD5OfMessageAttributes": "a45daa70926828a2f0a1db3418e6feb4",
                "MD5OfMessageBody": "f44facf5a7ee0af446ecf3e0f854441e",
            },
            {"Id": "2", "MD5OfMessageBody": "0cc175b9c0f1b6a831c399e269772661"},
        ]
    }


def test_one_that_is_too_large(api: Api) -> None:
    """test_send_batch_message_size"""
    url = api.queue(MaximumMessageSize="1024")
    entries = [{"Id": "large", "MessageBody": "a" * 1025}, {"Id": "right", "MessageBody": "a" * 1024}]
    answer = plain(api.client.send_message_batch(QueueUrl=url, Entries=entries))
    assert answer["Successful"][0].pop("MessageId")
    assert answer == {
        "Successful": [{"Id": "right", "MD5OfMessageBody": "c9a34cfc85d982698c6ac89f76071abd"}],
        "Failed": [
            {
                "Id": "large",
                "Code": "InvalidParameterValue",
                "Message": "One or more parameters cannot be validated. Reason: Message must be shorter than 1024"
                " bytes.",
                "SenderFault": True,
            }
        ],
    }


def test_one_with_a_wrong_character(api: Api) -> None:
    """test_batch_send_with_invalid_char_should_succeed"""
    url = api.queue()
    entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(9)]
    answer = api.client.send_message_batch(
        QueueUrl=url, Entries=[*entries, {"Id": "9", "MessageBody": "\x01"}]
    )
    assert [(one["Id"], one["Code"]) for one in answer["Failed"]] == [("9", "InvalidMessageContents")]
    assert [one["Id"] for one in answer["Successful"]] == [str(number) for number in range(9)]
    received = api.messages(url, MaxNumberOfMessages=10)
    assert sorted(one["Body"] for one in received) == [str(number) for number in range(9)]


def test_none_that_can_be_sent(api: Api) -> None:
    answer = plain(
        api.client.send_message_batch(QueueUrl=api.queue(), Entries=[{"Id": "9", "MessageBody": "\x01"}])
    )
    assert set(answer) == {"Failed"}


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ("MessageDeduplicationId", DEDUPLICATION),
        ("MessageGroupId", "The request must contain the parameter MessageGroupId."),
    ],
)
def test_one_that_lacks_what_fifo_queues_need_refuses_all(api: Api, lacking: str, message: str) -> None:
    """test_send_batch_missing_deduplication_id_for_fifo_queue, …_missing_message_group_id_for_fifo_queue"""
    url = api.queue(**FIFO, ContentBasedDeduplication="false")
    entry = {"MessageBody": "messageBody", "MessageGroupId": "group", "MessageDeduplicationId": "d"}
    lacks = {name: value for name, value in entry.items() if name != lacking}
    entries = [{"Id": "1", **entry}, {"Id": "2", **lacks}]
    answer = refused(api.client.send_message_batch, QueueUrl=url, Entries=entries)["Error"]
    assert (answer["Code"], answer["Message"]) == ("InvalidParameterValue", message)
    if not api.query:
        assert answer["QueryErrorCode"] == "InvalidParameterValueException"
    assert api.messages(url) == []


def test_received_and_deleted(api: Api) -> None:
    """test_publish_get_delete_message_batch"""
    url = api.queue()
    entries = [{"Id": f"message-{number}", "MessageBody": f"body-{number}"} for number in range(10)]
    sent = api.client.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
    received = api.messages(url, MaxNumberOfMessages=10)
    assert {one["MessageId"] for one in received} == {one["MessageId"] for one in sent}
    entries = [{"Id": one["MessageId"], "ReceiptHandle": one["ReceiptHandle"]} for one in received]
    entries[3]["ReceiptHandle"] = "garbage"
    answer = plain(api.client.delete_message_batch(QueueUrl=url, Entries=entries))
    assert answer["Failed"] == [
        {
            "Id": entries[3]["Id"],
            "SenderFault": True,
            "Code": "ReceiptHandleIsInvalid",
            "Message": 'The input receipt handle "garbage" is not a valid receipt handle.',
        }
    ]
    assert answer["Successful"] == [{"Id": one["Id"]} for one in entries if one is not entries[3]]
    api.server.advance(30)
    assert [one["MessageId"] for one in api.messages(url, MaxNumberOfMessages=10)] == [entries[3]["Id"]]


def test_visibility(api: Api) -> None:
    url = api.queue()
    entries: list[dict[str, Any]] = [{"Id": str(number), "MessageBody": str(number)} for number in range(3)]
    api.client.send_message_batch(QueueUrl=url, Entries=entries)
    received = {one["Body"]: one["ReceiptHandle"] for one in api.messages(url, MaxNumberOfMessages=10)}
    changes = [
        {"Id": "0", "ReceiptHandle": received["0"], "VisibilityTimeout": 0},
        {"Id": "1", "ReceiptHandle": received["1"], "VisibilityTimeout": 43_201},
        {"Id": "2", "ReceiptHandle": received["2"], "VisibilityTimeout": 100},
    ]
    answer = plain(api.client.change_message_visibility_batch(QueueUrl=url, Entries=changes))
    assert answer["Successful"] == [{"Id": "0"}, {"Id": "2"}]
    assert [(one["Id"], one["Code"]) for one in answer["Failed"]] == [("1", "InvalidParameterValue")]
    assert [one["Body"] for one in api.messages(url, MaxNumberOfMessages=10)] == ["0"]
