"""Routes of an API.

Refusals are worded as API Gateway does where that is known: recorded by badmintoncryer/cdk-preflight
(rules/apigatewayv2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiManaged, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.merging import cleared
from lambent.gateway.apis.records import Route
from lambent.gateway.apis.route_keys import DEFAULT, check_http

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content

_TARGET: Final = "integrations/"
_DEFAULTS: Final[dict[str, Any]] = {"api_key_required": False, "authorization_type": "NONE"}


def get(content: Content, route_id: str) -> Route:
    """One route. Raises ApiNotFound."""
    route = content.routes.get(route_id)
    if route is None:
        raise ApiNotFound(f"Invalid Route identifier specified {route_id}")
    return route


def create(content: Content, members: dict[str, Any]) -> tuple[Content, Route]:
    """Add a route. Raises ApiNotFound, ApiConflict, BadApiRequest."""
    route = new(content, members)
    _check_key(content, route)
    return replace(content, routes={**content.routes, route.route_id: route}), route


def new(content: Content, members: dict[str, Any]) -> Route:
    """A route that `create` would add if its key is free. Raises ApiNotFound, BadApiRequest."""
    given = {key: value for key, value in cleared(members).items() if value is not None}
    if "route_key" not in given:
        raise BadApiRequest("Route key is required")
    route = Route(route_id=new_id(7, content.routes), **given)
    _check(content, route)
    return route


def update(content: Content, route_id: str, members: dict[str, Any]) -> tuple[Content, Route]:
    """Change a route. Authorization type NONE takes its authorizer away.

    Raises ApiNotFound, ApiConflict, BadApiRequest.
    """
    old = get(content, route_id)
    given: dict[str, Any] = {
        key: _DEFAULTS.get(key) if value is None else value for key, value in cleared(members).items()
    }
    if given.get("route_key", "-") is None:
        raise BadApiRequest("Route key is required")
    if given.get("request_parameters") is not None:
        given["request_parameters"] = {**(old.request_parameters or {}), **given["request_parameters"]}
    route = replace(old, **given)
    if given.get("authorization_type") in ("NONE", "AWS_IAM") and not given.get("authorizer_id"):
        route = replace(route, authorizer_id=None, authorization_scopes=given.get("authorization_scopes"))
    _check(content, route)
    _check_key(content, route)
    return replace(content, routes={**content.routes, route_id: route}), route


def delete(content: Content, route_id: str) -> tuple[Content, None]:
    """Remove a route with its responses. Raises ApiNotFound, ApiManaged."""
    if get(content, route_id).api_gateway_managed:
        raise ApiManaged("Route")
    routes = {key: value for key, value in content.routes.items() if key != route_id}
    responses = {key: value for key, value in content.route_responses.items() if value.route_id != route_id}
    return replace(content, routes=routes, route_responses=responses), None


def without_request_parameter(content: Content, route_id: str, key: str) -> tuple[Content, None]:
    """Remove a request parameter. Raises ApiNotFound."""
    route = get(content, route_id)
    parameters = dict(route.request_parameters or {})
    if parameters.pop(key, None) is None:
        raise ApiNotFound(f"Invalid request parameter identifier specified {key}")
    route = replace(route, request_parameters=parameters or None)
    return replace(content, routes={**content.routes, route_id: route}), None


def _check_key(content: Content, route: Route) -> None:
    for other in content.routes.values():
        if other.route_key == route.route_key and other.route_id != route.route_id:
            raise ApiConflict(f"Route with key {route.route_key} already exists for this API")


def _check(content: Content, route: Route) -> None:
    if content.api.protocol_type == "HTTP":
        check_http(route.route_key)
        _check_http_members(route)
    else:
        _check_websocket_members(route)
    if route.target is not None:
        integration_id = route.target.removeprefix(_TARGET)
        if not route.target.startswith(_TARGET) or "/" in integration_id:
            raise BadApiRequest(
                "Unexpected or malformed target in route. Correct format should be integrations/<integration_id>."
            )
        if integration_id not in content.integrations:
            raise ApiNotFound(
                f"Unable to find Integration by key {integration_id} within the provided Target"
            )
    _check_authorizer(content, route)


def _check_http_members(route: Route) -> None:
    if route.api_key_required:
        raise BadApiRequest("ApiKeyRequired is not currently supported for HTTP APIs.")
    unsupported = {
        "ModelSelectionExpression": route.model_selection_expression,
        "RequestModels": route.request_models,
        "RequestParameters": route.request_parameters,
        "RouteResponseSelectionExpression": route.route_response_selection_expression,
    }
    for member, value in unsupported.items():
        if value:
            raise BadApiRequest(f"{member} is not supported for HTTP protocol")


def _check_websocket_members(route: Route) -> None:
    if route.authorization_type != "NONE" and route.route_key != "$connect":
        raise BadApiRequest("Currently, authorization is restricted to the $connect route only")
    expression = route.route_response_selection_expression
    if expression is not None and expression != DEFAULT:
        raise BadApiRequest(
            f"Invalid route response selection expression specified: {expression}. Only $default is supported"
        )


def _check_authorizer(content: Content, route: Route) -> None:
    if route.authorization_scopes and route.authorization_type != "JWT":
        raise BadApiRequest(
            "Authorization Scopes are only valid for COGNITO_USER_POOLS and JWT authorization type"
        )
    kind = {"JWT": "JWT", "CUSTOM": "REQUEST"}.get(route.authorization_type)
    if kind is None:
        return
    authorizer = content.authorizers.get(route.authorizer_id or "")
    if authorizer is None or authorizer.authorizer_type != kind:
        wanted = "a valid JWT authorizer" if kind == "JWT" else "a valid authorizer"
        raise BadApiRequest(
            "Invalid authorizer ID specified. Setting the authorization type to "
            f"{route.authorization_type} requires {wanted}."
        )
