"""Handlers of SNS topics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from lambent import App, AppError, Body, Query, UnknownEvent, ValidationFailed
from lambent.app import current
from lambent.app.registrar import Router
from lambent.app.sources.topic import Notification
from lambent.testing import events

SAMPLES = Path(__file__).parents[1] / "samples"


class Alert(msgspec.Struct):
    name: str
    level: int = 1


def test_typed_messages() -> None:
    app, got = App(), list[Any]()

    @app.topic("alerts")
    def on_alert(alert: Alert) -> None:
        got.append(alert)

    assert app(events.sns({"name": "a"}, {"name": "b", "level": 2}, topic="alerts")) is None
    assert got == [Alert("a"), Alert("b", 2)]


@pytest.mark.parametrize(
    ("declared", "message", "value"),
    [
        (str, "plain text", "plain text"),
        (str, '{"a": 1}', '{"a": 1}'),
        (bytes, "ü", "ü".encode()),
        (Any, '{"a": 1}', {"a": 1}),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Annotated[str, Body], "x", "x"),
    ],
    ids=str,
)
def test_what_messages_become(declared: Any, message: str, value: Any) -> None:
    app, got = App(), list[Any]()

    def on_alert(message: Any) -> None:
        got.append(message)

    on_alert.__annotations__["message"] = declared
    app.topic("alerts")(on_alert)
    app(events.sns(message, topic="alerts"))
    assert got == [value]


def test_the_notification_and_its_members_by_name() -> None:
    app, got = App(), list[Any]()

    @app.topic("alerts")
    def on_alert(
        notification: Notification, text: str, *, subject: str | None, attributes: dict[str, Any], topic: str
    ) -> None:
        got.extend([notification, text, subject, attributes, topic])

    event = events.sns(
        "hello", topic="alerts", subject="Hi", message_id="m-1", time=0,
        attributes={"text": "a", "number": 1.5, "bytes": b"\x00\xff"},
    )  # fmt: skip
    event["Records"][0]["Sns"]["MessageAttributes"]["list"] = {"Type": "String.Array", "Value": '["a", 1]'}
    app(event)
    notification, *rest = got
    attributes = {"text": "a", "number": 1.5, "bytes": b"\x00\xff", "list": ["a", 1]}
    assert rest == ["hello", "Hi", attributes, "alerts"]
    assert notification.message == "hello"
    assert notification.message_id == "m-1"
    assert notification.topic_arn.endswith(":alerts")
    assert notification.timestamp == datetime(1970, 1, 1, tzinfo=UTC)
    assert notification.event is event


def test_the_sample_of_sam() -> None:
    app, got = App(), list[Notification]()

    @app.topic("ExampleTopic")
    def on_message(notification: Notification) -> None:
        got.append(notification)

    app(json.loads((SAMPLES / "sam" / "sns-notification.json").read_text()))
    assert got[0].topic == "ExampleTopic"
    assert got[0].timestamp.year == 1970


def test_messages_that_do_not_fit_say_why() -> None:
    app = App()

    @app.topic("alerts")
    def on_alert(alert: Alert) -> None:
        raise AssertionError(alert)

    with pytest.raises(ValidationFailed, match="Expected `int`, got `str`"):
        app(events.sns({"name": "a", "level": "high"}, topic="alerts"))
    with pytest.raises(ValidationFailed, match="not JSON"):
        app(events.sns("plain", topic="alerts"))


def test_failures_reach_lambda() -> None:
    app, got = App(), list[str]()

    @app.topic("alerts")
    def on_alert(message: str) -> None:
        got.append(message)
        if message == "b":
            raise OSError("no connection")

    with pytest.raises(OSError, match="no connection"):
        app(events.sns("a", "b", "c", topic="alerts"))
    assert got == ["a", "b"]


def test_deployed_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_TOPIC_ALERTS", "arn:aws:sns:us-east-1:000000000000:shop-prod-alerts-X1")
    app, got = App(), list[str]()

    @app.topic("alerts")
    def on_alert(message: str) -> None:
        got.append(message)

    app(events.sns("a", topic="shop-prod-alerts-X1"))
    app(events.sns("b", topic="alerts"))
    assert got == ["a", "b"]


def test_arns() -> None:
    app, got = App(), list[str]()
    app.topic("arn:aws:sns:us-east-1:000000000000:alerts")(lambda message: got.append(message))
    app(events.sns('"a"', topic="alerts"))
    assert got == ["a"]


def test_other_topics() -> None:
    app = App("shop")

    @app.topic("alerts")
    def on_alert(message: str) -> None:
        raise AssertionError(message)

    with pytest.raises(UnknownEvent, match=r"shop: no handler is for the topic arn:.*:other: .* 'alerts'"):
        app(events.sns("a", topic="other"))


def test_one_handler_for_each_topic() -> None:
    app = App()
    app.topic("alerts")(lambda message: None)
    with pytest.raises(AppError, match="for the topic 'alerts': one handler has to do"):
        app.topic("alerts")(lambda message: None)


def test_parameters_that_nobody_knows() -> None:
    with pytest.raises(AppError, match="both 'one' and 'two' would be the body"):
        App().topic("alerts")(lambda one, two: None)

    def search(term: Annotated[str, Query]) -> None: ...

    with pytest.raises(AppError, match="'term' would come from a request's query"):
        App().topic("alerts")(search)


def test_correlation_with_the_sender() -> None:
    app, got = App(), list[Any]()

    @app.topic("alerts")
    def on_alert(message: str) -> None:
        got.append(current.correlation_id.get())

    app(events.sns("a", topic="alerts", message_id="m-1"))
    app(events.sns("a", topic="alerts", attributes={"correlation-id": "c-1"}))
    assert got == ["m-1", "c-1"]


class Database:
    """A service."""


def test_middleware_services_and_coroutines() -> None:
    app, trace = App(), list[str]()

    def database() -> Iterator[Database]:
        trace.append("open")
        yield Database()
        trace.append("close")

    app.provide(database, lifetime="invocation")

    def layer(name: str) -> Any:
        def layer(invocation: Any, call_next: Any) -> Any:
            assert isinstance(invocation, Notification)
            trace.append(name)
            return call_next(invocation)

        return layer

    router = Router(middleware=[layer("router's")])

    @router.topic("alerts", middleware=[layer("handler's")])
    async def on_alert(message: str, database: Database) -> None:
        trace.append(message)

    app.include(router)
    app.middleware(layer("app's"))
    app(events.sns("a", "b", topic="alerts"))
    app.loop.close()
    for message in "ab":
        layers = [trace.pop(0) for _ in range(6)]
        assert sorted(layers) == sorted(["app's", "router's", "handler's", "open", message, "close"])
        assert [one for one in layers if one.endswith("'s")] == ["app's", "router's", "handler's"]
        assert layers[-2:] == [message, "close"]
