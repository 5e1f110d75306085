"""PutEvents and TestEventPattern."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.aws.events.errors import invalid, unavailable
from lambent.events.bus import NewEvent, Put
from lambent.events.bus.errors import InvalidRulePattern
from lambent.events.patterns import InvalidPattern, Pattern

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.events.bus import Buses
    from lambent.store import StoreError


class EntryOperations:
    """A part of `EventsService`."""

    _buses: Buses

    async def put_events(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        future: asyncio.Future[list[Put]] = asyncio.get_running_loop().create_future()

        def done(outcome: list[Put] | None, error: StoreError | None) -> None:
            if future.done():
                return
            if outcome is not None:
                future.set_result(outcome)
            elif error is not None:
                future.set_exception(unavailable(error))

        entries = [_read(context, entry) for entry in request["Entries"]]
        self._buses.put_events(context.account, context.region, entries, done)
        outcome = await future
        return {
            "FailedEntryCount": sum(put.event_id is None for put in outcome),
            "Entries": [
                {"EventId": put.event_id, "ErrorCode": put.code, "ErrorMessage": put.message}
                for put in outcome
            ],
        }

    async def test_event_pattern(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        try:
            pattern = Pattern.parse(request["EventPattern"])
        except InvalidPattern as error:
            raise InvalidRulePattern(error) from error
        try:
            event = msgspec.json.decode(request["Event"], type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            event = {}
        # AWS asks for more of its fields: patterns can be tried here on a part of an event.
        if "source" not in event:
            raise invalid("Parameter Event is not valid.")
        return {"Result": pattern.matches(event)}


def _read(context: RequestContext, entry: dict[str, Any]) -> NewEvent:
    time = entry.get("Time")
    return NewEvent(
        source=entry.get("Source"),
        detail_type=entry.get("DetailType"),
        detail=entry.get("Detail"),
        bus=entry.get("EventBusName"),
        resources=tuple(entry.get("Resources", ())),
        time_ms=None if time is None else int(time.timestamp() * 1000),
        trace=entry.get("TraceHeader") or context.trace,
    )
