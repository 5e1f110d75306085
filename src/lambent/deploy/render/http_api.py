"""The HTTP API: its routes, who may call them, and the answers to browsers that ask first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.deploy import names
from lambent.deploy.errors import RenderError
from lambent.deploy.render.composition import get, ref, sub
from lambent.deploy.render.variables import HTTP

if TYPE_CHECKING:
    from lambent.deploy.manifest import Authorizer, Cors, Route
    from lambent.deploy.render.composition import Composition

_TYPES: Final = {"none": "NONE", "authorizer": "CUSTOM", "jwt": "JWT", "iam": "AWS_IAM"}
_LONGEST_TTL_S: Final = 3600


def needs_api(composition: Composition) -> bool:
    """Whether the app answers requests."""
    manifest = composition.manifest
    return bool(manifest.routes) or authorizer_of(composition, HTTP) is not None


def add_http_api(composition: Composition) -> None:
    """The API with all that belongs to it, where there are routes. Raises RenderError."""
    c = composition
    if not needs_api(c):
        return
    api = c.add(
        "api",
        HTTP,
        "AWS::ApiGatewayV2::Api",
        {
            "Name": names.api_name(c.app, c.stage),
            "ProtocolType": "HTTP",
            "CorsConfiguration": cors_of(c.manifest.cors),
        },
    )
    authorizers = _add_authorizers(c, api)
    for unit in dict.fromkeys(route.unit for route in c.manifest.routes):
        c.add(
            "integration",
            (HTTP, unit),
            "AWS::ApiGatewayV2::Integration",
            {
                "ApiId": ref(api),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": c.function_arn(unit),
                "PayloadFormatVersion": "2.0",
            },
        )
        c.permit(unit, (HTTP,), "apigateway.amazonaws.com", of=execute_arn(ref(api), "*/*"))
    for route in c.manifest.routes:
        _add_route(c, api, route, authorizers)
    c.add(
        "stage",
        HTTP,
        "AWS::ApiGatewayV2::Stage",
        {"ApiId": ref(api), "StageName": "$default", "AutoDeploy": True},
    )
    c.output("HttpUrl", get(api, "ApiEndpoint"), "URL of the HTTP API")


def execute_arn(api: Any, rest: str) -> dict[str, Any]:
    """The ARN of an API's requests: `<stage>/<method>/<path>` follows its id."""
    start = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"
    return {"Fn::Sub": [f"{start}/{rest}", {"Api": api}]}


def route_key(route: Route) -> str:
    """As the gateway spells it; a path `$default` is for all that no other route is for."""
    return "$default" if route.path == "$default" else f"{route.method} {route.path}"


def authorizer_of(c: Composition, api: str) -> Authorizer | None:
    """The authorizer of an API. Raises RenderError where there are several, or it cannot be."""
    found = [one for one in c.manifest.authorizers if one.api == api]
    if len(found) > 1:
        raise RenderError(
            f"units {found[0].unit} and {found[1].unit} both have the authorizer of {api}",
            hint="One handler has to do.",
        )
    if not found:
        return None
    authorizer = found[0]
    if not 0 <= authorizer.ttl_s <= _LONGEST_TTL_S:
        raise RenderError(
            f"unit {authorizer.unit}: its authorizer keeps decisions {authorizer.ttl_s} seconds: it can be 0 to 3,600"
        )
    if authorizer.ttl_s and api != HTTP:
        raise RenderError(
            f"unit {authorizer.unit}: the authorizer of the channel {api} keeps decisions, and WebSocket APIs ask for "
            "each connection",
            hint="Leave out the time.",
        )
    if authorizer.ttl_s and not authorizer.identity:
        raise RenderError(
            f"unit {authorizer.unit}: its authorizer keeps decisions, and nothing says by what callers are known",
            hint='Give it identity sources ("$request.header.Authorization"), or leave out the time.',
        )
    return authorizer


