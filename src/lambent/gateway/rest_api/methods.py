"""Methods of resources, and what they may answer.

Messages are API Gateway's own, recorded in localstack/localstack,
tests/aws/services/apigateway/test_apigateway_api.snapshot.json.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.rest_api import patches, resources
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import Method, MethodResponse

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.patches import Operation

METHODS: Final = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY")
AUTHORIZED: Final = ("CUSTOM", "COGNITO_USER_POOLS")
"""The authorization types that need an authorizer."""

_TYPES: Final = ("NONE", "AWS_IAM", *AUTHORIZED)
_NO_AUTHORIZER: Final = (
    "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid "
    "authorizer."
)
_NO_STATUS: Final = "Invalid Response status code specified"
_HEADER: Final = re.compile(r"method\.response\.header\.[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_STATUS: Final = re.compile(r"[1-5][0-9][0-9]")


def check_status(status: str) -> None:
    """Raises BadApiRequest for what is no status of an answer."""
    if _STATUS.fullmatch(status) is None:
        raise BadApiRequest(f"Invalid status code specified: {status}")


def get(definition: Definition, resource_id: str, http_method: str) -> Method:
    """One method. Raises ApiNotFound."""
    method = resources.get(definition, resource_id).methods.get(http_method)
    if method is None:
        raise ApiNotFound("Invalid Method identifier specified")
    return method


def put(definition: Definition, resource_id: str, members: dict[str, Any]) -> tuple[Definition, Method]:
    """Add a method. Raises ApiNotFound, BadApiRequest, ApiConflict."""
    given = {key: value for key, value in members.items() if value is not None}
    name = given.pop("http_method", "")
    resource = resources.get(definition, resource_id)
    if name not in METHODS:
        raise BadApiRequest(f"Invalid HttpMethod specified. Valid options are {','.join(METHODS)}")
    if name in resource.methods:
        raise ApiConflict("Method already exists for this resource")
    given.setdefault("api_key_required", False)
    return store(definition, resource_id, checked(definition, Method(http_method=name, **_emptied(given))))


def update(
    definition: Definition, resource_id: str, http_method: str, operations: list[Operation]
) -> tuple[Definition, Method]:
    """Change a method. Raises ApiNotFound, BadApiRequest."""
    changed = _METHOD.apply(get(definition, resource_id, http_method), operations)
    return store(definition, resource_id, checked(definition, changed))


def delete(definition: Definition, resource_id: str, http_method: str) -> tuple[Definition, None]:
    """Remove a method. Raises ApiNotFound."""
    get(definition, resource_id, http_method)
    resource = resources.get(definition, resource_id)
    rest = {key: value for key, value in resource.methods.items() if key != http_method}
    kept = replace(resource, resource_methods=rest or None)
    return replace(definition, resources={**definition.resources, resource_id: kept}), None


def store(definition: Definition, resource_id: str, method: Method) -> tuple[Definition, Method]:
    """Put a method in place."""
    resource = definition.resources[resource_id]
    kept = replace(resource, resource_methods={**resource.methods, method.http_method: method})
    return replace(definition, resources={**definition.resources, resource_id: kept}), method


def checked(definition: Definition, method: Method) -> Method:
    """A method as it is kept. Raises BadApiRequest."""
    if method.authorization_type not in _TYPES:
        raise BadApiRequest(f"Invalid AuthorizationType specified. Valid options are {','.join(_TYPES)}")
    if method.authorization_type in AUTHORIZED:
        if (method.authorizer_id or "") not in definition.authorizers:
            raise BadApiRequest(_NO_AUTHORIZER)
    elif method.authorizer_id is not None:
        method = replace(method, authorizer_id=None)
    if method.request_validator_id is not None and method.request_validator_id not in definition.validators:
        raise BadApiRequest("Invalid Request Validator identifier specified")
    names: dict[str, str] = {}
    for parameter in method.request_parameters or {}:
        parts = parameter.split(".", 3)
        if len(parts) != 4 or parts[:2] != ["method", "request"]:
            raise BadApiRequest(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping "
                f"expression specified: {parameter}]"
            )
        if names.setdefault(parts[3], parts[2]) != parts[2]:
            raise BadApiRequest("Parameter names must be unique across querystring, header and path")
    _check_models(definition, method.request_models)
    return method


def _check_models(definition: Definition, models: dict[str, str] | None) -> None:
    for name in (models or {}).values():
        if name not in definition.models:
            raise BadApiRequest(f"Invalid model identifier specified: {name}")


def _emptied(members: dict[str, Any]) -> dict[str, Any]:
    for name in ("request_parameters", "request_models", "authorization_scopes"):
        if name in members and not members[name]:
            del members[name]
    return members


# ---------------------------------------------------------------- responses


def response(definition: Definition, resource_id: str, http_method: str, status: str) -> MethodResponse:
    """One method response. Raises ApiNotFound."""
    found = (get(definition, resource_id, http_method).method_responses or {}).get(status)
    if found is None:
        raise ApiNotFound(_NO_STATUS)
    return found


def put_response(
    definition: Definition, resource_id: str, http_method: str, members: dict[str, Any]
) -> tuple[Definition, MethodResponse]:
    """Add a method response. Raises ApiNotFound, BadApiRequest, ApiConflict."""
    method = get(definition, resource_id, http_method)
    given = {key: value for key, value in members.items() if value is not None}
    made = MethodResponse(**given)
    if made.status_code in (method.method_responses or {}):
        raise ApiConflict("Response already exists for this resource")
    return _store_response(definition, resource_id, method, made)


def update_response(
    definition: Definition, resource_id: str, http_method: str, status: str, operations: list[Operation]
) -> tuple[Definition, MethodResponse]:
    """Change a method response. Raises ApiNotFound, BadApiRequest."""
    changed = _RESPONSE.apply(response(definition, resource_id, http_method, status), operations)
    return _store_response(definition, resource_id, get(definition, resource_id, http_method), changed)


def delete_response(
    definition: Definition, resource_id: str, http_method: str, status: str
) -> tuple[Definition, None]:
    """Remove a method response. Raises ApiNotFound."""
    response(definition, resource_id, http_method, status)
    method = get(definition, resource_id, http_method)
    rest = {key: value for key, value in (method.method_responses or {}).items() if key != status}
    return store(definition, resource_id, replace(method, method_responses=rest or None))[0], None


def _store_response(
    definition: Definition, resource_id: str, method: Method, made: MethodResponse
) -> tuple[Definition, MethodResponse]:
    check_status(made.status_code)
    _check_models(definition, made.response_models)
    for parameter in made.response_parameters or {}:
        if _HEADER.fullmatch(parameter) is None:
            raise BadApiRequest(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping "
                f"expression specified: {parameter}]"
            )
    responses = {**(method.method_responses or {}), made.status_code: made}
    return store(definition, resource_id, replace(method, method_responses=responses))[0], made


_METHOD: Final = Patches(
    {
        "/authorizationType": patches.text("authorization_type", plain=True),
        "/authorizerId": patches.text("authorizer_id", plain=True),
        "/apiKeyRequired": patches.flag("api_key_required", plain=True),
        "/operationName": patches.text("operation_name", plain=True),
        "/requestValidatorId": patches.text("request_validator_id", plain=True),
        "/requestParameters/*": patches.entry("request_parameters", flags=True),
        "/requestModels/*": patches.entry("request_models", "Content-Type specified was not found"),
        "/authorizationScopes": patches.added("authorization_scopes"),
    },
    style="plain",
)
_RESPONSE: Final = Patches(
    {
        "/responseParameters/*": patches.entry("response_parameters", flags=True),
        "/responseModels/*": patches.entry("response_models", "Content-Type specified was not found"),
    },
    style="plain",
)
