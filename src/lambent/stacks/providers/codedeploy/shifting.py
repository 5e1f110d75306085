"""An alias's traffic is moved from one version to the next, as CodeDeploy does it for functions.

A hook before, the traffic step by step, a hook after; what goes wrong puts the alias back. Hooks get the event that
CodeDeploy sends, and have an hour to report by PutLifecycleEventHookExecutionStatus
(codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html); alarms of the deployment group stop the
deployment (codedeploy/latest/userguide/monitoring-create-alarms.html). All of it is durable: a platform that ended
goes on where it was.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any, Final

from lambent.neighbours.service_calls import ServiceFailure, ServiceMissing
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.codedeploy.notices import tell
from lambent.stacks.providers.codedeploy.records import Deployment, Hook
from lambent.stacks.providers.codedeploy.register import deployment_id

if TYPE_CHECKING:
    from lambent.stacks.providers.codedeploy.records import Config, Group
    from lambent.stacks.providers.codedeploy.register import Deployments
    from lambent.stacks.providers.provider import Work

_HOOK_S: Final = 3600
_LOOK_S: Final = 5.0
"""How often alarms are looked at, at the most."""

_HOOKS: Final = {
    "BeforeAllowTrafficHook": "BeforeAllowTraffic",
    "AfterAllowTrafficHook": "AfterAllowTraffic",
}


class _Stopped(Exception):
    """The deployment does not succeed; the code is CodeDeploy's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Shifting:
    """One deployment: `work` is the step of its alias. Use `run`."""

    def __init__(self, work: Work, deployments: Deployments, policy: dict[str, Any], before: str) -> None:
        self._work = work
        self._deployments = deployments
        self._policy = policy
        self._before = before
        self._group: Group
        self._config: Config
        self._deployment: Deployment

    async def run(self) -> None:
        """Returns when the alias leads to the new version alone. Raises ResourceFailure when it has been put back.

        A step that is cancelled leaves the alias as it is: the step that goes back puts it right and ends the
        deployment.
        """
        await self._begin()
        deployment = self._deployment
        if deployment.status == "Succeeded":
            return
        try:
            if deployment.ended:
                raise _Stopped(deployment.error_code, deployment.error)
            await self._ask("BeforeAllowTraffic")
            await self._shift()
            await self._ask("AfterAllowTraffic")
        except _Stopped as stopped:
            await self._route(0)
            await self._deployments.end(deployment, "Failed", stopped.code, str(stopped))
            await tell(self._work, self._group, deployment, "DeploymentFailure")
            message = f"CodeDeploy deployment {deployment.name} failed: {stopped}"
            raise ResourceFailure(message, "GeneralServiceException", reason=message) from None
        await self._deployments.end(deployment, "Succeeded")
        await tell(self._work, self._group, deployment, "DeploymentSuccess")

    async def _begin(self) -> None:
        work, register = self._work, self._deployments
        account, region = work.stack.account, work.stack.region
        application, name = self._policy.get("ApplicationName"), self._policy.get("DeploymentGroupName")
        group = register.group(account, region, str(application), str(name))
        if register.application(account, region, str(application)) is None:
            raise ResourceFailure(f"No application found for name: {application}", "NotFound")
        if group is None:
            raise ResourceFailure(f"No Deployment Group found for name: {name}", "NotFound")
        config = register.config(account, region, group.config)
        if config is None:
            raise ResourceFailure(f"No Deployment Configuration found for name: {group.config}", "NotFound")
        self._group, self._config = group, config
        found = register.of_step(work)
        if found is None:
            wanted = work.properties
            found = Deployment(
                account,
                region,
                deployment_id(work),
                group.application,
                group.group,
                config.name,
                wanted["FunctionName"],
                wanted["Name"],
                self._before,
                wanted["FunctionVersion"],
                work.clock.wall_ms(),
                [
                    Hook(event, self._policy[member], secrets.token_urlsafe(48))
                    for member, event in _HOOKS.items()
                    if self._policy.get(member)
                ],
                status="InProgress",
            )
            await register.save(found)
            await tell(work, group, found, "DeploymentStart")
        self._deployment = found

    # ------------------------------------------------------------ hooks

    async def _ask(self, event: str) -> None:
        hook = self._deployment.hook(event)
        if hook is None:
            return
        if hook.status == "Pending":
            # Durable first: a hook may report before its invocation has been answered.
            hook.status, hook.asked_ms = "InProgress", self._work.clock.wall_ms()
            await self._deployments.save(self._deployment)
            await self._invoke(hook)
        if not await self._within(hook):
            hook.status, hook.ended_ms = "Failed", self._work.clock.wall_ms()
            await self._deployments.save(self._deployment)
            raise _Stopped(
                "TIMEOUT", f"The {event} hook {hook.function} did not report its status within one hour."
            )
        if hook.status != "Succeeded":
            raise _Stopped(
                "HEALTH_CONSTRAINTS", f"The {event} hook {hook.function} reported the status {hook.status}."
            )

    async def _invoke(self, hook: Hook) -> None:
        event = {"DeploymentId": self._deployment.name, "LifecycleEventHookExecutionId": hook.execution}
        try:
            await self._work.call(
                "lambda",
                "Invoke",
                FunctionName=hook.function,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except ServiceFailure as failure:
            hook.status, hook.ended_ms = "Failed", self._work.clock.wall_ms()
            await self._deployments.save(self._deployment)
            raise _Stopped(
                "INVALID_LAMBDA_CONFIGURATION", f"The {hook.event} hook could not be invoked: {failure}"
            ) from failure

    async def _within(self, hook: Hook) -> bool:
        left = _HOOK_S - max(0, self._work.clock.wall_ms() - hook.asked_ms) / 1000
        reported = asyncio.ensure_future(self._deployments.reported(hook))
        sleeping = asyncio.ensure_future(self._work.sleep(max(0.0, left)))
        try:
            await asyncio.wait((reported, sleeping), return_when=asyncio.FIRST_COMPLETED)
            if not reported.done():
                sleeping.result()
            return reported.done()
        finally:
            reported.cancel()
            sleeping.cancel()

    # ------------------------------------------------------------ traffic

    async def _shift(self) -> None:
        deployment, clock = self._deployment, self._work.clock
        if deployment.shifted_ms:
            return
        if not deployment.shifting_ms:
            deployment.shifting_ms = clock.wall_ms()
            await self._deployments.save(deployment)
        for minutes, percent in self._config.steps():
            await self._until(minutes)
            if percent != deployment.percent:
                await self._route(percent)
                deployment.percent = percent
                await self._deployments.save(deployment)
        deployment.shifted_ms = clock.wall_ms()
        await self._deployments.save(deployment)

    async def _until(self, minutes: int) -> None:
        """Wait for that minute of the shifting; alarms end it."""
        due_ms = self._deployment.shifting_ms + minutes * self._deployments.minute_s * 1000
        while True:
            await self._look_at_alarms()
            left = (due_ms - self._work.clock.wall_ms()) / 1000
            if left <= 0:
                return
            await self._work.sleep(min(left, _LOOK_S))

    async def _look_at_alarms(self) -> None:
        alarms = self._group.alarms
        if not alarms:
            return
        try:
            found = await self._work.call(
                "cloudwatch",
                "DescribeAlarms",
                AlarmNames=alarms,
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            )
        except (ServiceFailure, ServiceMissing) as failure:
            raise _Stopped("ALARM_ACTIVE", f"The alarms could not be read: {failure}") from failure
        members = [*(found.get("MetricAlarms") or ()), *(found.get("CompositeAlarms") or ())]
        active = [alarm["AlarmName"] for alarm in members if alarm.get("StateValue") == "ALARM"]
        if active:
            raise _Stopped(
                "ALARM_ACTIVE",
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and "
                f"the affected deployments have been stopped. Activated alarms: {', '.join(active)}",
            )

    async def _route(self, percent: int) -> None:
        """Lead that share of the alias's traffic to the new version."""
        deployment = self._deployment
        whole = percent == 100
        shares = {deployment.after: percent / 100} if 0 < percent < 100 else {}
        await self._work.call(
            "lambda",
            "UpdateAlias",
            FunctionName=deployment.function,
            Name=deployment.alias,
            FunctionVersion=deployment.after if whole else deployment.before,
            RoutingConfig={"AdditionalVersionWeights": shares},
        )
