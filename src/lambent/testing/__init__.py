"""Tests of functions without AWS: a client for every trigger, events of every source, what was logged, measured, called
and sent.

    client = Client(app)
    assert client.get("/orders/1").status == 200
    assert client.send("receipts", [{"order": 1}]).ok

It imports the standard library, msgspec and the framework.
"""

from __future__ import annotations

from lambent.testing.answers import Answer, NoAnswer
from lambent.testing.calls import Call, Calls, SentMessage, capture_calls
from lambent.testing.capture import capture_logs, capture_metrics
from lambent.testing.client import Client
from lambent.testing.events import KinesisRecord, LambdaContext, SQSMessage, Window
from lambent.testing.results import Authorization, BatchResult, Failure, ResourceAnswer
from lambent.testing.tables import memory_tables
from lambent.testing.websocket import ConnectionRejected, WebSocket

__all__ = [
    "Answer",
    "Authorization",
    "BatchResult",
    "Call",
    "Calls",
    "Client",
    "ConnectionRejected",
    "Failure",
    "KinesisRecord",
    "LambdaContext",
    "NoAnswer",
    "ResourceAnswer",
    "SQSMessage",
    "SentMessage",
    "WebSocket",
    "Window",
    "capture_calls",
    "capture_logs",
    "capture_metrics",
    "memory_tables",
]
