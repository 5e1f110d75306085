"""Integrations of an API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiNotFound
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.records import Integration

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content


def get(content: Content, integration_id: str) -> Integration:
    """One integration. Raises ApiNotFound."""
    integration = content.integrations.get(integration_id)
    if integration is None:
        raise ApiNotFound(f"Invalid integration identifier specified {integration_id}")
    return integration


def create(content: Content, members: dict[str, Any]) -> tuple[Content, Integration]:
    """Add an integration. Raises BadApiRequest."""
    given = {key: value for key, value in members.items() if value is not None}
    if content.api.protocol_type == "WEBSOCKET":
        given.setdefault("timeout_in_millis", 29_000)
        given.setdefault("passthrough_behavior", "WHEN_NO_MATCH")
    if given["integration_type"] == "AWS_PROXY" and given.get("integration_subtype") is None:
        given.setdefault("integration_method", "POST")
    given.setdefault("payload_format_version", "1.0")
    integration = Integration(integration_id=new_id(7, content.integrations), **given)
    integrations = {**content.integrations, integration.integration_id: integration}
    return replace(content, integrations=integrations), integration


def update(content: Content, integration_id: str, members: dict[str, Any]) -> tuple[Content, Integration]:
    """Change an integration. Raises ApiNotFound, BadApiRequest."""
    integration = replace(get(content, integration_id), **members)
    return replace(content, integrations={**content.integrations, integration_id: integration}), integration


def delete(content: Content, integration_id: str) -> tuple[Content, None]:
    """Remove an integration that no route leads to, with its responses. Raises ApiNotFound, ApiConflict."""
    get(content, integration_id)
    users = [route for route in content.routes.values() if route.integration_id == integration_id]
    if users:
        raise ApiConflict(
            f"Cannot delete Integration '{integration_id}'. Integration is referenced by Route(s) "
            f"[{', '.join(route.route_key for route in users)}]"
        )
    integrations = {key: value for key, value in content.integrations.items() if key != integration_id}
    responses = {
        key: value
        for key, value in content.integration_responses.items()
        if value.integration_id != integration_id
    }
    return replace(content, integrations=integrations, integration_responses=responses), None
