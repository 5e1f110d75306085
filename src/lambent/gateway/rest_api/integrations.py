"""Integrations of methods, and what becomes of their answers.

Messages are API Gateway's own, recorded in localstack/localstack (tests/aws/services/apigateway,
test_apigateway_api.snapshot.json and test_apigateway_basic.snapshot.json) or cited in its provider.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiNotFound, BadApiRequest
from lambent.gateway.rest_api import methods, patches
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import Integration, IntegrationResponse, TlsConfig

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.patches import Members, Operation
    from lambent.gateway.rest_api.records import Method

_TYPES: Final = ("HTTP", "MOCK", "AWS_PROXY", "AWS", "HTTP_PROXY")
_BEHAVIORS: Final = ("WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER")
_MOST_MS: Final = 29_000
_TIMEOUT: Final = f"Timeout should be between 50 ms and {_MOST_MS} ms"
_ARN: Final = re.compile(r"arn:[a-z-]+:apigateway:[a-z0-9-]+:[^:]+:(path|action)/.*")
_PROXIED: Final = re.compile(r"arn:[a-z-]+:apigateway:[a-z0-9-]+:(lambda:path|firehose:action)/.*")
_URL: Final = re.compile(r"https?://[^\s/]+.*|\$\{stageVariables\..*|https?://\$\{.*")
_NO_INTEGRATION: Final = "Invalid Integration identifier specified"
_NO_STATUS: Final = "Invalid Response status code specified"


def get(definition: Definition, resource_id: str, http_method: str) -> Integration:
    """The integration of a method. Raises ApiNotFound."""
    integration = methods.get(definition, resource_id, http_method).method_integration
    if integration is None:
        raise ApiNotFound(_NO_INTEGRATION)
    return integration


def put(
    definition: Definition, resource_id: str, http_method: str, members: dict[str, Any]
) -> tuple[Definition, Integration]:
    """Give a method its integration, in place of any that it has. Raises ApiNotFound, BadApiRequest."""
    method = methods.get(definition, resource_id, http_method)
    integration = checked(method, made(resource_id, members))
    return _store(definition, resource_id, method, integration)


def made(resource_id: str, members: dict[str, Any]) -> Integration:
    """An integration of members in snake case, with AWS's defaults."""
    given = {key: value for key, value in members.items() if value is not None}
    kind = given.get("type", "")
    if kind not in _TYPES:
        raise BadApiRequest(f"Invalid IntegrationType specified. Valid options are {','.join(_TYPES)}")
    given.setdefault("passthrough_behavior", "WHEN_NO_MATCH")
    given.setdefault("timeout_in_millis", _MOST_MS)
    given.setdefault("cache_namespace", resource_id)
    given["cache_key_parameters"] = tuple(given.get("cache_key_parameters") or ())
    if kind in ("HTTP", "HTTP_PROXY"):
        given.setdefault("connection_type", "INTERNET")
    for name in ("request_parameters", "request_templates"):
        if not given.get(name, "-"):
            del given[name]
    return Integration(**given)


def checked(method: Method, integration: Integration) -> Integration:
    """`integration`, unless it cannot be one. Raises BadApiRequest."""
    uri = integration.uri or ""
    if integration.type != "MOCK":
        if not integration.http_method:
            raise BadApiRequest("Enumeration value for HttpMethod must be non-empty")
        if integration.type in ("AWS", "AWS_PROXY"):
            _check_arn(integration, uri)
        elif integration.connection_type != "VPC_LINK" and not _URL.fullmatch(uri):
            raise BadApiRequest("Invalid HTTP endpoint specified for URI")
    if integration.passthrough_behavior not in _BEHAVIORS:
        raise BadApiRequest(
            f"Invalid PassthroughBehavior specified. Valid options are {','.join(_BEHAVIORS)}"
        )
    if not 50 <= integration.timeout_in_millis <= _MOST_MS:
        raise BadApiRequest(_TIMEOUT)
    for status in integration.integration_responses or {}:
        methods.check_status(status)
    known = method.request_parameters or {}
    for key, value in (integration.request_parameters or {}).items():
        if not key.startswith("integration.request."):
            raise _no_mapping(f"Invalid mapping expression specified: {key}")
        if value.startswith("method.request.") and not value.startswith("method.request.body"):
            plain = value.replace("method.request.multivalueheader.", "method.request.header.")
            plain = plain.replace("method.request.multivaluequerystring.", "method.request.querystring.")
            if plain not in known:
                raise _no_mapping(f"Invalid mapping expression parameter specified: {value}")
        elif not value.startswith(("'", "method.request.body", "context.", "stageVariables.")):
            raise _no_mapping(f"Invalid mapping expression specified: {value}")
    return integration


def _check_arn(integration: Integration, uri: str) -> None:
    if not uri.startswith("arn:"):
        raise BadApiRequest("Invalid ARN specified in the request")
    if not _ARN.fullmatch(uri):
        raise BadApiRequest("AWS ARN for integration must contain path or action")
    if integration.type == "AWS_PROXY" and not _PROXIED.fullmatch(uri):
        raise BadApiRequest(
            "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations."
        )


def _no_mapping(error: str) -> BadApiRequest:
    return BadApiRequest(
        f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [{error}]"
    )


def update(
    definition: Definition, resource_id: str, http_method: str, operations: list[Operation]
) -> tuple[Definition, Integration]:
    """Change an integration. Raises ApiNotFound, BadApiRequest."""
    changed = _INTEGRATION.apply(get(definition, resource_id, http_method), operations)
    method = methods.get(definition, resource_id, http_method)
    return _store(definition, resource_id, method, checked(method, changed))


