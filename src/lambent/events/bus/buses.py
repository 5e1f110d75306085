"""Every bus of the platform: which there are, and what happens to events that are put there.

Configuration is read from memory and changed through the database. An event is accepted in the transaction that hands
it to the targets of all rules that match it, so it either reaches all of them or was never taken.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec.structs import replace

from lambent.clock import time_text
from lambent.events.bus import policy, rows
from lambent.events.bus.errors import (
    AccessDenied,
    BusExists,
    BusNotFound,
    InvalidRequest,
    SourceNotFound,
    TooMany,
)
from lambent.events.bus.event import MAX_BYTES, Event, NewEvent, Put, Refused, check, made, read
from lambent.events.bus.routes import BusRoutes
from lambent.events.bus.rule import DEFAULT, EventBus, bus_arn
from lambent.events.bus.rules import Rules
from lambent.events.complaints import Complaints
from lambent.events.deliveries.arns import parse_arn
from lambent.events.deliveries.parcel import Undeliverable
from lambent.functions.authorization import root_of
from lambent.functions.turns import Turns
from lambent.store.staged import Staged, submit, together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.clock import Clock
    from lambent.events.deliveries import Deliveries, Parcel
    from lambent.events.schedules import Timetable
    from lambent.store import Database, StoreError

    PutDone: TypeAlias = Callable[[list[Put] | None, StoreError | None], None]

MAX_TAGS: Final = 50
_INDEXED_AT_ONCE: Final = 20
"""How many patterns: about two milliseconds' work."""
_INDEX_PAUSE_MS: Final = 4
_PUT_EVENTS: Final = "events:PutEvents"

_log = logging.getLogger(__name__)


