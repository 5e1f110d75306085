"""Every sample event is one that AWS could send: an app with a handler for everything takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent import App
from lambent.testing import events
from lambent.testing.samples import SAMPLES, UnknownSample, find, sample

HTTP = ("http", "http-v1", "function-url", "alb")


def _app(seen: list[str]) -> App:
    app = App("all")

    def noted(kind: str) -> Any:
        def handler() -> None:
            seen.append(kind)

        return handler

    app.get("/")(noted("http"))
    app.queue("receipts")(noted("sqs"))
    app.topic("alerts")(noted("sns"))
    app.bucket("uploads", events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])(noted("s3"))
    app.table_stream("orders")(noted("dynamodb"))
    app.stream("clicks")(noted("kinesis"))
    app.event({"source": ["shop"]})(noted("eventbridge"))
    app.schedule("rate(1 day)", name="clean_up")(noted("schedule"))
    app.logs()(noted("logs"))
    app.alarm()(noted("alarm"))
    return app


@pytest.mark.parametrize("name", SAMPLES)
def test_each_is_json_with_the_members_of_its_factory(name: str) -> None:
    event = sample(name)
    assert json.loads(json.dumps(event)) == event
    found = find(name)
    assert set(found.members) <= set(found.parameters)
    assert set(found.resources) <= set(found.members)
    assert hasattr(events, found.factory)
    assert found.about


@pytest.mark.parametrize(
    ("name", "kind"),
    [*((name, "http") for name in HTTP), ("sqs", "sqs"), ("sns", "sns"), ("s3-put", "s3"), ("s3-delete", "s3"),
     ("dynamodb-insert", "dynamodb"), ("dynamodb-modify", "dynamodb"), ("dynamodb-remove", "dynamodb"),
     ("kinesis", "kinesis"), ("eventbridge", "eventbridge"), ("schedule", "schedule"), ("rule", "schedule"),
     ("logs", "logs"), ("alarm", "alarm"), ("alarm-ok", "alarm")],
)  # fmt: skip
def test_an_app_takes_them(name: str, kind: str) -> None:
    seen: list[str] = []
    _app(seen)(sample(name), events.LambdaContext())
    assert seen == [kind]


def test_members() -> None:
    (record,) = sample("s3-put", bucket="b", keys="a b", size=7)["Records"]
    assert (record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]) == ("b", "a+b")
    assert len(sample("sqs", messages=[1, 2])["Records"]) == 2
    assert sample("sqs", message="one")["Records"][0]["body"] == "one"
    assert sample("s3")["Records"][0]["eventName"] == "ObjectCreated:Put"
    assert sample("cognito-pre-sign-up")["triggerSource"] == "PreSignUp_SignUp"
    assert sample("cognito", user="me")["userName"] == "me"


@pytest.mark.parametrize(
    ("name", "members", "said"),
    [
        ("s4", {}, "there is no sample s4: there are http, "),
        ("s3-put", {"buckets": "b"}, "s3-put has no member buckets: it has bucket, keys"),
        ("dynamodb-insert", {"changes": [[None, {"a": 1}]]}, "lacks its key id"),
        ("cognito-pre-sign-up", {"trigger": "x"}, "no trigger 'x'"),
        ("kinesis", {"records": 7}, "cannot be made of that"),
    ],
)
def test_mistakes(name: str, members: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownSample, match=said):
        sample(name, **members)
