"""The sending side of queues: against moto's SQS, and against a server that remembers what it was asked."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
import pytest

from lambent.app.client import connection
from lambent.app.client.errors import AWSError, PayloadTooLarge
from lambent.app.queues import LARGEST, FailedMessage, OutgoingMessage, Queue, SendFailed, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.app.client.conftest import Asked, Backend


class Receipt(msgspec.Struct):
    order: int
    total: float = 0


@dataclass
class Refund:
    order: int


URL = "https://sqs.eu-west-1.amazonaws.com/000000000000/receipts"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """moto's server."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    connection.close()
    server.stop()


@pytest.fixture
def sqs(moto: str, variables: pytest.MonkeyPatch) -> Any:
    """boto3's client, to look at what was sent."""
    variables.setenv("AWS_ENDPOINT_URL", moto)
    return boto3.client("sqs", region_name="eu-west-1", endpoint_url=moto)


@pytest.fixture
def receive(sqs: Any) -> Any:
    def receive(url: str) -> list[dict[str, Any]]:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    return receive


# ---------------------------------------------------------------- with SQS


def test_a_message_arrives_with_what_ties_it_to_its_sender(
    sqs: Any, receive: Any, variables: pytest.MonkeyPatch, correlation: str
) -> None:
    url = sqs.create_queue(QueueName="receipts")["QueueUrl"]
    variables.setenv("_X_AMZN_TRACE_ID", TRACE)
    attributes: dict[str, str | float | bytes] = {"kind": "new", "weight": 1.5, "raw": b"\xff"}
    message_id = Queue("receipts").send(Receipt(7, 9.5), attributes=attributes)
    (message,) = receive(url)
    assert message["MessageId"] == message_id
    assert json.loads(message["Body"]) == {"order": 7, "total": 9.5}
    assert message["MessageAttributes"] == {
        "kind": {"DataType": "String", "StringValue": "new"},
        "weight": {"DataType": "Number", "StringValue": "1.5"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\xff"},
        "correlation-id": {"DataType": "String", "StringValue": correlation},
    }
    assert message["Attributes"]["AWSTraceHeader"] == TRACE


def test_many_messages_arrive(sqs: Any, receive: Any) -> None:
    url = sqs.create_queue(QueueName="many.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    queue = Queue("many.fifo")
    messages = [
        OutgoingMessage(body={"number": number}, group="g", deduplication=str(number)) for number in range(23)
    ]
    ids = queue.send_batch(messages)
    received: list[dict[str, Any]] = []
    while more := receive(url):
        received += more
        for one in more:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    assert [json.loads(one["Body"])["number"] for one in received] == list(range(23))
    assert [one["MessageId"] for one in received] == ids


def test_a_queue_that_is_not_there(sqs: Any) -> None:
    with pytest.raises(AWSError, match="NonExistentQueue") as raised:
        Queue("nowhere").send("x")
    assert (raised.value.code, raised.value.status) == ("AWS.SimpleQueueService.NonExistentQueue", 400)


def test_the_largest_message(sqs: Any, correlation: str) -> None:
    sqs.create_queue(QueueName="large")
    room = LARGEST - len("correlation-id") - len("String") - len(correlation)
    Queue("large").send("x" * room)
    with pytest.raises(PayloadTooLarge, match="1,048,577 bytes"):
        Queue("large").send("x" * (room + 1))


# ---------------------------------------------------------------- what is sent

BODIES = [
    ("text", "text"),
    (b'{"a": 1}', '{"a": 1}'),
    ("ü\n", "ü\n"),
    (Receipt(1), '{"order":1,"total":0}'),
    (Refund(2), '{"order":2}'),
    ({"a": [1, None]}, '{"a":[1,null]}'),
    (5, "5"),
    (None, "null"),
]


@pytest.mark.parametrize(("message", "body"), BODIES)
def test_bodies(backend: Backend, message: Any, body: str) -> None:
    backend.answers = [backend.say({"MessageId": "m"})]
    assert Queue(URL).send(message) == "m"
    (asked,) = backend.asked
    assert asked.json == {"QueueUrl": URL, "MessageBody": body}


def test_options(backend: Backend) -> None:
    backend.answers = [backend.say({"MessageId": "m"})]
    Queue(URL).send("x", delay=900, group="fair")
    Queue(URL + ".fifo").send("x", group="g", deduplication="d")
    assert [one.json for one in backend.asked] == [
        {"QueueUrl": URL, "MessageBody": "x", "DelaySeconds": 900, "MessageGroupId": "fair"},
        {
            "QueueUrl": URL + ".fifo",
            "MessageBody": "x",
            "MessageGroupId": "g",
            "MessageDeduplicationId": "d",
        },
    ]


def test_a_message_with_options_of_its_own(backend: Backend) -> None:
    backend.answers = [backend.say({"MessageId": "m"})]
    message = OutgoingMessage(body=Receipt(1), delay=0, attributes={"a": "b"})
    Queue(URL).send(message, delay=5, group="g", attributes={"c": "d"})
    assert backend.asked[0].json == {
        "QueueUrl": URL,
        "MessageBody": '{"order":1,"total":0}',
        "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"}},
        "DelaySeconds": 0,
        "MessageGroupId": "g",
    }


