"""Calls of functions, messages to queues and to connections are caught: of lambent's clients and of boto3's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
import msgspec
import pytest
from moto import mock_aws

from lambent import (
    App,
    AWSError,
    Connection,
    ConnectionGone,
    FunctionCallError,
    OutgoingMessage,
    Queue,
    SendFailed,
    ainvoke,
    delete_connection,
    get_connection,
    invoke,
    invoke_async,
    post_to_connection,
)
from lambent.testing import Client, capture_calls

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://abc.execute-api.eu-west-1.amazonaws.com/prod"


class Price(msgspec.Struct):
    amount: float
    currency: str = "EUR"


def unfair(payload: Any) -> Any:
    raise KeyError(payload["item"])


# ---------------------------------------------------------------- functions


def test_functions_answer() -> None:
    answers = {"pricing": Price(12.5), "double": lambda payload: payload * 2, "nothing": None}
    with capture_calls(answers) as calls:
        assert invoke("pricing", {"item": "tea"}, response_type=Price) == Price(12.5)
        assert invoke("arn:aws:lambda:eu-west-1:123456789012:function:double:live", 4) == 8
        assert invoke("double", "ab", qualifier="7") == "abab"
        assert invoke("nothing") is None
        invoke_async("audit", {"looked_at": "tea"})
    assert [(call.name, call.payload, call.type, call.qualifier) for call in calls.invoked] == [
        ("pricing", {"item": "tea"}, "RequestResponse", None),
        ("double", 4, "RequestResponse", "live"),
        ("double", "ab", "RequestResponse", "7"),
        ("nothing", None, "RequestResponse", None),
        ("audit", {"looked_at": "tea"}, "Event", None),
    ]


@pytest.mark.parametrize(
    ("answer", "kind", "message", "has_trace"),
    [(ValueError("no tea"), "ValueError", "no tea", False), (unfair, "KeyError", "'tea'", True)],
)
def test_functions_fail(answer: Any, kind: str, message: str, has_trace: bool) -> None:
    with capture_calls({"pricing": answer}) as calls:
        with pytest.raises(FunctionCallError) as failure:
            invoke("pricing", {"item": "tea"})
        theirs = boto3.client("lambda").invoke(FunctionName="pricing", Payload='{"item":"tea"}')
        invoke_async("pricing", {"item": "tea"})
    assert (failure.value.error_type, failure.value.error_message) == (kind, message)
    assert ("in unfair" in "".join(failure.value.stack_trace)) is has_trace
    assert theirs["FunctionError"] == "Unhandled"
    assert json.load(theirs["Payload"])["errorType"] == kind
    assert len(calls.invoked) == 3


def refused(payload: Any) -> Any:
    raise AWSError("TooLargeException", "as if", 413)


@pytest.mark.parametrize(
    ("answers", "code", "status"),
    [
        ({}, "ResourceNotFoundException", 404),
        ({"pricing": AWSError("AccessDeniedException", "no", 403)}, "AccessDeniedException", 403),
        ({"pricing": refused}, "TooLargeException", 413),
    ],
)
def test_lambda_refuses(answers: dict[str, Any], code: str, status: int) -> None:
    with capture_calls(answers) as calls:
        with pytest.raises(AWSError) as ours:
            invoke("pricing")
        with pytest.raises(botocore.exceptions.ClientError) as theirs:
            boto3.client("lambda").invoke(FunctionName="pricing")
    assert (ours.value.code, ours.value.status) == (code, status)
    assert theirs.value.response["Error"]["Code"] == code
    assert not calls.invoked


def test_async_handlers_and_the_correlation_id() -> None:
    app, receipts = App("orders"), Queue("receipts")

    @app.post("/orders")
    async def place(order: dict[str, int]) -> dict[str, Any]:
        await receipts.asend(order)
        return {"price": await ainvoke("pricing", order)}

    with capture_calls({"pricing": 3}) as calls, Client(app) as client:
        answer = client.post("/orders", json={"id": 1}, headers={"x-correlation-id": "c-1"})
    assert answer.json() == {"price": 3}
    assert calls.invoked[0].correlation_id == calls.sent["receipts"][0].correlation_id == "c-1"
    assert calls.sent["receipts"][0].attributes == {}


# ---------------------------------------------------------------- queues


def send_with_ours() -> None:
    queue = Queue("receipts")
    queue.send({"order": 1}, delay=60, attributes={"shop": "a", "weight": 2.5, "raw": b"\xff"})
    queue.send("no { json")
    moves = Queue("moves.fifo")
    moves.send_batch([OutgoingMessage(body=[1], deduplication="d"), OutgoingMessage(body=[2])], group="ada")


def send_with_boto3() -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="receipts")["QueueUrl"]
    sqs.send_message(
        QueueUrl=url,
        MessageBody='{"order":1}',
        DelaySeconds=60,
        MessageAttributes={
            "shop": {"DataType": "String", "StringValue": "a"},
            "weight": {"DataType": "Number", "StringValue": "2.5"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\xff"},
        },
    )
    sqs.send_message(QueueUrl=url, MessageBody="no { json")
    moves = sqs.get_queue_url(QueueName="moves.fifo")["QueueUrl"]
    entries: Any = [
        {"Id": "0", "MessageBody": "[1]", "MessageGroupId": "ada", "MessageDeduplicationId": "d"},
        {"Id": "1", "MessageBody": "[2]", "MessageGroupId": "ada"},
    ]
    answer = sqs.send_message_batch(QueueUrl=moves, Entries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["0", "1"]


@pytest.mark.parametrize("send", [send_with_ours, send_with_boto3])
def test_messages_are_caught(send: Callable[[], None]) -> None:
    with capture_calls() as calls:
        send()
    first, second = calls.sent["receipts"]
    assert (first.body, first.delay) == ({"order": 1}, 60)
    assert {name: str(value) for name, value in first.attributes.items()} == {
        "shop": "a",
        "weight": "2.5",
        "raw": r"b'\xff'",
    }
    assert (second.body, second.text, second.delay, second.attributes) == ("no { json", "no { json", None, {})
    moves = calls.sent["moves.fifo"]
    assert [(one.body, one.group, one.deduplication) for one in moves] == [
        ([1], "ada", "d"),
        ([2], "ada", None),
    ]
    assert moves[1].json(list[float]) == [2.0]
    assert calls.sent["others"] == []
    assert set(calls.sent) == {"receipts", "moves.fifo"}


def test_queues_refuse() -> None:
    def even(message: Any) -> None:
        if message.body % 2:
            raise AWSError("InvalidMessageContents", "odd", 400)

    missing = AWSError("AWS.SimpleQueueService.NonExistentQueue", "no such queue", 400)
    with capture_calls({"numbers": even, "lost": missing}) as calls:
        with pytest.raises(SendFailed) as failed:
            Queue("numbers").send_batch([1, 2, 3])
        with pytest.raises(AWSError, match="odd"):
            Queue("numbers").send(5)
        for queue in (Queue("lost"), Queue("https://sqs.eu-west-1.amazonaws.com/1/lost")):
            with pytest.raises(AWSError) as refused:
                queue.send("x")
            assert refused.value.code == missing.code
            with pytest.raises(AWSError):
                queue.send_batch(["x"])
    assert [one.index for one in failed.value.failed] == [0, 2]
    assert [message.body for message in calls.sent["numbers"]] == [2]


def test_a_queues_url_outlives_the_block() -> None:
    queue = Queue("receipts")
    for number in range(2):
        with capture_calls() as calls:
            queue.send({"number": number})
        assert [message.body for message in calls.sent["receipts"]] == [{"number": number}]


# ---------------------------------------------------------------- connections


def test_connections_are_written_to() -> None:
    with capture_calls(gone={"left="}) as calls:
        post_to_connection(API, "a=", {"text": "hello"})
        post_to_connection(API, "a=", "plain")
        assert get_connection(API, "b=").identity is not None
        delete_connection(API, "b=")
        for ended in ("left=", "b="):
            with pytest.raises(ConnectionGone):
                post_to_connection(API, ended, "x")
        endpoint = os.environ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"]
        theirs = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
        theirs.post_to_connection(ConnectionId="c=", Data=b"\xff")
        with pytest.raises(theirs.exceptions.GoneException):
            theirs.post_to_connection(ConnectionId="b=", Data=b"x")
    assert calls.posted == {"a=": [{"text": "hello"}, "plain"], "c=": [b"\xff"]}
    assert calls.posted["b="] == []
    assert calls.closed == ["b="]


def test_the_clients_own_connections() -> None:
    app = App("chat")
    chat = app.channel("chat")

    @chat.action("echo")
    def echo(connection: Connection, message: dict[str, Any]) -> None:
        connection.send(message["text"])
        post_to_connection(API, "elsewhere=", message["text"])

    client = Client(app)
    with capture_calls() as calls, client.connect("chat") as ada:
        ada.send({"action": "echo", "text": "one"})
    with client.connect("chat") as ben, capture_calls() as others:
        ben.send({"action": "echo", "text": "two"})
        ben.close()
        with pytest.raises(ConnectionGone):
            post_to_connection(API, ben.id, "three")
    assert (ada.received, ben.received) == (["one"], ["two"])
    assert calls.posted == {ada.id: ["one"], "elsewhere=": ["one"]}
    assert others.posted == {ben.id: ["two"], "elsewhere=": ["two"]}


# ---------------------------------------------------------------- the environment


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://before")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    with capture_calls():
        assert "AWS_SESSION_TOKEN" not in os.environ
        assert Queue("receipts").url == "https://sqs.eu-north-1.amazonaws.com/000000000000/receipts"
    assert dict(os.environ) == before
    with pytest.raises(FunctionCallError), capture_calls({"pricing": unfair}):
        invoke("pricing", {"item": "tea"})
    assert dict(os.environ) == before


def test_a_program_ends_within_the_block() -> None:
    program = "from lambent.testing import capture_calls; kept = capture_calls(); kept.__enter__()"
    subprocess.run([sys.executable, "-c", program], timeout=20, check=True)


def test_other_services_are_left_alone() -> None:
    with mock_aws(), capture_calls() as calls:
        table = boto3.client("dynamodb")
        assert table.list_tables()["TableNames"] == []
        Queue("receipts").send("x")
        with pytest.raises(botocore.exceptions.ClientError, match=r"no answer to AmazonSQS\.ListQueues"):
            boto3.client("sqs").list_queues()
    assert len(calls.sent["receipts"]) == 1
