"""Operations on routes and their responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.apigatewayv2.members import described, given, place
from lambent.aws.apigatewayv2.paging import page_of
from lambent.gateway.apis import responses, routes
from lambent.gateway.apis.records import Route, RouteResponse

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.apis import ApiRegistry


class RouteOperations:
    """Create, read, update, delete and list: routes, route responses."""

    registry: ApiRegistry

    async def create_route(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new route."""
        with translating():
            members = given(Route, request, "authorizer_id")
            route = await self.registry.edit(
                *place(context, request), lambda content: routes.create(content, members)
            )
        return described(route)

    async def get_route(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One route."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
            return described(routes.get(content, request["RouteId"]))

    async def get_routes(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's routes, by id."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
        return page_of(content.routes.values(), lambda route: route.route_id, request, described)

    async def update_route(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed route."""
        with translating():
            members = given(Route, request, "authorizer_id")
            route = await self.registry.edit(
                *place(context, request),
                lambda content: routes.update(content, request["RouteId"], members),
            )
        return described(route)

    async def delete_route(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a route with its responses."""
        with translating():
            await self.registry.edit(
                *place(context, request), lambda content: routes.delete(content, request["RouteId"])
            )

    async def delete_route_request_parameter(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a request parameter of a route."""
        with translating():
            await self.registry.edit(
                *place(context, request),
                lambda content: routes.without_request_parameter(
                    content, request["RouteId"], request["RequestParameterKey"]
                ),
            )

    async def create_route_response(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new response."""
        with translating():
            members = given(RouteResponse, request)
            response = await self.registry.edit(
                *place(context, request),
                lambda content: responses.create_for_route(content, request["RouteId"], members),
            )
        return described(response)

    async def get_route_response(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One response of a route."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
            return described(responses.get_of_route(content, request["RouteId"], request["RouteResponseId"]))

    async def get_route_responses(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of a route's responses, by id."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
            route_id = routes.get(content, request["RouteId"]).route_id
        found = [one for one in content.route_responses.values() if one.route_id == route_id]
        return page_of(found, lambda one: one.route_response_id, request, described)

    async def update_route_response(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed response."""
        with translating():
            members = given(RouteResponse, request)
            members.pop("route_response_id", None)
            response = await self.registry.edit(
                *place(context, request),
                lambda content: responses.update_for_route(
                    content, request["RouteId"], request["RouteResponseId"], members
                ),
            )
        return described(response)

    async def delete_route_response(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a response of a route."""
        with translating():
            await self.registry.edit(
                *place(context, request),
                lambda content: responses.delete_of_route(
                    content, request["RouteId"], request["RouteResponseId"]
                ),
            )
