"""How queues are named: URLs in all their forms, and requests that go to a queue's own URL."""

from __future__ import annotations

import http.client
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest
from tests.aws.sqs.serving import ACCOUNT, words

from lambent.aws.errors import ServiceError
from lambent.aws.sqs.addresses import Address, address_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.sqs.serving import Api, Server

FORMS = {
    "http://127.0.0.1:4566/111111111111/orders": Address(ACCOUNT, None, "orders"),
    "http://localhost:4566/111111111111/orders.fifo/": Address(ACCOUNT, None, "orders.fifo"),
    "https://sqs.eu-west-1.amazonaws.com/111111111111/orders": Address(ACCOUNT, "eu-west-1", "orders"),
    "https://eu-west-1.queue.amazonaws.com/111111111111/orders": Address(ACCOUNT, "eu-west-1", "orders"),
    "https://queue.amazonaws.com/111111111111/orders": Address(ACCOUNT, None, "orders"),
    "http://sqs.us-gov-west-1.localhost:4566/111111111111/o": Address(ACCOUNT, "us-gov-west-1", "o"),
    "http://localhost:4566/queue/eu-west-1/111111111111/orders": Address(ACCOUNT, "eu-west-1", "orders"),
    "/111111111111/orders": Address(ACCOUNT, None, "orders"),
    "orders": Address(None, None, "orders"),
}


@pytest.mark.parametrize("url", FORMS)
def test_forms(url: str) -> None:
    assert address_of(url) == FORMS[url]


@pytest.mark.parametrize(
    "url", ["http://localhost:4566/", "http://localhost/1/orders", "a/b", "arn:aws:sqs:x"]
)
def test_no_addresses(url: str) -> None:
    with pytest.raises(ServiceError, match="is not valid for this endpoint") as refusal:
        address_of(url)
    assert (refusal.value.code, refusal.value.status) == ("InvalidAddress", 404)


def test_queues_are_found_by_any_of_them(api: Api) -> None:
    name = api.queue().rpartition("/")[2]
    for url in (
        f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{name}",
        f"http://localhost:1/queue/us-east-1/{ACCOUNT}/{name}",
        name,
    ):
        api.client.send_message(QueueUrl=url, MessageBody="m")
        assert len(api.messages(url)) == 1
    gone, message = words(api.client.send_message, QueueUrl="http://x/y", MessageBody="m")
    assert (gone, message) == ("InvalidAddress", "The address http://x/y is not valid for this endpoint.")


def test_regions_have_their_own_queues(api: Api, make_client: Callable[..., Any]) -> None:
    there = make_client(api.server.url, query=api.query, region="eu-west-1")
    name = api.queue().rpartition("/")[2]
    assert words(there.get_queue_url, QueueName=name)[0] == "AWS.SimpleQueueService.NonExistentQueue"
    url = there.create_queue(QueueName=name)["QueueUrl"]
    there.send_message(QueueUrl=url, MessageBody="there")
    assert api.messages(name) == []
    assert api.messages(f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/{name}")[0]["Body"] == "there"


def test_urls_have_the_host_that_the_client_has_used(server: Server, make_client: Callable[..., Any]) -> None:
    url = server.url.replace("127.0.0.1", "localhost")
    made = make_client(url).create_queue(QueueName="hosts")["QueueUrl"]
    assert made == f"{url}/{ACCOUNT}/hosts"
    assert make_client(url, query=True).get_queue_url(QueueName="hosts")["QueueUrl"] == made
    assert (
        make_client(server.url).get_queue_url(QueueName="hosts")["QueueUrl"]
        == f"{server.url}/{ACCOUNT}/hosts"
    )


def fetch(
    url: str, parameters: dict[str, str], method: str = "GET", *, accept: str = "*/*"
) -> tuple[int, str]:
    """An unsigned query request to `url`, its parameters in the query or in the body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    encoded = urlencode(parameters)
    if method == "GET":
        connection.request("GET", f"{parts.path}?{encoded}", headers={"Accept": accept})
    else:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", parts.path, body=encoded, headers=headers)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_to_a_queues_own_url(json_api: Api, method: str) -> None:
    """LocalStack's TestSqsQueryApi, validated against AWS."""
    url, other = json_api.queue(), json_api.queue()
    status, text = fetch(url, {"Action": "SendMessage", "MessageBody": "foobar"}, method)
    assert (status, "<MD5OfMessageBody>3858f62230ac3c915f300c664312c63f" in text) == (200, True)
    assert text.startswith('<?xml version="1.0"')
    assert '<SendMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">' in text
    status, text = fetch(other, {"Action": "ReceiveMessage"}, method)
    assert (status, "<ReceiveMessageResult/>" in text) == (200, True)
    status, text = fetch(url, {"Action": "ReceiveMessage", "AttributeName.1": "All"}, method)
    assert "<Message><MessageId>" in text
    assert "<Body>foobar</Body>" in text
    assert re.search("<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>", text)
    status, text = fetch(url, {"Action": "GetQueueAttributes", "AttributeName.1": "QueueArn"}, method)
    assert f"<Attribute><Name>QueueArn</Name><Value>{json_api.arn(url)}</Value>" in text
    parameters = {"Action": "GetQueueAttributes", "QueueUrl": other, "AttributeName.1": "QueueArn"}
    assert json_api.arn(other) in fetch(url, parameters, method)[1]
    assert f"<QueueUrl>{other}<" in fetch(url, {"Action": "GetQueueUrl", "QueueName": other[-14:]}, method)[1]


def test_lists_and_maps_of_one_need_no_number(json_api: Api) -> None:
    """What boto 2 sends, and the examples of the developer guide."""
    url = json_api.queue()
    one = {"Attribute.Name": "DelaySeconds", "Attribute.Value": "7"}
    assert fetch(url, {"Action": "SetQueueAttributes", **one})[0] == 200
    status, text = fetch(url, {"Action": "GetQueueAttributes", "AttributeName": "DelaySeconds"})
    assert (status, "<Attribute><Name>DelaySeconds</Name><Value>7</Value></Attribute>" in text) == (200, True)
    assert text.count("<Attribute>") == 1


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        ({"Action": "FooBar"}, "InvalidAction", "The action FooBar is not valid for this endpoint."),
        ({"Action": "ListQueues"}, "InvalidAction", "The action ListQueues is not valid for this endpoint."),
        (
            {"Action": "CreateQueue", "QueueName": "q"},
            "InvalidAction",
            "The action CreateQueue is not valid for this endpoint.",
        ),
        (
            {"Action": "SendMessage"},
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ),
        (
            {"Action": "GetQueueAttributes", "AttributeName.1": "Foobar"},
            "InvalidAttributeName",
            "Unknown Attribute Foobar.",
        ),
    ],
)
def test_refusals_at_a_queues_own_url(
    json_api: Api, parameters: dict[str, str], code: str, message: str
) -> None:
    status, text = fetch(json_api.queue(), {**parameters, "Version": "2012-11-05"})
    assert status == 400
    assert f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message><Detail/>" in text


