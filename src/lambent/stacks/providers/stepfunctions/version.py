"""Versions of state machines, which do not change, and the aliases that route to them.

How a DeploymentPreference moves an alias: AWS::StepFunctions::StateMachineAlias DeploymentPreference in the
CloudFormation template reference. LINEAR moves `Percentage` every `Interval` minutes, CANARY that much at first and the
rest after one interval, ALL_AT_ONCE everything; an alarm brings all of it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    invalid,
    lower_first,
    name_of,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made
from lambent.stacks.providers.stepfunctions.state_machine import MISSING

if TYPE_CHECKING:
    from lambent.stacks.providers.codedeploy.register import Deployments
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 80
_ALL: Final = 100


class StateMachineVersionProvider(ServiceProvider):
    """`AWS::StepFunctions::StateMachineVersion`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::StepFunctions::StateMachineVersion"

    async def create(self, work: Work) -> Made:
        # Publishing the same revision again gives the version that is there.
        made = await work.call(
            "stepfunctions",
            "PublishStateMachineVersion",
            stateMachineArn=work.properties["StateMachineArn"],
            revisionId=work.properties.get("StateMachineRevisionId"),
            description=work.properties.get("Description"),
        )
        return await self.made(work, made["stateMachineVersionArn"])

    async def update(self, work: Work) -> Made:
        # Every property replaces it.
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call("stepfunctions", "DeleteStateMachineVersion", stateMachineVersionArn=work.physical_id),
            *MISSING,
        )

    async def read(self, work: Work) -> Properties | None:
        version = work.physical_id
        found = await unless(
            work.call("stepfunctions", "DescribeStateMachine", stateMachineArn=version), *MISSING
        )
        if found is None:
            return None
        return told({"StateMachineArn": version.rpartition(":")[0], "Description": found.get("description")})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Arn"]


class StateMachineAliasProvider(ServiceProvider):
    """`AWS::StepFunctions::StateMachineAlias`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::StepFunctions::StateMachineAlias"
    needs: ClassVar[tuple[str, ...]] = ("deployments",)

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    async def create(self, work: Work) -> Made:
        name = name_of(work, "Name", _NAME_LIMIT)
        routing = _routing(work.properties)
        machine = routing[0]["stateMachineVersionArn"].rpartition(":")[0]
        alias = f"{machine}:{name}"
        if await _described(work, alias) is not None and not work.again:
            raise already_exists(work, alias)
        try:
            await work.call(
                "stepfunctions",
                "CreateStateMachineAlias",
                name=name,
                description=work.properties.get("Description"),
                routingConfiguration=routing,
            )
        except ServiceFailure as failure:
            if failure.code != "ConflictException" or not work.again:
                raise
        return await self.made(work, alias)

    async def update(self, work: Work) -> Made:
        alias = work.physical_id
        preference = work.properties.get("DeploymentPreference")
        found = await work.call("stepfunctions", "DescribeStateMachineAlias", stateMachineAliasArn=alias)
        before = found["routingConfiguration"]
        if preference:
            await _shift(work, alias, before, preference, self._deployments.minute_s)
        routing = _routing(work.properties)
        await work.call(
            "stepfunctions",
            "UpdateStateMachineAlias",
            stateMachineAliasArn=alias,
            description=work.properties.get("Description", ""),
            routingConfiguration=routing,
        )
        return await self.made(work, alias)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call("stepfunctions", "DeleteStateMachineAlias", stateMachineAliasArn=work.physical_id),
            *MISSING,
        )

    async def read(self, work: Work) -> Properties | None:
        found = await _described(work, work.physical_id)
        if found is None:
            return None
        routing = [
            {"StateMachineVersionArn": one["stateMachineVersionArn"], "Weight": one["weight"]}
            for one in found["routingConfiguration"]
        ]
        return told(
            {"Name": found["name"], "Description": found.get("description"), "RoutingConfiguration": routing}
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Arn"]


async def _described(work: Work, alias: str) -> dict[str, Any] | None:
    return await unless(
        work.call("stepfunctions", "DescribeStateMachineAlias", stateMachineAliasArn=alias), *MISSING
    )


def _routing(properties: Properties) -> list[dict[str, Any]]:
    """Where an alias leads in the end."""
    preference = properties.get("DeploymentPreference")
    if preference:
        return [{"stateMachineVersionArn": preference["StateMachineVersionArn"], "weight": _ALL}]
    routing: list[dict[str, Any]] = lower_first(properties.get("RoutingConfiguration") or [])
    if not routing:
        raise invalid("One of RoutingConfiguration and DeploymentPreference has to be set.")
    return routing


async def _shift(
    work: Work, alias: str, before: list[dict[str, Any]], preference: Properties, minute_s: float
) -> None:
    """Move an alias to another version little by little, up to its last step, which is the caller's."""
    target, kind = preference["StateMachineVersionArn"], preference["Type"]
    source = next(
        (one["stateMachineVersionArn"] for one in before if one["stateMachineVersionArn"] != target), None
    )
    if source is None or kind == "ALL_AT_ONCE":
        return
    percentage, interval = preference["Percentage"], preference["Interval"]
    share = percentage
    while share < _ALL:
        routing = [
            {"stateMachineVersionArn": target, "weight": share},
            {"stateMachineVersionArn": source, "weight": _ALL - share},
        ]
        await _route(work, alias, routing)
        await work.sleep(interval * minute_s)
        alarms = await _alarms(work, preference.get("Alarms") or [])
        if alarms:
            await _route(work, alias, [{"stateMachineVersionArn": source, "weight": _ALL}])
            raise ResourceFailure(f"Alarms in ALARM state: {', '.join(alarms)}", "NotStabilized")
        share = _ALL if kind == "CANARY" else share + percentage


async def _route(work: Work, alias: str, routing: list[dict[str, Any]]) -> None:
    await work.call(
        "stepfunctions", "UpdateStateMachineAlias", stateMachineAliasArn=alias, routingConfiguration=routing
    )


async def _alarms(work: Work, names: list[str]) -> list[str]:
    if not names:
        return []
    found = await work.call(
        "cloudwatch", "DescribeAlarms", AlarmNames=[name.rpartition(":")[2] for name in names]
    )
    return [one["AlarmName"] for one in found.get("MetricAlarms", []) if one.get("StateValue") == "ALARM"]