def cors_of(cors: Cors | None) -> dict[str, Any] | None:
    """CORS as APIs are told it. Raises RenderError."""
    if cors is None:
        return None
    if cors.credentials and "*" in cors.origins:
        raise RenderError(
            "CORS with credentials needs origins that are named, not *",
            hint="List them in origins of [app.cors].",
        )
    found: dict[str, Any] = {
        "AllowOrigins": list(cors.origins) or None,
        "AllowMethods": list(cors.methods) or None,
        "AllowHeaders": list(cors.headers) or None,
        "ExposeHeaders": list(cors.expose) or None,
        "AllowCredentials": cors.credentials or None,
        "MaxAge": cors.max_age_s,
    }
    return {key: value for key, value in found.items() if value is not None}


def _add_authorizers(c: Composition, api: str) -> dict[str, str]:
    """Authorizers by the `auth` of routes."""
    found: dict[str, str] = {}
    authorizer = authorizer_of(c, HTTP)
    if authorizer is not None:
        found["authorizer"] = c.add(
            "authorizer",
            HTTP,
            "AWS::ApiGatewayV2::Authorizer",
            {
                "ApiId": ref(api),
                "Name": authorizer.unit,
                "AuthorizerType": "REQUEST",
                "AuthorizerUri": c.invocation_uri(authorizer.unit),
                "AuthorizerPayloadFormatVersion": "2.0",
                "EnableSimpleResponses": authorizer.simple,
                "AuthorizerResultTtlInSeconds": authorizer.ttl_s,
                # The service wants it told, also that there are none.
                "IdentitySource": list(authorizer.identity),
            },
        )
        arn = execute_arn(ref(api), "authorizers/${Authorizer}")
        arn["Fn::Sub"][1]["Authorizer"] = ref(found["authorizer"])
        c.permit(authorizer.unit, (HTTP, "authorizer"), "apigateway.amazonaws.com", of=arn)
    if c.manifest.jwt is not None:
        found["jwt"] = c.add(
            "authorizer",
            (HTTP, "jwt"),
            "AWS::ApiGatewayV2::Authorizer",
            {
                "ApiId": ref(api),
                "Name": "jwt",
                "AuthorizerType": "JWT",
                "IdentitySource": ["$request.header.Authorization"],
                "JwtConfiguration": {
                    "Issuer": sub(c.manifest.jwt.issuer),
                    "Audience": list(c.manifest.jwt.audience),
                },
            },
        )
    return found


def check_route(c: Composition, route: Route) -> None:
    """Raise RenderError for a route that asks for what is not there."""
    for other in c.manifest.routes:
        if other.unit != route.unit and route_key(other) == route_key(route):
            raise RenderError(
                f"units {route.unit} and {other.unit} both have the route {route_key(route)}",
                hint="Give one of them another path or method.",
            )
    if route.auth == "jwt" and c.manifest.jwt is None:
        raise RenderError(
            f"the route {route_key(route)} wants a JWT, and nothing says whose",
            hint="Set issuer and audience in [app.jwt].",
        )
    if route.auth == "authorizer" and authorizer_of(c, HTTP) is None:
        raise RenderError(
            f"the route {route_key(route)} wants an authorizer, and the app has none",
            hint="Add one with @app.authorizer().",
        )


def _add_route(c: Composition, api: str, route: Route, authorizers: dict[str, str]) -> None:
    check_route(c, route)
    authorizer = authorizers.get(route.auth)
    scopes = list(c.manifest.jwt.scopes) if route.auth == "jwt" and c.manifest.jwt is not None else []
    integration = names.logical_id("integration", HTTP, route.unit)
    c.add(
        "route",
        (HTTP, route.method.lower(), route.path),
        "AWS::ApiGatewayV2::Route",
        {
            "ApiId": ref(api),
            "RouteKey": route_key(route),
            "Target": {"Fn::Sub": f"integrations/${{{integration}}}"},
            "AuthorizationType": _TYPES[route.auth],
            "AuthorizerId": ref(authorizer) if authorizer is not None else None,
            "AuthorizationScopes": scopes or None,
        },
    )
