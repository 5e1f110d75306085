"""Import from OpenAPI documents and export to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigatewayv2.apis import described_api, endpoint_of
from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.apigatewayv2.members import place
from lambent.gateway.apis import ApiNotFound, BadApiRequest, openapi_document, openapi_export, stages

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.apis import ApiRegistry, Content, Definition


class OpenApiOperations:
    """ImportApi, ReimportApi, ExportApi."""

    registry: ApiRegistry

    async def import_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A new HTTP API from a document."""
        with translating():
            definition = await self.registry.import_api(
                context.account, context.region, request["Body"], **_options(request)
            )
        return described_api(context, definition.api)

    async def reimport_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A document in place of what an HTTP API has; its stages stay."""
        with translating():
            api = await self.registry.reimport_api(
                *place(context, request), request["Body"], **_options(request)
            )
        return described_api(context, api)

    async def export_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The document of what a stage serves; without StageName, of the API as it is being edited."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            content = _content(definition, request)
            document = openapi_export.exported(
                content,
                endpoint_of(context, content.api),
                request.get("StageName"),
                extensions=request.get("IncludeExtensions", True),
            )
        return {"body": openapi_document.encoded(document, request["OutputType"])}


def _options(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "base_path": request.get("Basepath") or "ignore",
        "fail_on_warnings": bool(request.get("FailOnWarnings")),
    }


def _content(definition: Definition, request: dict[str, Any]) -> Content:
    """What to export. Raises BadApiRequest, ApiNotFound."""
    if definition.api.protocol_type != "HTTP":
        raise BadApiRequest("Only HTTP APIs can be exported")
    if request["Specification"] != "OAS30":
        raise BadApiRequest(f"Invalid specification specified: {request['Specification']}. Must be OAS30")
    if request["OutputType"] not in ("JSON", "YAML"):
        raise BadApiRequest(
            f"Invalid output type specified: {request['OutputType']}. Must be one of [JSON, YAML]"
        )
    if request.get("ExportVersion", "1.0") != "1.0":
        raise BadApiRequest(f"Invalid export version specified: {request['ExportVersion']}. Must be 1.0")
    if not request.get("StageName"):
        return definition.content
    stage = stages.get(definition, request["StageName"])
    if stage.deployment_id is None:
        raise ApiNotFound(f"Stage {stage.stage_name} has no deployment")
    return definition.served[stage.deployment_id]
