"""AWS::CodeDeploy::Application, DeploymentGroup and DeploymentConfig, for functions.

AWSCloudFormation/latest/TemplateReference/aws-resource-codedeploy-application.html,
aws-resource-codedeploy-deploymentgroup.html, aws-resource-codedeploy-deploymentconfig.html. There is no compute
platform here but Lambda; a template that asks for another is refused.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import pairs, tags_of
from lambent.stacks.providers.codedeploy.records import LAMBDA, Application, Config, Group
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

if TYPE_CHECKING:
    from lambent.stacks.providers.codedeploy.register import Deployments

_IDS: Final = uuid.UUID("b1f1c2de-5a3f-5c9e-8d0a-6f0d9b7f6a55")
_INSTANCES: Final = (
    "AutoScalingGroups",
    "BlueGreenDeploymentConfiguration",
    "Deployment",
    "ECSServices",
    "Ec2TagFilters",
    "Ec2TagSet",
    "LoadBalancerInfo",
    "OnPremisesInstanceTagFilters",
    "OnPremisesTagSet",
    "OutdatedInstancesStrategy",
    "TerminationHookEnabled",
)


class _Registered(Provider):
    needs: ClassVar[tuple[str, ...]] = ("deployments",)

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments


class ApplicationProvider(_Registered):
    """Ref is the application's name."""

    type: ClassVar[str] = "AWS::CodeDeploy::Application"

    async def create(self, work: Work) -> Made:
        return await self._put(work, work.properties.get("ApplicationName") or work.name(100))

    async def update(self, work: Work) -> Made:
        return await self._put(work, work.physical_id)

    async def _put(self, work: Work, name: str) -> Made:
        platform = work.properties.get("ComputePlatform") or "Server"
        if platform != LAMBDA:
            raise _unserved(f"The compute platform {platform}")
        await self._deployments.claim(
            Application(
                work.stack.account,
                work.stack.region,
                name,
                _id(work, name),
                platform,
                _owner(work),
                work.clock.wall_ms(),
                tags_of(work, system=False),
            )
        )
        return Made(name, {})

    async def delete(self, work: Work) -> None:
        found = self._deployments.application(work.stack.account, work.stack.region, work.physical_id)
        if found is not None and found.owner == _owner(work):
            await self._deployments.remove(found)

    async def read(self, work: Work) -> Properties | None:
        found = self._deployments.application(work.stack.account, work.stack.region, work.physical_id)
        if found is None:
            return None
        return {
            "ApplicationName": found.name,
            "ComputePlatform": found.platform,
            "Tags": pairs(found.tags),
        }


class DeploymentGroupProvider(_Registered):
    """Ref is the group's name."""

    type: ClassVar[str] = "AWS::CodeDeploy::DeploymentGroup"

    async def create(self, work: Work) -> Made:
        return await self._put(work, work.properties.get("DeploymentGroupName") or work.name(100))

    async def update(self, work: Work) -> Made:
        return await self._put(work, work.physical_id)

    async def _put(self, work: Work, name: str) -> Made:
        wanted, stack = work.properties, work.stack
        application = wanted["ApplicationName"]
        for member in _INSTANCES:
            if wanted.get(member):
                raise _unserved(member)
        if self._deployments.application(stack.account, stack.region, application) is None:
            raise ResourceFailure(f"No application found for name: {application}", "NotFound")
        config = wanted.get("DeploymentConfigName")
        if config and self._deployments.config(stack.account, stack.region, config) is None:
            raise ResourceFailure(f"No Deployment Configuration found for name: {config}", "NotFound")
        await self._deployments.claim(
            Group(
                stack.account,
                stack.region,
                application,
                name,
                _id(work, name),
                _owner(work),
                wanted,
                tags_of(work, system=False),
            )
        )
        return Made(name, {})

    async def delete(self, work: Work) -> None:
        found = self._find(work)
        if found is not None and found.owner == _owner(work):
            await self._deployments.remove(found)

    async def read(self, work: Work) -> Properties | None:
        found = self._find(work)
        if found is None:
            return None
        return {**found.properties, "DeploymentGroupName": found.group, "Tags": pairs(found.tags)}

    def _find(self, work: Work) -> Group | None:
        stack = work.stack
        return self._deployments.group(
            stack.account, stack.region, work.properties["ApplicationName"], work.physical_id
        )


class DeploymentConfigProvider(_Registered):
    """Ref is the configuration's name."""

    type: ClassVar[str] = "AWS::CodeDeploy::DeploymentConfig"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        name = wanted.get("DeploymentConfigName") or work.name(100)
        platform = wanted.get("ComputePlatform") or "Server"
        if platform != LAMBDA:
            raise _unserved(f"The compute platform {platform}")
        for member in ("MinimumHealthyHosts", "ZonalConfig"):
            if wanted.get(member):
                raise _unserved(member)
        percent, minutes, linear = _routing(wanted.get("TrafficRoutingConfig") or {})
        await self._deployments.claim(
            Config(
                work.stack.account,
                work.stack.region,
                name,
                percent,
                minutes,
                linear,
                _owner(work),
                wanted,
            )
        )
        return Made(name, {})

    async def update(self, work: Work) -> Made:
        # Every property replaces: nothing is left to change.
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        found = self._deployments.config(work.stack.account, work.stack.region, work.physical_id)
        if found is not None and found.owner == _owner(work):
            await self._deployments.remove(found)

    async def read(self, work: Work) -> Properties | None:
        found = self._deployments.config(work.stack.account, work.stack.region, work.physical_id)
        return None if found is None else {**found.properties, "DeploymentConfigName": found.name}


def _routing(given: dict[str, Any]) -> tuple[int, int, bool]:
    kind = given.get("Type", "AllAtOnce")
    if kind == "AllAtOnce":
        return 100, 0, False
    linear = kind == "TimeBasedLinear"
    settings = given.get(kind) or {}
    prefix = "Linear" if linear else "Canary"
    percent, minutes = settings.get(f"{prefix}Percentage"), settings.get(f"{prefix}Interval")
    if kind not in ("TimeBasedLinear", "TimeBasedCanary") or not percent or not minutes:
        raise ResourceFailure(
            "The traffic routing configuration is not valid: it needs a Type, and the percentage and interval of that "
            "type.",
            "InvalidRequest",
        )
    if not 1 <= int(percent) <= 99 or not 1 <= int(minutes) <= 2880:
        raise ResourceFailure(
            "The traffic routing configuration is not valid: a percentage is between 1 and 99, an interval between 1 "
            "and 2880 minutes.",
            "InvalidRequest",
        )
    return int(percent), int(minutes), linear


def _unserved(what: str) -> ResourceFailure:
    return ResourceFailure(
        f"{what} is not supported by this platform: deployments are of functions.", "InvalidRequest"
    )


def _owner(work: Work) -> str:
    return f"{work.stack.id}/{work.logical_id}"


def _id(work: Work, name: str) -> str:
    return str(uuid.uuid5(_IDS, f"{_owner(work)}/{name}"))
