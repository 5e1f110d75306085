"""Who may use a queue: permissions, policies, and callers of other accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.aws.sqs.serving import ACCOUNT, plain, refused, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.sqs.serving import Api

OTHER = "668614515564"
INVALID = "InvalidParameterValue"


def policy(api: Api, url: str) -> Any:
    found = plain(api.client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]))
    return json.loads(found["Attributes"]["Policy"]) if found else None


def test_permissions_come_and_go(api: Api) -> None:
    """test_sqs_permission_lifecycle, of LocalStack's TestSqsProvider"""
    url = api.queue()
    arn = api.arn(url)
    members: dict[str, Any] = {"QueueUrl": url, "Label": "crossaccount", "Actions": ["ReceiveMessage"]}
    assert plain(api.client.add_permission(**members, AWSAccountIds=[ACCOUNT, OTHER])) == {}
    statement = {
        "Sid": "crossaccount",
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in (ACCOUNT, OTHER)]},
        "Action": "SQS:ReceiveMessage",
        "Resource": arn,
    }
    document = {"Version": "2008-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": [statement]}
    assert policy(api, url) == document
    api.client.remove_permission(QueueUrl=url, Label="crossaccount")
    assert policy(api, url) is None

    api.client.add_permission(**members, AWSAccountIds=[ACCOUNT])
    one = statement | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    assert policy(api, url) == document | {"Statement": [one]}
    assert words(api.client.add_permission, **members, AWSAccountIds=[OTHER]) == (
        INVALID,
        "Value crossaccount for parameter Label is invalid. Reason: Already exists.",
    )
    two = {**members, "Label": "crossaccount2", "Actions": ["SendMessage", "DeleteMessage"]}
    api.client.add_permission(**two, AWSAccountIds=[ACCOUNT])
    second = one | {"Sid": "crossaccount2", "Action": ["SQS:SendMessage", "SQS:DeleteMessage"]}
    assert policy(api, url) == document | {"Statement": [one, second]}
    api.client.remove_permission(QueueUrl=url, Label="crossaccount")
    assert policy(api, url) == document | {"Statement": [second]}
    assert words(api.client.remove_permission, QueueUrl=url, Label="crossaccount") == (
        INVALID,
        "Value crossaccount for parameter Label is invalid. Reason: can't find label.",
    )


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"Actions": ["SetQueueAttributes"]}, INVALID),
    ({"Actions": ["Nonsense"]}, INVALID),
    ({"AWSAccountIds": ["1234"]}, INVALID),
    ({"Label": "a b"}, INVALID),
    (
        {
            "Actions": [
                "SendMessage",
                "ReceiveMessage",
                "DeleteMessage",
                "ChangeMessageVisibility",
                "GetQueueAttributes",
                "GetQueueUrl",
                "PurgeQueue",
                "ListDeadLetterSourceQueues",
            ]
        },
        "OverLimit",
    ),
]


@pytest.mark.parametrize(("change", "code"), REFUSED)
def test_permissions_that_are_none(api: Api, change: dict[str, Any], code: str) -> None:
    members = {"Label": "a", "Actions": ["SendMessage"], "AWSAccountIds": [OTHER]} | change
    assert words(api.client.add_permission, QueueUrl=api.queue(), **members)[0] == code


@pytest.fixture
def other(api: Api, make_client: Callable[..., Any]) -> Any:
    """A client of another account."""
    return make_client(api.server.url, query=api.query, account=OTHER)


def test_other_accounts_need_a_permission(api: Api, other: Any) -> None:
    url = api.queue()
    answer = refused(other.send_message, QueueUrl=url, MessageBody="m")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert answer["Error"]["Code"] == "AccessDenied"
    assert f"sqs:sendmessage on resource: {api.arn(url)}" in answer["Error"]["Message"]
    api.client.add_permission(QueueUrl=url, Label="a", AWSAccountIds=[OTHER], Actions=["SendMessage"])
    other.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "m"}])
    assert words(other.receive_message, QueueUrl=url)[0] == "AccessDenied"
    (message,) = api.messages(url, AttributeNames=["SenderId"])
    assert message["Attributes"] == {"SenderId": OTHER}
    api.client.remove_permission(QueueUrl=url, Label="a")
    assert words(other.send_message, QueueUrl=url, MessageBody="m")[0] == "AccessDenied"


def test_what_owners_alone_can_do(api: Api, other: Any) -> None:
    url = api.queue()
    anything = {
        "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": api.arn(url)}
    }
    api.client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(anything)})
    name = url.rpartition("/")[2]
    assert other.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=ACCOUNT)["QueueUrl"] == url
    assert other.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    for call, members in (
        (other.delete_queue, {}),
        (other.set_queue_attributes, {"Attributes": {"DelaySeconds": "1"}}),
        (other.tag_queue, {"Tags": {"a": "b"}}),
        (other.add_permission, {"Label": "a", "AWSAccountIds": [OTHER], "Actions": ["SendMessage"]}),
    ):
        assert words(call, QueueUrl=url, **members)[0] == "AccessDenied"


def test_conditions(api: Api, other: Any) -> None:
    url = api.queue()
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "SQS:SendMessage",
        "Resource": api.arn(url),
        "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:111111111111:t"}},
    }
    api.client.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [statement]})}
    )
    assert words(other.send_message, QueueUrl=url, MessageBody="m")[0] == "AccessDenied"
