"""Actions of CloudWatch alarms, and batches of log lines.

Shapes: "Invoke a Lambda function from an alarm" (CloudWatch user guide), "Subscription filters" (CloudWatch Logs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.testing.events.values import (
    ACCOUNT,
    REGION,
    iso_millis,
    millis,
    new_digits,
    new_hex,
    seconds,
    to_base64,
    to_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lambent.testing.events.values import Moment


def alarm(
    name: str = "alarm",
    *,
    state: str = "ALARM",
    previous: str = "OK",
    reason: str = "Threshold Crossed: 1 datapoint [1.0] was greater than or equal to the threshold (1.0).",
    description: str | None = None,
    metrics: Sequence[Mapping[str, Any]] | None = None,
    rule: str | None = None,
    time: Moment | None = None,
) -> dict[str, Any]:
    """An alarm that went from one state (OK, ALARM, INSUFFICIENT_DATA) to another and calls the function itself.

    `metrics` are its metric data queries; the errors of a function, if none are given. With a `rule`, such as
    `ALARM(a) OR ALARM(b)`, it is a composite alarm, which has no metrics.
    """
    at = seconds(time)
    configuration: dict[str, Any]
    if rule is not None:
        configuration = {"alarmRule": rule}
    else:
        configuration = {"metrics": [dict(each) for each in metrics] if metrics is not None else [_errors()]}
    if description is not None:
        configuration = {"description": description, **configuration}
    return {
        "source": "aws.cloudwatch",
        "alarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}",
        "accountId": ACCOUNT,
        "time": iso_millis(at, zone="+0000"),
        "region": REGION,
        "alarmData": {
            "alarmName": name,
            "state": _state(state, reason, at),
            "previousState": _state(previous, f"It was {previous}.", at - 60),
            "configuration": configuration,
        },
    }


def log_subscription(
    messages: Iterable[str | tuple[Moment, str]],
    *,
    group: str = "/aws/lambda/function",
    stream: str | None = None,
    filters: Sequence[str] = ("filter",),
    time: Moment | None = None,
) -> dict[str, Any]:
    """Lines of a log group that a filter matched, packed with gzip and in base64. A line may have a time of its own."""
    from gzip import compress

    at = seconds(time)
    lines = [(at, each) if isinstance(each, str) else each for each in messages]
    first = int(new_digits(56)) // 2
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": group,
        "logStream": stream if stream is not None else f"2026/01/01/[$LATEST]{new_hex(32)}",
        "subscriptionFilters": list(filters),
        "logEvents": [
            {"id": str(first + index), "timestamp": millis(moment), "message": message}
            for index, (moment, message) in enumerate(lines)
        ],
    }
    return {"awslogs": {"data": to_base64(compress(to_json(data).encode()))}}


def _state(value: str, reason: str, at: float) -> dict[str, str]:
    stamp = iso_millis(at, zone="+0000")
    details = {"version": "1.0", "queryDate": stamp, "threshold": 1.0}
    return {"value": value, "reason": reason, "reasonData": to_json(details), "timestamp": stamp}


def _errors() -> dict[str, Any]:
    return {
        "id": "m1",
        "metricStat": {
            "metric": {
                "namespace": "AWS/Lambda",
                "name": "Errors",
                "dimensions": {"FunctionName": "function"},
            },
            "period": 60,
            "stat": "Sum",
        },
        "returnData": True,
    }
