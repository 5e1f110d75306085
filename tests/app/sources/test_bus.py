"""Handlers of EventBridge's events and schedules."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lambent import App, AppError, UnknownEvent, ValidationFailed
from lambent.app import current
from lambent.app.sources.bus import BusEvent, Tick
from lambent.testing import events

SAMPLES = Path(__file__).parents[1] / "samples"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


class Order(msgspec.Struct):
    id: int
    total: float = 0


def test_typed_details() -> None:
    app, got = App(), list[Any]()

    @app.event({"source": ["shop"], "detail-type": [{"prefix": "Order"}]})
    def on_order(order: Order, detail_type: str) -> Order:
        got.append((order, detail_type, current.correlation_id.get()))
        return order

    event = events.eventbridge({"id": 1}, source="shop", detail_type="OrderPlaced", event_id="e-1")
    assert app(event) == {"id": 1, "total": 0}
    assert got == [(Order(1), "OrderPlaced", "e-1")]


def test_the_event() -> None:
    app, got = App(), list[BusEvent]()

    @app.event({"source": ["shop"]})
    def on_event(event: BusEvent) -> None:
        got.append(event)

    raw = events.eventbridge(
        {"a": 1}, source="shop", detail_type="x", resources=["arn:a"], event_id="e", replay="r", time=0
    )
    app(raw)
    (event,) = got
    assert (event.id, event.source, event.detail_type, event.detail) == ("e", "shop", "x", {"a": 1})
    assert (event.account, event.region) == (raw["account"], raw["region"])
    assert event.time == datetime(1970, 1, 1, tzinfo=UTC)
    assert (event.resources, event.replay_name) == (["arn:a"], "r")


def test_details_and_events_without_types() -> None:
    app, got = App(), list[Any]()
    app.event({"source": ["shop"]})(lambda detail: got.append(detail))
    app.event({"source": ["shop"]})(lambda event: got.append(event["detail"]))
    app.event({"source": ["shop"]})(lambda: got.append(None))
    assert app(events.eventbridge({"a": 1}, source="shop")) is None
    assert got == [{"a": 1}, {"a": 1}, None]


def test_details_that_do_not_fit() -> None:
    app = App()

    @app.event({"source": ["shop"]})
    def on_order(order: Order) -> None:
        raise AssertionError(order)

    with pytest.raises(ValidationFailed, match=r"detail.id: Expected `int`, got `str`"):
        app(events.eventbridge({"id": "x"}, source="shop"))


def test_all_that_match_are_called_and_failures_raised_afterwards() -> None:
    app, got = App(), list[str]()

    @app.event({"source": ["shop"]})
    def first() -> None:
        got.append("first")
        raise OSError("a")

    @app.event({"source": ["other"]})
    def other() -> None:
        got.append("other")

    @app.event({"detail-type": ["event"]})
    def second() -> None:
        got.append("second")

    with pytest.raises(OSError, match="a"):
        app(events.eventbridge(source="shop"))
    assert got == ["first", "second"]

    @app.event({"detail-type": ["event"]})
    def third() -> None:
        raise ValueError("b")

    with pytest.raises(ExceptionGroup, match="2 handlers failed") as failed:
        app(events.eventbridge(source="shop"))
    assert [type(one) for one in failed.value.exceptions] == [OSError, ValueError]


def test_patterns_that_are_none() -> None:
    with pytest.raises(AppError, match="it must be an object"):
        App().event("shop")(lambda: None)  # type: ignore[arg-type]  # what mypy would tell
    with pytest.raises(
        AppError, match=r"on_order .*test_bus\.py:\d+\): .*detail\.total\[0\]: numeric must be a list"
    ):

        @App().event({"detail": {"total": [{"numeric": 5}]}})
        def on_order() -> None: ...


def test_unmatched_events() -> None:
    app = App("shop")
    app.event({"source": ["shop"]})(lambda: None)
    app.schedule("rate(1 day)", name="a")(lambda: None)
    app.schedule("rate(1 day)", name="b")(lambda: None)
    text = r"shop: no handler is for the event 'event' of 'other' about arn:x: .*\['shop'\].*the schedules 'a', 'b'"
    with pytest.raises(UnknownEvent, match=text):
        app(events.eventbridge(source="other", resources=["arn:x"]))
    with pytest.raises(UnknownEvent, match=r"'Scheduled Event' of 'aws.events' about .*rule/c"):
        app(events.schedule("c"))


@pytest.mark.parametrize(
    "name", ["eventbridge-custom", "eventbridge-replay", "eventbridge-own-scheduled-event"]
)
def test_samples(name: str) -> None:
    event = sample(f"documented/{name}")
    app, got = App(), list[BusEvent]()

    @app.event({"source": [event["source"]]})
    def on_event(it: BusEvent) -> None:
        got.append(it)

    app(event)
    assert got[0].id == event["id"]
    assert got[0].replay_name == event.get("replay-name")


# ------------------------------------------------------------ schedules


@pytest.mark.parametrize("make", [events.schedule, events.scheduler], ids=["rule", "scheduler"])
def test_schedules_by_name(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_SCHEDULE_CLEAN_UP", "arn:aws:events:us-east-1:1:rule/shop-CleanUp-X1")
    app, got = App(), list[Any]()

    @app.schedule("rate(5 minutes)")
    def clean_up() -> str:
        got.append("clean up")
        return "done"

    @app.schedule("cron(0 12 * * ? *)", name="nightly")
    def report(tick: Tick, rule: str) -> None:
        got.append((rule, tick.rule, tick.time))

    assert app(make("clean_up")) == "done"
    assert app(make("shop-CleanUp-X1")) == "done"
    app(make("nightly", time=0))
    assert got == ["clean up", "clean up", ("nightly", "nightly", datetime(1970, 1, 1, tzinfo=UTC))]


@pytest.mark.parametrize(
    "name",
    [
        "documented/eventbridge-rule-schedule",
        "documented/eventbridge-scheduler",
        "sam/cloudwatch-scheduled-event",
    ],
)
def test_the_only_schedule(name: str) -> None:
    app, got = App(), list[str]()

    @app.schedule("rate(5 minutes)")
    async def clean_up(tick: Tick) -> None:
        got.append(tick.rule)

    app(sample(name))
    app.loop.close()
    assert len(got) == 1
    assert got[0]


def test_patterns_of_scheduled_events() -> None:
    app, got = App(), list[str]()
    app.event({"source": ["aws.events"]})(lambda: got.append("pattern"))
    app(events.schedule("x"))
    assert got == ["pattern"]


def test_expressions_are_checked() -> None:
    with pytest.raises(AppError, match=r"clean_up .*: rate\(5 minute\): it is 5 minutes"):

        @App().schedule("rate(5 minute)")
        def clean_up() -> None: ...


def test_one_handler_for_each_name() -> None:
    app = App()
    app.schedule("rate(1 day)", name="a")(lambda: None)
    with pytest.raises(AppError, match="for the schedule 'a'"):
        app.schedule("rate(1 hour)", name="a")(lambda: None)
