"""APIs themselves, and quick create: an API with its integration, route and stage in one call.

Refusals are worded as API Gateway does where that is known: recorded by badmintoncryer/cdk-preflight
(rules/apigatewayv2).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from lambent.gateway.apis import cors, integrations, routes, stages, tags
from lambent.gateway.apis.clock import now
from lambent.gateway.apis.definition import Content, Definition
from lambent.gateway.apis.errors import BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.merging import cleared
from lambent.gateway.apis.records import Api
from lambent.gateway.apis.route_keys import DEFAULT

_PROTOCOLS: Final = ("HTTP", "WEBSOCKET")
_HTTP_SELECTION: Final = "$request.method $request.path"
_HTTP_SELECTIONS: Final = (_HTTP_SELECTION, "${request.method} ${request.path}")
_KEY_SELECTION: Final = "$request.header.x-api-key"
_KEY_SELECTIONS: Final = (
    _KEY_SELECTION,
    "${request.header.x-api-key}",
    "$context.authorizer.usageIdentifierKey",
    "${context.authorizer.usageIdentifierKey}",
)
_NO_NAME: Final = "Invalid API name specified"
_NO_SELECTION: Final = "Invalid routeSelectionExpression"
_ONE_SELECTION: Final = (
    'Route selection expression is currently limited to "${request.method} ${request.path}"'
)
_QUICK: Final[tuple[str, ...]] = ("target", "route_key", "credentials_arn")


def create(account: str, region: str, members: dict[str, Any], *, api_id: str | None = None) -> Definition:
    """A new API from the members of CreateApi in snake case; with `target`, all that quick create makes.

    Raises BadApiRequest.
    """
    given = {key: value for key, value in cleared(members).items() if value is not None}
    quick = {key: given.pop(key) for key in _QUICK if key in given}
    check_protocol(given.get("protocol_type"))
    if given["protocol_type"] == "HTTP":
        given.setdefault("route_selection_expression", _HTTP_SELECTION)
    elif "route_selection_expression" not in given:
        raise BadApiRequest(_NO_SELECTION)
    if "name" not in given:
        raise BadApiRequest(_NO_NAME)
    api = checked(
        Api(api_id=api_id or new_id(10), account=account, region=region, created_date=now(), **given)
    )
    definition = Definition(Content(api))
    return _quickly(definition, quick) if quick else definition


def check_protocol(protocol_type: str | None) -> None:
    """Raise BadApiRequest unless there are APIs of this protocol."""
    if protocol_type not in _PROTOCOLS:
        raise BadApiRequest("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")


def update(content: Content, members: dict[str, Any]) -> tuple[Content, Api]:
    """Change an API's own members; `target`, `route_key` and `credentials_arn` those of its quick create.

    Raises BadApiRequest, ApiConflict.
    """
    given = dict(members)
    quick = {key: given.pop(key) for key in _QUICK if key in given}
    defaults = {
        "api_key_selection_expression": _KEY_SELECTION,
        "disable_execute_api_endpoint": False,
        "ip_address_type": "ipv4",
    }
    for key, value in cleared(given).items():
        given[key] = defaults.get(key) if value is None else value
    if given.get("name", "-") is None:
        raise BadApiRequest(_NO_NAME)
    if given.get("route_selection_expression", "-") is None:
        given["route_selection_expression"] = (
            _HTTP_SELECTION if content.api.protocol_type == "HTTP" else content.api.route_selection_expression
        )
    if "cors_configuration" in given:
        given["cors_configuration"] = cors.over(content.api.cors_configuration, given["cors_configuration"])
    api = checked(replace(content.api, **given))
    content = replace(content, api=api)
    return (_quickly_changed(content, quick) if quick else content), api


def without_cors(content: Content) -> tuple[Content, None]:
    """The API without CORS."""
    return replace(content, api=replace(content.api, cors_configuration=None)), None


def retagged(definition: Definition, new: dict[str, str]) -> tuple[Definition, None]:
    """The API with these tags in place of its own; deployments that it has keep theirs. Raises BadApiRequest."""
    api = replace(definition.api, tags=tags.check(new))
    return replace(definition, content=replace(definition.content, api=api)), None


def checked(api: Api) -> Api:
    """`api` as it is kept. Raises BadApiRequest."""
    if len(api.name) > 128:
        raise BadApiRequest("Name must be between 1 and 128 characters in length")
    if len(api.description or "") > 1024:
        raise BadApiRequest("Description must be at most 1024 characters in length")
    if len(api.version or "") > 64:
        raise BadApiRequest("Version must be between 1 and 64 characters in length")
    if api.api_key_selection_expression not in _KEY_SELECTIONS:
        raise BadApiRequest(
            f"Invalid API key selection expression specified: {api.api_key_selection_expression}"
        )
    if api.protocol_type == "HTTP" and api.route_selection_expression not in _HTTP_SELECTIONS:
        raise BadApiRequest(_ONE_SELECTION)
    if api.cors_configuration is not None:
        if api.protocol_type == "WEBSOCKET":
            raise BadApiRequest("Cors is not supported for WEBSOCKET protocolType")
        api = replace(api, cors_configuration=cors.checked(api.cors_configuration))
    tags.check(api.tags)
    return api


def _quickly(definition: Definition, quick: dict[str, str]) -> Definition:
    """What quick create adds: an integration, a route to it, and the stage $default that deploys by itself."""
    if definition.api.protocol_type != "HTTP":
        raise BadApiRequest("Quick create is supported for HTTP protocol only")
    if "target" not in quick:
        raise BadApiRequest("Target is required when RouteKey or CredentialsArn is specified")
    content, integration = integrations.create(
        definition.content, {"api_gateway_managed": True, **_quick_integration(quick)}
    )
    content, _ = routes.create(
        content,
        {
            "api_gateway_managed": True,
            "route_key": quick.get("route_key", DEFAULT),
            "target": f"integrations/{integration.integration_id}",
        },
    )
    definition, _ = stages.create(
        replace(definition, content=content),
        {"stage_name": DEFAULT, "auto_deploy": True, "api_gateway_managed": True},
    )
    return definition


def _quick_integration(quick: dict[str, str]) -> dict[str, Any]:
    target = quick["target"]
    members: dict[str, Any] = {"integration_uri": target}
    if target.startswith("arn:"):
        members |= {"integration_type": "AWS_PROXY", "payload_format_version": "2.0"}
    else:
        members |= {
            "integration_type": "HTTP_PROXY",
            "integration_method": "ANY",
            "payload_format_version": "1.0",
        }
    if quick.get("credentials_arn"):
        members["credentials_arn"] = quick["credentials_arn"]
    return members


def _quickly_changed(content: Content, quick: dict[str, str]) -> Content:
    route = next((one for one in content.routes.values() if one.api_gateway_managed), None)
    integration = next((one for one in content.integrations.values() if one.api_gateway_managed), None)
    if route is None or integration is None:
        raise BadApiRequest("Target, RouteKey and CredentialsArn can be updated for quick created APIs only")
    if quick.get("target"):
        members = _quick_integration({"credentials_arn": integration.credentials_arn or "", **quick})
        content, _ = integrations.update(content, integration.integration_id, members)
    elif "credentials_arn" in quick:
        members = {"credentials_arn": quick["credentials_arn"]}
        content, _ = integrations.update(content, integration.integration_id, members)
    if quick.get("route_key"):
        content, _ = routes.update(content, route.route_id, {"route_key": quick["route_key"]})
    return content
