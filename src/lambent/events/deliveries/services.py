"""Targets that are called by their service's protocol: topics, streams, state machines, buckets, log groups, and any
operation of any service.
"""

from __future__ import annotations

import base64
import logging
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.deliveries.arns import Arn, parse_arn
from lambent.events.deliveries.parcel import Undeliverable
from lambent.http.client import ExchangeFailed
from lambent.neighbours.service_calls import ServiceCall, ServiceMissing, error_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.clock import Clock
    from lambent.events.deliveries.parcel import Parcel
    from lambent.neighbours.service_calls import CallService, ServiceAnswer

_log = logging.getLogger(__name__)

_AGAIN: Final = re.compile(
    r"Throttl|TooManyRequests|ProvisionedThroughputExceeded|RequestLimitExceeded|SlowDown|ServiceUnavailable"
    r"|InternalFailure|InternalError|InternalServer|RequestTimeout|KMSThrottling"
)
# "Event delivery failure reasons": what the codes of services are there, first match first.
_REASONS: Final = (
    (re.compile(r"Throttl|TooManyRequests|ThroughputExceeded|RequestLimitExceeded|SlowDown"), "THROTTLING"),
    (re.compile(r"AccessDenied|AuthorizationError|NotAuthorized|Unauthorized|Forbidden"), "NO_PERMISSIONS"),
    (re.compile(r"NotFound|NonExistent|DoesNotExist|NoSuch"), "NO_RESOURCE"),
    (re.compile(r"AlreadyExists"), "RESOURCE_ALREADY_EXISTS"),
    (re.compile(r"LimitExceeded"), "RESOURCE_LIMIT_EXCEEDED"),
    (re.compile(r"Invalid|Validation|Malformed|MissingParameter"), "INVALID_PARAMETER"),
)


_BY_NAME: Final = frozenset({"CreateLogStream", "StartExecution"})


class Outside:
    """Calls services."""

    def __init__(self, call_service: CallService, clock: Clock) -> None:
        self._call_service = call_service
        self._clock = clock

    async def deliver(self, parcel: Parcel) -> None:
        """One attempt. Raises Undeliverable."""
        for call in _calls(parcel, self._clock.wall_ms()):
            try:
                answer = await self._call_service(call)
            except ServiceMissing as error:
                raise Undeliverable("SDK_CLIENT_ERROR", str(error)) from error
            except ValueError as error:
                raise Undeliverable("INVALID_PARAMETER", str(error)) from error
            except (ExchangeFailed, OSError) as error:
                raise Undeliverable("CONNECTION_FAILURE", str(error), again=True) from error
            except Exception as fault:
                _log.exception("a delivery to %s failed", parcel.target_arn)
                raise Undeliverable(
                    "INTERNAL_ERROR", f"{type(fault).__name__}: {fault}", again=True
                ) from fault
            if call.operation == "PutEvents" and answer.status == 200:
                _check_entries(answer)
            if answer.status >= 300:
                failure = _failure(answer)
                # What is there already, by a name of ours, is there by an attempt before this one.
                if failure.code != "RESOURCE_ALREADY_EXISTS" or call.operation not in _BY_NAME:
                    raise failure


def _calls(parcel: Parcel, now_ms: int) -> list[ServiceCall]:
    """What has to be called, in order. Raises Undeliverable."""
    arn = parse_arn(parcel.target_arn)
    if arn is None:
        raise Undeliverable("INVALID_PARAMETER", f"{parcel.target_arn} is not an ARN")
    if arn.service == "scheduler" and arn.resource.startswith("aws-sdk:"):
        return [_universal(parcel, arn)]
    make = _KINDS.get(arn.service)
    if make is None:
        raise Undeliverable(
            "SDK_CLIENT_ERROR", f"targets of the service {arn.service} are not supported: {parcel.target_arn}"
        )
    region, account = arn.region or parcel.region, arn.account or parcel.account
    return [
        ServiceCall(service, operation, parameters, region, account, parcel.role_arn or "")
        for service, operation, parameters in make(parcel, arn, now_ms)
    ]


def _universal(parcel: Parcel, arn: Arn) -> ServiceCall:
    _, _, named = arn.resource.partition(":")
    service, _, operation = named.partition(":")
    service = parcel.options.get("service", service)
    operation = parcel.options.get("operation", operation[:1].upper() + operation[1:])
    try:
        parameters = msgspec.json.decode(parcel.body, type=dict[str, Any]) if parcel.body else {}
    except msgspec.DecodeError as error:
        raise Undeliverable("INVALID_JSON", f"the input is not a JSON object: {error}") from error
    return ServiceCall(service, operation, parameters, parcel.region, parcel.account, parcel.role_arn or "")


_Call = tuple[str, str, dict[str, Any]]


def _chosen(parcel: Parcel, *names: str) -> dict[str, Any]:
    return {name: parcel.options[name] for name in names if name in parcel.options}


