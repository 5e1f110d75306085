"""The endpoint and the service say the same, whatever they are asked."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.aws.sqs.serving import Api

CHANGING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{20}")
TEXT = {"DataType": "String", "StringValue": "v"}
VALUES: list[Any] = [
    *(None, "", "1", "a b", "\u0001", "\U0001f600", "\\u0001", True, 0, 1, -1, 5.0, 1.5, 2**40),
    *([], ["All"], [None], [1], ["x"], {}, {"a": None}, {"a": {}}, {"": TEXT}, {"a": TEXT}),
    *({"a": {"DataType": "Binary", "BinaryValue": value}} for value in ("AAE=", "AAE", "!", "", None)),
    *({"a": {"DataType": "Number", "StringValue": value}} for value in ("1", 1, "x", None)),
    {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},
    *([{"Id": value}] for value in ("1", None, "", 1, "!")),
    [{"Id": "1", "MessageBody": "", "ReceiptHandle": "", "VisibilityTimeout": -1}],
    [{"Id": "1", "MessageBody": "b", "ReceiptHandle": "h", "VisibilityTimeout": 1}] * 2,
]
MESSAGE = ["MessageBody", "DelaySeconds", "MessageAttributes", "MessageSystemAttributes"]
MEMBERS = {
    "SendMessage": [*MESSAGE, "MessageDeduplicationId", "MessageGroupId"],
    "SendMessageBatch": ["Entries"],
    "ReceiveMessage": [
        *("AttributeNames", "MessageSystemAttributeNames", "MessageAttributeNames"),
        *("MaxNumberOfMessages", "VisibilityTimeout"),
    ],
    "DeleteMessage": ["ReceiptHandle"],
    "DeleteMessageBatch": ["Entries"],
    "ChangeMessageVisibility": ["ReceiptHandle", "VisibilityTimeout"],
    "ChangeMessageVisibilityBatch": ["Entries"],
}


def drawn(chance: random.Random, number: int) -> tuple[str, dict[str, Any]]:
    """An operation and members that are mostly right."""
    right: dict[str, Any] = {
        "MessageBody": "b",
        "ReceiptHandle": "h",
        "VisibilityTimeout": 1,
        "MessageGroupId": "g",
        "MessageDeduplicationId": f"d{number}",
    }
    right["Entries"] = [{"Id": "1", **right}]
    operation = chance.choice(list(MEMBERS))
    members = {name: right[name] for name in MEMBERS[operation] if name in right and chance.random() < 0.7}
    for name in chance.sample(["QueueUrl", *MEMBERS[operation]], chance.choice([0, 1, 1, 2])):
        members[name] = chance.choice(VALUES)
    if operation.endswith("Batch") and chance.random() < 0.5:
        wrong = chance.choice([*MESSAGE, "Id", "ReceiptHandle", "VisibilityTimeout", "MessageGroupId"])
        members["Entries"] = [{**right["Entries"][0], wrong: chance.choice(VALUES)}]
    return operation, members


@pytest.fixture
def connection(json_api: Api) -> Iterator[http.client.HTTPConnection]:
    made = http.client.HTTPConnection(urlsplit(json_api.server.url).netloc, timeout=10)
    with contextlib.closing(made):
        yield made


@pytest.mark.parametrize("kind", [{}, {"FifoQueue": "true"}])
def test_they_say_the_same(
    json_api: Api, connection: http.client.HTTPConnection, kind: dict[str, str]
) -> None:
    urls = [json_api.queue(**kind) for _ in range(2)]
    chance = random.Random(json.dumps(kind))  # noqa: S311 - the same requests in each run
    statuses = set()
    for number in range(400):
        operation, members = drawn(chance, number)
        answers = []
        for url, fast in zip(urls, (True, False), strict=True):
            json_api.server.fast = fast
            body = json.dumps({"QueueUrl": url} | members, ensure_ascii=number % 2 == 0).encode()
            if number % 50 == 0:
                body = body[:-1]
            headers = {"X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": "application/x-amz-json-1.0"}
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            text = CHANGING.sub("#", answer.read().decode())
            told = [answer.getheader(name) for name in ("Content-Type", "x-amzn-query-error")]
            said = json.loads(text) if text else None
            for message in (said or {}).get("Messages", []):
                message["ReceiptHandle"] = "#"
                message.get("Attributes", {}).clear()
            answers.append((answer.status, told, said))
        assert answers[0] == answers[1], (operation, members)
        statuses.add(answers[0][0])
    assert statuses == {200, 400, 404}
