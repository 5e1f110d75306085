"""Operations on log streams: create, describe, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.errors import ServiceError
from lambent.aws.logs.groups import PAGE, page_token, token_parts
from lambent.aws.logs.names import find_group, group_arn, invalid, no_stream, requested_group
from lambent.observe import LogStreamExists, LogStreamNotFound

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.observe import LogGroup, LogStore, StreamInfo


class StreamOperations:
    """A part of `LogsService`."""

    _store: LogStore

    async def create_log_stream(self, context: RequestContext, request: dict[str, Any]) -> None:
        group = find_group(self._store, context, request["logGroupName"])
        try:
            await self._store.create_stream(group, request["logStreamName"])
        except LogStreamExists:
            raise ServiceError(
                "ResourceAlreadyExistsException", "The specified log stream already exists"
            ) from None

    async def delete_log_stream(self, context: RequestContext, request: dict[str, Any]) -> None:
        group = find_group(self._store, context, request["logGroupName"])
        try:
            await self._store.delete_stream(group, request["logStreamName"])
        except LogStreamNotFound:
            raise no_stream() from None

    async def describe_log_streams(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        group = requested_group(self._store, context, request)
        by_last_event = request.get("orderBy") == "LastEventTime"
        prefix = request.get("logStreamNamePrefix", "")
        if by_last_event and prefix:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        after = None
        if "nextToken" in request:
            last_ms, name = token_parts(request["nextToken"], 2)
            if not last_ms.isdecimal():
                raise invalid("The specified nextToken is invalid.")
            after = int(last_ms), name
        limit = request.get("limit", PAGE)
        streams = await self._store.streams(
            group,
            prefix=prefix,
            by_last_event=by_last_event,
            descending=request.get("descending", False),
            after=after,
            limit=limit + 1,
        )
        shown = streams[:limit]
        return {
            "logStreams": [_described(context, group, stream) for stream in shown],
            "nextToken": page_token(str(shown[-1].last_ms or 0), shown[-1].name)
            if len(streams) > limit
            else None,
        }


def _described(context: RequestContext, group: LogGroup, stream: StreamInfo) -> dict[str, Any]:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "firstEventTimestamp": stream.first_ms,
        "lastEventTimestamp": stream.last_ms,
        "lastIngestionTime": stream.ingested_ms,
        "arn": f"{group_arn(context, group)}:log-stream:{stream.name}",
        "storedBytes": 0,  # AWS: no longer filled since 2019
    }
