from __future__ import annotations

import json
from typing import Any

from lambent.events.pollers.sqs_events import Records, event_of
from lambent.events.queues import Received

ARN = "arn:aws:sqs:us-east-1:000000000000:orders"


def received(**members: Any) -> Received:
    values: dict[str, Any] = {
        "message_id": "id-1",
        "receipt": "handle",
        "body": "hello",
        "attributes": b"",
        "md5_body": "digest",
        "md5_attributes": "",
        "sent_ms": 1_700_000_000_000,
        "first_received_ms": 1_700_000_000_001,
        "receive_count": 1,
        "group": None,
        "deduplication_id": None,
        "sequence": None,
        "sender": "AIDAEXAMPLE",
        "trace": "",
        "lineage": "",
        "source_arn": "",
    }
    return Received(**{**values, **members})


def record(*, windowed: bool = False, **members: Any) -> Any:
    records = Records(ARN, "us-east-1", windowed=windowed)
    (made,) = json.loads(event_of([records.record(received(**members))]))["Records"]
    return made


def test_a_message_of_a_standard_queue() -> None:
    assert record() == {
        "messageId": "id-1",
        "receiptHandle": "handle",
        "body": "hello",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1700000000000",
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1700000000001",
        },
        "messageAttributes": {},
        "md5OfBody": "digest",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "us-east-1",
    }


def test_a_message_of_a_fifo_queue() -> None:
    made = record(group='g"1', deduplication_id="d\\1", sequence="00000000000000000007", receive_count=3)
    assert made["attributes"] == {
        "ApproximateReceiveCount": "3",
        "SentTimestamp": "1700000000000",
        "SequenceNumber": "00000000000000000007",
        "MessageGroupId": 'g"1',
        "SenderId": "AIDAEXAMPLE",
        "MessageDeduplicationId": "d\\1",
        "ApproximateFirstReceiveTimestamp": "1700000000001",
    }


def test_attributes_that_not_every_message_has() -> None:
    made = record(trace="Root=1-5759e988-bd862e3fe1be46a994272793", source_arn=f"{ARN}-source")
    assert made["attributes"]["AWSTraceHeader"] == "Root=1-5759e988-bd862e3fe1be46a994272793"
    assert made["attributes"]["DeadLetterQueueSourceArn"] == f"{ARN}-source"


def test_message_attributes() -> None:
    # Recorded: test_message_body_and_attributes_passed_correctly.
    made = record(
        attributes=json.dumps(
            {
                "Title": {"DataType": "String", "StringValue": "The Whistler"},
                "Cover": {"DataType": "Binary.png", "BinaryValue": "AAEC"},
                "Empty": {"DataType": "String", "StringValue": ""},
            }
        ).encode(),
        md5_attributes="d25a6aea97eb8f585bfa92d314504a92",
    )
    lists: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    assert made["messageAttributes"] == {
        "Title": {"stringValue": "The Whistler", **lists, "dataType": "String"},
        "Cover": {"binaryValue": "AAEC", **lists, "dataType": "Binary.png"},
        "Empty": {"stringValue": "", **lists, "dataType": "String"},
    }
    assert made["md5OfMessageAttributes"] == "d25a6aea97eb8f585bfa92d314504a92"


def test_a_window_shows_digests_that_are_not_there() -> None:
    # Recorded: TestSQSEventSourceMapping has null with a window, the other scenarios nothing without one.
    assert record(windowed=True)["md5OfMessageAttributes"] is None
    assert "md5OfMessageAttributes" not in record()


def test_any_text_is_a_body() -> None:
    body = 'quotes " and \\ and \n and \x7f and \u2028 and é and 😀'
    assert record(body=body)["body"] == body
