"""Queues themselves: creating, listing, attributes, tags, purging.

Scenarios named are those of LocalStack's TestSqsProvider, recorded against AWS.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.aws.sqs.serving import plain, refused, words

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.aws.sqs.serving import Api

COUNTED = {
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
}
DEFAULTS = {
    **COUNTED,
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
MISSING = "AWS.SimpleQueueService.NonExistentQueue"


def attributes(api: Api, url: str, *names: str) -> dict[str, str]:
    found = plain(api.client.get_queue_attributes(QueueUrl=url, AttributeNames=list(names or ["All"])))
    shown: dict[str, str] = found.get("Attributes", {})
    if "All" in (names or ["All"]):
        for name in ("CreatedTimestamp", "LastModifiedTimestamp"):
            assert len(shown.pop(name)) == 10
        assert shown.pop("QueueArn").endswith(f":sqs:us-east-1:111111111111:{url.rpartition('/')[2]}")
    return shown


def test_attributes(api: Api) -> None:
    """test_create_and_update_queue_attributes"""
    url = api.queue(
        MessageRetentionPeriod="604800", ReceiveMessageWaitTimeSeconds="10", VisibilityTimeout="20"
    )
    given = {
        "MessageRetentionPeriod": "604800",
        "ReceiveMessageWaitTimeSeconds": "10",
        "VisibilityTimeout": "20",
    }
    assert attributes(api, url) == DEFAULTS | given
    changes = {"MaximumMessageSize": "2048", "VisibilityTimeout": "69", "DelaySeconds": "420"}
    api.client.set_queue_attributes(QueueUrl=url, Attributes=changes)
    assert attributes(api, url) == DEFAULTS | given | changes


def test_attributes_that_are_asked_for(api: Api) -> None:
    url = api.queue()
    assert attributes(api, url, "VisibilityTimeout", "RedrivePolicy") == {"VisibilityTimeout": "30"}
    assert "Attributes" not in api.client.get_queue_attributes(QueueUrl=url)
    assert words(api.client.get_queue_attributes, QueueUrl=url, AttributeNames=["Foobar"]) == (
        "InvalidAttributeName",
        "Unknown Attribute Foobar.",
    )


def test_defaults_and_keys(api: Api) -> None:
    """test_set_queue_attributes_default_values, test_sse_queue_attributes"""
    url = api.queue()
    assert attributes(api, url) == DEFAULTS
    keys = {"KmsMasterKeyId": "testKeyId", "KmsDataKeyReusePeriodSeconds": "6000"}
    api.client.set_queue_attributes(QueueUrl=url, Attributes={**keys, "SqsManagedSseEnabled": "false"})
    assert attributes(api, url) == DEFAULTS | keys | {"SqsManagedSseEnabled": "false"}
    api.client.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": ""})
    assert attributes(api, url) == DEFAULTS | {"SqsManagedSseEnabled": "false"}
    assert words(
        api.client.set_queue_attributes,
        QueueUrl=url,
        Attributes={"KmsMasterKeyId": "testKeyId", "SqsManagedSseEnabled": "true"},
    ) == (
        "InvalidAttributeName",
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
    )


def test_fifo_attributes(api: Api) -> None:
    """test_fifo_set_content_based_deduplication_strategy"""
    url = api.queue(FifoQueue="true", SqsManagedSseEnabled="true", ContentBasedDeduplication="true")
    fifo = {
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "queue",
        "FifoQueue": "true",
        "FifoThroughputLimit": "perQueue",
    }
    assert attributes(api, url) == DEFAULTS | fifo
    api.client.set_queue_attributes(QueueUrl=url, Attributes={"ContentBasedDeduplication": "false"})
    assert attributes(api, url) == DEFAULTS | fifo | {"ContentBasedDeduplication": "false"}


UNKNOWN = {
    "FifoQueue": ("false", "Unknown Attribute FifoQueue."),
    "ContentBasedDeduplication": ("false", "Unknown Attribute ContentBasedDeduplication."),
    "DeduplicationScope": (
        "queue",
        "You can specify the DeduplicationScope only when FifoQueue is set to true.",
    ),
    "FifoThroughputLimit": (
        "perQueue",
        "You can specify the FifoThroughputLimit only when FifoQueue is set to true.",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_standard_queues_have_no_fifo_attributes(api: Api, name: str) -> None:
    """test_create_standard_queue_with_fifo_attribute_raises_error, test_set_unsupported_attribute_standard"""
    value, message = UNKNOWN[name]
    answer = refused(api.client.create_queue, QueueName=f"q-{uuid.uuid4().hex[:8]}", Attributes={name: value})
    assert (answer["Error"]["Code"], answer["Error"]["Message"]) == ("InvalidAttributeName", message)
    if not api.query:
        assert answer["message"] == message
    assert words(api.client.set_queue_attributes, QueueUrl=api.queue(), Attributes={name: value}) == (
        "InvalidAttributeName",
        message,
    )


def test_the_kind_of_a_queue_stays(api: Api) -> None:
    """test_set_unsupported_attribute_fifo"""
    assert words(api.client.set_queue_attributes, QueueUrl=api.queue(), Attributes={"FifoQueue": "true"}) == (
        "InvalidAttributeName",
        "Unknown Attribute FifoQueue.",
    )
    url = api.queue(FifoQueue="true")
    api.client.set_queue_attributes(QueueUrl=url, Attributes={"FifoQueue": "true"})
    assert words(api.client.set_queue_attributes, QueueUrl=url, Attributes={"FifoQueue": "false"}) == (
        "InvalidAttributeValue",
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    )


@pytest.mark.parametrize(
    ("fifo", "given", "other"),
    [
        (False, {"DelaySeconds": "1", "ReceiveMessageWaitTimeSeconds": "1"}, {"DelaySeconds": "2"}),
        (True, {"ContentBasedDeduplication": "true"}, {"ContentBasedDeduplication": "false"}),
    ],
)
def test_created_again(api: Api, fifo: bool, given: dict[str, str], other: dict[str, str]) -> None:
    """test_create_queue_with_different_attributes_raises_exception, test_create_fifo_queue_with_different_…"""
    kind = {"FifoQueue": "true"} if fifo else {}
    name = f"q-{uuid.uuid4().hex[:8]}{'.fifo' if fifo else ''}"
    url = api.client.create_queue(QueueName=name, Attributes=kind | given)["QueueUrl"]
    assert api.client.create_queue(QueueName=name, Attributes=kind | given)["QueueUrl"] == url
    assert api.client.create_queue(QueueName=name, Attributes=kind)["QueueUrl"] == url
    (attribute,) = other
    answer = refused(api.client.create_queue, QueueName=name, Attributes=kind | given | other)["Error"]
    assert answer["Code"] == "QueueAlreadyExists"
    assert answer["Message"] == (
        f"A queue already exists with the same name and a different value for attribute {attribute}"
    )
    if not api.query:
        assert answer["QueryErrorCode"] == "QueueNameExists"
    api.client.set_queue_attributes(QueueUrl=url, Attributes=other)
    assert api.client.create_queue(QueueName=name, Attributes=kind | given | other)["QueueUrl"] == url


@pytest.mark.parametrize("name", ["", "a b", "a" * 81, "a.fifo", "ä", "queue/1/"])
def test_names(api: Api, name: str) -> None:
    """test_standard_queue_cannot_have_fifo_suffix, test_disallow_queue_name_with_slashes"""
    code, _ = words(api.client.create_queue, QueueName=name)
    assert code == ("InvalidParameterValue" if name else "MissingParameter")


def test_fifo_queues_are_named_so(api: Api) -> None:
    """test_fifo_queue_requires_suffix"""
    members = {"QueueName": "q", "Attributes": {"FifoQueue": "true"}}
    assert words(api.client.create_queue, **members)[0] == "InvalidParameterValue"


def test_queues_that_do_not_exist(api: Api) -> None:
    """test_non_existent_queue: the words are the protocol's"""
    more = " for this wsdl version" if api.query else ""
    missing = (MISSING, f"The specified queue does not exist{more}.")
    assert words(api.client.get_queue_url, QueueName="no-such-queue") == missing
    url = api.queue()
    calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (api.client.get_queue_attributes, {}),
        (api.client.send_message, {"MessageBody": "m"}),
        (api.client.receive_message, {}),
        (api.client.delete_queue, {}),
        (api.client.purge_queue, {}),
        (api.client.list_queue_tags, {}),
    ]
    for call, members in calls:
        answer = refused(call, QueueUrl=f"{url}-gone", **members)
        assert (answer["Error"]["Code"], answer["Error"]["Message"]) == missing
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_deleted(api: Api) -> None:
    url = api.queue()
    assert plain(api.client.delete_queue(QueueUrl=url)) == {}
    assert words(api.client.send_message, QueueUrl=url, MessageBody="m")[0] == MISSING
    assert words(api.client.get_queue_url, QueueName=url.rpartition("/")[2])[0] == MISSING


