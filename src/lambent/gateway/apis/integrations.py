"""Integrations of an API.

Refusals are worded as API Gateway does where that is known: recorded by badmintoncryer/cdk-preflight
(rules/apigatewayv2), unless another source is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis import parameter_mappings
from lambent.gateway.apis.errors import ApiConflict, ApiManaged, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.merging import cleared, merged
from lambent.gateway.apis.records import Integration
from lambent.gateway.apis.service_integrations import REQUIRED

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content

_MOST_MS: Final = {"HTTP": 30_000, "WEBSOCKET": 29_000}
_STATUS_CODE: Final = "${integration.response.statuscode}"
_PROXIES: Final = ("AWS_PROXY", "HTTP_PROXY")
# What an empty value in an update stands for, where that is not nothing.
_DEFAULTS: Final[dict[str, Any]] = {"connection_type": "INTERNET"}


def get(content: Content, integration_id: str) -> Integration:
    """One integration. Raises ApiNotFound."""
    integration = content.integrations.get(integration_id)
    if integration is None:
        raise ApiNotFound(f"Invalid Integration identifier specified {integration_id}")
    return integration


def create(content: Content, members: dict[str, Any]) -> tuple[Content, Integration]:
    """Add an integration; its defaults are AWS's for the protocol. Raises BadApiRequest."""
    integration = new(content, members)
    integrations = {**content.integrations, integration.integration_id: integration}
    return replace(content, integrations=integrations), integration


def new(content: Content, members: dict[str, Any]) -> Integration:
    """An integration that `create` would add. Raises BadApiRequest."""
    protocol = content.api.protocol_type
    given = {key: value for key, value in cleared(members).items() if value is not None}
    given.setdefault("timeout_in_millis", _MOST_MS[protocol])
    if protocol == "WEBSOCKET":
        given.setdefault("payload_format_version", "1.0")
        given.setdefault("passthrough_behavior", "WHEN_NO_MATCH")
        if given["integration_type"] not in _PROXIES:
            given.setdefault("integration_response_selection_expression", _STATUS_CODE)
    if given["integration_type"] == "AWS_PROXY" and "integration_subtype" not in given:
        given.setdefault("integration_method", "POST")
    if "tls_config" in given and given["tls_config"].server_name_to_verify is None:
        del given["tls_config"]
    integration = Integration(integration_id=new_id(7, content.integrations), **given)
    _check(content, integration)
    return integration


def update(content: Content, integration_id: str, members: dict[str, Any]) -> tuple[Content, Integration]:
    """Change an integration; parameters are laid over those that are there. Raises ApiNotFound, BadApiRequest."""
    old = get(content, integration_id)
    given: dict[str, Any] = {
        key: _DEFAULTS.get(key) if value is None else value for key, value in cleared(members).items()
    }
    if given.get("timeout_in_millis", 0) is None:
        given["timeout_in_millis"] = _MOST_MS[content.api.protocol_type]
    for member in ("request_parameters", "response_parameters"):
        if given.get(member) is not None:
            given[member] = merged(getattr(old, member), given[member]) or None
    tls = given.get("tls_config")
    if tls is not None and tls.server_name_to_verify is None:
        given["tls_config"] = None
    integration = replace(old, **given)
    _check(content, integration)
    return replace(content, integrations={**content.integrations, integration_id: integration}), integration


def delete(content: Content, integration_id: str) -> tuple[Content, None]:
    """Remove an integration that no route leads to, with its responses. Raises ApiNotFound, ApiConflict, ApiManaged."""
    if get(content, integration_id).api_gateway_managed:
        raise ApiManaged("Integration")
    users = [route.route_id for route in content.routes.values() if route.integration_id == integration_id]
    if users:
        # Worded as in hashicorp/terraform-provider-aws#12195.
        raise ApiConflict(
            "Cannot delete Integration because it is referenced by the following Routes with Ids: "
            f"[{', '.join(users)}]"
        )
    integrations = {key: value for key, value in content.integrations.items() if key != integration_id}
    responses = {
        key: value
        for key, value in content.integration_responses.items()
        if value.integration_id != integration_id
    }
    return replace(content, integrations=integrations, integration_responses=responses), None


