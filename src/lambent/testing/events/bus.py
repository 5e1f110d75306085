"""Events of a bus, of scheduled rules and of EventBridge Scheduler ("Event structure reference" of EventBridge)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.testing.events.values import ACCOUNT, REGION, iso, new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.testing.events.values import Moment


def eventbridge(
    detail: Any = None,
    *,
    source: str = "app",
    detail_type: str = "event",
    resources: Iterable[str] = (),
    event_id: str | None = None,
    replay: str | None = None,
    time: Moment | None = None,
) -> dict[str, Any]:
    """An event that a rule of a bus matched. `detail` is any object that msgspec encodes; `replay` names an archive's
    replay.
    """
    from msgspec import to_builtins

    return {
        "version": "0",
        "id": event_id or new_uuid(),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": iso(time),
        "region": REGION,
        "resources": list(resources),
        "detail": {} if detail is None else to_builtins(detail),
        **({"replay-name": replay} if replay is not None else {}),
    }


def schedule(
    rule: str = "rule", *, event_id: str | None = None, time: Moment | None = None
) -> dict[str, Any]:
    """What a scheduled rule sends, if it has no input of its own."""
    return eventbridge(
        source="aws.events",
        detail_type="Scheduled Event",
        resources=[f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"],
        event_id=event_id,
        time=time,
    )


def scheduler(
    name: str = "schedule",
    *,
    group: str = "default",
    event_id: str | None = None,
    time: Moment | None = None,
) -> dict[str, Any]:
    """What a schedule of EventBridge Scheduler sends, if it has no input of its own. Its detail is the text `{}`."""
    return {
        **eventbridge(
            source="aws.scheduler",
            detail_type="Scheduled Event",
            resources=[f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{group}/{name}"],
            event_id=event_id,
            time=time,
        ),
        "detail": "{}",
    }