def test_pages_of_queues(api: Api) -> None:
    """test_list_queues_pagination"""
    prefix = f"l-{uuid.uuid4().hex[:8]}-"
    assert "QueueUrls" not in api.client.list_queues(QueueNamePrefix=prefix)
    urls = [api.client.create_queue(QueueName=f"{prefix}{number}")["QueueUrl"] for number in range(10)]
    assert plain(api.client.list_queues(QueueNamePrefix=prefix)) == {"QueueUrls": urls}
    page = plain(api.client.list_queues(QueueNamePrefix=prefix, MaxResults=2))
    assert page["QueueUrls"] == urls[:2]
    rest = api.client.list_queues(QueueNamePrefix=prefix, MaxResults=10, NextToken=page["NextToken"])
    assert plain(rest) == {"QueueUrls": urls[2:]}
    assert plain(api.client.list_queues(QueueNamePrefix=prefix, MaxResults=10)) == {"QueueUrls": urls}
    assert words(api.client.list_queues, MaxResults=0)[0] == "InvalidParameterValue"
    assert words(api.client.list_queues, NextToken="!")[0] == "InvalidParameterValue"


def test_tags(api: Api) -> None:
    """test_tag_untag_queue, test_tags_case_sensitive, test_tag_queue_overwrites_existing_tag"""
    url = api.queue()
    assert plain(api.client.list_queue_tags(QueueUrl=url)) == {}
    api.client.tag_queue(QueueUrl=url, Tags={"tag1": "value1", "tag2": "value2", "tag3": ""})
    found = plain(api.client.list_queue_tags(QueueUrl=url))
    assert found == {"Tags": {"tag1": "value1", "tag2": "value2", "tag3": ""}}
    api.client.untag_queue(QueueUrl=url, TagKeys=["tag1", "tag3", "tag9"])
    api.client.tag_queue(QueueUrl=url, Tags={"tag2": "VALUE2", "Tag2": "other"})
    found = plain(api.client.list_queue_tags(QueueUrl=url))
    assert found == {"Tags": {"tag2": "VALUE2", "Tag2": "other"}}
    api.client.untag_queue(QueueUrl=url, TagKeys=["tag2", "Tag2"])
    assert plain(api.client.list_queue_tags(QueueUrl=url)) == {}
    if not api.query:  # which cannot say an empty list
        assert words(api.client.untag_queue, QueueUrl=url, TagKeys=[]) == (
            "InvalidParameterValue",
            "Tag keys must be between 1 and 128 characters in length.",
        )
    code, message = words(api.client.tag_queue, QueueUrl=url, Tags={f"k{n}": "v" for n in range(51)})
    assert (code, message.startswith("Too many tags added for queue")) == ("InvalidParameterValue", True)


