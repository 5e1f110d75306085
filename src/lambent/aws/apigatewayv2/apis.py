"""Operations on APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.apigatewayv2.members import described, given, place
from lambent.aws.apigatewayv2.paging import page_of
from lambent.gateway.apis import apis
from lambent.gateway.apis.records import Api

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.apis import ApiRegistry

_QUICK = {"Target": "target", "RouteKey": "route_key", "CredentialsArn": "credentials_arn"}


class ApiOperations:
    """Create, read, update, delete, list; CORS."""

    registry: ApiRegistry

    async def create_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """With Target, the API gets an integration, a route and the stage $default too."""
        with translating():
            apis.check_protocol(request["ProtocolType"])
            members = {**given(Api, request), **_quick(request)}
            definition = await self.registry.create_api(context.account, context.region, members)
        return described_api(context, definition.api)

    async def get_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One API."""
        with translating():
            return described_api(context, self.registry.definition(*place(context, request)).api)

    async def get_apis(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the APIs, by id."""
        found = [one.api for one in self.registry.definitions(context.account, context.region)]
        return page_of(found, lambda api: api.api_id, request, lambda api: described_api(context, api))

    async def update_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed API."""
        with translating():
            members = {**given(Api, request), **_quick(request)}
            api = await self.registry.edit(
                *place(context, request), lambda content: apis.update(content, members)
            )
        return described_api(context, api)

    async def delete_api(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes an API with everything that belongs to it."""
        with translating():
            await self.registry.delete_api(*place(context, request))

    async def delete_cors_configuration(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Ends CORS."""
        with translating():
            await self.registry.edit(*place(context, request), apis.without_cors)


def described_api(context: RequestContext, api: Api) -> dict[str, Any]:
    """The members of an answer that shows `api`."""
    return {**described(api), "ApiEndpoint": endpoint_of(context, api)}


def endpoint_of(context: RequestContext, api: Api) -> str:
    """Where an API is reached on this platform."""
    scheme, _, authority = context.endpoint_url.partition("://")
    if api.protocol_type == "WEBSOCKET":
        scheme = "wss" if scheme == "https" else "ws"
    port = authority.rpartition(":")[2]
    return f"{scheme}://{api.api_id}.execute-api.{api.region}.localhost:{port}"


def _quick(request: dict[str, Any]) -> dict[str, str]:
    return {name: request[wire_name] for wire_name, name in _QUICK.items() if wire_name in request}
