"""Stages of an API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.gateway.apis import deployments
from lambent.gateway.apis.clock import now
from lambent.gateway.apis.errors import ApiConflict, ApiNotFound
from lambent.gateway.apis.records import RouteSettings, Stage

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Definition


def get(definition: Definition, stage_name: str) -> Stage:
    """One stage. Raises ApiNotFound."""
    stage = definition.stages.get(stage_name)
    if stage is None:
        raise ApiNotFound(f"Invalid stage identifier specified {stage_name}")
    return stage


def create(definition: Definition, members: dict[str, Any]) -> tuple[Definition, Stage]:
    """Add a stage; one that deploys by itself is deployed at once. Raises ApiConflict, ApiNotFound, BadApiRequest."""
    moment = now()
    given = {key: value for key, value in members.items() if value is not None}
    given.setdefault("default_route_settings", RouteSettings(detailed_metrics_enabled=False))
    stage = Stage(created_date=moment, last_updated_date=moment, **given)
    if stage.stage_name in definition.stages:
        raise ApiConflict("Stage already exists")
    return _put(definition, stage)


def update(definition: Definition, stage_name: str, members: dict[str, Any]) -> tuple[Definition, Stage]:
    """Change a stage. Raises ApiNotFound, BadApiRequest."""
    return _put(definition, replace(get(definition, stage_name), last_updated_date=now(), **members))


def delete(definition: Definition, stage_name: str) -> tuple[Definition, None]:
    """Remove a stage; its deployments stay. Raises ApiNotFound."""
    get(definition, stage_name)
    rest = {key: value for key, value in definition.stages.items() if key != stage_name}
    return replace(definition, stages=rest), None


def _put(definition: Definition, stage: Stage) -> tuple[Definition, Stage]:
    before = definition.stages.get(stage.stage_name)
    if stage.deployment_id is not None:
        deployments.get(definition, stage.deployment_id)
    definition = replace(definition, stages={**definition.stages, stage.stage_name: stage})
    if stage.auto_deploy and (before is None or not before.auto_deploy):
        definition = deployments.auto_deployed(definition, [stage.stage_name])
    return definition, definition.stages[stage.stage_name]