def _check(content: Content, integration: Integration) -> None:
    protocol = content.api.protocol_type
    if not 50 <= integration.timeout_in_millis <= _MOST_MS[protocol]:
        raise BadApiRequest(f"Timeout should be between 50 ms and {_MOST_MS[protocol]} ms")
    if len(integration.description or "") > 1024:
        raise BadApiRequest("Description must be at most 1024 characters in length")
    if protocol == "HTTP":
        _check_http(integration)
    else:
        _check_websocket(integration)
    if integration.integration_type == "AWS_PROXY" and integration.integration_subtype is None:
        if integration.integration_method != "POST":
            # hashicorp/terraform-provider-aws#42391
            raise BadApiRequest("HttpMethod must be POST for AWS_PROXY IntegrationType")
        if integration.integration_uri is None:
            raise BadApiRequest("IntegrationUri is a required parameter for integration")
        if not integration.integration_uri.startswith("arn:"):
            raise BadApiRequest(f"Invalid function ARN specified: {integration.integration_uri}")


def _check_http(integration: Integration) -> None:
    if integration.integration_type not in _PROXIES:
        # aws/aws-cli#6363
        raise BadApiRequest(
            "Currently, an API with a protocol type of HTTP may only be associated with proxy integrations "
            "(AWS_PROXY, HTTP_PROXY)"
        )
    version = integration.payload_format_version
    if version is None:
        # localstack/localstack#9184; the developer guide asks for it too ("Lambda proxy integrations").
        raise BadApiRequest("PayloadFormatVersion is a required parameter for integration")
    if integration.integration_subtype is not None:
        _check_service(integration)
        return
    if version not in ("1.0", "2.0"):
        raise BadApiRequest(f"Unsupported PayloadFormatVersion: {version}")
    if version == "2.0" and integration.integration_type != "AWS_PROXY":
        raise BadApiRequest(
            f"PayloadFormatVersion {version} is not supported for integration of type HTTP_PROXY"
        )
    if integration.integration_type == "HTTP_PROXY":
        if integration.integration_method is None:
            raise BadApiRequest("HttpMethod parameter method must be specified for integrationType HTTPPROXY")
        if integration.integration_uri is None:
            raise BadApiRequest("IntegrationUri is a required parameter for integration")
    if integration.connection_type == "VPC_LINK":
        if integration.connection_id is None:
            raise BadApiRequest("ConnectionId must be set to vpcLinkId for ConnectionType VPC_LINK")
        if not (integration.integration_uri or "").startswith("arn:"):
            raise BadApiRequest(
                "For VpcLink VPC_LINK, integration uri should be a valid ELB listener ARN or a valid Cloud Map "
                "service ARN."
            )
    parameter_mappings.check_request(integration.request_parameters or {})
    parameter_mappings.check_response(integration.response_parameters or {})


def _check_service(integration: Integration) -> None:
    subtype = integration.integration_subtype or ""
    required = REQUIRED.get(subtype)
    if required is None or integration.payload_format_version != "1.0":
        raise BadApiRequest(f"Operation: {subtype} is not supported.")
    if integration.credentials_arn is None:
        raise BadApiRequest(
            f"Role ARN must be specified for AWS integration configuration with Subtype: {subtype}"
        )
    given = integration.request_parameters or {}
    if any(name not in given for name in required):
        raise BadApiRequest(
            f"Operation: {subtype} requires enabling passthrough, or defining all of the following parameters in the "
            f"parameter mapping: [{', '.join(required)}]"
        )


def _check_websocket(integration: Integration) -> None:
    if integration.payload_format_version != "1.0":
        raise BadApiRequest(f"Unsupported PayloadFormatVersion: {integration.payload_format_version}")
    if integration.integration_type == "MOCK" or integration.integration_type == "AWS_PROXY":
        return
    if integration.integration_uri is None:
        raise BadApiRequest("IntegrationUri is a required parameter for integration")
    if integration.integration_method is None:
        kind = integration.integration_type.replace("_", "")
        raise BadApiRequest(f"HttpMethod parameter method must be specified for integrationType {kind}")
