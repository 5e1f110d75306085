"""Operations on stages and deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.apigatewayv2.members import described, given, place
from lambent.aws.apigatewayv2.paging import page_of
from lambent.gateway.apis import deployments, stages
from lambent.gateway.apis.records import Deployment, Stage

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.apis import ApiRegistry


class StageOperations:
    """Create, read, update, delete and list: stages, deployments; what is set on a stage."""

    registry: ApiRegistry

    async def create_stage(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new stage."""
        with translating():
            members = given(Stage, request, "deployment_id")
            stage = await self.registry.change(
                *place(context, request), lambda definition: stages.create(definition, members)
            )
        return described(stage)

    async def get_stage(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One stage."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            return described(stages.get(definition, request["StageName"]))

    async def get_stages(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's stages, by name."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        return page_of(definition.stages.values(), lambda stage: stage.stage_name, request, described)

    async def update_stage(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed stage."""
        with translating():
            members = given(Stage, request, "deployment_id")
            del members["stage_name"]
            stage = await self.registry.change(
                *place(context, request),
                lambda definition: stages.update(definition, request["StageName"], members),
            )
        return described(stage)

    async def delete_stage(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a stage; its deployments stay."""
        with translating():
            await self.registry.delete_stage(*place(context, request), request["StageName"])

    async def delete_access_log_settings(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Ends the access logs of a stage."""
        with translating():
            await self.registry.change(
                *place(context, request),
                lambda definition: stages.without_access_logs(definition, request["StageName"]),
            )

    async def delete_route_settings(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes what a stage sets for one route."""
        with translating():
            await self.registry.change(
                *place(context, request),
                lambda definition: stages.without_route_settings(
                    definition, request["StageName"], request["RouteKey"]
                ),
            )

    async def reset_authorizers_cache(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Forgets what authorizers of a stage have decided."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            stages.get(definition, request["StageName"])
        self.registry.authorizers_reset(request["ApiId"], request["StageName"])

    async def create_deployment(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new deployment; with StageName that stage serves it from now on."""
        with translating():
            members = given(Deployment, request)
            if request.get("StageName"):
                members["stage_name"] = request["StageName"]
            deployment = await self.registry.change(
                *place(context, request), lambda definition: deployments.create(definition, members)
            )
        return described(deployment)

    async def get_deployment(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One deployment."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            return described(deployments.get(definition, request["DeploymentId"]))

    async def get_deployments(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's deployments, the newest first."""
        with translating():
            definition = self.registry.definition(*place(context, request))

        def newest_first(deployment: Deployment) -> str:
            return f"{2**63 - deployment.version:019d}{deployment.deployment_id}"

        return page_of(definition.deployments.values(), newest_first, request, described)

    async def update_deployment(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed deployment."""
        with translating():
            members = given(Deployment, request)
            deployment = await self.registry.change(
                *place(context, request),
                lambda definition: deployments.update(definition, request["DeploymentId"], members),
            )
        return described(deployment)

    async def delete_deployment(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a deployment that no stage serves."""
        with translating():
            await self.registry.change(
                *place(context, request),
                lambda definition: deployments.delete(definition, request["DeploymentId"]),
            )
