"""Handlers of CloudWatch's alarms."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lambent import App, AppError, UnknownEvent
from lambent.app.sources.alarm import Alarm
from lambent.testing import events

SAMPLES = Path(__file__).parents[1] / "samples" / "documented"


def through_eventbridge(event: dict[str, Any]) -> dict[str, Any]:
    """The event of the bus for an alarm's action."""
    return events.eventbridge(
        event["alarmData"],
        source="aws.cloudwatch",
        detail_type="CloudWatch Alarm State Change",
        resources=[event["alarmArn"]],
    )


@pytest.mark.parametrize("wrap", [lambda event: event, through_eventbridge], ids=["action", "bus"])
def test_an_alarm(wrap: Any) -> None:
    app, got = App(), list[Alarm]()

    @app.alarm("errors")
    def on_alarm(alarm: Alarm) -> None:
        got.append(alarm)

    app(wrap(events.alarm("errors", reason="Too many", description="Errors of shop", time=0)))
    (alarm,) = got
    assert alarm.name == "errors"
    assert alarm.arn.endswith(":alarm:errors")
    assert (alarm.state_value, alarm.previous_state_value, alarm.is_alarm) == ("ALARM", "OK", True)
    assert (alarm.reason, alarm.description) == ("Too many", "Errors of shop")
    assert alarm.reason_data["threshold"] == 1.0
    assert alarm.changed_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert alarm.configuration["metrics"][0]["id"] == "m1"
    assert alarm.account
    assert alarm.region
    assert alarm.state == {}  # the invocation's, for middleware


@pytest.mark.parametrize("name", ["alarm-metric", "alarm-composite"])
def test_samples(name: str) -> None:
    app, got = App(), list[Any]()

    @app.alarm()
    async def on_alarm(name: str, state_value: str, alarm: Alarm) -> dict[str, Any]:
        got.append((name, state_value))
        return alarm.configuration

    event = json.loads((SAMPLES / f"{name}.json").read_text())
    assert app(event) == event["alarmData"]["configuration"]
    app.loop.close()
    assert got == [("errors", "ALARM")]


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_ALARM_ERRORS", "shop-prod-errors")
    app, got = App("shop"), list[str]()
    app.alarm("errors")(lambda alarm: got.append(f"errors {alarm.name}"))
    app(events.alarm("shop-prod-errors"))
    with pytest.raises(UnknownEvent, match=r"shop: no handler is for the alarm 'https://x/y': .* 'errors'"):
        app(events.alarm("https://x/y"))
    with pytest.raises(UnknownEvent, match="the alarms 'errors'"):
        app(through_eventbridge(events.alarm("other")))
    app.alarm()(lambda name: got.append(f"any {name}"))
    app(events.alarm("other"))
    app(through_eventbridge(events.alarm("errors")))
    assert got == ["errors shop-prod-errors", "any other", "errors errors"]
    with pytest.raises(AppError, match="for every alarm"):
        app.alarm()(lambda: None)