def test_query_requests_are_answered_in_json_where_that_is_accepted(json_api: Api) -> None:
    """TestSqsQueryApi::test_get_queue_attributes_json_format; the nulls are known from API Gateway's integrations."""
    url, rather = json_api.queue(DelaySeconds="0"), "application/json, text/plain, */*"

    def ask(**parameters: str) -> Any:
        return json.loads(fetch(url, parameters, accept=rather)[1])

    found = ask(Action="GetQueueAttributes", AttributeName="QueueArn")["GetQueueAttributesResponse"]
    assert found["GetQueueAttributesResult"] == {
        "Attributes": [{"Name": "QueueArn", "Value": json_api.arn(url)}]
    }
    assert list(found["ResponseMetadata"]) == ["RequestId"]
    nothing = ask(Action="ReceiveMessage")["ReceiveMessageResponse"]["ReceiveMessageResult"]
    assert nothing == {"messages": None}
    sent = ask(Action="SendMessage", MessageBody="m")["SendMessageResponse"]["SendMessageResult"]
    assert (sent.pop("MessageId") is None, sent.pop("MD5OfMessageBody")) == (
        False,
        "6f8f57715090da2632453988d9a1501b",
    )
    assert set(sent.values()) == {None}
    (message,) = ask(Action="ReceiveMessage")["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"]
    assert (message["Body"], message["MessageAttributes"]) == ("m", None)
    assert list(ask(Action="PurgeQueue")["PurgeQueueResponse"]) == ["ResponseMetadata"]
    for accept in (rather, "application/json"):
        status, text = fetch(url, {"Action": "ListQueues"}, accept=accept)
        assert (status, json.loads(text)["Error"]) == (
            400,
            {
                "Code": "InvalidAction",
                "Message": "The action ListQueues is not valid for this endpoint.",
                "Type": "Sender",
            },
        )
    for accept in ("application/xml, application/json", "text/xml"):
        assert fetch(url, {"Action": "ListQueues"}, accept=accept)[1].startswith("<?xml")


def test_the_platforms_own_url_has_all_actions(json_api: Api) -> None:
    status, text = fetch(f"{json_api.server.url}/", {"Action": "ListQueues", "Version": "2012-11-05"})
    assert (status, "<ListQueuesResponse" in text) == (200, True)


def test_json_to_a_queues_own_url(json_api: Api) -> None:
    """What the SDK for JavaScript does (useQueueUrlAsEndpoint); test_send_message_via_queue_url_with_json_protocol"""
    url = json_api.queue()
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    for action, more in (("SendMessage", {"MessageBody": "m"}), ("ListQueueTags", {})):
        headers = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": "application/x-amz-json-1.0"}
        connection.request("POST", parts.path, json.dumps({"QueueUrl": url, **more}), headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read() != b"") == (200, True)
    connection.close()
    assert [one["Body"] for one in json_api.messages(url)] == ["m"]


def test_nulls(json_api: Api) -> None:
    url = json_api.queue()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)

    def ask(action: str, members: dict[str, Any]) -> tuple[int, str]:
        headers = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": "application/x-amz-json-1.0"}
        connection.request("POST", "/", json.dumps({"QueueUrl": url, **members}), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    status, text = ask("TagQueue", {"Tags": {"valid": "ok", "broken": None}})
    assert (status, "InvalidParameterValue" in text, "null" in text) == (400, True, True)
    assert ask("ListQueueTags", {}) == (200, "{}")
    assert (
        ask("SetQueueAttributes", {"Attributes": {"DelaySeconds": None, "VisibilityTimeout": "1"}})[0] == 200
    )
    assert ask("UntagQueue", {"TagKeys": [None, "a"]})[0] == 200
    permission = {"Label": "a", "AWSAccountIds": [None], "Actions": ["SendMessage"]}
    assert ask("AddPermission", permission)[0] == 400
    connection.close()


def test_a_queues_url_alone(json_api: Api) -> None:
    """LocalStack's TestSqsQueryApi::test_get_without_query_returns_unknown_operation, validated against AWS"""
    parts = urlsplit(json_api.queue())
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    scope = f"{ACCOUNT}/20260101/us-east-1/sqs/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "X-Amz-Date": "20260101T000000Z",
    }
    for accept in ("*/*", "application/json"):
        connection.request("GET", parts.path, headers={**headers, "Accept": accept})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (404, b"<UnknownOperationException/>")
    connection.close()
