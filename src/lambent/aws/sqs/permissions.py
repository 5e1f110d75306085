"""AddPermission and RemovePermission: the queue's policy as a list of labelled permissions.

TestSqsProvider::test_sqs_permission_lifecycle shows the documents and the refusals.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.aws.errors import ServiceError
from lambent.aws.sqs.errors import invalid_value, missing
from lambent.functions.names import partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.events.queues import Queue

_MOST_ACTIONS: Final = 7
_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT: Final = re.compile(r"\d{12}")
# What owners can let others do: "Amazon SQS API permissions" of the developer guide.
_SHARED: Final = frozenset(
    {
        "*",
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
    }
)
_OWNERS: Final = frozenset(
    {
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueueTags",
        "ListQueues",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    }
)


def with_permission(
    queue: Queue, label: str | None, accounts: Sequence[str] | None, actions: Sequence[str] | None
) -> str:
    """The queue's policy with one permission more. ServiceError."""
    _check_label(label)
    if not actions:
        raise missing("Actions")
    if len(actions) > _MOST_ACTIONS:
        raise ServiceError(
            "OverLimit",
            f"{len(actions)} Actions were found, maximum allowed is {_MOST_ACTIONS}.",
            status=403,
        )
    for action in actions:
        if action in _OWNERS:
            raise invalid_value(
                f"SQS:{action}", "ActionName", "Only the queue owner is allowed to invoke this action."
            )
        if action not in _SHARED:
            raise invalid_value(
                f"SQS:{action}",
                "ActionName",
                "Please refer to the appropriate WSDL for a list of valid actions. ",
            )
    if not accounts or not all(_ACCOUNT.fullmatch(account) for account in accounts):
        raise invalid_value(f"[{', '.join(accounts or ())}]", "PrincipalId", "Unable to verify.")
    document = _document(queue)
    if any(one.get("Sid") == label for one in document["Statement"]):
        raise invalid_value(label, "Label", "Already exists.")
    partition = partition_of(queue.region)
    principals = [f"arn:{partition}:iam::{account}:root" for account in accounts]
    named = [f"SQS:{action}" for action in actions]
    document["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
            "Action": named[0] if len(named) == 1 else named,
            "Resource": queue.arn,
        }
    )
    return msgspec.json.encode(document).decode()


def without_permission(queue: Queue, label: str | None) -> str:
    """The queue's policy without the permission of that label; "" when nothing is left. ServiceError."""
    _check_label(label)
    document = _document(queue)
    left = [one for one in document["Statement"] if one.get("Sid") != label]
    if len(left) == len(document["Statement"]):
        raise invalid_value(label, "Label", "can't find label.")
    document["Statement"] = left
    return msgspec.json.encode(document).decode() if left else ""


def _check_label(label: str | None) -> None:
    if not label:
        raise missing("Label")
    if _LABEL.fullmatch(label) is None:
        raise invalid_value(
            label,
            "Label",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )


def _document(queue: Queue) -> dict[str, Any]:
    document: dict[str, Any]
    if queue.settings.policy:
        document = msgspec.json.decode(queue.settings.policy)
        found = document.get("Statement", [])
        document["Statement"] = list(found) if isinstance(found, list) else [found]
        return document
    return {"Version": "2008-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []}
