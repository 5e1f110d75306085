"""Routes of an API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiNotFound
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.records import Route

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content


def get(content: Content, route_id: str) -> Route:
    """One route. Raises ApiNotFound."""
    route = content.routes.get(route_id)
    if route is None:
        raise ApiNotFound(f"Unable to find Route by key {route_id} within the provided API")
    return route


def create(content: Content, members: dict[str, Any]) -> tuple[Content, Route]:
    """Add a route. Raises ApiConflict, BadApiRequest."""
    route = Route(route_id=new_id(7, content.routes), **members)
    _check(content, route)
    return replace(content, routes={**content.routes, route.route_id: route}), route


def update(content: Content, route_id: str, members: dict[str, Any]) -> tuple[Content, Route]:
    """Change a route. Raises ApiNotFound, ApiConflict, BadApiRequest."""
    route = replace(get(content, route_id), **members)
    _check(content, route)
    return replace(content, routes={**content.routes, route_id: route}), route


def delete(content: Content, route_id: str) -> tuple[Content, None]:
    """Remove a route with its responses. Raises ApiNotFound."""
    get(content, route_id)
    routes = {key: value for key, value in content.routes.items() if key != route_id}
    responses = {key: value for key, value in content.route_responses.items() if value.route_id != route_id}
    return replace(content, routes=routes, route_responses=responses), None


def _check(content: Content, route: Route) -> None:
    for other in content.routes.values():
        if other.route_key == route.route_key and other.route_id != route.route_id:
            raise ApiConflict(f"Route with key {route.route_key} already exists for this API")
