"""Application Auto Scaling: what may be scaled, and the policies that do it.

Kept as they are described: whether anything scales is up to who serves `application-autoscaling`. What Ref gives is
that of AWS::ApplicationAutoScaling::ScalableTarget and AWS::ApplicationAutoScaling::ScalingPolicy in the CloudFormation
template reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    changed,
    chosen,
    invalid,
    told,
    unless,
    untold,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_SERVICE: Final = "application-autoscaling"
_GONE: Final = "ObjectNotFoundException"
_PLACE: Final = ("ResourceId", "ScalableDimension", "ServiceNamespace")
_TARGET: Final = ("MinCapacity", "MaxCapacity", "RoleARN", "SuspendedState")
_POLICY: Final = (
    "PolicyName",
    "PolicyType",
    "PredictiveScalingPolicyConfiguration",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
)


class ScalableTargetProvider(ServiceProvider):
    """`AWS::ApplicationAutoScaling::ScalableTarget`: Ref is resource, dimension and namespace, with bars."""

    type: ClassVar[str] = "AWS::ApplicationAutoScaling::ScalableTarget"

    async def create(self, work: Work) -> Made:
        physical_id = "|".join(work.properties[member] for member in _PLACE)
        if not work.again and await _target(work, physical_id) is not None:
            raise already_exists(work, physical_id)
        await self._register(work)
        made = await self.made(work, physical_id)
        await work.initiated(physical_id, made.attributes)
        await _schedule(work, [])
        return made

    async def update(self, work: Work) -> Made:
        if changed(work, *_TARGET):
            await self._register(work)
        await _schedule(work, work.old.get("ScheduledActions") or [])
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        # moto has other words than AWS for what is not there.
        if await _target(work, work.physical_id) is not None:
            await unless(work.call(_SERVICE, "DeregisterScalableTarget", **_place(work.physical_id)), _GONE)

    async def read(self, work: Work) -> Properties | None:
        found = await _target(work, work.physical_id)
        if found is None:
            return None
        return untold(
            work, told(chosen(found, (*_PLACE, *_TARGET))), "ScheduledActions", "Tags", "SuspendedState"
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Id": physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return "|".join(identifier[member] for member in _PLACE)

    async def _register(self, work: Work) -> None:
        # Its tags are left out: moto refuses them, and nothing but a bill shows them.
        await work.call(_SERVICE, "RegisterScalableTarget", **chosen(work.properties, (*_PLACE, *_TARGET)))


class ScalingPolicyProvider(ServiceProvider):
    """`AWS::ApplicationAutoScaling::ScalingPolicy`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::ApplicationAutoScaling::ScalingPolicy"

    async def create(self, work: Work) -> Made:
        place = _policy_place(work.properties)
        there = await _policy(work, place, work.properties["PolicyName"])
        if there is not None and not work.again:
            raise already_exists(work, work.properties["PolicyName"])
        policy = there["PolicyARN"] if there is not None else await self._put(work, place)
        return await self.made(work, policy)

    async def update(self, work: Work) -> Made:
        # It stays the same one, also where moto names it anew.
        await self._put(work, _policy_place(work.properties))
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        place = _policy_place(work.properties)
        name = work.properties["PolicyName"]
        if await _policy(work, place, name) is not None:
            await unless(work.call(_SERVICE, "DeleteScalingPolicy", **place, PolicyName=name), _GONE)

    async def read(self, work: Work) -> Properties | None:
        found = await _policy(work, _policy_place(work.properties), work.properties["PolicyName"])
        if found is None:
            return None
        return told(chosen(found, (*_PLACE, *_POLICY)))

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Arn"]

    async def _put(self, work: Work, place: dict[str, str]) -> str:
        made = await work.call(_SERVICE, "PutScalingPolicy", **place, **chosen(work.properties, _POLICY))
        policy: str = made["PolicyARN"]
        return policy


def _place(physical_id: str) -> dict[str, str]:
    return dict(zip(_PLACE, physical_id.split("|"), strict=True))


def _policy_place(properties: Properties) -> dict[str, str]:
    target = properties.get("ScalingTargetId")
    if target:
        return _place(target)
    place = chosen(properties, _PLACE)
    if len(place) < len(_PLACE):
        raise invalid(
            "ScalingTargetId, or ResourceId, ScalableDimension and ServiceNamespace have to be set."
        )
    return place


async def _target(work: Work, physical_id: str) -> dict[str, Any] | None:
    place = _place(physical_id)
    found = await work.call(
        _SERVICE,
        "DescribeScalableTargets",
        ServiceNamespace=place["ServiceNamespace"],
        ResourceIds=[place["ResourceId"]],
        ScalableDimension=place["ScalableDimension"],
    )
    return next(iter(found["ScalableTargets"]), None)


async def _policy(work: Work, place: dict[str, str], name: str) -> dict[str, Any] | None:
    found = await work.call(_SERVICE, "DescribeScalingPolicies", **place, PolicyNames=[name])
    return next((one for one in found["ScalingPolicies"] if one["PolicyName"] == name), None)


async def _schedule(work: Work, old: list[Properties]) -> None:
    place = chosen(work.properties, _PLACE)
    before = {one["ScheduledActionName"]: one for one in old}
    after = {one["ScheduledActionName"]: one for one in work.properties.get("ScheduledActions") or []}
    for name in before:
        if name not in after:
            await unless(
                work.call(_SERVICE, "DeleteScheduledAction", **place, ScheduledActionName=name), _GONE
            )
    for name, action in after.items():
        if before.get(name) != action:
            await work.call(_SERVICE, "PutScheduledAction", **place, **action)
