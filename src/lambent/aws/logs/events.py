"""Operations on log events: put, get, filter."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from lambent.aws.logs.conditions import PatternError
from lambent.aws.logs.names import find_group, invalid, no_stream, requested_group
from lambent.aws.logs.patterns import compile_pattern
from lambent.observe import NO_END, LogQuery, LogStreamNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.context import RequestContext
    from lambent.observe import LogEvent, LogGroup, LogStore

PAGE_EVENTS: Final = 10_000
BATCH_BYTES: Final = 1_048_576
EVENT_BYTES: Final = 1_048_576
EVENT_OVERHEAD: Final = 26
"""AWS counts 26 bytes an event besides its message."""

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_TOKEN: Final = re.compile(r"([fb])/(\d{1,56})(?:/s)?")


class EventOperations:
    """A part of `LogsService`."""

    _store: LogStore

    async def put_log_events(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        group = find_group(self._store, context, request["logGroupName"])
        events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
        now = int(time.time() * 1000)
        accepted, rejected = _accept(events, now, group.retention_days)
        try:
            await self._store.put_events(group, request["logStreamName"], accepted)
        except LogStreamNotFound:
            raise no_stream() from None
        return {"nextSequenceToken": f"{now:056d}", "rejectedLogEventsInfo": rejected or None}

    async def get_log_events(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        group = requested_group(self._store, context, request)
        name = request["logStreamName"]
        await self._require_stream(group, name)
        token = request.get("nextToken")
        backward, place = not request.get("startFromHead", False), None
        if token is not None:
            backward, place = _read_token(token)
        page = await self._store.events(
            group,
            LogQuery(
                start_ms=request.get("startTime", 0),
                end_ms=request["endTime"] - 1 if "endTime" in request else NO_END,
                after=place if place is not None and not backward else -1,
                before=place if backward else None,
                backward=backward,
                stream=lambda other: other == name,
                limit=request.get("limit", PAGE_EVENTS),
            ),
        )
        if page.events:
            first, last = page.events[0].position, page.events[-1].position
        elif place is None:
            first, last = 0, 0
        else:
            # Nothing further that way: the token is given back unchanged, and the other one turns round.
            first, last = (place, place - 1) if backward else (place + 1, place)
        return {
            "events": [
                {
                    "timestamp": event.timestamp_ms,
                    "message": event.message,
                    "ingestionTime": event.ingested_ms,
                }
                for event in page.events
            ],
            "nextForwardToken": _token("f", last),
            "nextBackwardToken": _token("b", first),
        }

    async def filter_log_events(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        group = requested_group(self._store, context, request)
        names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
        if names is not None and prefix is not None:
            raise invalid("Only one of logStreamNames and logStreamNamePrefix can be specified.")
        for name in names or ():
            await self._require_stream(group, name)
        try:
            match = compile_pattern(request.get("filterPattern", ""))
        except PatternError:
            raise invalid("Invalid filter pattern") from None
        backward, place = not request.get("startFromHead", True), None
        if "nextToken" in request:
            backward, place = _read_token(request["nextToken"])
        page = await self._store.events(
            group,
            LogQuery(
                start_ms=request.get("startTime", 0),
                end_ms=request.get("endTime", NO_END),
                after=place if place is not None and not backward else -1,
                before=place if backward else None,
                backward=backward,
                stream=_stream_test(names, prefix),
                match=match,
                limit=request.get("limit", PAGE_EVENTS),
            ),
        )
        events = page.events[::-1] if backward else page.events
        return {
            "events": [_filtered(event) for event in events],
            "searchedLogStreams": [],  # AWS: always empty since 2019
            "nextToken": _token("b" if backward else "f", events[-1].position) if page.more else None,
        }

    async def _require_stream(self, group: LogGroup, name: str) -> None:
        try:
            await self._store.find_stream(group, name)
        except LogStreamNotFound:
            raise no_stream() from None


def _filtered(event: LogEvent) -> dict[str, Any]:
    return {
        "logStreamName": event.stream,
        "timestamp": event.timestamp_ms,
        "message": event.message,
        "ingestionTime": event.ingested_ms,
        "eventId": f"{event.position:056d}",
    }


def _stream_test(names: list[str] | None, prefix: str | None) -> Callable[[str], bool] | None:
    if names is not None:
        return set(names).__contains__
    if prefix is not None:
        return lambda name: name.startswith(prefix)
    return None


def _token(direction: str, place: int) -> str:
    return f"{direction}/{max(place, 0):056d}/s"


def _read_token(token: str) -> tuple[bool, int]:
    """Whether it leads backward, and the position it starts at (excluded)."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise invalid("The specified nextToken is invalid.")
    return found[1] == "b", int(found[2])


def _accept(
    events: list[tuple[int, str]], now_ms: int, retention_days: int | None
) -> tuple[list[tuple[int, str]], dict[str, int]]:
    """Which events of a batch are stored, and the indexes of those that are not (RejectedLogEventsInfo).

    Raises InvalidParameterException when the batch as a whole is refused.
    """
    sizes = [len(message.encode("utf-8", "surrogatepass")) + EVENT_OVERHEAD for _, message in events]
    if sum(sizes) > BATCH_BYTES:
        raise invalid(f"Upload too large: {sum(sizes)} bytes exceeds limit of {BATCH_BYTES}")
    if max(sizes) - EVENT_OVERHEAD > EVENT_BYTES:
        raise invalid(f"Log event too large: {max(sizes)} bytes exceeds limit of {EVENT_BYTES}")
    times = [timestamp for timestamp, _ in events]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    rejected: dict[str, int] = {}
    too_old = sum(timestamp < now_ms - 14 * _DAY_MS for timestamp in times)
    expired = 0
    if retention_days is not None:
        expired = sum(timestamp < now_ms - retention_days * _DAY_MS for timestamp in times)
    too_new = sum(timestamp > now_ms + 2 * _HOUR_MS for timestamp in times)
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    if too_new:
        rejected["tooNewLogEventStartIndex"] = len(events) - too_new
    accepted = events[max(too_old, expired) : len(events) - too_new]
    if accepted and accepted[-1][0] - accepted[0][0] > _DAY_MS:
        raise invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    return accepted, rejected
