"""Alarms of CloudWatch that call the function, by themselves or through EventBridge.

Source: "Invoke a Lambda function from an alarm" and "Alarm events and EventBridge" of the CloudWatch user guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.errors import UnknownEvent
from lambent.app.request import Invocation
from lambent.app.sources.record import Named, answered, chain_of, first_known, itself, members, moment
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lambent.app.app import App
    from lambent.app.onion import Middleware
    from lambent.app.sources.chain import Chain


class Alarm(Invocation):
    """An alarm whose state has changed. States are "OK", "ALARM" and "INSUFFICIENT_DATA"."""

    kind = "alarm"

    def __init__(self, data: dict[str, Any], event: Any, context: Any) -> None:
        self.data = data
        self.event = event
        self.context = context

    @property
    def name(self) -> str:
        """Its name."""
        return self.data["alarmName"]  # type: ignore[no-any-return]

    @property
    def arn(self) -> str:
        """Its ARN."""
        arn = self.event.get("alarmArn")
        return arn if arn is not None else next(iter(self.event.get("resources") or ()), "")

    @property
    def state_value(self) -> str:
        """The state that it is in now."""
        return self.data["state"]["value"]  # type: ignore[no-any-return]

    @property
    def previous_state_value(self) -> str | None:
        """The state that it was in; None for a new one."""
        return (self.data.get("previousState") or {}).get("value")

    @property
    def is_alarm(self) -> bool:
        """Whether something is wrong: the state is "ALARM"."""
        return self.state_value == "ALARM"

    @property
    def reason(self) -> str:
        """Why, for people."""
        return self.data["state"].get("reason") or ""

    @property
    def reason_data(self) -> Any:
        """Why, for programs: thresholds, datapoints; None when nothing is told."""
        told = self.data["state"].get("reasonData")
        return msgspec.json.decode(told) if told else None

    @property
    def changed_at(self) -> datetime:
        """When the state changed."""
        return moment(self.data["state"]["timestamp"])

    @property
    def configuration(self) -> dict[str, Any]:
        """Metrics, or the rule of a composite alarm."""
        return self.data.get("configuration") or {}

    @property
    def description(self) -> str | None:
        """What the alarm is for."""
        return self.configuration.get("description")

    @property
    def account(self) -> str:
        """The account that it is in."""
        return self.event.get("accountId") or self.event.get("account") or ""

    @property
    def region(self) -> str:
        """The region that it is in."""
        return self.event.get("region") or ""


_MEMBERS: dict[str, Any] = {
    "name": str,
    "arn": str,
    "state_value": str,
    "previous_state_value": str,
    "reason": str,
    "description": str,
}


class Alarms:
    """The handlers of alarms."""

    noun = "alarms"

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers = Named("alarm")
        app.source("event").also.append(self)  # type: ignore[attr-defined]  # it is a Bus

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        resolve = first_known(members(_MEMBERS), itself)
        self.handlers.add(options["name"], chain_of(self._app, handler, layers, options, resolve, Alarm))

    @understood
    def handle(self, event: Any, context: Any) -> Any:
        """The handler's result. Raises UnknownEvent and what it raises."""
        alarm = Alarm(event["alarmData"], event, context)
        chain = self.handlers.find(alarm.name)
        if chain is None:
            raise UnknownEvent(
                f"{self._app.name}: no handler is for the alarm {alarm.name!r}: there are handlers for {self.told()}"
            )
        return self._call(chain, alarm)

    def from_bus(self, event: dict[str, Any], context: Any) -> list[Callable[[], Any]]:
        """The call for an alarm that EventBridge tells of."""
        if (
            event.get("detail-type") != "CloudWatch Alarm State Change"
            or event.get("source") != "aws.cloudwatch"
        ):
            return []
        alarm = Alarm(event["detail"], event, context)
        chain = self.handlers.find(alarm.name)
        return [lambda: self._call(chain, alarm)] if chain is not None else []

    def _call(self, chain: Chain, alarm: Alarm) -> Any:
        return answered(self._app, chain, alarm)

    def told(self) -> str:
        """What there is, for messages."""
        return f"{self.handlers.told()} (LAMBENT_ALARM_<NAME> can tell what one is called here)"