class Buses:
    """All buses. Open it with `open`; `rules` holds the operations on rules."""

    def __init__(
        self, database: Database, clock: Clock, deliveries: Deliveries, timetable: Timetable
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._buses: dict[tuple[str, str, str], BusRoutes] = {}
        self._opened_ms = clock.wall_ms()
        self._complaints = Complaints(clock, _log)
        self.turns: Turns[str] = Turns()
        self.rules = Rules(self, database, timetable)
        timetable.on("rule", self._fire)

    @classmethod
    async def open(
        cls, database: Database, clock: Clock, deliveries: Deliveries, timetable: Timetable
    ) -> Buses:
        """Load every bus and rule. Raises StoreError."""
        buses = cls(database, clock, deliveries, timetable)
        found, rules = await rows.load(database)
        for bus in found:
            buses._buses[bus.account, bus.region, bus.name] = BusRoutes(bus)
        for rule in rules:
            try:
                buses._state(rule.account, rule.region, rule.bus).load(rule)
            except BusNotFound:
                _log.warning("the rule %s is left out: its bus is not there", rule.arn)
        deliveries.buses = buses
        buses._index_later([state for state in buses._buses.values() if state.rules])
        return buses

    def _index_later(self, states: list[BusRoutes]) -> None:
        """Index patterns in the background, some at a time."""
        while states and not states[-1].index(_INDEXED_AT_ONCE):
            states.pop()
        if states:
            when = self._clock.steady_ms() + _INDEX_PAUSE_MS
            self._clock.at_steady(when, self._index_later, states)

    async def clear(self) -> None:
        """Forget every bus and rule, and their schedules."""
        self._buses.clear()
        await self._database.write(*rows.clear())

    # ------------------------------------------------------------ reading

    def find(
        self, account: str, region: str, named: str | None, *, action: str | None = None, resource: str = ""
    ) -> BusRoutes:
        """The bus that somebody of an account names: by name or ARN, the default bus by None.

        With an `action`, its policy is asked whether somebody of another account may do that. Raises BusNotFound,
        AccessDenied.
        """
        owner, place, name = self.split(account, region, named)
        state = self._state(owner, place, name)
        if action is not None and not policy.admits(state.bus, account, action, resource or state.bus.arn):
            raise AccessDenied(root_of(account, region), action, resource or state.bus.arn)
        return state

    def split(self, account: str, region: str, named: str | None) -> tuple[str, str, str]:
        """Account, region and name of the bus that somebody names."""
        if named is None:
            return account, region, DEFAULT
        arn = parse_arn(named)
        if arn is None:
            return account, region, named
        return arn.account, arn.region, arn.resource.removeprefix("event-bus/")

    def _state(self, account: str, region: str, name: str) -> BusRoutes:
        found = self._buses.get((account, region, name))
        if found is None:
            if name != DEFAULT:
                raise BusNotFound(name)
            bus = EventBus(
                account=account,
                region=region,
                name=name,
                created_ms=self._opened_ms,
                modified_ms=self._opened_ms,
            )
            found = self._buses[account, region, name] = BusRoutes(bus)
        return found

    def now(self, state: BusRoutes) -> BusRoutes:
        """A bus that was found before, as it is now. Raises BusNotFound when it has been deleted meanwhile."""
        return self._state(state.bus.account, state.bus.region, state.bus.name)

    def buses(self, account: str, region: str, prefix: str = "") -> list[EventBus]:
        """The buses of an account in a region, by name; the default bus is always there."""
        self._state(account, region, DEFAULT)
        found = [
            state.bus
            for (owner, place, name), state in self._buses.items()
            if owner == account and place == region and name.startswith(prefix)
        ]
        return sorted(found, key=lambda bus: bus.name)

    # ------------------------------------------------------------ changing

    async def create(
        self,
        account: str,
        region: str,
        name: str,
        *,
        event_source: str | None = None,
        tags: dict[str, str] | None = None,
        **members: Any,
    ) -> EventBus:
        """Make a bus; `members` are those of EventBus.

        Raises InvalidRequest, BusExists, SourceNotFound, TooMany, StoreError.
        """
        if event_source is not None:
            raise SourceNotFound(event_source)  # partners would have to send something here
        if "/" in name:
            raise InvalidRequest("Event bus name must not contain '/'.")
        now = self._clock.wall_ms()
        bus = EventBus(
            account=account,
            region=region,
            name=name,
            created_ms=now,
            modified_ms=now,
            tags=_tagged(tags or {}),
            **members,
        )
        async with self.turns.take(bus.arn):
            if name == DEFAULT or (account, region, name) in self._buses:
                raise BusExists(name)
            await self._database.write(rows.put_bus(bus))
            self._buses[account, region, name] = BusRoutes(bus)
        return bus

    async def change(
        self,
        account: str,
        region: str,
        named: str | None,
        change: Callable[[EventBus], EventBus],
        *,
        action: str = "events:UpdateEventBus",
    ) -> EventBus:
        """Change a bus. Returns it. Raises BusNotFound, AccessDenied, StoreError and what `change` raises."""
        async with self.turns.take(self.find(account, region, named, action=action).bus.arn):
            state = self.find(account, region, named)
            bus = replace(change(state.bus), modified_ms=self._clock.wall_ms())
            await self._database.write(rows.put_bus(bus))
            state.bus = bus
        return bus

    async def retag(
        self, account: str, region: str, named: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> None:
        """Change the tags of a bus. Raises BusNotFound, AccessDenied, TooMany, StoreError."""
        await self.change(
            account,
            region,
            named,
            lambda bus: replace(bus, tags=_tagged(change(dict(bus.tags)))),
            action="events:TagResource",
        )

    async def delete(self, account: str, region: str, name: str) -> None:
        """Delete a bus; one that is not there is gone already. Raises InvalidRequest, StoreError."""
        if name == DEFAULT:
            raise InvalidRequest("Cannot delete event bus default.")
        async with self.turns.take(bus_arn(account, region, name)):
            state = self._buses.get((account, region, name))
            if state is None:
                return
            if state.rules:
                raise InvalidRequest("Event bus can't be deleted since it has rules.")
            await self._database.write(rows.delete_bus(state.bus))
            del self._buses[account, region, name]

    # ------------------------------------------------------------ events

    def put_events(self, account: str, region: str, entries: Sequence[NewEvent], done: PutDone) -> None:
        """Take events of an account. `done` gets what became of each, in their order, once all that are taken are
        durable; or the error of the store, and then none of them was taken.

        Raises InvalidRequest when they are too large together.
        """
        if sum(entry.size for entry in entries) > MAX_BYTES:
            raise InvalidRequest("Total size of the entries in the request is over the limit.")
        now = self._clock.wall_ms()
        outcome: list[Put] = []
        taken: list[Staged] = []
        for entry in entries:
            try:
                check(entry)
                event = made(
                    source=entry.source or "",
                    detail_type=entry.detail_type or "",
                    detail=entry.detail or "",
                    account=account,
                    region=region,
                    time_ms=now if entry.time_ms is None else entry.time_ms,
                    resources=entry.resources,
                    trace=entry.trace,
                )
            except Refused as refused:
                outcome.append(refused.put)
                continue
            try:
                state = self.find(account, region, entry.bus, action=_PUT_EVENTS)
            except AccessDenied as denied:
                outcome.append(Put(None, "AccessDeniedException", str(denied)))
            except BusNotFound:
                # Recorded (`test_put_events_nonexistent_event_bus`): it is taken, and reaches nobody.
                self._complaints.warn("an event was put on the bus %s, which does not exist", entry.bus)
                outcome.append(Put(event.id))
            else:
                taken.append(self._stage(state, event))
                outcome.append(Put(event.id))
        everything = together(taken)
        if not everything.statements:
            everything.settled(None)
            done(outcome, None)
            return

        def settled(error: StoreError | None) -> None:
            everything.settled(error)
            done(None if error is not None else outcome, error)

        submit(self._database, Staged(everything.statements, settled))

    def stage_event(
        self,
        account: str,
        region: str,
        named: str | None,
        *,
        source: str,
        detail_type: str,
        detail: str,
        resources: Sequence[str] = (),
        trace: str = "",
    ) -> Staged:
        """An event of the platform's own parts, put on a bus in somebody's transaction.

        Raises BusNotFound, AccessDenied, and Refused when the detail is no JSON object.
        """
        state = self.find(account, region, named, action=_PUT_EVENTS)
        event = made(
            source=source,
            detail_type=detail_type,
            detail=detail,
            account=account,
            region=region,
            time_ms=self._clock.wall_ms(),
            resources=tuple(resources),
            trace=trace,
        )
        return self._stage(state, event)

    def stage_delivery(self, parcel: Parcel) -> Staged:
        """What is delivered to a bus: a new event with a detail, or the event of another bus.

        Raises Undeliverable.
        """
        options = parcel.options
        try:
            if "DetailType" in options:
                return self.stage_event(
                    parcel.account,
                    parcel.region,
                    parcel.target_arn,
                    source=options.get("Source", ""),
                    detail_type=options["DetailType"],
                    detail=parcel.body,
                    resources=options.get("Resources", ()),
                    trace=parcel.trace,
                )
            state = self.find(parcel.account, parcel.region, parcel.target_arn, action=_PUT_EVENTS)
            same_region = state.bus.region == parcel.region
            return self._stage(state, read(parcel.body, parcel.trace, same_region=same_region))
        except BusNotFound as error:
            raise Undeliverable("NO_RESOURCE", str(error), "ResourceNotFoundException") from error
        except AccessDenied as error:
            raise Undeliverable("NO_PERMISSIONS", str(error), "AccessDeniedException") from error
        except Refused as error:
            raise Undeliverable("INVALID_JSON", str(error)) from error

    def _stage(self, state: BusRoutes, event: Event) -> Staged:
        return self._deliveries.stage(state.parcels(event, time_text(self._clock.wall_ms())))

    def _fire(self, key: str, due_ms: int) -> Staged | None:
        """The time of a rule's schedule has come. Its event is that of "Scheduled events" in EventBridge's guide."""
        rule = self.rules.by_arn(key)
        if rule is None or not rule.enabled:
            return None
        event = made(
            source="aws.events",
            detail_type="Scheduled Event",
            detail="{}",
            account=rule.account,
            region=rule.region,
            time_ms=due_ms,
            resources=(key,),
        )
        state = self._state(rule.account, rule.region, rule.bus)
        return self._deliveries.stage(state.scheduled(rule.name, event, time_text(self._clock.wall_ms())))


def _tagged(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise TooMany
    return tags
