"""Methods of REST APIs, with their integrations and what both may answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.apigateway.patching import NOT_THERE, SERVICE
from lambent.stacks.providers.base import ServiceProvider, told, unless
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_METHOD: Final = {
    "AuthorizerId": "authorizerId",
    "ApiKeyRequired": "apiKeyRequired",
    "OperationName": "operationName",
    "RequestParameters": "requestParameters",
    "RequestModels": "requestModels",
    "RequestValidatorId": "requestValidatorId",
    "AuthorizationScopes": "authorizationScopes",
}
_INTEGRATION: Final = {
    "Type": "type",
    "IntegrationHttpMethod": "integrationHttpMethod",
    "Uri": "uri",
    "ConnectionType": "connectionType",
    "ConnectionId": "connectionId",
    "Credentials": "credentials",
    "RequestParameters": "requestParameters",
    "RequestTemplates": "requestTemplates",
    "PassthroughBehavior": "passthroughBehavior",
    "CacheNamespace": "cacheNamespace",
    "CacheKeyParameters": "cacheKeyParameters",
    "ContentHandling": "contentHandling",
    "TimeoutInMillis": "timeoutInMillis",
    "ResponseTransferMode": "responseTransferMode",
    "IntegrationTarget": "integrationTarget",
}
_ANSWER: Final = {
    "SelectionPattern": "selectionPattern",
    "ResponseParameters": "responseParameters",
    "ResponseTemplates": "responseTemplates",
    "ContentHandling": "contentHandling",
}
_RESPONSE: Final = {"ResponseParameters": "responseParameters", "ResponseModels": "responseModels"}
_NAME_LIMIT: Final = 128


class MethodProvider(ServiceProvider):
    """`AWS::ApiGateway::Method`: Ref is a name of its own.

    An update makes it anew: stages serve what was deployed, so nobody sees it missing.
    """

    type: ClassVar[str] = "AWS::ApiGateway::Method"

    async def create(self, work: Work) -> Made:
        if work.again:
            await self._remove(work)
        await self._put(work)
        return await self.made(work, work.physical_id or work.name(_NAME_LIMIT))

    async def update(self, work: Work) -> Made:
        await self._remove(work)
        await self._put(work)
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await self._remove(work)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetMethod", **_named(work)), *NOT_THERE)
        if found is None:
            return None
        properties = work.properties
        integration = found.get("methodIntegration") or {}
        shown = {**{name: integration.get(wire) for name, wire in _INTEGRATION.items()}}
        shown["IntegrationHttpMethod"] = integration.get("httpMethod")
        shown["IntegrationResponses"] = [
            told({"StatusCode": status, **{name: one.get(wire) for name, wire in _ANSWER.items()}})
            for status, one in (integration.get("integrationResponses") or {}).items()
        ]
        return told(
            {
                "RestApiId": properties["RestApiId"],
                "ResourceId": properties["ResourceId"],
                "HttpMethod": properties["HttpMethod"],
                "AuthorizationType": found.get("authorizationType"),
                **{name: found.get(wire) for name, wire in _METHOD.items()},
                "Integration": told(shown),
                "MethodResponses": [
                    told({"StatusCode": status, **{name: one.get(wire) for name, wire in _RESPONSE.items()}})
                    for status, one in (found.get("methodResponses") or {}).items()
                ],
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id)

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        work.properties = {**work.properties, **identifier}
        return "|".join(identifier[name] for name in ("RestApiId", "ResourceId", "HttpMethod"))

    @staticmethod
    async def _remove(work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteMethod", **_named(work)), *NOT_THERE)

    async def _put(self, work: Work) -> None:
        properties, named = work.properties, _named(work)
        await work.call(
            SERVICE,
            "PutMethod",
            **named,
            authorizationType=properties.get("AuthorizationType", "NONE"),
            **_given(properties, _METHOD),
        )
        try:
            for response in properties.get("MethodResponses") or []:
                await work.call(
                    SERVICE,
                    "PutMethodResponse",
                    **named,
                    statusCode=response["StatusCode"],
                    **_given(response, _RESPONSE),
                )
            integration = properties.get("Integration")
            if not integration:
                return
            await work.call(SERVICE, "PutIntegration", **named, **_given(integration, _INTEGRATION))
            for response in integration.get("IntegrationResponses") or []:
                await work.call(
                    SERVICE,
                    "PutIntegrationResponse",
                    **named,
                    statusCode=response["StatusCode"],
                    **_given(response, _ANSWER),
                )
        except ServiceFailure:
            if not work.physical_id:
                await self._remove(work)  # a creation that has failed leaves nothing
            raise


def _given(properties: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {wire: properties[name] for name, wire in names.items() if name in properties}


def _named(work: Work) -> dict[str, Any]:
    properties = work.properties
    return {
        "restApiId": properties["RestApiId"],
        "resourceId": properties["ResourceId"],
        "httpMethod": properties["HttpMethod"].upper(),
    }
