"""Handlers of CloudWatch's log subscriptions."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent

from lambent import App, UnknownEvent
from lambent.app.sources.log_subscription import LogBatch, LogEvent
from lambent.testing import events

SAMPLES = Path(__file__).parents[1] / "samples"


def packed(document: Any) -> dict[str, Any]:
    return {
        "awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(document).encode(), mtime=0)).decode()}
    }


def test_lines() -> None:
    app, got = App(), list[Any]()

    @app.logs("/aws/lambda/shop")
    def on_lines(batch: LogBatch, events: list[LogEvent], group: str) -> int:
        got.extend([batch, group])
        return len(events)

    event = events.log_subscription(
        [(1.5, '{"level": "ERROR"}'), "b"], group="/aws/lambda/shop", stream="s", filters=["f"]
    )
    assert app(event) == 2
    batch, group = got
    assert group == batch.group == "/aws/lambda/shop"
    assert (batch.stream, batch.filters) == ("s", ["f"])
    assert batch.owner
    first, second = batch.events
    assert first.json() == {"level": "ERROR"}
    assert first.timestamp == 1500
    assert first.time == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert (second.message, second.extracted_fields) == ("b", {})


def test_the_sample_as_powertools_reads_it() -> None:
    event = json.loads((SAMPLES / "sam" / "cloudwatch-logs.json").read_text())
    theirs = CloudWatchLogsEvent(event).parse_logs_data()
    app, got = App(), list[LogBatch]()

    @app.logs()
    def on_lines(batch: LogBatch) -> None:
        got.append(batch)

    app(event)
    (ours,) = got
    assert (ours.owner, ours.group, ours.stream) == (theirs.owner, theirs.log_group, theirs.log_stream)
    assert ours.filters == theirs.subscription_filters
    assert [(one.id, one.timestamp, one.message) for one in ours.events] == [
        (one.get_id, one.timestamp, one.message) for one in theirs.log_events
    ]


def test_extracted_fields() -> None:
    app, got = App(), list[Any]()
    app.logs()(lambda events: got.extend(events))
    line = {"id": "1", "timestamp": 1, "message": "a b", "extractedFields": {"first": "a"}}
    app(
        packed(
            {"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s", "logEvents": [line], "new": 1}
        )
    )
    assert got[0].extracted_fields == {"first": "a"}


def test_control_messages_call_nothing() -> None:
    app, got = App(), list[Any]()
    app.logs("/aws/lambda/shop")(lambda batch: got.append(batch))
    assert (
        app(
            packed(
                {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logEvents": []}
            )
        )
        is None
    )
    assert got == []


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_LOG_GROUP_SHOP", "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/shop-prod:*")
    app, got = App("shop"), list[str]()
    app.logs("shop")(lambda group: got.append(group))
    app(events.log_subscription(["a"], group="/aws/lambda/shop-prod"))
    with pytest.raises(UnknownEvent, match="shop: no handler is for the log group '/aws/lambda/other'"):
        app(events.log_subscription(["a"], group="/aws/lambda/other"))
    assert got == ["/aws/lambda/shop-prod"]


@pytest.mark.parametrize(
    "awslogs", [{"data": "!"}, {"data": "YWJj"}, {}, None, packed([])["awslogs"]], ids=str
)
def test_what_is_no_data(awslogs: Any) -> None:
    app = App()
    app.logs()(lambda batch: None)
    with pytest.raises(ValueError, match="no log data"):
        app({"awslogs": awslogs})


def test_what_unpacks_to_more_than_there_is() -> None:
    app = App()
    app.logs("/aws/lambda/shop")(lambda event: None)
    packed = base64.b64encode(gzip.compress(b" " * (65 << 20), 9, mtime=0)).decode()
    with pytest.raises(ValueError, match="larger than anything"):
        app({"awslogs": {"data": packed}})
    cut = base64.b64encode(gzip.compress(b"{}", mtime=0)[:-4]).decode()
    with pytest.raises(ValueError, match="it is cut"):
        app({"awslogs": {"data": cut}})
