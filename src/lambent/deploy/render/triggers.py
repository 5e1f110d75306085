"""What calls units by itself: schedules, rules, topics, log groups, alarms and user pools.

Schedules are EventBridge Scheduler's, not rules: they know time zones and single times, a million of them fit into an
account where a bus takes three hundred rules, and the event that they send is the one that rules send.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy import names
from lambent.deploy.errors import RenderError
from lambent.deploy.render.composition import DEFAULT_BUS, arn, get, ref, sub
from lambent.deploy.render.patterns import joined_rules
from lambent.deploy.render.roles import trust
from lambent.deploy.render.variables import owns_pool

if TYPE_CHECKING:
    from lambent.deploy.manifest import EventTrigger, TopicTrigger
    from lambent.deploy.render.composition import Composition


_MOST_PERMISSIONS: Final = 20
"""Of rules, one by one: a function's policy has 20 KB ("Lambda quotas"), and a statement about 400 bytes of them."""
_MOST_LOG_FILTERS: Final = 2
"""Of a log group: "CloudWatch Logs quotas"."""


def add_triggers(composition: Composition) -> None:
    """All of them. Raises RenderError."""
    add_schedules(composition)
    add_rules(composition)
    add_subscriptions(composition)
    add_log_filters(composition)
    permit_alarms(composition)
    permit_user_pools(composition)


def schedules_role(c: Composition) -> Any:
    """The ARN of the role that EventBridge Scheduler calls units with; it is added when there is a schedule."""
    if c.target.roles == "none":
        return c.shared_role_arn
    units = dict.fromkeys(one.unit for one in c.manifest.schedules)
    role = c.add(
        "caller_role",
        "schedules",
        "AWS::IAM::Role",
        {
            # Nobody else's schedules: "Cross-service confused deputy prevention" in the Scheduler user guide.
            "AssumeRolePolicyDocument": trust(
                "scheduler.amazonaws.com", {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}
            ),
            "Policies": [
                {
                    "PolicyName": "lambent",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": ["lambda:InvokeFunction"],
                                "Resource": [c.function_arn(unit) for unit in units],
                            }
                        ],
                    },
                }
            ],
        },
    )
    return get(role)


def add_schedules(c: Composition) -> None:
    """Schedules of EventBridge Scheduler, and the role that it calls with."""
    if not c.manifest.schedules:
        return
    role = schedules_role(c)
    for one in c.manifest.schedules:
        c.add(
            "schedule",
            one.name,
            "AWS::Scheduler::Schedule",
            {
                "Name": names.schedule_name(c.app, c.stage, one.name),
                "ScheduleExpression": one.expression,
                "ScheduleExpressionTimezone": one.timezone,
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {"Arn": c.function_arn(one.unit), "RoleArn": role},
            },
        )


def add_rules(c: Composition) -> None:
    """Rules of buses. Raises RenderError."""
    rules = joined_rules(c.manifest.events)
    # Of the default bus alone: rules of others have the bus in their ARN.
    of_unit = Counter(rule.unit for rule in rules if bus_name(rule) is None)
    for rule in rules:
        logical = c.add(
            "rule",
            rule.name,
            "AWS::Events::Rule",
            {
                "Name": names.rule_name(c.app, c.stage, rule.name),
                "EventBusName": bus_name(rule),
                "EventPattern": rule.pattern,
                "Targets": [{"Id": "function", "Arn": c.function_arn(rule.unit)}],
            },
        )
        if bus_name(rule) is not None or of_unit[rule.unit] <= _MOST_PERMISSIONS:
            c.permit(rule.unit, ("rule", rule.name), "events.amazonaws.com", of=get(logical))
    for unit, count in of_unit.items():
        if count > _MOST_PERMISSIONS:
            of = arn("events", f"rule/{names.rule_name(c.app, c.stage, 'x').removesuffix('x')}*")
            c.permit(unit, ("rules",), "events.amazonaws.com", of=of)


def bus_name(rule: EventTrigger) -> str | None:
    """A rule's bus by name or ARN; None for the default one."""
    return None if rule.bus == DEFAULT_BUS else rule.bus


