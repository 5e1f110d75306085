"""Deployments: the states of an API that stages serve.

Messages are API Gateway's own, recorded in localstack/localstack (test_apigateway_common.py: TestDeployments).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis.clock import now
from lambent.gateway.apis.errors import ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.rest_api import patches, stages
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import Deployment

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.patches import Operation
    from lambent.gateway.rest_api.records import Snapshot


def get(definition: Definition, deployment_id: str) -> Deployment:
    """One deployment. Raises ApiNotFound."""
    found = definition.deploys.get(deployment_id)
    if found is None:
        raise ApiNotFound("Invalid Deployment identifier specified")
    return found


def create(definition: Definition, members: dict[str, Any]) -> tuple[Definition, Deployment]:
    """Freeze what the API is now; with `stage_name`, let that stage serve it. Raises BadApiRequest, ApiConflict.

    A stage that is not there is made, with the other members.
    """
    _check(definition)
    made = Deployment(
        id=new_id(6, definition.deploys),
        created_date=now(),
        description=members.get("description") or None,
    )
    definition = replace(
        definition,
        deploys={**definition.deploys, made.id: made},
        snapshots={**definition.snapshots, made.id: definition.snapshot()},
    )
    name = members.get("stage_name")
    if name:
        given = {
            key: members.get(key)
            for key in ("variables", "cache_cluster_enabled", "cache_cluster_size", "tracing_enabled")
            if members.get(key) is not None
        }
        given["description"] = members.get("stage_description")
        definition = stages.served(definition, name, made.id, given)
    return definition, made


def update(
    definition: Definition, deployment_id: str, operations: list[Operation]
) -> tuple[Definition, Deployment]:
    """Change a deployment's description. Raises ApiNotFound, BadApiRequest."""
    changed = _PATCHES.apply(get(definition, deployment_id), operations)
    return replace(definition, deploys={**definition.deploys, deployment_id: changed}), changed


def delete(definition: Definition, deployment_id: str) -> tuple[Definition, None]:
    """Forget a deployment that no stage serves. Raises ApiNotFound, BadApiRequest."""
    get(definition, deployment_id)
    if any(stage.deployment_id == deployment_id for stage in definition.stages.values()):
        raise BadApiRequest("Active stages pointing to this deployment must be moved or deleted")
    return (
        replace(
            definition,
            deploys={key: one for key, one in definition.deploys.items() if key != deployment_id},
            snapshots={key: one for key, one in definition.snapshots.items() if key != deployment_id},
        ),
        None,
    )


def summary(snapshot: Snapshot) -> dict[str, dict[str, dict[str, Any]]]:
    """`apiSummary` of a deployment: what each method asks for, by path and method."""
    return {
        resource.path: {
            name: {
                "authorizationType": method.authorization_type,
                "apiKeyRequired": method.api_key_required,
            }
            for name, method in resource.methods.items()
        }
        for resource in snapshot.resources.values()
        if resource.methods
    }


def _check(definition: Definition) -> None:
    methods = [method for resource in definition.resources.values() for method in resource.methods.values()]
    if not methods:
        raise BadApiRequest("The REST API doesn't contain any methods")
    if any(method.method_integration is None for method in methods):
        raise BadApiRequest("No integration defined for method")


_PATCHES: Final = Patches({"/description": patches.text("description")})
