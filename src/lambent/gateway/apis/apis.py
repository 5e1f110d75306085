"""APIs themselves."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from lambent.gateway.apis.clock import now
from lambent.gateway.apis.definition import Content, Definition
from lambent.gateway.apis.errors import BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.records import Api

_HTTP_SELECTION = "$request.method $request.path"


def create(account: str, region: str, members: dict[str, Any], *, api_id: str | None = None) -> Definition:
    """A new API. Raises BadApiRequest."""
    given = dict(members)
    protocol_type = given["protocol_type"]
    if given.get("route_selection_expression") is None:
        if protocol_type == "WEBSOCKET":
            raise BadApiRequest("RouteSelectionExpression is required for WEBSOCKET protocol type")
        given["route_selection_expression"] = _HTTP_SELECTION
    api = Api(
        api_id=api_id or new_id(10),
        account=account,
        region=region,
        created_date=now(),
        **given,
    )
    return Definition(Content(api))


def update(content: Content, members: dict[str, Any]) -> tuple[Content, Api]:
    """Change an API's own members. Raises BadApiRequest."""
    api = replace(content.api, **members)
    return replace(content, api=api), api