def delete(definition: Definition, resource_id: str, http_method: str) -> tuple[Definition, None]:
    """Remove an integration. Raises ApiNotFound."""
    get(definition, resource_id, http_method)
    method = methods.get(definition, resource_id, http_method)
    return methods.store(definition, resource_id, replace(method, method_integration=None))[0], None


def _store(
    definition: Definition, resource_id: str, method: Method, integration: Integration
) -> tuple[Definition, Integration]:
    changed = replace(method, method_integration=integration)
    return methods.store(definition, resource_id, changed)[0], integration


# ---------------------------------------------------------------- responses


def response(definition: Definition, resource_id: str, http_method: str, status: str) -> IntegrationResponse:
    """One integration response. Raises ApiNotFound."""
    found = (get(definition, resource_id, http_method).integration_responses or {}).get(status)
    if found is None:
        raise ApiNotFound(_NO_STATUS)
    return found


def put_response(
    definition: Definition, resource_id: str, http_method: str, members: dict[str, Any]
) -> tuple[Definition, IntegrationResponse]:
    """Set what becomes of some of an integration's answers. Raises ApiNotFound, BadApiRequest."""
    method = methods.get(definition, resource_id, http_method)
    if method.method_integration is None:
        raise ApiNotFound(_NO_INTEGRATION)
    given = {key: value for key, value in members.items() if value is not None}
    response_made = checked_response(method, IntegrationResponse(**given))
    return _store_response(definition, resource_id, method, response_made)


def checked_response(method: Method, given: IntegrationResponse) -> IntegrationResponse:
    """`given`, unless it cannot be one of the method. Raises BadApiRequest."""
    methods.check_status(given.status_code)
    for kind in given.response_templates or {}:
        if "/" not in kind:
            raise BadApiRequest(
                f"Validation Result: warnings : [], errors : [Invalid content type specified: {kind}]"
            )
    answers = (method.method_responses or {}).get(given.status_code)
    known = (answers.response_parameters if answers is not None else None) or {}
    for key, value in (given.response_parameters or {}).items():
        if key not in known:
            raise _no_mapping(f"Invalid mapping expression parameter specified: {key}")
        if not value.startswith(("'", "integration.response.", "context.", "stageVariables.")):
            raise _no_mapping(f"Invalid mapping expression specified: {value}")
    return given


def update_response(
    definition: Definition, resource_id: str, http_method: str, status: str, operations: list[Operation]
) -> tuple[Definition, IntegrationResponse]:
    """Change an integration response. Raises ApiNotFound, BadApiRequest."""
    changed = _RESPONSE.apply(response(definition, resource_id, http_method, status), operations)
    method = methods.get(definition, resource_id, http_method)
    return _store_response(definition, resource_id, method, checked_response(method, changed))


def delete_response(
    definition: Definition, resource_id: str, http_method: str, status: str
) -> tuple[Definition, None]:
    """Remove an integration response. Raises ApiNotFound."""
    try:
        integration = get(definition, resource_id, http_method)
    except ApiNotFound as error:
        if str(error).startswith("Invalid Method"):  # as recorded of deletions alone
            raise ApiNotFound(_NO_INTEGRATION) from None
        raise
    response(definition, resource_id, http_method, status)
    rest = {key: one for key, one in (integration.integration_responses or {}).items() if key != status}
    method = methods.get(definition, resource_id, http_method)
    changed = replace(integration, integration_responses=rest or None)
    return _store(definition, resource_id, method, changed)[0], None


def _store_response(
    definition: Definition, resource_id: str, method: Method, made_one: IntegrationResponse
) -> tuple[Definition, IntegrationResponse]:
    integration = method.method_integration
    assert integration is not None
    responses = {**(integration.integration_responses or {}), made_one.status_code: made_one}
    changed = replace(integration, integration_responses=responses)
    return _store(definition, resource_id, method, changed)[0], made_one


def _insecure(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
    members["tls_config"] = TlsConfig(insecure_skip_verification=operation.value == "true")


_INTEGRATION: Final = Patches(
    {
        "/type": patches.choice("type", _TYPES, "Invalid IntegrationType specified", plain=True),
        "/httpMethod": patches.text("http_method", plain=True),
        "/uri": patches.text("uri", plain=True),
        "/credentials": patches.text("credentials", remove=True, plain=True),
        "/connectionType": patches.text("connection_type", plain=True),
        "/connectionId": patches.text("connection_id", plain=True),
        "/integrationTarget": patches.text("integration_target", plain=True),
        "/responseTransferMode": patches.text("response_transfer_mode", plain=True),
        "/passthroughBehavior": patches.text("passthrough_behavior", plain=True),
        "/contentHandling": patches.text("content_handling", remove=True, plain=True),
        "/timeoutInMillis": patches.number("timeout_in_millis", 50, _MOST_MS, _TIMEOUT, plain=True),
        "/cacheNamespace": patches.text("cache_namespace", plain=True),
        "/cacheKeyParameters/*": patches.item("cache_key_parameters"),
        "/requestParameters/*": patches.entry("request_parameters"),
        "/requestTemplates/*": patches.entry("request_templates", "Invalid template content type specified"),
        "/tlsConfig/insecureSkipVerification": _insecure,
    },
    style="plain",
)
_RESPONSE: Final = Patches(
    {
        "/selectionPattern": patches.text("selection_pattern", remove=True, plain=True),
        "/contentHandling": patches.text("content_handling", remove=True, plain=True),
        "/responseParameters/*": patches.entry("response_parameters"),
        "/responseTemplates/*": patches.entry("response_templates", "Content-Type specified was not found"),
    },
    style="plain",
)
