"""Names of resources as code says them, and as they are deployed."""

from __future__ import annotations

import pytest

from lambent.app.sources.naming import name_in, physical_name, variable


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("orders", "orders"),
        ("orders.fifo", "orders.fifo"),
        ("arn:aws:sqs:eu-west-1:123456789012:orders.fifo", "orders.fifo"),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/orders", "orders"),
        ("arn:aws:sns:eu-west-1:123456789012:alerts", "alerts"),
        ("arn:aws:sns:eu-west-1:123456789012:alerts:0b2a", "alerts"),
        ("arn:aws-cn:s3:::uploads", "uploads"),
        ("arn:aws:s3:::uploads/a/b", "uploads"),
        ("arn:aws:events:eu-west-1:123456789012:rule/nightly", "nightly"),
        ("arn:aws:events:eu-west-1:123456789012:rule/shop-bus/nightly", "nightly"),
        ("arn:aws:scheduler:eu-west-1:123456789012:schedule/default/nightly", "nightly"),
        ("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:p99: a/b", "p99: a/b"),
        ("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/shop:*", "/aws/lambda/shop"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:shop:live", "shop"),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-11-21T00:00:00.000", "orders"),
        ("arn:aws:kinesis:eu-west-1:123456789012:stream/clicks", "clicks"),
        ("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Ab3", "eu-west-1_Ab3"),
        ("arn:aws", "arn:aws"),
    ],
)
def test_names_in_arns_and_urls(text: str, name: str) -> None:
    assert name_in(text) == name


def test_variables() -> None:
    assert variable("queue", "new-orders.fifo") == "LAMBENT_QUEUE_NEW_ORDERS_FIFO"


def test_deployed_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_TOPIC_ALERTS", "arn:aws:sns:eu-west-1:123456789012:shop-prod-alerts")
    monkeypatch.setenv("LAMBENT_TOPIC_EMPTY", "")
    assert physical_name("topic", "alerts") == "shop-prod-alerts"
    assert physical_name("bucket", "alerts") == "alerts"
    assert physical_name("topic", "empty") == "empty"
    assert physical_name("topic", "arn:aws:sns:eu-west-1:123456789012:news") == "news"
    assert physical_name("alarm", "https://x/y is slow") == "https://x/y is slow"
