"""The attributes of queues by the names that SQS gives them: from texts to settings and back.

Ranges and defaults are those of CreateQueue and SetQueueAttributes in the API reference of SQS; the words of
refusals are recorded ones where there are any.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from lambent.events.queues.errors import InvalidAttributeName, InvalidAttributeValue, InvalidParameter
from lambent.events.queues.settings import QueueSettings, RedriveAllowPolicy, RedrivePolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambent.events.queues.queue import Queue

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo")
_ARN: Final = re.compile(r"arn:aws[a-zA-Z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+")

# Attribute: (member, lowest, highest).
_NUMBERS: Final = {
    "VisibilityTimeout": ("visibility_s", 0, 43_200),
    "DelaySeconds": ("delay_s", 0, 900),
    "MessageRetentionPeriod": ("retention_s", 60, 1_209_600),
    "MaximumMessageSize": ("maximum_bytes", 1_024, 1_048_576),
    "ReceiveMessageWaitTimeSeconds": ("wait_s", 0, 20),
    "KmsDataKeyReusePeriodSeconds": ("kms_reuse_s", 60, 86_400),
}
_FIFO_ONLY: Final = {
    "ContentBasedDeduplication": "Unknown Attribute ContentBasedDeduplication.",
    "DeduplicationScope": "You can specify the DeduplicationScope only when FifoQueue is set to true.",
    "FifoThroughputLimit": "You can specify the FifoThroughputLimit only when FifoQueue is set to true.",
}
_CHOICES: Final = {
    "DeduplicationScope": ("deduplication_scope", ("queue", "messageGroup")),
    "FifoThroughputLimit": ("throughput_limit", ("perQueue", "perMessageGroupId")),
}
_ONE_ENCRYPTION: Final = (
    "You can use one type of server-side encryption (SSE) at one time."
    " You can either enable KMS SSE or SQS SSE."
)
_SCOPE_NEEDED: Final = (
    "FifoThroughputLimit can be set to perMessageGroupId only when DeduplicationScope is set to messageGroup"
)


def check_name(name: str, attributes: Mapping[str, str]) -> bool:
    """Whether a queue of this name is FIFO. Raises InvalidParameter, InvalidAttributeName."""
    wanted = attributes.get("FifoQueue")
    if wanted is not None and wanted.lower() not in ("true", "false"):
        raise InvalidAttributeValue("Invalid value for the parameter FifoQueue.")
    if wanted is not None and wanted.lower() == "true":
        if not _FIFO_NAME.fullmatch(name):
            raise InvalidParameter(
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores,"
                " must end with .fifo suffix and be 1 to 80 in length."
            )
        return True
    if not _NAME.fullmatch(name):
        raise InvalidParameter(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
    if wanted is not None:
        raise InvalidAttributeName("Unknown Attribute FifoQueue.")
    return False


def applied(settings: QueueSettings, attributes: Mapping[str, str], *, fifo: bool) -> QueueSettings:
    """Settings with these attributes set. Raises InvalidAttributeName, InvalidAttributeValue, InvalidParameter."""
    changes: dict[str, Any] = {}
    for name, value in attributes.items():
        if name == "FifoQueue":
            _keep_kind(value, fifo=fifo)
            continue
        if not fifo and name in _FIFO_ONLY:
            raise InvalidAttributeName(_FIFO_ONLY[name])
        if name in _NUMBERS:
            member, lowest, highest = _NUMBERS[name]
            changes[member] = _number(name, value, lowest, highest)
        elif name in _CHOICES:
            member, allowed = _CHOICES[name]
            if value not in allowed:
                raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")
            changes[member] = value
        elif name in _OTHERS:
            changes.update(_OTHERS[name](value))
        else:
            raise InvalidAttributeName(f"Unknown Attribute {name}.")
    if changes.get("kms_key"):
        if changes.get("managed_encryption"):
            raise InvalidAttributeName(_ONE_ENCRYPTION)
        changes["managed_encryption"] = False
    elif changes.get("managed_encryption"):
        changes["kms_key"] = ""
        changes["kms_reuse_s"] = None
    new = replace(settings, **changes)
    if new.throughput_limit == "perMessageGroupId" and new.deduplication_scope != "messageGroup":
        raise InvalidAttributeValue(_SCOPE_NEEDED)
    return new


def named(settings: QueueSettings, *, fifo: bool) -> dict[str, str]:
    """Settings as attributes: what GetQueueAttributes tells of them."""
    attributes = {name: str(getattr(settings, member)) for name, (member, _, _) in _NUMBERS.items()}
    if settings.kms_key:
        attributes["KmsMasterKeyId"] = settings.kms_key
        if settings.kms_reuse_s is None:
            attributes["KmsDataKeyReusePeriodSeconds"] = "300"
    else:
        del attributes["KmsDataKeyReusePeriodSeconds"]
    attributes["SqsManagedSseEnabled"] = _lower(settings.managed_encryption)
    texts = {
        "Policy": settings.policy,
        "RedrivePolicy": settings.redrive_text,
        "RedriveAllowPolicy": settings.redrive_allow_text,
    }
    attributes.update({name: text for name, text in texts.items() if text})
    if fifo:
        attributes["FifoQueue"] = "true"
        attributes["ContentBasedDeduplication"] = _lower(settings.content_deduplication)
        attributes["DeduplicationScope"] = settings.deduplication_scope
        attributes["FifoThroughputLimit"] = settings.throughput_limit
    return attributes


def described(queue: Queue) -> dict[str, str]:
    """Everything that GetQueueAttributes tells."""
    visible, flying, delayed = queue.counts()
    return {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(visible),
        "ApproximateNumberOfMessagesNotVisible": str(flying),
        "ApproximateNumberOfMessagesDelayed": str(delayed),
        "CreatedTimestamp": str(queue.created_ms // 1000),
        "LastModifiedTimestamp": str(queue.modified_ms // 1000),
        **named(queue.settings, fifo=queue.fifo),
    }


def difference(old: QueueSettings, new: QueueSettings, attributes: Mapping[str, str], *, fifo: bool) -> str:
    """The first of `attributes` in which settings differ, "" when they do not."""
    before, after = named(old, fifo=fifo), named(new, fifo=fifo)
    return next((name for name in attributes if before.get(name) != after.get(name)), "")


def _lower(value: bool) -> str:
    return "true" if value else "false"


def _keep_kind(value: str, *, fifo: bool) -> None:
    if not fifo:
        raise InvalidAttributeName("Unknown Attribute FifoQueue.")
    if value.lower() != "true":
        raise InvalidAttributeValue(
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
        )


def _number(name: str, value: str, lowest: int, highest: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = lowest - 1
    if not lowest <= number <= highest:
        raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")
    return number


def _switch(name: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")
    return value.lower() == "true"


def _document(value: str) -> dict[str, Any] | None:
    """A map in JSON; None for anything else."""
    try:
        document = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _policy(value: str) -> dict[str, Any]:
    if value:
        document = _document(value)
        statements = [] if document is None else document.get("Statement", [])
        listed = statements if isinstance(statements, list) else [statements]
        if document is None or not all(_is_statement(one) for one in listed):
            raise InvalidAttributeValue("Invalid value for the parameter Policy.")
    return {"policy": value}


def _is_statement(statement: object) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        return False
    conditions = statement.get("Condition") or {}
    return isinstance(conditions, dict) and all(isinstance(one, dict) for one in conditions.values())


def _key(value: str) -> dict[str, Any]:
    if not value.isascii():
        raise InvalidAttributeValue("Invalid value for the parameter KmsMasterKeyId.")
    return {"kms_key": value}


def _redrive(value: str) -> dict[str, Any]:
    """`{"deadLetterTargetArn": …, "maxReceiveCount": 1 to 1000, as a number or a text}`; empty for none."""
    if not value:
        return {"redrive": None, "redrive_text": ""}

    def refuse(reason: str) -> InvalidParameter:
        return InvalidParameter(f"Value {value} for parameter RedrivePolicy is invalid. Reason: {reason}")

    document = _document(value)
    if document is None:
        raise refuse("Redrive policy is not a valid JSON map.")
    for member in ("maxReceiveCount", "deadLetterTargetArn"):
        if member not in document:
            raise refuse(f"Redrive policy does not contain mandatory attribute: {member}.")
    try:
        count = int(document["maxReceiveCount"])
    except (TypeError, ValueError, OverflowError):
        count = 0
    if not 1 <= count <= 1000:
        raise refuse(
            f"Invalid value for maxReceiveCount: {document['maxReceiveCount']}, valid values are from 1 to 1000"
            " both inclusive."
        )
    arn = document["deadLetterTargetArn"]
    if not isinstance(arn, str) or not _ARN.fullmatch(arn):
        raise refuse("Invalid value for deadLetterTargetArn.")
    if not isinstance(document["maxReceiveCount"], int):
        value = msgspec.json.encode({**document, "maxReceiveCount": count}).decode()
    return {"redrive": RedrivePolicy(arn, count), "redrive_text": value}


def _redrive_allow(value: str) -> dict[str, Any]:
    """`{"redrivePermission": "allowAll" | "denyAll" | "byQueue", "sourceQueueArns": [1 to 10]}`."""
    if not value:
        return {"redrive_allow": None, "redrive_allow_text": ""}

    def refuse(reason: str) -> InvalidParameter:
        return InvalidParameter(
            f"Value {value} for parameter RedriveAllowPolicy is invalid. Reason: {reason}"
        )

    document = _document(value)
    if document is None:
        raise refuse("Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.")
    permission = document.get("redrivePermission")
    sources = document.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue"):
        raise refuse("Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.")
    if permission == "byQueue":
        if not isinstance(sources, list) or not 1 <= len(sources) <= 10:
            raise refuse("Redrive allow policy must have 1 to 10 sourceQueueArns with byQueue.")
    elif sources:
        raise refuse("Redrive allow policy can have sourceQueueArns only with byQueue.")
    allow = RedriveAllowPolicy(permission, tuple(str(one) for one in sources or ()))
    return {"redrive_allow": allow, "redrive_allow_text": value}


_OTHERS: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "Policy": _policy,
    "RedrivePolicy": _redrive,
    "RedriveAllowPolicy": _redrive_allow,
    "KmsMasterKeyId": _key,
    "SqsManagedSseEnabled": lambda value: {"managed_encryption": _switch("SqsManagedSseEnabled", value)},
    "ContentBasedDeduplication": lambda value: {
        "content_deduplication": _switch("ContentBasedDeduplication", value)
    },
}
