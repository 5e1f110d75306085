"""Gateway responses: what API Gateway answers itself.

"Gateway response types for API Gateway" of the developer guide; defaults and messages recorded in
localstack/localstack, tests/aws/services/apigateway/test_apigateway_api.snapshot.json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiNotFound, BadApiRequest
from lambent.gateway.rest_api import patches
from lambent.gateway.rest_api.methods import check_status
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import GatewayResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.patches import Operation

STATUSES: Final[dict[str, str | None]] = {
    "ACCESS_DENIED": "403",
    "API_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_FAILURE": "500",
    "BAD_REQUEST_BODY": "400",
    "BAD_REQUEST_PARAMETERS": "400",
    "DEFAULT_4XX": None,
    "DEFAULT_5XX": None,
    "EXPIRED_TOKEN": "403",
    "INTEGRATION_FAILURE": "504",
    "INTEGRATION_TIMEOUT": "504",
    "INVALID_API_KEY": "403",
    "INVALID_SIGNATURE": "403",
    "MISSING_AUTHENTICATION_TOKEN": "403",
    "QUOTA_EXCEEDED": "429",
    "REQUEST_TOO_LARGE": "413",
    "RESOURCE_NOT_FOUND": "404",
    "THROTTLED": "429",
    "UNAUTHORIZED": "401",
    "UNSUPPORTED_MEDIA_TYPE": "415",
    "WAF_FILTERED": "403",
}
"""The types with the status that each has unless another is set."""

TEMPLATES: Final = {"application/json": '{"message":$context.error.messageString}'}


def fallback(responses: Mapping[str, GatewayResponse], response_type: str) -> GatewayResponse | None:
    """What is answered for a type: its own, or else that of all errors of its class; None for AWS's default."""
    own = responses.get(response_type)
    if own is not None:
        return own
    status = STATUSES.get(response_type)
    if status is None:
        return None
    return responses.get("DEFAULT_5XX" if status.startswith("5") else "DEFAULT_4XX")


def described(definition: Definition, response_type: str) -> dict[str, Any]:
    """One response as answers show it, whether it is set or not."""
    own = definition.gateway_responses.get(response_type)
    found = fallback(definition.gateway_responses, response_type)
    shown = {
        "responseType": response_type,
        "responseParameters": {} if found is None else found.response_parameters,
        "responseTemplates": (found.response_templates if found is not None else None) or TEMPLATES,
        "defaultResponse": own is None,
    }
    status = (found.status_code if found is not None else None) or STATUSES.get(response_type)
    return shown if status is None else {**shown, "statusCode": status}


def put(
    definition: Definition, response_type: str, members: dict[str, Any]
) -> tuple[Definition, GatewayResponse]:
    """Set a response."""
    given = {key: value for key, value in members.items() if value is not None}
    given.pop("response_type", None)
    made = GatewayResponse(response_type=response_type, **given)
    return _put(definition, made)


def update(
    definition: Definition, response_type: str, operations: list[Operation]
) -> tuple[Definition, GatewayResponse]:
    """Change a response, which is set by that. Raises ApiNotFound, BadApiRequest."""
    old = definition.gateway_responses.get(response_type, GatewayResponse(response_type=response_type))
    return _put(definition, _PATCHES.apply(old, operations))


def delete(definition: Definition, response_type: str) -> tuple[Definition, None]:
    """Return to the default. Raises ApiNotFound."""
    if response_type not in definition.gateway_responses:
        raise ApiNotFound("Gateway response type not defined on api")
    rest = {key: value for key, value in definition.gateway_responses.items() if key != response_type}
    return replace(definition, gateway_responses=rest), None


def check(response: GatewayResponse) -> None:
    """Raises BadApiRequest for one that cannot be answered."""
    if response.status_code is not None:
        check_status(response.status_code)


def _put(definition: Definition, made: GatewayResponse) -> tuple[Definition, GatewayResponse]:
    check(made)
    responses = {**definition.gateway_responses, made.response_type: made}
    return replace(definition, gateway_responses=responses), made


_EMPTY: Final = "Invalid null or empty value in "
_PATCHES: Final = Patches(
    {
        "/statusCode": lambda members, operation, stars: _status(members, operation),
        "/responseParameters/*": patches.entry(
            "response_parameters", empty=f"{_EMPTY}responseParameters", keeps=True
        ),
        "/responseTemplates/*": patches.entry(
            "response_templates", empty=f"{_EMPTY}responseTemplates", keeps=True
        ),
    },
    style="plain",
)


def _status(members: patches.Members, operation: Operation) -> None:
    if operation.op != "replace":
        raise BadApiRequest(f"Invalid patch path {operation.path}")
    members["status_code"] = operation.value or None
