"""Operations on deployments and stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigateway.members import described, given, operations, place
from lambent.aws.apigateway.paging import page_of
from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.errors import ServiceError
from lambent.gateway.rest_api import deployments, stages
from lambent.gateway.rest_api.records import Stage

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.rest_api import RestApiRegistry


class StageOperations:
    """Create, read, update, delete and list: deployments, stages; flushing."""

    registry: RestApiRegistry

    async def create_deployment(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Freezes what the API is; with stageName, that stage serves it."""
        if request.get("canarySettings"):
            raise ServiceError("BadRequestException", "Canary releases are not served here")
        members = {
            "stage_name": request.get("stageName"),
            "stage_description": request.get("stageDescription"),
            "description": request.get("description"),
            "cache_cluster_enabled": request.get("cacheClusterEnabled"),
            "cache_cluster_size": request.get("cacheClusterSize"),
            "variables": request.get("variables"),
            "tracing_enabled": request.get("tracingEnabled"),
        }
        with translating():
            made = await self.registry.change(
                *place(context, request), lambda definition: deployments.create(definition, members)
            )
        found: dict[str, Any] = described(made)
        return found

    async def get_deployment(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One deployment; with `embed`, what its methods ask for."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            found: dict[str, Any] = described(deployments.get(definition, request["deploymentId"]))
            if "apisummary" in (request.get("embed") or ()):
                found["apiSummary"] = deployments.summary(definition.snapshots[request["deploymentId"]])
        return found

    async def get_deployments(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's deployments, by id."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        return page_of(definition.deploys.values(), lambda one: one.id, request, described)

    async def update_deployment(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed deployment."""
        changes = operations(request)
        with translating():
            changed = await self.registry.change(
                *place(context, request),
                lambda definition: deployments.update(definition, request["deploymentId"], changes),
            )
        found: dict[str, Any] = described(changed)
        return found

    async def delete_deployment(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a deployment that no stage serves."""
        with translating():
            await self.registry.change(
                *place(context, request),
                lambda definition: deployments.delete(definition, request["deploymentId"]),
            )

    async def create_stage(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new stage."""
        members = given(Stage, request, "method_settings", "access_log_settings")
        members["canary_settings"] = request.get("canarySettings")
        with translating():
            stage = await self.registry.change(
                *place(context, request), lambda definition: stages.create(definition, members)
            )
        found: dict[str, Any] = described(stage)
        return found

    async def get_stage(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One stage."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            found: dict[str, Any] = described(stages.get(definition, request["stageName"]))
        return found

    async def get_stages(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """All stages of an API, or those that serve a deployment, by name."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        deployment = request.get("deploymentId")
        found = [
            described(definition.stages[name])
            for name in sorted(definition.stages)
            if deployment in (None, definition.stages[name].deployment_id)
        ]
        return {"item": found}

    async def update_stage(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed stage."""
        changes = operations(request)
        with translating():
            changed = await self.registry.change(
                *place(context, request),
                lambda definition: stages.update(definition, request["stageName"], changes),
            )
        found: dict[str, Any] = described(changed)
        return found

    async def delete_stage(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a stage to which no domain name leads."""
        with translating():
            await self.registry.delete_stage(*place(context, request), request["stageName"])

    async def flush_stage_authorizers_cache(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Forgets what authorizers have decided."""
        with translating():
            stages.get(self.registry.definition(*place(context, request)), request["stageName"])
        self.registry.authorizers_reset(request["restApiId"], request["stageName"])

    async def flush_stage_cache(self, context: RequestContext, request: dict[str, Any]) -> None:
        """There are no caches of answers here; the stage has to be there."""
        with translating():
            stages.get(self.registry.definition(*place(context, request)), request["stageName"])
