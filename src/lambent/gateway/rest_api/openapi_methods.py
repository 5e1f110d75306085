"""Methods of Swagger and OpenAPI documents, with their integrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis.errors import BadApiRequest
from lambent.gateway.rest_api import integrations, methods
from lambent.gateway.rest_api.openapi_models import referenced
from lambent.gateway.rest_api.records import (
    Integration,
    IntegrationResponse,
    Method,
    MethodResponse,
    TlsConfig,
)

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition

_EXTENSION: Final = "x-amazon-apigateway-"
_PLACES: Final = {"header": "header", "query": "querystring", "path": "path"}
_JSON: Final = "application/json"
_INTEGRATION: Final = {
    "uri": "uri",
    "httpMethod": "http_method",
    "credentials": "credentials",
    "connectionId": "connection_id",
    "cacheNamespace": "cache_namespace",
    "contentHandling": "content_handling",
    "responseTransferMode": "response_transfer_mode",
    "integrationTarget": "integration_target",
}


class Methods:
    """Reads the methods of one document. `security` is by the name of a scheme, with its `authorizer` if it has one."""

    def __init__(self, definition: Definition, document: dict[str, Any], security: dict[str, Any]) -> None:
        self.warnings: list[str] = []
        self._definition = definition
        self._document = document
        self._security = security
        self._validators = {one.name: one.id for one in definition.validators.values()}

    def method(self, verb: str, resource_id: str, operation: dict[str, Any], path: dict[str, Any]) -> Method:
        """One method. Raises BadApiRequest."""
        parameters = [self._resolved(one) for one in (path.get("parameters") or [])]
        parameters += [self._resolved(one) for one in (operation.get("parameters") or [])]
        required = {
            f"method.request.{_PLACES[one['in']]}.{one['name']}": flag(one.get("required"))
            for one in parameters
            if one.get("in") in _PLACES
        }
        validator = operation.get(f"{_EXTENSION}request-validator") or self._document.get(
            f"{_EXTENSION}request-validator"
        )
        if validator is not None and validator not in self._validators:
            raise BadApiRequest(f"Invalid request validator: {validator}")
        method = Method(
            http_method=verb,
            operation_name=operation.get("operationId"),
            request_parameters=required or None,
            request_models=self._request_models(operation, parameters) or None,
            method_responses=self._responses(operation) or None,
            request_validator_id=self._validators.get(validator or ""),
            **self._authorization(operation),
        )
        given = operation.get(f"{_EXTENSION}integration")
        if given:
            made = self._integration(given, resource_id)
            # What a mapping refers to is declared by it, as nothing else in the document has to.
            method = replace(method, method_integration=made)
        return methods.checked(self._definition, method)

    def _resolved(self, given: Any) -> dict[str, Any]:
        reference = given.get("$ref") if isinstance(given, dict) else None
        if isinstance(reference, str) and reference.startswith("#/"):
            found: Any = self._document
            for step in reference[2:].split("/"):
                found = found.get(step, {}) if isinstance(found, dict) else {}
            given = found
        return given if isinstance(given, dict) else {}

    def _request_models(self, operation: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, str]:
        found: dict[str, str] = {}
        kinds = operation.get("consumes") or self._document.get("consumes") or [_JSON]
        for one in parameters:
            name = referenced(one.get("schema") or {}) if one.get("in") == "body" else None
            if name is not None:
                found |= {str(kind): name for kind in kinds}
        body = self._resolved(operation.get("requestBody") or {})
        for kind, content in (body.get("content") or {}).items():
            name = referenced((content or {}).get("schema") or {})
            if name is not None:
                found[str(kind)] = name
        return {kind: name for kind, name in found.items() if name in self._definition.models}

    def _responses(self, operation: dict[str, Any]) -> dict[str, MethodResponse]:
        found: dict[str, MethodResponse] = {}
        kinds = operation.get("produces") or self._document.get("produces") or [_JSON]
        for status, given in (operation.get("responses") or {}).items():
            status = str(status)
            if not (len(status) == 3 and status.isascii() and status.isdigit()):
                continue
            response = self._resolved(given)
            models: dict[str, str] = {}
            name = referenced(response.get("schema") or {})
            if name is not None:
                models = {str(kind): name for kind in kinds}
            for kind, content in (response.get("content") or {}).items():
                name = referenced((content or {}).get("schema") or {})
                if name is not None:
                    models[str(kind)] = name
            headers = {f"method.response.header.{name}": False for name in response.get("headers") or {}}
            models = {kind: name for kind, name in models.items() if name in self._definition.models}
            found[status] = MethodResponse(
                status_code=status, response_parameters=headers or None, response_models=models or None
            )
        return found

    def _authorization(self, operation: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"authorization_type": "NONE", "api_key_required": False}
        security = operation.get("security", self._document.get("security"))
        for requirement in security or []:
            for name, scopes in requirement.items():
                scheme = self._security.get(name)
                if scheme is None and name == "NONE":
                    continue  # so the SAM transform says that there is no authorization
                if scheme is None:
                    self.warnings.append(f"Security definition '{name}' is not defined")
                elif "authorizer" in scheme:
                    authorizer = scheme["authorizer"]
                    cognito = authorizer.type == "COGNITO_USER_POOLS"
                    found["authorization_type"] = "COGNITO_USER_POOLS" if cognito else "CUSTOM"
                    found["authorizer_id"] = authorizer.id
                    if cognito and scopes:
                        found["authorization_scopes"] = tuple(map(str, scopes))
                elif str(scheme.get(f"{_EXTENSION}authtype", "")).lower() == "awssigv4":
                    found["authorization_type"] = "AWS_IAM"
                elif scheme.get("type") == "apiKey" and str(scheme.get("name", "")).lower() == "x-api-key":
                    found["api_key_required"] = True
        auth = operation.get(f"{_EXTENSION}auth") or self._document.get(f"{_EXTENSION}auth")
        if isinstance(auth, dict) and str(auth.get("type", "")).upper() in ("AWS_IAM", "NONE"):
            found["authorization_type"] = str(auth["type"]).upper()
            found.pop("authorizer_id", None)
        return found

    def _integration(self, given: dict[str, Any], resource_id: str) -> Integration:
        members: dict[str, Any] = {
            name: str(given[key]) for key, name in _INTEGRATION.items() if given.get(key) is not None
        }
        members["type"] = str(given.get("type", "")).upper()
        if members["type"] == "MOCK":
            members.pop("uri", None)
        if "http_method" in members:
            members["http_method"] = members["http_method"].upper()
        for key, name in (
            ("passthroughBehavior", "passthrough_behavior"),
            ("connectionType", "connection_type"),
        ):
            if given.get(key) is not None:
                members[name] = str(given[key]).upper()
        if given.get("timeoutInMillis") is not None:
            members["timeout_in_millis"] = number(given["timeoutInMillis"])
        if given.get("cacheKeyParameters"):
            members["cache_key_parameters"] = tuple(map(str, given["cacheKeyParameters"]))
        for key, name in (
            ("requestParameters", "request_parameters"),
            ("requestTemplates", "request_templates"),
        ):
            if given.get(key):
                members[name] = {str(one): str(value) for one, value in given[key].items()}
        if given.get("tlsConfig"):
            insecure = flag(given["tlsConfig"].get("insecureSkipVerification"))
            members["tls_config"] = TlsConfig(insecure_skip_verification=insecure)
        responses = {
            response.status_code: response
            for pattern, one in (given.get("responses") or {}).items()
            for response in (_integration_response(str(pattern), one or {}),)
        }
        members["integration_responses"] = responses or None
        made = integrations.made(resource_id, members)
        # Mappings of parameters that the document does not declare are imported, with a warning of AWS's.
        integrations.checked(
            Method(http_method="ANY", authorization_type="NONE", api_key_required=False),
            replace(made, request_parameters=None),
        )
        return made


def _integration_response(pattern: str, given: dict[str, Any]) -> IntegrationResponse:
    parameters = given.get("responseParameters")
    templates = given.get("responseTemplates")
    handling = given.get("contentHandling")
    return IntegrationResponse(
        status_code=str(given.get("statusCode", "200")),
        selection_pattern=None if pattern == "default" else pattern,
        response_parameters={str(key): str(value) for key, value in parameters.items()}
        if parameters
        else None,
        response_templates=(
            {str(key): None if value is None else str(value) for key, value in templates.items()}
            if templates
            else None
        ),
        content_handling=str(handling) if handling else None,  # type: ignore[arg-type]
    )


def flag(given: Any) -> bool:
    """True or false; scalars of YAML are texts."""
    return given is True or str(given).lower() == "true"


def number(given: Any) -> int:
    """A whole number; scalars of YAML are texts. Raises BadApiRequest."""
    try:
        return int(given)
    except (TypeError, ValueError):
        raise BadApiRequest(f"Invalid number: {given}") from None
