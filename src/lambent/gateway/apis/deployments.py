"""Deployments: the states of an API that stages serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis.clock import now
from lambent.gateway.apis.errors import ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.merging import cleared
from lambent.gateway.apis.records import Deployment, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.gateway.apis.definition import Content, Definition

# As AWS CLI's example of get-deployment has it.
_AUTOMATIC: Final = "Automatic deployment triggered by changes to the Api configuration"
# How many deployments stay that a stage has made by itself and serves no more; twice as many before any goes.
_KEPT: Final = 500


def get(definition: Definition, deployment_id: str) -> Deployment:
    """One deployment. Raises ApiNotFound."""
    deployment = definition.deployments.get(deployment_id)
    if deployment is None:
        raise ApiNotFound(f"Invalid deployment identifier specified {deployment_id}")
    return deployment


def create(definition: Definition, members: dict[str, Any]) -> tuple[Definition, Deployment]:
    """Freeze what the API is now; with `stage_name`, let that stage serve it. Raises BadApiRequest, ApiNotFound."""
    problem = undeployable(definition.content)
    if problem is not None:
        raise BadApiRequest(problem)
    stage_name = members.get("stage_name")
    stage: Stage | None = None
    if stage_name is not None:
        stage = definition.stages.get(stage_name)
        if stage is None:
            raise ApiNotFound(f"Invalid stage identifier specified {stage_name}")
        if stage.auto_deploy:
            raise BadApiRequest("Deployments cannot be made on a stage with AutoDeploy enabled")
    definition, deployment = _added(definition, description=members.get("description"))
    if stage is not None:
        serving = replace(stage, deployment_id=deployment.deployment_id, last_updated_date=now())
        definition = replace(definition, stages={**definition.stages, stage.stage_name: serving})
    return definition, deployment


def update(
    definition: Definition, deployment_id: str, members: dict[str, Any]
) -> tuple[Definition, Deployment]:
    """Change a deployment's description. Raises ApiNotFound."""
    deployment = replace(get(definition, deployment_id), **cleared(members))
    return replace(definition, deployments={**definition.deployments, deployment_id: deployment}), deployment


def delete(definition: Definition, deployment_id: str) -> tuple[Definition, None]:
    """Forget a deployment that no stage serves. Raises ApiNotFound, BadApiRequest."""
    get(definition, deployment_id)
    if any(stage.deployment_id == deployment_id for stage in definition.stages.values()):
        raise BadApiRequest("Active stages pointing to this deployment must be moved or deleted")
    rest = {key: value for key, value in definition.deployments.items() if key != deployment_id}
    return replace(definition, deployments=rest), None


def auto_deployed(definition: Definition, names: Iterable[str] | None = None) -> Definition:
    """`definition` with a new deployment on each stage that deploys by itself, or on those of `names`.

    Each stage's LastDeploymentStatusMessage tells what came of it. Of the deployments that were made so and that no
    stage serves any more the last ones are kept: a platform in use for years would have as many as changes.
    """
    for name in list(definition.stages if names is None else names):
        stage = definition.stages[name]
        served = definition.deployments.get(stage.deployment_id or "")
        if not stage.auto_deploy or (served is not None and served.version == definition.version):
            continue
        problem = undeployable(definition.content)
        if problem is None:
            definition, deployment = _added(definition, auto_deployed=True, description=_AUTOMATIC)
            message = f"Successfully deployed stage with deployment ID '{deployment.deployment_id}'"
            stage = replace(
                stage,
                deployment_id=deployment.deployment_id,
                last_deployment_status_message=message,
                last_updated_date=now(),
            )
        else:
            stage = replace(stage, last_deployment_status_message=f"Deployment attempt failed: {problem}")
        definition = replace(definition, stages={**definition.stages, name: stage})
    return _without_old(definition)


def _without_old(definition: Definition) -> Definition:
    if len(definition.deployments) <= 2 * _KEPT:
        return definition
    served = {stage.deployment_id for stage in definition.stages.values()}
    idle = [
        one
        for one in definition.deployments.values()
        if one.auto_deployed and one.deployment_id not in served
    ]
    if len(idle) <= 2 * _KEPT:
        return definition
    idle.sort(key=lambda one: one.version)
    gone = {one.deployment_id for one in idle[:-_KEPT]}
    rest = {key: value for key, value in definition.deployments.items() if key not in gone}
    return replace(definition, deployments=rest)


def undeployable(content: Content) -> str | None:
    """Why an API cannot be deployed; None if it can.

    Worded as in mach-composer/mach-composer-cli#42 and aws/serverless-application-model#2512.
    """
    if content.routes:
        return None
    if content.api.protocol_type == "WEBSOCKET":
        return "At least one route is required before deploying the Api"
    return "Unable to deploy API because no routes exist in this API"


def _added(definition: Definition, **members: Any) -> tuple[Definition, Deployment]:
    deployment = Deployment(
        deployment_id=new_id(6, definition.deployments),
        created_date=now(),
        version=definition.version,
        **members,
    )
    deployments = {**definition.deployments, deployment.deployment_id: deployment}
    return replace(definition, deployments=deployments), deployment
