"""How requests name log groups, and how answers name them: names and ARNs; the errors about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.errors import ServiceError
from lambent.observe import LogGroupNotFound

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.observe import LogGroup, LogStore


def invalid(message: str) -> ServiceError:
    """400 InvalidParameterException."""
    return ServiceError("InvalidParameterException", message)


def no_group() -> ServiceError:
    """400 ResourceNotFoundException about a group."""
    return ServiceError("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> ServiceError:
    """400 ResourceNotFoundException about a stream."""
    return ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")


def group_arn(context: RequestContext, group: LogGroup) -> str:
    """Without the `:*` that DescribeLogGroups adds in its `arn`."""
    return f"arn:{context.partition}:logs:{group.region}:{group.account}:log-group:{group.name}"


def find_group(store: LogStore, context: RequestContext, name: str) -> LogGroup:
    """Raises ResourceNotFoundException."""
    try:
        return store.find_group(context.account, context.region, name)
    except LogGroupNotFound:
        raise no_group() from None


def requested_group(store: LogStore, context: RequestContext, request: dict[str, Any]) -> LogGroup:
    """The group of a request with `logGroupName` or `logGroupIdentifier` (a name or an ARN)."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if name is not None and identifier is not None:
        raise ServiceError(
            "ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters."
        )
    if name is None and identifier is None:
        raise ServiceError("ValidationException", "Either LogGroup name or LogGroup ARN must be specified.")
    if name is not None:
        return find_group(store, context, name)
    assert identifier is not None
    return group_of_identifier(store, context, identifier)


def group_of_identifier(store: LogStore, context: RequestContext, identifier: str) -> LogGroup:
    """The group that a name or an ARN, with or without `:*`, stands for."""
    if not identifier.startswith("arn:"):
        return find_group(store, context, identifier)
    parts = identifier.split(":", 6)
    if len(parts) < 7 or parts[2] != "logs" or parts[5] != "log-group":
        raise invalid(f"Invalid resource ARN: {identifier}")
    try:
        return store.find_group(parts[4], parts[3], parts[6].removesuffix(":*"))
    except LogGroupNotFound:
        raise no_group() from None
