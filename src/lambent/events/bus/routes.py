"""From an event to the parcels for the targets of the rules that match it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.bus.inputs import body_of
from lambent.events.deliveries.parcel import MAX_AGE_S, MAX_ATTEMPTS, Parcel, Retry
from lambent.events.patterns import Pattern, RuleIndex
from lambent.events.transformer import select
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.events.bus.event import Event
    from lambent.events.bus.rule import EventBus, Rule, Target

PRINCIPAL: Final = "events.amazonaws.com"


class Route:
    """One target of a rule, with all that can be known before an event comes."""

    __slots__ = ("_body", "_letter", "_options", "_partition_path", "_retry", "_rule", "target", "to_bus")

    def __init__(self, rule: Rule, target: Target) -> None:
        self.target = target
        self.to_bus = ":events:" in target.arn and ":event-bus/" in target.arn
        self._rule = rule
        self._body = body_of(rule, target)
        self._retry = Retry(
            MAX_AGE_S if target.max_age_s is None else target.max_age_s,
            MAX_ATTEMPTS if target.max_attempts is None else target.max_attempts,
        )
        self._letter = {"RULE_ARN": rule.arn, "TARGET_ARN": target.arn}
        self._options: dict[str, Any] = {}
        group = target.parameters.get("SqsParameters", {}).get("MessageGroupId")
        if group is not None:
            self._options["MessageGroupId"] = group
        self._partition_path = target.parameters.get("KinesisParameters", {}).get("PartitionKeyPath")

    def parcel(self, event: Event, came_in: str) -> Parcel:
        """What the target gets of an event that came in at a time."""
        target, rule = self.target, self._rule
        body, options, problem = event.text, self._options, ""
        try:
            # To another bus goes the event as it is: it keeps its account, region and time there.
            if not self.to_bus:
                body = self._body(event, came_in)
            options = self._options_for(event)
        except (ValueError, RecursionError) as error:
            # Of this event nothing can be made for this target; that is no harm to others, nor to who has put it.
            problem = str(error)
        return Parcel(
            target_arn=target.arn,
            body=body,
            account=rule.account,
            region=rule.region,
            principal=PRINCIPAL,
            source_arn=rule.arn,
            role_arn=target.role_arn,
            options=options,
            trace=event.trace,
            retry=self._retry,
            dead_letter_arn=target.dead_letter_arn,
            dead_letter_attributes=self._letter,
            dead_letter_body=None if body is event.text else event.text,
            problem=problem,
        )

    def _options_for(self, event: Event) -> dict[str, Any]:
        if ":kinesis:" in self.target.arn:
            if self._partition_path is None:
                return {"PartitionKey": event.id}
            found = msgspec.json.decode(select(event.fields, self._partition_path))
            return {"PartitionKey": found if isinstance(found, str) else event.id}
        if ":logs:" in self.target.arn:
            # Recorded (`test_scheduled_rule_logs`): each delivery has a stream of its own; its attempts have one.
            delivery = f"{event.id} {self._rule.arn} {self.target.id}"
            return {"LogStream": str(uuid.uuid5(uuid.NAMESPACE_URL, delivery))}
        if ":states:" in self.target.arn:
            # So a repeated attempt is the same execution.
            return {"ExecutionName": f"{event.id}_{new_request_id()}"}
        return self._options


class BusRoutes:
    """A bus with its rules, and which of them match what."""

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus
        self.rules: dict[str, Rule] = {}
        self._index: RuleIndex[str] = RuleIndex()
        # Patterns by rule: those in the index, and those to come there. A start with thousands of rules does not wait
        # for them; an event does.
        self._indexed: dict[str, str] = {}
        self._to_index: dict[str, str] = {}
        self._routes: dict[str, tuple[Route, ...]] = {}

    def put(self, rule: Rule) -> None:
        """Add a rule, or replace it."""
        self.load(rule)
        self.index(len(self._to_index))

    def load(self, rule: Rule) -> None:
        """Add a rule, or replace it; its pattern is indexed later."""
        self._routes[rule.name] = tuple(Route(rule, target) for target in rule.targets)
        wanted = rule.pattern if rule.enabled else None
        if self._to_index.get(rule.name, self._indexed.get(rule.name)) != wanted:
            self._unindex(rule.name)
            if wanted is not None:
                self._to_index[rule.name] = wanted
        self.rules[rule.name] = rule

    def remove(self, name: str) -> None:
        """Take a rule away."""
        self._unindex(name)
        self.rules.pop(name, None)
        self._routes.pop(name, None)

    def _unindex(self, name: str) -> None:
        self._to_index.pop(name, None)
        if self._indexed.pop(name, None) is not None:
            self._index.remove(name)

    def parcels(self, event: Event, came_in: str) -> list[Parcel]:
        """What has to be delivered for an event that is put on the bus."""
        if self._to_index:
            self.index(len(self._to_index))
        return self._for(self._index.matching(event.fields), event, came_in)

    def index(self, count: int) -> bool:
        """Index that many of the patterns that are not yet; whether there are more."""
        for _ in range(min(count, len(self._to_index))):
            name, pattern = self._to_index.popitem()
            self._index.put(name, Pattern.parse(pattern))
            self._indexed[name] = pattern
        return bool(self._to_index)

    def scheduled(self, name: str, event: Event, came_in: str) -> list[Parcel]:
        """What has to be delivered for the event of a rule's schedule: it is for that rule alone."""
        return self._for((name,), event, came_in)

    def _for(self, names: Iterable[str], event: Event, came_in: str) -> list[Parcel]:
        return [
            route.parcel(event, came_in)
            for name in names
            for route in self._routes[name]
            # An event goes from one bus to another, and no further: so says AWS, and so nothing goes round in circles
            # ("Sending and receiving events between event buses in the same account and Region").
            if not (route.to_bus and event.forwarded)
        ]
