"""What the targets of schedules and scheduled rules get when their time has come.

"Adding context attributes in EventBridge Scheduler" of Scheduler's user guide, and "Scheduled Event" of EventBridge's.
"""

from __future__ import annotations

import json
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from datetime import datetime


def schedule_event(arn: str, time: datetime) -> str:
    """Of a schedule without an input. Its detail is text."""
    return json.dumps({**_event("aws.scheduler", arn, time), "detail": "{}"})


def with_attributes(text: str, arn: str, time: datetime) -> str:
    """A schedule's input, with what its context attributes stand for."""
    return (
        text.replace("<aws.scheduler.schedule-arn>", arn)
        .replace("<aws.scheduler.scheduled-time>", _text(time))
        .replace("<aws.scheduler.execution-id>", secrets.token_hex(8))
        .replace("<aws.scheduler.attempt-number>", "1")
    )


def rule_event(arn: str, time: datetime, target: dict[str, Any]) -> str:
    """What a scheduled rule sends to a target. Raises Failure."""
    if "InputTransformer" in target:
        raise Failure(
            f"The target {target['Id']} transforms its input, which the bus alone can do.",
            hint="Say with --data what it gets.",
        )
    if "Input" in target:
        return str(target["Input"])
    event: Any = {**_event("aws.events", arn, time), "detail": {}}
    for name in str(target.get("InputPath") or "$").split(".")[1:]:
        try:
            event = event[name]
        except (KeyError, TypeError):
            raise Failure(
                f"The target {target['Id']} gets {target['InputPath']}, which events of schedules do not have.",
                hint="Say with --data what it gets.",
            ) from None
    return json.dumps(event)


def _event(source: str, arn: str, time: datetime) -> dict[str, Any]:
    parts = arn.split(":", 5)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": source,
        "account": parts[4],
        "time": _text(time),
        "region": parts[3],
        "resources": [arn],
    }


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