def test_created_with_tags(api: Api) -> None:
    """test_create_queue_with_tags"""
    name = f"q-{uuid.uuid4().hex[:8]}"
    url = api.client.create_queue(QueueName=name, tags={"tag1": "value1"})["QueueUrl"]
    assert plain(api.client.list_queue_tags(QueueUrl=url)) == {"Tags": {"tag1": "value1"}}


def test_purged(api: Api) -> None:
    """test_successive_purge_calls_fail, test_purge_queue"""
    url = api.queue()
    for number in range(3):
        api.client.send_message(QueueUrl=url, MessageBody=str(number), DelaySeconds=number)
    api.messages(url)
    assert plain(api.client.purge_queue(QueueUrl=url)) == {}
    assert attributes(api, url, *COUNTED) == COUNTED
    answer = refused(api.client.purge_queue, QueueUrl=url)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert answer["Error"]["Code"] == "AWS.SimpleQueueService.PurgeQueueInProgress"
    name = url.rpartition("/")[2]
    assert (
        answer["Error"]["Message"] == f"Only one PurgeQueue operation on {name} is allowed every 60 seconds."
    )
    api.server.advance(61)
    api.client.purge_queue(QueueUrl=url)


def test_dead_letters(api: Api) -> None:
    """test_dead_letter_queue_message_attributes, test_dead_letter_queue_list_sources"""
    dead = api.queue()
    dead_arn = api.arn(dead)
    assert plain(api.client.list_dead_letter_source_queues(QueueUrl=dead)) == {"queueUrls": []} or api.query
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    urls = [api.queue(RedrivePolicy=policy, VisibilityTimeout="0") for _ in range(2)]
    found = plain(api.client.list_dead_letter_source_queues(QueueUrl=dead))
    assert found == {"queueUrls": sorted(urls)}
    page = plain(api.client.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=1))
    assert page["queueUrls"] == sorted(urls)[:1]
    assert page["NextToken"]
    assert json.loads(attributes(api, urls[0], "RedrivePolicy")["RedrivePolicy"])["maxReceiveCount"] == 1
    mine = {"MyAttribute": {"StringValue": "foobar", "DataType": "String"}}
    sent = api.client.send_message(QueueUrl=urls[0], MessageBody="message-1", MessageAttributes=mine)
    assert len(api.messages(urls[0])) == 1
    assert api.messages(urls[0]) == []
    (message,) = api.messages(dead, AttributeNames=["All"], MessageAttributeNames=["All"], WaitTimeSeconds=5)
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == "adb59cd4678ea5a855436b949cd07ab6"
    assert message["MessageAttributes"] == mine
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == api.arn(urls[0])