def test_a_message_says_its_own_correlation_id(backend: Backend, correlation: str) -> None:
    backend.answers = [backend.say({"MessageId": "m"})]
    Queue(URL).send("x", attributes={"correlation-id": "mine"})
    ten: dict[str, str | float | bytes] = {str(number): number for number in range(10)}
    Queue(URL).send("x", attributes=ten)
    first, second = (one.json["MessageAttributes"] for one in backend.asked)
    assert first["correlation-id"]["StringValue"] == "mine"
    assert len(second) == 10


REFUSED = [
    # queue, message, options, reason
    ("q", "", {}, "no empty message"),
    ("q", b"\xff", {}, "no UTF-8"),
    ("q", "a\x00", {}, r"U\+0000, at 1"),
    ("q", {"a": "\uffff"}, {}, r"U\+FFFF"),
    ("q", "x", {"delay": -1}, "0 to 900"),
    ("q", "x", {"delay": 901}, "0 to 900"),
    ("q", "x", {"deduplication": "d"}, "only FIFO"),
    ("q", "x", {"attributes": {str(number): "v" for number in range(11)}}, "at most 10"),
    ("q", "x", {"attributes": {"a": ""}}, "'a' is empty"),
    ("q", "x", {"attributes": {"a": True}}, "'a' is a bool"),
    ("q", "x", {"attributes": {"a": float("nan")}}, "is nan, which is no number"),
    ("q", "x", {"attributes": {"a": float("-inf")}}, "is -inf, which is no number"),
    ("q", "x", {"group": ""}, "group is '': 1 to 128"),
    ("q", "x", {"group": "g" * 129}, "1 to 128"),
    ("q", "x", {"group": "a b"}, "group is 'a b'"),
    ("q.fifo", "x", {"group": "g", "deduplication": "ü"}, "deduplication is 'ü'"),
    ("q.fifo", "x", {}, "need a group"),
    ("q.fifo", "x", {"group": "g", "delay": 1}, "have a delay of their own"),
]


