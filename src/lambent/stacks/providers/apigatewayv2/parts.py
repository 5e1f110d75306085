"""Routes, integrations, their responses, authorizers, models and deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lambent.stacks.providers.apigatewayv2.part import SERVICE, PartProvider
from lambent.stacks.providers.base import document_text, unless

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work


class RouteProvider(PartProvider):
    """`AWS::ApiGatewayV2::Route`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Route"
    noun = "Route"
    id_member = "RouteId"
    members = (
        "RouteKey",
        "ApiKeyRequired",
        "AuthorizationScopes",
        "AuthorizationType",
        "AuthorizerId",
        "ModelSelectionExpression",
        "OperationName",
        "RequestModels",
        "RequestParameters",
        "RouteResponseSelectionExpression",
        "Target",
    )
    flags = frozenset({"ApiKeyRequired"})
    lists = frozenset({"AuthorizationScopes"})
    maps = frozenset({"RequestModels", "RequestParameters"})
    natural = ("RouteKey",)

    def default(self, name: str) -> Any:
        return "NONE" if name == "AuthorizationType" else ""

    def nothing(self, name: str) -> Any:
        return {} if name == "RequestParameters" else ""


class IntegrationProvider(PartProvider):
    """`AWS::ApiGatewayV2::Integration`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Integration"
    noun = "Integration"
    id_member = "IntegrationId"
    members = (
        "IntegrationType",
        "ConnectionId",
        "ConnectionType",
        "ContentHandlingStrategy",
        "CredentialsArn",
        "Description",
        "IntegrationMethod",
        "IntegrationSubtype",
        "IntegrationUri",
        "PassthroughBehavior",
        "PayloadFormatVersion",
        "RequestParameters",
        "RequestTemplates",
        "ResponseParameters",
        "TemplateSelectionExpression",
        "TimeoutInMillis",
        "TlsConfig",
    )
    maps = frozenset({"RequestParameters", "RequestTemplates", "ResponseParameters"})

    def told(self, name: str, value: Any) -> Any:
        if name != "ResponseParameters":
            return value
        # Templates have lists of a source and a destination, the service has maps.
        return {
            status: {one["Destination"]: one["Source"] for one in given["ResponseParameters"]}
            if isinstance(given, dict) and isinstance(given.get("ResponseParameters"), list)
            else given
            for status, given in value.items()
        }

    def nothing(self, name: str) -> Any:
        return {} if name == "ResponseParameters" else ""

    def default(self, name: str) -> Any:
        return {"ConnectionType": "INTERNET", "TimeoutInMillis": 30_000, "TlsConfig": {}}.get(name, "")

    async def is_free(self, work: Work, found: dict[str, Any]) -> bool:
        token: str | None = None
        target = f"integrations/{found['IntegrationId']}"
        while True:
            page = await work.call(SERVICE, "GetRoutes", ApiId=work.properties["ApiId"], NextToken=token)
            if any(route.get("Target") == target for route in page["Items"]):
                return False
            token = page.get("NextToken")
            if not token:
                return True

    async def read(self, work: Work) -> Properties | None:
        found = await super().read(work)
        parameters = (found or {}).get("ResponseParameters")
        if found is not None and parameters:
            found["ResponseParameters"] = {
                status: {
                    "ResponseParameters": [
                        {"Destination": key, "Source": value} for key, value in given.items()
                    ]
                }
                for status, given in parameters.items()
            }
        return found


class IntegrationResponseProvider(PartProvider):
    """`AWS::ApiGatewayV2::IntegrationResponse`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::IntegrationResponse"
    noun = "IntegrationResponse"
    id_member = "IntegrationResponseId"
    above = ("ApiId", "IntegrationId")
    members = (
        "IntegrationResponseKey",
        "ContentHandlingStrategy",
        "ResponseParameters",
        "ResponseTemplates",
        "TemplateSelectionExpression",
    )
    maps = frozenset({"ResponseParameters", "ResponseTemplates"})
    natural = ("IntegrationResponseKey",)


class RouteResponseProvider(PartProvider):
    """`AWS::ApiGatewayV2::RouteResponse`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::RouteResponse"
    noun = "RouteResponse"
    id_member = "RouteResponseId"
    above = ("ApiId", "RouteId")
    members = ("RouteResponseKey", "ModelSelectionExpression", "ResponseModels", "ResponseParameters")
    maps = frozenset({"ResponseModels", "ResponseParameters"})
    natural = ("RouteResponseKey",)

    def nothing(self, name: str) -> Any:
        return {} if name == "ResponseParameters" else ""


class AuthorizerProvider(PartProvider):
    """`AWS::ApiGatewayV2::Authorizer`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Authorizer"
    noun = "Authorizer"
    id_member = "AuthorizerId"
    members = (
        "AuthorizerType",
        "Name",
        "AuthorizerCredentialsArn",
        "AuthorizerPayloadFormatVersion",
        "AuthorizerResultTtlInSeconds",
        "AuthorizerUri",
        "EnableSimpleResponses",
        "IdentitySource",
        "IdentityValidationExpression",
        "JwtConfiguration",
    )
    flags = frozenset({"EnableSimpleResponses"})
    lists = frozenset({"IdentitySource"})
    natural = ("Name",)

    def default(self, name: str) -> Any:
        if name == "AuthorizerResultTtlInSeconds":
            return 300
        return None if name == "JwtConfiguration" else ""


class ModelProvider(PartProvider):
    """`AWS::ApiGatewayV2::Model`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Model"
    noun = "Model"
    id_member = "ModelId"
    members = ("Name", "Schema", "ContentType", "Description")
    natural = ("Name",)

    def told(self, name: str, value: Any) -> Any:
        return document_text(value) if name == "Schema" else value

    def default(self, name: str) -> Any:
        return "application/json" if name == "ContentType" else ""


class DeploymentProvider(PartProvider):
    """`AWS::ApiGatewayV2::Deployment`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Deployment"
    noun = "Deployment"
    id_member = "DeploymentId"
    members = ("Description", "StageName")
    fixed = frozenset({"StageName"})
    natural = ("Description",)

    async def is_free(self, work: Work, found: dict[str, Any]) -> bool:
        if found.get("AutoDeployed"):
            return False
        stages = await work.call(SERVICE, "GetStages", ApiId=work.properties["ApiId"])
        name = work.properties.get("StageName")
        return all(
            stage.get("DeploymentId") != found["DeploymentId"] or stage["StageName"] == name
            for stage in stages["Items"]
        )

    async def delete(self, work: Work) -> None:
        # A stage that serves it because it was told so here goes on without it.
        name = work.properties.get("StageName")
        if name:
            api = work.properties["ApiId"]
            stage = await unless(work.call(SERVICE, "GetStage", ApiId=api, StageName=name))
            if stage is not None and stage.get("DeploymentId") == work.physical_id:
                await unless(work.call(SERVICE, "DeleteStage", ApiId=api, StageName=name))
        await super().delete(work)

    async def read(self, work: Work) -> Properties | None:
        found = await super().read(work)
        if found is not None and "StageName" in work.properties:
            found["StageName"] = work.properties["StageName"]
        return found
