"""Who is told of the end of an asynchronous invocation: destinations and dead-letter targets.

The record, the names of objects, the event on a bus and the attributes of dead letters are those of "Capturing records
of Lambda asynchronous invocations" (developer guide); recorded from AWS: LocalStack's `TestLambdaDestinationSqs`,
`TestLambdaDLQ` and `test_reserved_concurrency`. Everything is sent in the function's role.
"""

from __future__ import annotations

import logging
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.deliveries import Parcel
from lambent.store.staged import Staged, nothing

if TYPE_CHECKING:
    from lambent.clock import Clock
    from lambent.events.deliveries import Deliveries
    from lambent.invocation.outcome import Outcome

PRINCIPAL: Final = "lambda.amazonaws.com"

_MAX_SMALL: Final = 262_144  # SNS, and events of EventBridge
_MAX_RECORD: Final = 1_048_576
_MAX_ERROR: Final = 1024
_UNSENDABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What SQS and SNS take in no text ("SendMessage" of SQS's API reference)."""

_UNRUN: Final = {
    "RecursiveInvocationException": ("400", "The function is being invoked in a recursive loop."),
}
_THROTTLED: Final = ("429", "Rate Exceeded.")

_log = logging.getLogger(__name__)


class Destinations:
    """Tells of outcomes: `stage` is what an `AsyncQueue` takes as its `outcomes`."""

    def __init__(self, deliveries: Deliveries, clock: Clock) -> None:
        self._deliveries = deliveries
        self._clock = clock

    def stage(self, outcome: Outcome) -> Staged:
        """What is to be written in the transaction that ends the event."""
        parcels = []
        if outcome.destination and _supported(outcome, outcome.destination):
            parcels.append(self._report(outcome, outcome.destination))
        if outcome.dead_letter_arn and _supported(outcome, outcome.dead_letter_arn):
            parcels.append(_dead_letter(outcome, outcome.dead_letter_arn))
        return self._deliveries.stage(parcels) if parcels else Staged((), nothing)

    def _report(self, outcome: Outcome, destination: str) -> Parcel:
        now = datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)
        service = destination.split(":", 3)[2]
        body = record(outcome, now)
        if len(body) > (_MAX_SMALL if service in ("sns", "events") else _MAX_RECORD) and service != "s3":
            # "Lambda will drop the payload when sending OnFailure event to the destination" (API_OnFailure).
            body = record(outcome, now, payloads=False)
        options: dict[str, Any] = {}
        if service == "events":
            success = outcome.condition == "Success"
            options = {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {'Success' if success else 'Failure'}",
                "Resources": [destination, outcome.function_arn],
            }
        elif service == "s3":
            options = {
                "Key": f"aws/lambda/async/{outcome.name}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
            }
        return _parcel(outcome, destination, body.decode("utf-8", "replace"), options)


def record(outcome: Outcome, now: datetime, *, payloads: bool = True) -> bytes:
    """The invocation record, JSON. `payloads`: with what the function was sent and has answered."""
    context: dict[str, Any] = {
        "requestId": outcome.request_id,
        "functionArn": outcome.function_arn,
        "condition": outcome.condition,
        "approximateInvokeCount": outcome.invoke_count,
    }
    document: dict[str, Any] = {
        "version": "1.0",
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
        "requestContext": context,
    }
    if payloads:
        document["requestPayload"] = msgspec.Raw(outcome.payload)
    answer = outcome.answer
    if answer is not None:
        document["responseContext"] = {"statusCode": 200, "executedVersion": answer.executed_version}
        if answer.failed:
            document["responseContext"]["functionError"] = "Unhandled"
        if payloads:
            document["responsePayload"] = _json(answer.payload)
    return msgspec.json.encode(document)


def _dead_letter(outcome: Outcome, target: str) -> Parcel:
    code, message = _error(outcome)
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": outcome.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": code},
    }
    text = _UNSENDABLE.sub("\ufffd", message).encode()[:_MAX_ERROR].decode(errors="ignore")
    if text:
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": text}
    body = outcome.payload.decode("utf-8", "replace")
    return _parcel(outcome, target, body, {"MessageAttributes": attributes})


def _parcel(outcome: Outcome, target: str, body: str, options: dict[str, Any]) -> Parcel:
    return Parcel(
        target_arn=target,
        body=body,
        account=outcome.account,
        region=outcome.region,
        principal=PRINCIPAL,
        source_arn=outcome.function_arn,
        role_arn=outcome.role,
        options=options,
        trace=outcome.trace,
    )


def _supported(outcome: Outcome, target: str) -> bool:
    if target.endswith(".fifo"):
        _log.warning(
            "%s: nothing is sent to %s: Lambda sends records and dead letters to standard queues and topics only",
            outcome.function_arn,
            target,
        )
        return False
    return True


def _error(outcome: Outcome) -> tuple[str, str]:
    """The status and the message of what the event has failed with."""
    answer = outcome.answer
    if outcome.condition in _UNRUN or answer is None:
        return _UNRUN.get(outcome.condition, _THROTTLED)
    try:
        document = msgspec.json.decode(answer.payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    message = document.get("errorMessage") if isinstance(document, dict) else None
    return "200", message if isinstance(message, str) else answer.payload.decode(errors="replace")


def _json(payload: bytes) -> msgspec.Raw | str:
    """A payload as a part of a JSON document: functions that stream may answer anything."""
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return payload.decode(errors="replace")
    return msgspec.Raw(payload)