def test_a_redrive_policy_is_taken_back(api: Api) -> None:
    """test_set_empty_redrive_policy, test_set_empty_queue_policy"""
    policy = json.dumps({"deadLetterTargetArn": api.arn(api.queue()), "maxReceiveCount": "1"})
    url = api.queue(RedrivePolicy=policy, Policy="")
    api.client.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": "", "Policy": ""})
    assert attributes(api, url) == DEFAULTS


@pytest.mark.parametrize(
    "policy",
    [
        {"deadLetterTargetArn": "dummy", "maxReceiveCount": 42},
        {"maxReceiveCount": "42"},
        {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:111111111111:dead"},
        {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:111111111111:dead", "maxReceiveCount": "invalid"},
    ],
)
def test_redrive_policies_that_are_none(api: Api, policy: dict[str, Any]) -> None:
    """test_invalid_dead_letter_arn_rejected_before_lookup, test_redrive_policy_attribute_validity"""
    members = {"QueueUrl": api.queue(), "Attributes": {"RedrivePolicy": json.dumps(policy)}}
    assert words(api.client.set_queue_attributes, **members)[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": ["Allow"]},
        {"Effect": "allow"},
        {"Effect": "Allow", "Condition": ["x"]},
        {"Effect": "Allow", "Condition": {"StringEquals": "x"}},
    ],
)
def test_policies_that_are_none(api: Api, statement: dict[str, Any]) -> None:
    everybody = {"Principal": "*", "Action": "sqs:*", "Resource": "*"}
    for statements in (everybody | statement, [everybody | statement]):
        members = {"QueueUrl": api.queue(), "Attributes": {"Policy": json.dumps({"Statement": statements})}}
        assert words(api.client.set_queue_attributes, **members)[0] == "InvalidAttributeValue"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"Statement": ["x"]}', "[]", '"x"', "{"])
@pytest.mark.parametrize("name", ["Policy", "RedrivePolicy", "RedriveAllowPolicy"])
def test_documents_that_are_none(api: Api, name: str, text: str) -> None:
    url = api.queue()
    code, _ = words(api.client.set_queue_attributes, QueueUrl=url, Attributes={name: text})
    assert code in ("InvalidAttributeValue", "InvalidParameterValue")


def test_half_a_surrogate_pair_is_no_text(json_api: Api) -> None:
    half = {"Tags": {"a": "\ud800"}}
    url = json_api.queue()
    requests: list[tuple[str, dict[str, Any]]] = [
        ("TagQueue", half),
        ("SetQueueAttributes", {"Attributes": {"Policy": "\ud800"}}),
        ("SetQueueAttributes", {"Attributes": {"KmsMasterKeyId": "\ud800"}}),
        ("SendMessage", {"MessageBody": "\ud800"}),
        *(
            (
                "SendMessage",
                {
                    "MessageBody": "b",
                    "MessageAttributes": {attribute: {"DataType": kind, "StringValue": text}},
                },
            )
            for attribute, kind, text in (
                ("\ud800", "String", "v"),
                ("a", "String.\ud800", "v"),
                ("a", "String", "\ud800"),
            )
        ),
    ]
    for operation, members in requests:
        body = json.dumps({"QueueUrl": url} | members).encode()
        headers = {"X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": "application/x-amz-json-1.0"}
        made = http.client.HTTPConnection(urlsplit(json_api.server.url).netloc, timeout=10)
        with contextlib.closing(made) as connection:
            connection.request("POST", "/", body, headers)
            assert connection.getresponse().status == 400, (operation, members)