@pytest.mark.parametrize(("name", "message", "options", "reason"), REFUSED)
def test_what_sqs_would_refuse_is_not_sent(
    backend: Backend, name: str, message: Any, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Queue(name).send(message, **options)
    with pytest.raises(ValueError, match=f"{name}: message 1: .*{reason}"):
        Queue(name).send_batch(
            [OutgoingMessage(body="fine", group="g"), OutgoingMessage(body=message, **options)]
        )
    assert not backend.asked


# ---------------------------------------------------------------- where to


def test_the_url_is_asked_for_once(backend: Backend) -> None:
    backend.answers = [backend.say({"QueueUrl": URL}), backend.say({"MessageId": "m"})]
    queue = Queue("receipts")
    assert not backend.asked
    queue.send("x")
    queue.send("x")
    assert [one.headers["x-amz-target"] for one in backend.asked] == [
        "AmazonSQS.GetQueueUrl",
        "AmazonSQS.SendMessage",
        "AmazonSQS.SendMessage",
    ]
    assert backend.asked[0].json == {"QueueName": "receipts"}


def test_the_url_is_in_a_variable(backend: Backend, variables: pytest.MonkeyPatch) -> None:
    variables.setenv("QUEUE_URL_NEW_RECEIPTS_FIFO", URL + ".fifo")
    assert Queue("new-receipts.fifo").url == URL + ".fifo"
    assert not backend.asked


def test_an_arn_tells_account_and_region(backend: Backend) -> None:
    backend.answers = [backend.say({"QueueUrl": "http://q"}), backend.say({"MessageId": "m"})]
    Queue("arn:aws:sqs:us-west-2:111122223333:receipts").send("x")
    assert backend.asked[0].json == {"QueueName": "receipts", "QueueOwnerAWSAccountId": "111122223333"}
    for one in backend.asked:
        assert "/us-west-2/sqs/" in one.headers["authorization"]
    with pytest.raises(ValueError, match="no ARN of a queue"):
        Queue("arn:aws:sns:us-west-2:111122223333:receipts")


def test_a_url_tells_the_region(backend: Backend) -> None:
    backend.answers = [backend.say({"MessageId": "m"})]
    Queue("https://sqs.us-west-2.amazonaws.com/1/q").send("x")
    Queue("https://us-east-2.queue.amazonaws.com/1/q").send("x")
    Queue("http://localhost:4566/1/q").send("x")
    assert [one.headers["authorization"].split("/")[2] for one in backend.asked] == [
        "us-west-2",
        "us-east-2",
        "eu-west-1",
    ]


# ---------------------------------------------------------------- batches


def _results(backend: Backend, failing: dict[str, tuple[str, bool]]) -> Any:
    """What takes the messages with bodies other than these, which fail with a code and by whose fault."""

    def answer(asked: Asked) -> Any:
        successful, failed = [], []
        for entry in asked.json["Entries"]:
            if entry["MessageBody"] in failing:
                code, sender = failing[entry["MessageBody"]]
                failed.append({"Id": entry["Id"], "Code": code, "Message": "no", "SenderFault": sender})
            else:
                successful.append({"Id": entry["Id"], "MessageId": f"id-{entry['MessageBody']}"})
        return backend.say(
            {"Successful": successful, "Failed": failed} if failed else {"Successful": successful}
        )

    return answer


def _bodies(asked: Asked) -> list[str]:
    return [entry["MessageBody"] for entry in asked.json["Entries"]]


def test_batches_have_ten_and_not_more_than_fits(backend: Backend) -> None:
    backend.answers = [_results(backend, {})]
    assert len(Queue(URL).send_batch(str(number) for number in range(25))) == 25
    assert [len(_bodies(one)) for one in backend.asked] == [10, 10, 5]
    backend.asked.clear()
    Queue(URL).send_batch(["x" * 400_000] * 5)
    assert [len(_bodies(one)) for one in backend.asked] == [2, 2, 1]
    backend.asked.clear()
    assert Queue(URL).send_batch([]) == []
    assert not backend.asked


def test_what_failed_for_sqs_own_reasons_is_sent_again(backend: Backend) -> None:
    backend.answers = [_results(backend, {"1": ("InternalError", False)}), _results(backend, {})]
    assert Queue(URL).send_batch(["0", "1", "2"]) == ["id-0", "id-1", "id-2"]
    assert [_bodies(one) for one in backend.asked] == [["0", "1", "2"], ["1"]]


def test_what_was_not_sent_is_listed(backend: Backend) -> None:
    failing = {"1": ("InternalError", False), "2": ("InvalidMessageContents", True)}
    backend.answers = [_results(backend, failing)]
    with pytest.raises(
        SendFailed, match=r"2 of 12 messages were not sent: \[1\] InternalError: no; \[2\] Inv"
    ) as raised:
        Queue(URL).send_batch([str(number) for number in range(12)])
    assert raised.value.failed == [
        FailedMessage(1, "InternalError", "no", False),
        FailedMessage(2, "InvalidMessageContents", "no", True),
    ]
    assert sorted(raised.value.sent) == [0, *range(3, 12)]
    assert [len(_bodies(one)) for one in backend.asked] == [10, 1, 1, 2]
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - our own
    assert (str(again), again.failed) == (str(raised.value), raised.value.failed)


def test_after_a_failure_a_fifo_queue_gets_nothing_more(backend: Backend) -> None:
    backend.answers = [_results(backend, {"2": ("InvalidMessageContents", True)})]
    with pytest.raises(SendFailed) as raised:
        Queue(URL + ".fifo").send_batch([str(number) for number in range(12)], group="g")
    assert [(one.index, one.code) for one in raised.value.failed] == [
        (2, "InvalidMessageContents"),
        (10, "NotSent"),
        (11, "NotSent"),
    ]


def test_a_request_that_fails_after_others_tells_what_was_sent(backend: Backend) -> None:
    backend.answers = [_results(backend, {}), backend.say({"__type": "AccessDenied", "message": "no"}, 403)]
    with pytest.raises(SendFailed) as raised:
        Queue(URL).send_batch([str(number) for number in range(12)])
    assert [(one.index, one.code, one.sender_fault) for one in raised.value.failed] == [
        (10, "AccessDenied", True),
        (11, "AccessDenied", True),
    ]
    assert sorted(raised.value.sent) == list(range(10))


def test_the_first_request_that_fails_is_its_error(backend: Backend) -> None:
    backend.answers = [backend.say({"__type": "AccessDenied", "message": "no"}, 403)]
    with pytest.raises(AWSError, match="AccessDenied: no"):
        Queue(URL).send_batch(["x"])


def test_from_async_handlers(backend: Backend, correlation: str) -> None:
    backend.answers = [backend.say({"MessageId": "m"}), _results(backend, {})]

    async def send() -> tuple[str, list[str]]:
        return await Queue(URL).asend("x"), await Queue(URL).asend_batch(["a"])

    assert asyncio.run(send()) == ("m", ["id-a"])
    assert backend.asked[0].json["MessageAttributes"]["correlation-id"]["StringValue"] == correlation


# ---------------------------------------------------------------- the receiving side


def test_a_record_is_unwrapped() -> None:
    record = {
        "messageId": "m",
        "body": "text",
        "attributes": {"AWSTraceHeader": TRACE, "ApproximateReceiveCount": "1"},
        "messageAttributes": {
            "correlation-id": {
                "stringValue": "order-7",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }
        },
        "eventSource": "aws:sqs",
    }
    assert unwrap(record) == ("text", "order-7", TRACE)
    assert unwrap({"body": "text", "attributes": {}, "messageAttributes": {}}) == ("text", None, None)
    assert unwrap({"body": "text"}) == ("text", None, None)
    raw = {"correlation-id": {"binaryValue": base64.b64encode(b"x").decode(), "dataType": "Binary"}}
    assert unwrap({"body": "text", "messageAttributes": raw}) == ("text", None, None)