def topic_triggers(c: Composition) -> list[TopicTrigger]:
    """Those of topics, one for each unit and topic: SNS has one subscription of a function. Raises RenderError."""
    found: dict[tuple[str, str], TopicTrigger] = {}
    for one in c.manifest.topic_triggers:
        topic = c.topic(one.topic)
        if topic.fifo or (topic.external or topic.name).endswith(".fifo"):
            raise RenderError(
                f"unit {one.unit}: functions cannot subscribe to the FIFO topic {one.topic}",
                hint="Subscribe a FIFO queue to it, and handle the queue.",
            )
        there = found.setdefault((one.unit, one.topic), one)
        if there.filter != one.filter:
            raise RenderError(
                f"unit {one.unit}: two handlers of the topic {one.topic} have different filters, and a function "
                "has one subscription",
                hint="Leave out the filters, and look at the attributes in the handlers.",
            )
    return list(found.values())


def add_subscriptions(c: Composition) -> None:
    """Subscriptions of topics. Raises RenderError."""
    for one in topic_triggers(c):
        external = c.topic(one.topic).external
        permission = c.permit(one.unit, ("topic", one.topic), "sns.amazonaws.com", of=c.topic_arn(one.topic))
        c.add(
            "subscription",
            (one.unit, one.topic),
            "AWS::SNS::Subscription",
            {
                "TopicArn": c.topic_arn(one.topic),
                "Protocol": "lambda",
                "Endpoint": c.function_arn(one.unit),
                "FilterPolicy": one.filter,
                # Topics of other regions are subscribed to where they are.
                "Region": external.split(":")[3] if external is not None else None,
            },
            after=[permission],
        )


def add_log_filters(c: Composition) -> None:
    """Subscription filters of log groups. Raises RenderError."""
    own = {names.log_group_name(c.app, c.stage, unit.name): unit.name for unit in c.manifest.units}
    for one in c.manifest.log_triggers:
        others = {other.unit for other in c.manifest.log_triggers if other.group == one.group}
        if len(others) > _MOST_LOG_FILTERS:
            raise RenderError(
                f"units {', '.join(sorted(others))} all want the logs of {one.group}, which go to two at most",
                hint="Have one of them call the others.",
            )
        whose = own.get(one.group)
        if whose == one.unit:
            raise RenderError(
                f"unit {one.unit} would be called with its own logs, and each call logs again, without an end",
                hint='Have another unit look at them: unit = "function" in [app].',
            )
        permission = c.permit(
            one.unit,
            ("logs", one.group),
            "logs.amazonaws.com",
            of=arn("logs", f"log-group:{one.group}:*"),
        )
        c.add(
            "log_filter",
            (one.unit, one.group),
            "AWS::Logs::SubscriptionFilter",
            {
                "LogGroupName": one.group if whose is None else ref(names.logical_id("log_group", whose)),
                "FilterPattern": one.filter,
                "DestinationArn": c.function_arn(one.unit),
            },
            after=[permission],
        )


def permit_alarms(c: Composition) -> None:
    """Alarms are not part of apps: they may call, and are told whom where they are made."""
    for unit, alarm in dict.fromkeys((one.unit, one.alarm) for one in c.manifest.alarm_triggers):
        if alarm is None:
            of: Any = arn("cloudwatch", "alarm:*")
        else:
            of = alarm if alarm.startswith("arn:") else arn("cloudwatch", f"alarm:{alarm}")
        c.permit(unit, ("alarm", alarm or "*"), "lambda.alarms.cloudwatch.amazonaws.com", of=of, account=True)


def permit_user_pools(c: Composition) -> None:
    """Pools may call; those of the app are told whom, others where they are made."""
    for unit, pool in dict.fromkeys((one.unit, one.pool) for one in c.manifest.user_pool_triggers):
        if pool is None:
            of: Any = arn("cognito-idp", "userpool/*")
        elif owns_pool(pool):
            of = get(names.logical_id("user_pool", pool))
        else:
            of = sub(pool) if pool.startswith("arn:") else arn("cognito-idp", f"userpool/{pool}")
        c.permit(unit, ("user_pool", pool or "*"), "cognito-idp.amazonaws.com", of=of)
