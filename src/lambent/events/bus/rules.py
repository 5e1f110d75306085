"""Rules of buses, and their targets: what is there, and how it changes.

Rules and words are those of EventBridge's API reference and, where there are recordings, recorded
(`TestEventRule`, `TestEventTarget`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from lambent.events.bus import inputs, rows
from lambent.events.bus.errors import (
    BusNotFound,
    InvalidRequest,
    InvalidRulePattern,
    RuleNotFound,
    TooMany,
)
from lambent.events.bus.rule import DEFAULT, Rule, Target, bus_arn, rule_arn
from lambent.events.deliveries.arns import parse_arn
from lambent.events.deliveries.writing import written
from lambent.events.patterns import InvalidPattern, Pattern
from lambent.events.schedules import InvalidExpression, parse_rule_expression
from lambent.store.staged import Staged, nothing, together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.events.bus.buses import Buses
    from lambent.events.bus.routes import BusRoutes
    from lambent.events.schedules import Timetable
    from lambent.store import Database

MAX_TARGETS: Final = 5
MAX_TAGS: Final = 50
SCHEDULE: Final = "rule"
"""The kind of rules' entries in the timetable; their key is the rule's ARN."""

# What EventBridge may only do in a role, as its targets have no resource policies.
_ROLE_NEEDED: Final = frozenset(
    {
        "kinesis",
        "firehose",
        "states",
        "ecs",
        "batch",
        "ssm",
        "codepipeline",
        "codebuild",
        "sagemaker",
        "redshift",
    }
)


# The targets of "Event bus targets in Amazon EventBridge", by the service in their ARNs.
_SERVICES: Final = _ROLE_NEEDED | {
    "appsync", "autoscaling", "ec2", "events", "execute-api", "glue", "inspector", "iot", "lambda", "logs",
    "redshift-data", "redshift-serverless", "sns", "sqs", "ssm-incidents",
}  # fmt: skip


class Missing(NamedTuple):
    """A target that is not there to be removed."""

    target_id: str
    message: str


class Rules:
    """The rules of all buses."""

    def __init__(self, buses: Buses, database: Database, timetable: Timetable) -> None:
        self._buses = buses
        self._database = database
        self._timetable = timetable

    # ------------------------------------------------------------ reading

    def get(self, account: str, region: str, bus: str | None, name: str, action: str = "") -> Rule:
        """A rule by name. Raises BusNotFound, RuleNotFound, AccessDenied."""
        return _of(self._find(account, region, bus, name, action), name)

    def by_arn(self, arn: str) -> Rule | None:
        """A rule by its ARN."""
        parsed = parse_arn(arn)
        if parsed is None or not parsed.resource.startswith("rule/"):
            return None
        bus, _, name = parsed.resource.removeprefix("rule/").rpartition("/")
        try:
            return self.get(parsed.account, parsed.region, bus or DEFAULT, name)
        except (BusNotFound, RuleNotFound):
            return None

    def rules(self, account: str, region: str, bus: str | None, prefix: str = "") -> list[Rule]:
        """The rules of a bus, by name. Raises BusNotFound, AccessDenied."""
        state = self._buses.find(account, region, bus, action="events:ListRules")
        return sorted(
            (rule for rule in state.rules.values() if rule.name.startswith(prefix)),
            key=lambda rule: rule.name,
        )

    def names_by_target(self, account: str, region: str, bus: str | None, target_arn: str) -> list[str]:
        """The names of a bus's rules that have a target. Raises BusNotFound, AccessDenied."""
        return [
            rule.name
            for rule in self.rules(account, region, bus)
            if any(target.arn == target_arn for target in rule.targets)
        ]

    # ------------------------------------------------------------ changing

    async def put(
        self,
        account: str,
        region: str,
        bus: str | None,
        name: str,
        *,
        pattern: str | None,
        schedule: str | None,
        state: str = "ENABLED",
        description: str | None = None,
        role_arn: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> Rule:
        """Make a rule, or change all that is said of it; targets stay. Tags are for new rules alone.

        Raises InvalidRequest, InvalidRulePattern, BusNotFound, AccessDenied, TooMany, StoreError.
        """
        found = self._find(account, region, bus, name, "events:PutRule")
        if pattern is None and schedule is None:
            raise InvalidRequest("Parameter(s) EventPattern or ScheduleExpression must be specified.")
        if pattern is not None:
            try:
                Pattern.parse(pattern)
            except InvalidPattern as error:
                raise InvalidRulePattern(error) from error
        if schedule is not None:
            if found.bus.name != DEFAULT:
                raise InvalidRequest("ScheduleExpression is supported only on the default event bus.")
            try:
                parse_rule_expression(schedule)
            except InvalidExpression:
                raise InvalidRequest("Parameter ScheduleExpression is not valid.") from None

        def change(old: Rule | None) -> Rule:
            return Rule(
                account=found.bus.account,
                region=found.bus.region,
                bus=found.bus.name,
                name=name,
                created_by=account if old is None else old.created_by,
                pattern=pattern,
                schedule=schedule,
                state=state,
                description=description,
                role_arn=role_arn,
                targets=() if old is None else old.targets,
                tags=_tagged(tags or {}) if old is None else old.tags,
            )

        return await self._change(found, name, change)

    async def enable(self, account: str, region: str, bus: str | None, name: str, *, on: bool) -> None:
        """Switch a rule on or off. Raises BusNotFound, RuleNotFound, AccessDenied, StoreError."""
        found = self._find(account, region, bus, name, "events:EnableRule" if on else "events:DisableRule")
        await self._change(
            found,
            name,
            lambda old: replace(_present(old, found, name), state="ENABLED" if on else "DISABLED"),
        )

    async def retag(
        self,
        account: str,
        region: str,
        bus: str | None,
        name: str,
        change: Callable[[dict[str, str]], dict[str, str]],
    ) -> None:
        """Change the tags of a rule. Raises BusNotFound, RuleNotFound, TooMany, StoreError."""
        found = self._find(account, region, bus, name, "events:TagResource")

        def changed(old: Rule | None) -> Rule:
            rule = _present(old, found, name)
            return replace(rule, tags=_tagged(change(dict(rule.tags))))

        await self._change(found, name, changed)

    async def delete(self, account: str, region: str, bus: str | None, name: str) -> None:
        """Delete a rule without targets; one that is not there is gone already.

        Raises BusNotFound, InvalidRequest, AccessDenied, StoreError.
        """
        found = self._find(account, region, bus, name, "events:DeleteRule")
        async with self._buses.turns.take(found.bus.arn):
            found = self._buses.now(found)
            rule = found.rules.get(name)
            if rule is None:
                return
            if rule.targets:
                raise InvalidRequest("Rule can't be deleted since it has targets.")
            gone = Staged((rows.delete_rule(rule),), nothing)
            unscheduled = self._timetable.stage_remove(SCHEDULE, rule.arn)
            await written(self._database, gone if rule.schedule is None else together([gone, unscheduled]))
            found.remove(name)

    async def put_targets(
        self, account: str, region: str, bus: str | None, name: str, targets: Sequence[Target]
    ) -> None:
        """Add targets to a rule; one replaces that of the same id.

        Raises BusNotFound, RuleNotFound, InvalidRequest, TooMany, AccessDenied, StoreError.
        """
        found = self._find(account, region, bus, name, "events:PutTargets")
        # What can be said of a target alone comes before what depends on the rule.
        for target in targets:
            _check_alone(target)
        rule = _of(found, name)
        for target in targets:
            _check(rule, target)

        def change(old: Rule | None) -> Rule:
            rule = _present(old, found, name)
            merged = {target.id: target for target in (*rule.targets, *targets)}
            if len(merged) > MAX_TARGETS:
                raise TooMany
            return replace(rule, targets=tuple(merged.values()))

        await self._change(found, name, change)

    async def remove_targets(
        self, account: str, region: str, bus: str | None, name: str, ids: Sequence[str]
    ) -> list[Missing]:
        """Remove targets of a rule. Returns those that are not there.

        Raises BusNotFound, RuleNotFound, AccessDenied, StoreError.
        """
        found = self._find(account, region, bus, name, "events:RemoveTargets")
        missing: list[Missing] = []

        def change(old: Rule | None) -> Rule:
            rule = _present(old, found, name)
            known = {target.id for target in rule.targets}
            missing.extend(
                Missing(one, f"Rule {name} does not have a target with the Id {one}.")
                for one in ids
                if one not in known
            )
            return replace(rule, targets=tuple(target for target in rule.targets if target.id not in ids))

        await self._change(found, name, change)
        return missing

    def _find(self, account: str, region: str, bus: str | None, name: str, action: str) -> BusRoutes:
        owner, place, bus_name = self._buses.split(account, region, bus)
        return self._buses.find(
            account, region, bus, action=action or None, resource=rule_arn(owner, place, bus_name, name)
        )

    async def _change(self, found: BusRoutes, name: str, change: Callable[[Rule | None], Rule]) -> Rule:
        async with self._buses.turns.take(found.bus.arn):
            found = self._buses.now(found)
            old = found.rules.get(name)
            rule = change(old)
            parts = [Staged((rows.put_rule(rule),), nothing)]
            timed = _scheduled(rule), None if old is None else _scheduled(old)
            if timed[0] != timed[1]:
                parts.append(
                    self._timetable.stage_remove(SCHEDULE, rule.arn)
                    if timed[0] is None
                    else self._timetable.stage_put(SCHEDULE, rule.arn, parse_rule_expression(timed[0]))
                )
            await written(self._database, together(parts))
            found.put(rule)
        return rule


def _scheduled(rule: Rule) -> str | None:
    return rule.schedule if rule.enabled else None


def _of(found: BusRoutes, name: str) -> Rule:
    return _present(found.rules.get(name), found, name)


def _present(rule: Rule | None, found: BusRoutes, name: str) -> Rule:
    if rule is None:
        raise RuleNotFound(name, found.bus.name)
    return rule


def _tagged(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise TooMany
    return tags


def _check_alone(target: Target) -> None:
    """Raise InvalidRequest for a target that could be none of any rule."""
    arn = parse_arn(target.arn)
    if arn is None or not arn.service or not arn.resource:
        raise InvalidRequest(
            f"Parameter {target.arn} is not valid. Reason: Provided Arn is not in correct format."
        )
    fifo = arn.service == "sqs" and arn.resource.endswith(".fifo")
    if fifo and not target.parameters.get("SqsParameters"):
        raise InvalidRequest(f"Parameter(s) SqsParameters must be specified for target: {target.id}.")


def _check(rule: Rule, target: Target) -> None:
    """Raise InvalidRequest for a target that could never be one of the rule."""
    arn = parse_arn(target.arn)
    if arn is None or arn.service not in _SERVICES:
        service = "" if arn is None else arn.service
        raise InvalidRequest(
            f"Parameter {target.arn} is not valid. Reason: {service} is not a supported service for a target."
        )
    needs_role = arn.service in _ROLE_NEEDED or (arn.service == "events" and arn.account == rule.account)
    if needs_role and target.role_arn is None:
        raise InvalidRequest(f"RoleArn is required for target {target.arn}.")
    if arn.service == "events" and target.arn == bus_arn(rule.account, rule.region, rule.bus):
        raise InvalidRequest(f"The target {target.arn} is the event bus of the rule itself.")
    inputs.check(target)
    inputs.body_of(rule, target)
