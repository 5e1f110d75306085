"""Operations on subscription filters: put, describe, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.aws.errors import ServiceError
from lambent.aws.logs.conditions import PatternError
from lambent.aws.logs.groups import PAGE, page_token, token_parts
from lambent.aws.logs.names import find_group, invalid, no_group
from lambent.aws.logs.patterns import compile_pattern
from lambent.observe import FilterNotFound, LogGroupNotFound, TooManyFilters

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.aws.context import RequestContext
    from lambent.observe import LogGroup, LogStore, SubscriptionFilter

    Refusal = Callable[[LogGroup, str, str | None], Awaitable[str | None]]
    """Why a destination (with a role) cannot be that of a filter of the group; None where it can."""

_STREAMS: Final = ("kinesis", "firehose")
_BY_STREAM: Final = "ByLogStream"


class SubscriptionOperations:
    """A part of `LogsService`."""

    _store: LogStore
    _refusal: Refusal | None

    async def put_subscription_filter(self, context: RequestContext, request: dict[str, Any]) -> None:
        group = find_group(self._store, context, request["logGroupName"])
        destination, role = request["destinationArn"], request.get("roleArn")
        _check(request, group)
        try:
            compile_pattern(request["filterPattern"])
        except PatternError:
            raise invalid("Invalid filter pattern") from None
        if self._refusal is not None:
            refusal = await self._refusal(group, destination, role)
            if refusal is not None:
                raise invalid(refusal)
        try:
            await self._store.filters.put(
                group,
                request["filterName"],
                request["filterPattern"],
                destination,
                role,
                request.get("distribution", _BY_STREAM),
            )
        except TooManyFilters:
            raise ServiceError("LimitExceededException", "Resource limit exceeded.") from None
        except LogGroupNotFound:
            raise no_group() from None

    async def describe_subscription_filters(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        group = find_group(self._store, context, request["logGroupName"])
        after = token_parts(request["nextToken"], 1)[0] if "nextToken" in request else ""
        prefix = request.get("filterNamePrefix", "")
        found = [one for one in group.subscriptions if one.name.startswith(prefix) and one.name > after]
        page = found[: request.get("limit", PAGE)]
        answer: dict[str, Any] = {"subscriptionFilters": [_described(group, one) for one in page]}
        if len(found) > len(page):
            answer["nextToken"] = page_token(page[-1].name)
        return answer

    async def delete_subscription_filter(self, context: RequestContext, request: dict[str, Any]) -> None:
        group = find_group(self._store, context, request["logGroupName"])
        try:
            await self._store.filters.delete(group, request["filterName"])
        except FilterNotFound:
            raise ServiceError(
                "ResourceNotFoundException", "The specified subscription filter does not exist."
            ) from None


def _check(request: dict[str, Any], group: LogGroup) -> None:
    """Raises ServiceError for what no destination is asked about."""
    if group.log_class != "STANDARD":
        raise ServiceError(
            "InvalidOperationException",
            f"Log groups of the class {group.log_class} have no subscription filters.",
        )
    for member in ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFields"):
        if request.get(member):
            raise invalid(f"{member} is not supported by Lambent: leave it out.")
    parts = request["destinationArn"].split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        raise invalid(f"Invalid destination ARN: {request['destinationArn']}")
    vendor = parts[2]
    if vendor == "logs":
        raise invalid(
            "Logical destinations are not supported by Lambent: name a function, a Kinesis stream or a Firehose stream."
        )
    if vendor != "lambda" and vendor not in _STREAMS:
        raise invalid(f"PutSubscriptionFilter operation cannot work with destinationArn for vendor {vendor}")
    if vendor == "lambda" and "roleArn" in request:
        raise invalid("destinationArn for vendor lambda cannot be used with roleArn")
    if vendor in _STREAMS and "roleArn" not in request:
        raise invalid(f"destinationArn for vendor {vendor} cannot be used without roleArn")


def _described(group: LogGroup, one: SubscriptionFilter) -> dict[str, Any]:
    return {
        "filterName": one.name,
        "logGroupName": group.name,
        "filterPattern": one.pattern,
        "destinationArn": one.destination_arn,
        "roleArn": one.role_arn,
        "distribution": one.distribution,
        "applyOnTransformedLogs": False,
        "creationTime": one.created_ms,
    }
