"""CodeDeploy for functions: hooks report, clients look at applications, groups and deployments.

They are made by templates alone (lambent.stacks.providers.codedeploy); what makes or stops them is not served.
Names of errors are the model's, their words are ours where AWS's are not known.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from lambent.aws.errors import ServiceError
from lambent.aws.service import Service
from lambent.stacks.providers.codedeploy.records import EVENTS, Application, Config, Deployment, Group
from lambent.stacks.providers.codedeploy.register import DeploymentError

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.stacks.providers.codedeploy.register import Deployments


class CodeDeployService(Service):
    """The API over `deployments`."""

    name: ClassVar[str] = "codedeploy"

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    # ------------------------------------------------------------ hooks

    async def put_lifecycle_event_hook_execution_status(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A hook says whether the deployment goes on."""
        execution = request.get("lifecycleEventHookExecutionId", "")
        try:
            await self._deployments.report(
                context.account,
                context.region,
                _required(request, "deploymentId", "DeploymentId"),
                execution,
                request.get("status", ""),
            )
        except DeploymentError as refused:
            raise ServiceError(refused.code, str(refused)) from None
        return {"lifecycleEventHookExecutionId": execution}

    # ------------------------------------------------------------ deployments

    async def get_deployment(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One deployment."""
        return {"deploymentInfo": _described(self._deployment(context, request))}

    async def batch_get_deployments(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Those of the ids that there are."""
        found = [
            self._deployments.deployment(context.account, context.region, each)
            for each in request["deploymentIds"]
        ]
        return {"deploymentsInfo": [_described(each) for each in found if each is not None]}

    async def list_deployments(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Ids from the newest to the oldest, of a group and of states where they are named."""
        application, group = request.get("applicationName"), request.get("deploymentGroupName")
        if application:
            self._application(context, application)
            if group:
                self._group(context, application, group)
        states = request.get("includeOnlyStatuses") or ()
        return {
            "deployments": [
                each.name
                for each in self._deployments.all(Deployment, context.account, context.region)
                if application in (None, each.application)
                and group in (None, each.group)
                and (not states or each.status in states)
            ]
        }

    async def list_deployment_targets(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """The only target: the alias."""
        return {"targetIds": [_target(self._deployment(context, request))]}

    async def get_deployment_target(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The alias, with the events of the deployment's lifecycle."""
        deployment = self._deployment(context, request)
        if request.get("targetId") not in (None, _target(deployment)):
            raise ServiceError(
                "DeploymentTargetDoesNotExistException",
                f"The target {request['targetId']} is not one of deployment {deployment.name}",
            )
        return {
            "deploymentTarget": {
                "deploymentTargetType": "LambdaFunction",
                "lambdaTarget": {
                    "deploymentId": deployment.name,
                    "targetId": _target(deployment),
                    "targetArn": _alias_arn(context, deployment),
                    "status": "InProgress" if not deployment.ended else deployment.status,
                    "lifecycleEvents": [_event(deployment, event) for event in EVENTS],
                    "lambdaFunctionInfo": {
                        "functionName": deployment.function.rpartition(":")[2],
                        "functionAlias": deployment.alias,
                        "currentVersion": deployment.before,
                        "targetVersion": deployment.after,
                        "targetVersionWeight": deployment.percent / 100,
                    },
                },
            }
        }

    def _deployment(self, context: RequestContext, request: dict[str, Any]) -> Deployment:
        name = _required(request, "deploymentId", "DeploymentId")
        found = self._deployments.deployment(context.account, context.region, name)
        if found is None:
            raise ServiceError("DeploymentDoesNotExistException", f"The deployment {name} could not be found")
        return found

    # ------------------------------------------------------------ applications, groups, configurations

    async def get_application(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One application."""
        found = self._application(context, _required(request, "applicationName", "ApplicationName"))
        return {
            "application": {
                "applicationId": found.id,
                "applicationName": found.name,
                "createTime": found.created_ms / 1000,
                "linkedToGitHub": False,
                "computePlatform": found.platform,
            }
        }

    async def list_applications(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """All names."""
        found = self._deployments.all(Application, context.account, context.region)
        return {"applications": [each.name for each in found]}

    async def get_deployment_group(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One group, with its last deployments."""
        found = self._group(
            context,
            _required(request, "applicationName", "ApplicationName"),
            _required(request, "deploymentGroupName", "DeploymentGroupName"),
        )
        done = [
            each
            for each in self._deployments.all(Deployment, context.account, context.region)
            if (each.application, each.group) == (found.application, found.group)
        ]
        succeeded = next((each for each in done if each.status == "Succeeded"), None)
        style = found.properties.get("DeploymentStyle") or {}
        rollback = found.properties.get("AutoRollbackConfiguration") or {}
        return {
            "deploymentGroupInfo": {
                "applicationName": found.application,
                "deploymentGroupId": found.id,
                "deploymentGroupName": found.group,
                "deploymentConfigName": found.config,
                "serviceRoleArn": found.properties["ServiceRoleArn"],
                "alarmConfiguration": {
                    "enabled": bool(found.alarms),
                    "alarms": [{"name": each} for each in found.alarms],
                },
                "autoRollbackConfiguration": {
                    "enabled": bool(rollback.get("Enabled")),
                    "events": rollback.get("Events"),
                },
                "deploymentStyle": {
                    "deploymentType": style.get("DeploymentType", "BLUE_GREEN"),
                    "deploymentOption": style.get("DeploymentOption", "WITH_TRAFFIC_CONTROL"),
                },
                "lastSuccessfulDeployment": _last(succeeded),
                "lastAttemptedDeployment": _last(done[0] if done else None),
                "computePlatform": "Lambda",
            }
        }

    async def list_deployment_groups(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """The names of an application's groups."""
        application = self._application(context, _required(request, "applicationName", "ApplicationName"))
        found = self._deployments.all(Group, context.account, context.region)
        names = [each.group for each in found if each.application == application.name]
        return {"applicationName": application.name, "deploymentGroups": names}

    async def get_deployment_config(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One configuration: a template's, or one that CodeDeploy comes with."""
        name = _required(request, "deploymentConfigName", "DeploymentConfigName")
        found = self._deployments.config(context.account, context.region, name)
        if found is None:
            raise ServiceError(
                "DeploymentConfigDoesNotExistException",
                f"No Deployment Configuration found for name: {name}",
            )
        return {
            "deploymentConfigInfo": {
                "deploymentConfigName": found.name,
                "computePlatform": "Lambda",
                "trafficRoutingConfig": _routing(found),
            }
        }

    def _application(self, context: RequestContext, name: str) -> Application:
        found = self._deployments.application(context.account, context.region, name)
        if found is None:
            raise ServiceError("ApplicationDoesNotExistException", f"No application found for name: {name}")
        return found

    def _group(self, context: RequestContext, application: str, name: str) -> Group:
        self._application(context, application)
        found = self._deployments.group(context.account, context.region, application, name)
        if found is None:
            raise ServiceError(
                "DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}"
            )
        return found


def _required(request: dict[str, Any], member: str, name: str) -> str:
    value = request.get(member)
    if not value:
        raise ServiceError(f"{name}RequiredException", f"{name} is required")
    return str(value)


def _described(deployment: Deployment) -> dict[str, Any]:
    counts = dict.fromkeys(("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready"), 0)
    state = {"Created": "Pending", "Stopped": "Failed"}.get(deployment.status, deployment.status)
    counts[state] = 1
    content = json.dumps(_specification(deployment))
    failed = deployment.error_code or None
    return {
        "applicationName": deployment.application,
        "deploymentGroupName": deployment.group,
        "deploymentConfigName": deployment.config,
        "deploymentId": deployment.name,
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
        "status": deployment.status,
        "errorInformation": failed and {"code": failed, "message": deployment.error},
        "createTime": deployment.created_ms / 1000,
        "startTime": deployment.created_ms / 1000,
        "completeTime": deployment.completed_ms / 1000 if deployment.completed_ms else None,
        "deploymentOverview": counts,
        "creator": "CloudFormation",
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "rollbackInfo": failed and {"rollbackMessage": "The alias leads to the version of before again."},
        "computePlatform": "Lambda",
    }


def _specification(deployment: Deployment) -> dict[str, Any]:
    """The AppSpec that CloudFormation would have handed over."""
    properties = {
        "Name": deployment.function.rpartition(":")[2],
        "Alias": deployment.alias,
        "CurrentVersion": deployment.before,
        "TargetVersion": deployment.after,
    }
    return {
        "version": 0.0,
        "Resources": [{properties["Name"]: {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        "Hooks": [{hook.event: hook.function} for hook in deployment.hooks],
    }


def _event(deployment: Deployment, event: str) -> dict[str, Any]:
    hook = deployment.hook(event)
    if event == "AllowTraffic":
        began, ended = deployment.shifting_ms, deployment.shifted_ms
        status = "Succeeded" if ended else "InProgress" if began else "Pending"
        if deployment.ended and not ended:
            status = "Failed" if began else "Skipped"
    elif hook is None:
        began = ended = 0
        status = "Skipped" if deployment.ended else "Pending"
    else:
        began, ended, status = hook.asked_ms, hook.ended_ms, hook.status
    return {
        "lifecycleEventName": event,
        "startTime": began / 1000 if began else None,
        "endTime": ended / 1000 if ended else None,
        "status": status,
    }


def _last(deployment: Deployment | None) -> dict[str, Any] | None:
    if deployment is None:
        return None
    return {
        "deploymentId": deployment.name,
        "status": deployment.status,
        "createTime": deployment.created_ms / 1000,
        "endTime": deployment.completed_ms / 1000 if deployment.completed_ms else None,
    }


def _routing(config: Config) -> dict[str, Any]:
    if not 0 < config.percent < 100:
        return {"type": "AllAtOnce"}
    if config.linear:
        settings = {"linearPercentage": config.percent, "linearInterval": config.minutes}
        return {"type": "TimeBasedLinear", "timeBasedLinear": settings}
    settings = {"canaryPercentage": config.percent, "canaryInterval": config.minutes}
    return {"type": "TimeBasedCanary", "timeBasedCanary": settings}


def _target(deployment: Deployment) -> str:
    return f"{deployment.function.rpartition(':')[2]}:{deployment.alias}"


def _alias_arn(context: RequestContext, deployment: Deployment) -> str:
    place = f"arn:{context.partition}:lambda:{context.region}:{context.account}"
    return f"{place}:function:{_target(deployment)}"
