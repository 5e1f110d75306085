"""HTTP APIs as OpenAPI 3.0 documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.gateway.apis.openapi_import import ANY, CORS, ENDPOINTS, INTEGRATION, TAG_VALUE
from lambent.gateway.apis.openapi_security import AUTH, AUTHORIZER
from lambent.gateway.apis.route_keys import DEFAULT

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content
    from lambent.gateway.apis.records import Authorizer, Integration, Route

_PARAMETER: Final = re.compile(r"\{([^{}]+)\}")
_INTEGRATION: Final = {
    "payload_format_version": "payloadFormatVersion",
    "integration_type": "type",
    "integration_subtype": "integrationSubtype",
    "integration_method": "httpMethod",
    "integration_uri": "uri",
    "credentials_arn": "credentials",
    "connection_type": "connectionType",
    "connection_id": "connectionId",
    "description": "description",
    "request_parameters": "requestParameters",
    "response_parameters": "responseParameters",
}
_AUTHORIZER: Final = {
    "authorizer_uri": "authorizerUri",
    "authorizer_credentials_arn": "authorizerCredentials",
    "authorizer_payload_format_version": "authorizerPayloadFormatVersion",
    "authorizer_result_ttl_in_seconds": "authorizerResultTtlInSeconds",
    "enable_simple_responses": "enableSimpleResponses",
    "identity_validation_expression": "identityValidationExpression",
}


def exported(content: Content, endpoint: str, stage_name: str | None, *, extensions: bool) -> dict[str, Any]:
    """The document of an API that answers at `endpoint`, with or without API Gateway's extensions."""
    api = content.api
    info: dict[str, Any] = {"title": api.name}
    if api.description is not None:
        info["description"] = api.description
    info["version"] = api.version or f"{api.created_date:%Y-%m-%d %H:%M:%SUTC}"
    base_path = "" if stage_name in (None, DEFAULT) else f"/{stage_name}"
    server: dict[str, Any] = {
        "url": f"{endpoint}/{{basePath}}",
        "variables": {"basePath": {"default": base_path.lstrip("/")}},
    }
    document: dict[str, Any] = {"openapi": "3.0.1", "info": info, "servers": [server]}
    if extensions and api.disable_execute_api_endpoint:
        server[ENDPOINTS] = {"disableExecuteApiEndpoint": True}
    if extensions and api.tags:
        document["tags"] = [{"name": key, TAG_VALUE: value} for key, value in sorted(api.tags.items())]
    document["paths"] = _paths(content, extensions=extensions)
    if extensions:
        if content.authorizers:
            schemes = {one.name: _scheme(one) for one in content.authorizers.values()}
            document["components"] = {"securitySchemes": dict(sorted(schemes.items()))}
        if api.cors_configuration is not None:
            cors = api.cors_configuration
            members = {
                "allowMethods": cors.allow_methods,
                "allowHeaders": cors.allow_headers,
                "exposeHeaders": cors.expose_headers,
                "maxAge": cors.max_age,
                "allowCredentials": cors.allow_credentials,
                "allowOrigins": cors.allow_origins,
            }
            document[CORS] = {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in members.items()
                if value is not None
            }
        document["x-amazon-apigateway-importexport-version"] = "1.0"
    return document


def _paths(content: Content, *, extensions: bool) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in sorted(content.routes.values(), key=_place):
        is_default = route.route_key == DEFAULT
        method, _, path = ("ANY", "", f"/{DEFAULT}") if is_default else route.route_key.partition(" ")
        if method == "ANY" and not extensions:
            continue  # OpenAPI has no word for it
        item = paths.setdefault(path, {})
        item[ANY if method == "ANY" else method.lower()] = _operation(content, route, extensions=extensions)
        parameters = [_path_parameter(name) for name in _PARAMETER.findall(path)]
        if parameters:
            item["parameters"] = parameters
    return paths


def _place(route: Route) -> tuple[str, str]:
    method, _, path = route.route_key.partition(" ")
    return path, method


def _path_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "description": f"Generated path parameter for {name}",
        "required": True,
        "schema": {"type": "string"},
    }


def _operation(content: Content, route: Route, *, extensions: bool) -> dict[str, Any]:
    operation: dict[str, Any] = {}
    if route.operation_name is not None:
        operation["operationId"] = route.operation_name
    operation["responses"] = {"default": {"description": f"Default response for {route.route_key}"}}
    if not extensions:
        return operation
    if route.route_key == DEFAULT:
        operation["isDefaultRoute"] = True
    authorizer = content.authorizers.get(route.authorizer_id or "")
    if route.authorization_type == "AWS_IAM":
        operation[AUTH] = {"type": "AWS_IAM"}
    elif route.authorization_type != "NONE" and authorizer is not None:
        operation["security"] = [{authorizer.name: list(route.authorization_scopes or ())}]
    integration = content.integrations.get(route.integration_id or "")
    if integration is not None:
        operation[INTEGRATION] = _integration(integration)
    return operation


def _integration(integration: Integration) -> dict[str, Any]:
    members = {
        name: value
        for member, name in _INTEGRATION.items()
        if (value := getattr(integration, member)) is not None
    }
    if integration.timeout_in_millis != 30_000:
        members["timeoutInMillis"] = integration.timeout_in_millis
    if integration.tls_config is not None:
        members["tlsConfig"] = {"serverNameToVerify": integration.tls_config.server_name_to_verify}
    return members


def _scheme(authorizer: Authorizer) -> dict[str, Any]:
    sources = authorizer.identity_source or ()
    if authorizer.authorizer_type == "JWT":
        jwt = authorizer.jwt_configuration
        described: dict[str, Any] = {"identitySource": sources[0] if sources else None}
        if jwt is not None:
            described["jwtConfiguration"] = {"audience": list(jwt.audience or ()), "issuer": jwt.issuer}
        return {"type": "oauth2", AUTHORIZER: {**described, "type": "jwt"}, "flows": {}}
    described = {
        name: value
        for member, name in _AUTHORIZER.items()
        if (value := getattr(authorizer, member)) is not None
    }
    if sources:
        described["identitySource"] = ", ".join(sources)
    return {
        "type": "apiKey",
        "name": "Unused",
        "in": "header",
        AUTHORIZER: {**described, "type": "request"},
    }
