"""What a schedule calls: checks of targets, and the parcel of one time that has come.

Templated targets are named by the ARN of a resource, universal ones by `arn:aws:scheduler:::aws-sdk:service:apiAction`
("Managing targets in EventBridge Scheduler"). Dead letters are those of "Configuring a schedule's dead-letter queue":
the request that was not taken, and the target in its universal form.
"""

from __future__ import annotations

import os
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from lambent.clock import time_text
from lambent.events.deliveries.parcel import Parcel, Retry
from lambent.events.schedules.errors import InvalidSchedule

if TYPE_CHECKING:
    from collections.abc import Callable

PRINCIPAL: Final = "scheduler.amazonaws.com"
MAX_INPUT_BYTES: Final = 262_144

_UNIVERSAL: Final = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:([a-z0-9-]+):([a-zA-Z][a-zA-Z0-9]*)")
_ARN: Final = re.compile(r"arn:aws[a-z-]*:([a-z0-9-]+):([a-z0-9-]*):(\d{12}):(\S+)")
_BAD_ARN: Final = "Provided Arn is not in correct format."
# "Unsupported actions" of universal targets.
_READING: Final = re.compile(
    r"get|describe|list|poll|receive|search|scan|query|select|read|lookup|discover|validate|batchGet|batchDescribe"
    r"|batchRead|transactGet|adminGet|adminList|testMigration|retrieve|testConnection|translateDocument|isAuthorized"
    r"|invokeModel"
)
# Services are named in universal ARNs as the SDK for Java names them.
_BOTOCORE: Final = {
    "sfn": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "cognitoidentity": "cognito-identity",
    "dynamodbstreams": "dynamodbstreams",
}
# Members of their inputs begin with a small letter, but with a capital in universal targets.
_SMALL: Final = frozenset({"stepfunctions", "logs", "ecs", "ecr"})
# Templated targets: the operation that each is, in its universal form.
_TEMPLATES: Final = {
    "sqs": "sqs:sendMessage",
    "lambda": "lambda:invoke",
    "events": "eventbridge:putEvents",
    "sns": "sns:publish",
    "states": "sfn:startExecution",
    "kinesis": "kinesis:putRecord",
    "firehose": "firehose:putRecord",
    "ecs": "ecs:runTask",
    "codebuild": "codebuild:startBuild",
    "codepipeline": "codepipeline:startPipelineExecution",
    "inspector": "inspector:startAssessmentRun",
    "sagemaker": "sagemaker:startPipelineExecution",
}
_JSON_ONLY: Final = frozenset({"lambda", "states", "events"})
_PARAMETERS: Final = {
    "events": "EventBridgeParameters",
    "kinesis": "KinesisParameters",
    "ecs": "EcsParameters",
}


def check_target(target: dict[str, Any]) -> None:
    """Refuse what cannot be a target. Raises InvalidSchedule."""
    text = target.get("Input")
    if text is not None and len(text.encode()) > MAX_INPUT_BYTES:
        raise InvalidSchedule(f"The Input of a Target can have at most {MAX_INPUT_BYTES} bytes.")
    universal = _UNIVERSAL.fullmatch(target["Arn"])
    if universal is not None:
        if _READING.match(universal[2][0].lower() + universal[2][1:]):
            raise InvalidSchedule(
                f"The operation {universal[1]}:{universal[2]} reads: it cannot be a target."
            )
        if not isinstance(_decoded(text or "{}"), dict):
            raise InvalidSchedule("The Input of a universal Target must be a JSON object.")
        return
    found = _ARN.fullmatch(target["Arn"])
    service = found[1] if found is not None else ""
    if found is None or service not in _TEMPLATES:
        raise InvalidSchedule(_BAD_ARN)
    resource = found[4]
    if (service == "events" and not resource.startswith("event-bus/")) or (
        service == "lambda" and not resource.startswith("function:")
    ):
        raise InvalidSchedule(_BAD_ARN)
    parameters = _PARAMETERS.get(service)
    if parameters is not None and not target.get(parameters):
        raise InvalidSchedule(f"A Target of the service {service} needs {parameters}.")
    if (
        service == "sqs"
        and resource.endswith(".fifo")
        and not target.get("SqsParameters", {}).get("MessageGroupId")
    ):
        raise InvalidSchedule("A Target that is a FIFO queue needs a MessageGroupId in SqsParameters.")
    if service in _JSON_ONLY and text is not None and _decoded(text) is _INVALID:
        raise InvalidSchedule(f"The Input of a Target of the service {service} must be well-formed JSON.")


