"""Operations on log groups: create, describe, delete, retention, tags."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from lambent.aws.errors import ServiceError
from lambent.aws.logs.names import find_group, group_arn, group_of_identifier, invalid
from lambent.observe import LogGroupExists

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.observe import LogGroup, LogStore

PAGE: Final = 50
MAX_TAGS: Final = 50
# fmt: off
RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
    1096, 1827, 2192, 2557, 2922, 3288, 3653,
)
# fmt: on


def page_token(*parts: str) -> str:
    """An opaque nextToken."""
    return base64.urlsafe_b64encode("\n".join(parts).encode()).decode()


def token_parts(token: str, count: int) -> list[str]:
    """What `page_token` was given. Raises InvalidParameterException for any other token."""
    try:
        parts = base64.urlsafe_b64decode(token).decode().split("\n")
    except (binascii.Error, ValueError):
        parts = []
    if len(parts) != count:
        raise invalid("The specified nextToken is invalid.")
    return parts


class GroupOperations:
    """A part of `LogsService`."""

    _store: LogStore

    async def create_log_group(self, context: RequestContext, request: dict[str, Any]) -> None:
        try:
            await self._store.create_group(
                context.account,
                context.region,
                request["logGroupName"],
                tags=request.get("tags"),
                log_class=request.get("logGroupClass", "STANDARD"),
                kms_key=request.get("kmsKeyId"),
            )
        except LogGroupExists:
            raise ServiceError(
                "ResourceAlreadyExistsException", "The specified log group already exists"
            ) from None

    async def delete_log_group(self, context: RequestContext, request: dict[str, Any]) -> None:
        await self._store.delete_group(find_group(self._store, context, request["logGroupName"]))

    async def describe_log_groups(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
        if prefix and pattern:
            raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
        wanted_class = request.get("logGroupClass")
        groups = [
            group
            for group in self._store.groups(context.account, context.region)
            if (not prefix or group.name.startswith(prefix))
            and (not pattern or pattern in group.name)
            and (wanted_class is None or group.log_class == wanted_class)
        ]
        if "logGroupIdentifiers" in request:
            wanted = {
                group_of_identifier(self._store, context, name) for name in request["logGroupIdentifiers"]
            }
            groups = [group for group in groups if group in wanted]
        if "nextToken" in request:
            (after,) = token_parts(request["nextToken"], 1)
            groups = [group for group in groups if group.name > after]
        limit = request.get("limit", PAGE)
        shown = groups[:limit]
        return {
            "logGroups": [_described(context, group) for group in shown],
            "nextToken": page_token(shown[-1].name) if len(groups) > limit else None,
        }

    async def put_retention_policy(self, context: RequestContext, request: dict[str, Any]) -> None:
        days = request["retentionInDays"]
        if days not in RETENTION_DAYS:
            allowed = ", ".join(map(str, RETENTION_DAYS))
            raise invalid(
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy"
                f" constraint: Member must satisfy enum value set: [{allowed}]"
            )
        await self._store.set_retention(find_group(self._store, context, request["logGroupName"]), days)

    async def delete_retention_policy(self, context: RequestContext, request: dict[str, Any]) -> None:
        await self._store.set_retention(find_group(self._store, context, request["logGroupName"]), None)

    async def tag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        group = group_of_identifier(self._store, context, request["resourceArn"])
        await self._tag(group, request["tags"])

    async def untag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        group = group_of_identifier(self._store, context, request["resourceArn"])
        await self._untag(group, request["tagKeys"])

    async def list_tags_for_resource(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        return {"tags": group_of_identifier(self._store, context, request["resourceArn"]).tags}

    async def tag_log_group(self, context: RequestContext, request: dict[str, Any]) -> None:
        await self._tag(find_group(self._store, context, request["logGroupName"]), request["tags"])

    async def untag_log_group(self, context: RequestContext, request: dict[str, Any]) -> None:
        await self._untag(find_group(self._store, context, request["logGroupName"]), request["tags"])

    async def list_tags_log_group(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        return {"tags": find_group(self._store, context, request["logGroupName"]).tags}

    async def _tag(self, group: LogGroup, tags: dict[str, str]) -> None:
        merged = {**group.tags, **tags}
        if len(merged) > MAX_TAGS:
            raise ServiceError("TooManyTagsException", f"A resource can have no more than {MAX_TAGS} tags.")
        await self._store.set_tags(group, merged)

    async def _untag(self, group: LogGroup, keys: list[str]) -> None:
        await self._store.set_tags(
            group, {key: value for key, value in group.tags.items() if key not in keys}
        )


def _described(context: RequestContext, group: LogGroup) -> dict[str, Any]:
    arn = group_arn(context, group)
    return {
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "retentionInDays": group.retention_days,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "storedBytes": group.stored_bytes,
        "kmsKeyId": group.kms_key,
        "logGroupClass": group.log_class,
        "logGroupArn": arn,
    }