def _to_topic(parcel: Parcel, _arn: Arn, _now_ms: int) -> list[_Call]:
    chosen = _chosen(parcel, "MessageGroupId", "MessageDeduplicationId", "MessageAttributes", "Subject")
    return [("sns", "Publish", {"TopicArn": parcel.target_arn, "Message": parcel.body, **chosen})]


def _to_queue(parcel: Parcel, arn: Arn, _now_ms: int) -> list[_Call]:
    parameters = {
        "QueueUrl": f"https://sqs.{arn.region}.amazonaws.com/{arn.account}/{arn.resource}",
        "MessageBody": parcel.body,
        **_chosen(parcel, "MessageGroupId", "MessageDeduplicationId", "MessageAttributes"),
    }
    return [("sqs", "SendMessage", parameters)]


def _data(parcel: Parcel) -> bytes:
    if parcel.options.get("Encoding") == "base64":
        return base64.b64decode(parcel.body)
    return parcel.body.encode()


def _to_stream(parcel: Parcel, arn: Arn, _now_ms: int) -> list[_Call]:
    parameters = {
        "StreamName": arn.resource.partition("/")[2],
        "Data": _data(parcel),
        "PartitionKey": parcel.options.get("PartitionKey") or str(uuid.uuid4()),
    }
    return [("kinesis", "PutRecord", parameters)]


def _to_firehose(parcel: Parcel, arn: Arn, _now_ms: int) -> list[_Call]:
    name = arn.resource.partition("/")[2]
    return [("firehose", "PutRecord", {"DeliveryStreamName": name, "Record": {"Data": _data(parcel)}})]


def _to_state_machine(parcel: Parcel, _arn: Arn, _now_ms: int) -> list[_Call]:
    parameters = {"stateMachineArn": parcel.target_arn, "input": parcel.body}
    if "ExecutionName" in parcel.options:
        parameters["name"] = parcel.options["ExecutionName"]
    return [("stepfunctions", "StartExecution", parameters)]


def _to_bucket(parcel: Parcel, arn: Arn, _now_ms: int) -> list[_Call]:
    bucket, _, path = arn.resource.partition("/")
    key = parcel.options.get("Key") or f"{path}{uuid.uuid4()}"
    parameters = {
        "Bucket": bucket,
        "Key": key,
        "Body": parcel.body.encode(),
        "ContentType": "application/json",
    }
    return [("s3", "PutObject", parameters)]


def _to_log_group(parcel: Parcel, arn: Arn, now_ms: int) -> list[_Call]:
    if arn.account != parcel.account:
        raise Undeliverable(
            "NO_PERMISSIONS",
            f"{parcel.target_arn} is a log group of another account",
            "AccessDeniedException",
        )
    group = arn.resource.removeprefix("log-group:").removesuffix(":*")
    stream = str(parcel.options.get("LogStream") or uuid.uuid4())
    event = {"timestamp": now_ms, "message": parcel.body}
    return [
        ("logs", "CreateLogStream", {"logGroupName": group, "logStreamName": stream}),
        ("logs", "PutLogEvents", {"logGroupName": group, "logStreamName": stream, "logEvents": [event]}),
    ]


def _to_bus(parcel: Parcel, _arn: Arn, _now_ms: int) -> list[_Call]:
    options = parcel.options
    entry: dict[str, Any] = {
        "EventBusName": parcel.target_arn,
        "Source": options.get("Source", ""),
        "DetailType": options.get("DetailType", ""),
        "Detail": parcel.body,
    }
    if "Resources" in options:
        entry["Resources"] = options["Resources"]
    return [("events", "PutEvents", {"Entries": [entry]})]


_KINDS: Final[dict[str, Callable[[Parcel, Arn, int], list[_Call]]]] = {
    "sns": _to_topic,
    "sqs": _to_queue,
    "kinesis": _to_stream,
    "firehose": _to_firehose,
    "states": _to_state_machine,
    "s3": _to_bucket,
    "logs": _to_log_group,
    "events": _to_bus,
}


def _failure(answer: ServiceAnswer) -> Undeliverable:
    code, message = error_of(answer)
    if code:
        text = f"{code}: {message}" if message else code
    else:
        text = message or f"the service answered with status {answer.status}"
    again = answer.status >= 500 or answer.status == 429 or _AGAIN.search(code) is not None
    for known, reason in _REASONS:
        if known.search(code):
            return Undeliverable(reason, text, code, again=again)
    if answer.status == 501:
        return Undeliverable("SDK_CLIENT_ERROR", text, code)
    return Undeliverable("INTERNAL_ERROR" if again else "ERROR_FROM_TARGET", text, code, again=again)


def _check_entries(answer: ServiceAnswer) -> None:
    """Raise Undeliverable when the bus has not taken the event: that is said in an answer with 200."""
    document = msgspec.json.decode(answer.body, type=dict[str, Any])
    for entry in document.get("Entries") or ():
        code = entry.get("ErrorCode")
        if code:
            again = _AGAIN.search(code) is not None
            reason = next((reason for known, reason in _REASONS if known.search(code)), "ERROR_FROM_TARGET")
            raise Undeliverable(reason, f"{code}: {entry.get('ErrorMessage')}", code, again=again)