_INVALID: Final = object()


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return _INVALID


def parcel(target: dict[str, Any], *, account: str, region: str, schedule_arn: str, due_ms: int) -> Parcel:
    """What goes to a target at the time `due_ms`."""
    time = time_text(due_ms)
    execution = os.urandom(8).hex()
    arn = target["Arn"]
    text = target.get("Input")
    universal = _UNIVERSAL.fullmatch(arn)
    if text is None:
        text = "{}" if universal is not None else _notification(account, region, schedule_arn, time)
    elif "<aws.scheduler." in text:
        text = (
            text.replace("<aws.scheduler.schedule-arn>", schedule_arn)
            .replace("<aws.scheduler.scheduled-time>", time)
            .replace("<aws.scheduler.execution-id>", execution)
            .replace("<aws.scheduler.attempt-number>", "1")
        )
    if universal is not None:
        service = _BOTOCORE.get(universal[1], universal[1])
        options: dict[str, Any] = {
            "service": service,
            "operation": universal[2][0].upper() + universal[2][1:],
        }
        body = _small(text) if service in _SMALL else text
    else:
        service = arn.split(":", 3)[2]
        options = _options(service, target)
        body = text
    retry = target.get("RetryPolicy") or {}
    made = Parcel(
        target_arn=arn,
        body=body,
        account=account,
        region=region,
        principal=PRINCIPAL,
        source_arn=schedule_arn,
        role_arn=target["RoleArn"],
        options=options,
        retry=Retry(
            max_age_s=retry.get("MaximumEventAgeInSeconds", 86_400),
            max_attempts=retry.get("MaximumRetryAttempts", 185),
        ),
    )
    dead_letter_arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    if dead_letter_arn is None:
        return made
    named, undelivered = arn, text
    if universal is None:
        named = f"arn:{arn.split(':', 2)[1]}:scheduler:::aws-sdk:{_TEMPLATES[service]}"
        if service in _REQUESTS:
            undelivered = msgspec.json.encode(_REQUESTS[service](arn, text, options)).decode()
    return replace(
        made,
        dead_letter_arn=dead_letter_arn,
        dead_letter_attributes={
            "EXECUTION_ID": execution,
            "IS_PAYLOAD_TRUNCATED": "false",
            "SCHEDULED_TIME": time,
            "SCHEDULE_ARN": schedule_arn,
            "TARGET_ARN": named,
        },
        dead_letter_body=undelivered,
    )


def _options(service: str, target: dict[str, Any]) -> dict[str, Any]:
    if service == "sqs" and target.get("SqsParameters", {}).get("MessageGroupId"):
        return {"MessageGroupId": target["SqsParameters"]["MessageGroupId"]}
    if service == "events":
        return dict(target["EventBridgeParameters"])
    if service == "kinesis":
        return dict(target["KinesisParameters"])
    return {}


def _notification(account: str, region: str, schedule_arn: str, time: str) -> str:
    """What a templated target without an input gets; its detail is text, as on AWS."""
    return msgspec.json.encode(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": account,
            "time": time,
            "region": region,
            "resources": [schedule_arn],
            "detail": "{}",
        }
    ).decode()


def _small(text: str) -> str:
    """An input with members that begin with a small letter."""

    def small(value: Any) -> Any:
        if isinstance(value, dict):
            return {name[:1].lower() + name[1:]: small(each) for name, each in value.items()}
        return [small(each) for each in value] if isinstance(value, list) else value

    value = _decoded(text)
    return text if value is _INVALID else msgspec.json.encode(small(value)).decode()


def _send_message(arn: str, text: str, options: dict[str, Any]) -> dict[str, Any]:
    _, _, _, region, account, name = arn.split(":", 5)
    url = f"https://sqs.{region}.amazonaws.com/{account}/{name}"
    return {"MessageBody": text, "QueueUrl": url, **options}


_REQUESTS: Final[dict[str, Callable[[str, str, dict[str, Any]], dict[str, Any]]]] = {
    "sqs": _send_message,
    "lambda": lambda arn, text, _: {"FunctionName": arn, "InvocationType": "Event", "Payload": text},
    "sns": lambda arn, text, _: {"TopicArn": arn, "Message": text},
    "states": lambda arn, text, _: {"StateMachineArn": arn, "Input": text},
    "events": lambda arn, text, options: {"Entries": [{**options, "EventBusName": arn, "Detail": text}]},
    "kinesis": lambda arn, text, options: {"StreamARN": arn, "Data": text, **options},
}
"""What the operations of templated targets are called with, as dead letters show it."""
