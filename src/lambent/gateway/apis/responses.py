"""Route responses and integration responses: what WebSocket APIs make of an integration's answer.

Refusals are worded as API Gateway does where that is known: recorded by badmintoncryer/cdk-preflight
(rules/apigatewayv2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.gateway.apis import integrations, routes
from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.merging import cleared
from lambent.gateway.apis.records import IntegrationResponse, RouteResponse
from lambent.gateway.apis.route_keys import DEFAULT

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content


def get_of_route(content: Content, route_id: str, response_id: str) -> RouteResponse:
    """One response of a route. Raises ApiNotFound."""
    routes.get(content, route_id)
    response = content.route_responses.get(response_id)
    if response is None or response.route_id != route_id:
        raise ApiNotFound(f"Invalid RouteResponse identifier specified {response_id}")
    return response


def create_for_route(
    content: Content, route_id: str, members: dict[str, Any]
) -> tuple[Content, RouteResponse]:
    """Let a route answer. Raises ApiNotFound, ApiConflict, BadApiRequest."""
    routes.get(content, route_id)
    given = {key: value for key, value in cleared(members).items() if value is not None}
    if "route_response_key" not in given:
        raise BadApiRequest("Route response key is required")
    response = RouteResponse(route_response_id=new_id(7, content.route_responses), route_id=route_id, **given)
    return _put_for_route(content, response)


def update_for_route(
    content: Content, route_id: str, response_id: str, members: dict[str, Any]
) -> tuple[Content, RouteResponse]:
    """Change a response of a route. Raises ApiNotFound, ApiConflict, BadApiRequest."""
    given = cleared(members)
    if given.get("route_response_key", "-") is None:
        raise BadApiRequest("Route response key is required")
    return _put_for_route(content, replace(get_of_route(content, route_id, response_id), **given))


def delete_of_route(content: Content, route_id: str, response_id: str) -> tuple[Content, None]:
    """Remove a response of a route. Raises ApiNotFound."""
    get_of_route(content, route_id, response_id)
    rest = {key: value for key, value in content.route_responses.items() if key != response_id}
    return replace(content, route_responses=rest), None


def _check_protocol(content: Content, what: str) -> None:
    if content.api.protocol_type == "HTTP":
        raise BadApiRequest(
            f"{what} are currently not supported for this API protocol type. This is because the API may only be "
            "configured with proxy integration at this time."
        )


def _put_for_route(content: Content, response: RouteResponse) -> tuple[Content, RouteResponse]:
    _check_protocol(content, "RouteResponses")
    if response.route_response_key != DEFAULT:
        raise BadApiRequest(
            "Currently, only $default is supported as a RouteResponseKey. The creation of the RouteResponse with a "
            "key of $default will indicate to API Gateway that this Route is intended to handle two-way communication."
        )
    for other in content.route_responses.values():
        same = (other.route_id, other.route_response_key) == (response.route_id, response.route_response_key)
        if same and other.route_response_id != response.route_response_id:
            raise ApiConflict(
                f"RouteResponse with key {response.route_response_key} already exists for this Route"
            )
    responses = {**content.route_responses, response.route_response_id: response}
    return replace(content, route_responses=responses), response


def get_of_integration(content: Content, integration_id: str, response_id: str) -> IntegrationResponse:
    """One response of an integration. Raises ApiNotFound."""
    integrations.get(content, integration_id)
    response = content.integration_responses.get(response_id)
    if response is None or response.integration_id != integration_id:
        raise ApiNotFound(f"Invalid IntegrationResponse identifier specified {response_id}")
    return response


def create_for_integration(
    content: Content, integration_id: str, members: dict[str, Any]
) -> tuple[Content, IntegrationResponse]:
    """Say what becomes of an integration's answers. Raises ApiNotFound, ApiConflict, BadApiRequest."""
    integrations.get(content, integration_id)
    given = {key: value for key, value in cleared(members).items() if value is not None}
    if "integration_response_key" not in given:
        raise BadApiRequest("Integration response key is required")
    response = IntegrationResponse(
        integration_response_id=new_id(7, content.integration_responses),
        integration_id=integration_id,
        **given,
    )
    return _put_for_integration(content, response)


def update_for_integration(
    content: Content, integration_id: str, response_id: str, members: dict[str, Any]
) -> tuple[Content, IntegrationResponse]:
    """Change a response of an integration. Raises ApiNotFound, ApiConflict, BadApiRequest."""
    given = cleared(members)
    if given.get("integration_response_key", "-") is None:
        raise BadApiRequest("Integration response key is required")
    return _put_for_integration(
        content, replace(get_of_integration(content, integration_id, response_id), **given)
    )


def delete_of_integration(content: Content, integration_id: str, response_id: str) -> tuple[Content, None]:
    """Remove a response of an integration. Raises ApiNotFound."""
    get_of_integration(content, integration_id, response_id)
    rest = {key: value for key, value in content.integration_responses.items() if key != response_id}
    return replace(content, integration_responses=rest), None


def _put_for_integration(
    content: Content, response: IntegrationResponse
) -> tuple[Content, IntegrationResponse]:
    _check_protocol(content, "IntegrationResponses")
    wanted = (response.integration_id, response.integration_response_key)
    for other in content.integration_responses.values():
        same = (other.integration_id, other.integration_response_key) == wanted
        if same and other.integration_response_id != response.integration_response_id:
            raise ApiConflict(
                f"IntegrationResponse with key {response.integration_response_key} already exists for this "
                "Integration"
            )
    responses = {**content.integration_responses, response.integration_response_id: response}
    return replace(content, integration_responses=responses), response
