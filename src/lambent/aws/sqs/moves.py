"""Message-move tasks: from a queue for dead letters to where they belong.

Words and members are those that LocalStack's test_sqs_move_task recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.aws.errors import ServiceError
from lambent.aws.sqs.errors import denied, invalid_value, missing
from lambent.events.queues import QueueNotFound

if TYPE_CHECKING:
    from lambent.aws.sqs.callers import Caller
    from lambent.events.queues import Queues

_MOST_LISTED: Final = 10
_MOST_PER_SECOND: Final = 500


async def start(queues: Queues, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
    """StartMessageMoveTask. Raises ServiceError, QueueError, StoreError."""
    source = _source(queues, caller, request, "StartMessageMoveTask")
    per_second = request.get("MaxNumberOfMessagesPerSecond")
    if per_second is not None and not 1 <= per_second <= _MOST_PER_SECOND:
        raise invalid_value(
            per_second,
            "MaxNumberOfMessagesPerSecond",
            f"Must be between 1 and {_MOST_PER_SECOND}.",
        )
    handle = await queues.moves.start(source, request.get("DestinationArn") or None, per_second)
    return {"TaskHandle": handle}


async def cancel(queues: Queues, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
    """CancelMessageMoveTask. Raises ServiceError, QueueError, StoreError."""
    handle = request.get("TaskHandle")
    if not handle:
        raise missing("TaskHandle")
    return {"ApproximateNumberOfMessagesMoved": await queues.moves.cancel(caller.account, handle)}


def listed(queues: Queues, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
    """ListMessageMoveTasks. A task can be cancelled, and shows its handle, while it runs. Raises ServiceError."""
    source = _source(queues, caller, request, "ListMessageMoveTasks")
    most = request.get("MaxResults")
    if most is None:
        most = 1
    elif not 1 <= most <= _MOST_LISTED:
        raise invalid_value(most, "MaxResults", f"Must be between 1 and {_MOST_LISTED}.")
    return {
        "Results": [
            {
                "TaskHandle": one.handle if one.status == "RUNNING" else None,
                "Status": one.status,
                "SourceArn": one.source_arn,
                "DestinationArn": one.destination_arn,
                "MaxNumberOfMessagesPerSecond": one.per_second,
                "ApproximateNumberOfMessagesMoved": one.moved,
                "ApproximateNumberOfMessagesToMove": one.to_move,
                "FailureReason": one.failure or None,
                "StartedTimestamp": one.started_ms,
            }
            for one in queues.moves.list(source, most)
        ]
    }


def _source(queues: Queues, caller: Caller, request: dict[str, Any], action: str) -> str:
    """The ARN of the queue whose messages are meant, which must be the caller's."""
    arn = request.get("SourceArn")
    if not arn:
        raise missing("SourceArn")
    try:
        queue = queues.by_arn(arn)
    except QueueNotFound:
        raise ServiceError(
            "ResourceNotFoundException",
            "The resource that you specified for the SourceArn parameter doesn't exist.",
            status=404,
        ) from None
    if queue.account != caller.account:
        raise denied(caller.arn, action, queue.arn)
    return queue.arn
