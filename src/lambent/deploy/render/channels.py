"""WebSocket APIs: one a channel.

What a handler of the framework returns, the framework sends itself: it may come from any unit, and is the same for
clients that the gateway does not wait for. Plain handlers return `{"statusCode": 200, "body": …}`, and the gateway
sends the body: so their routes have a route response ("Set up route responses for WebSocket APIs" in its guide).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.deploy import names
from lambent.deploy.errors import RenderError
from lambent.deploy.render.composition import ref
from lambent.deploy.render.http_api import authorizer_of, execute_arn

if TYPE_CHECKING:
    from lambent.deploy.manifest import Channel, ChannelRoute
    from lambent.deploy.render.composition import Composition


def add_channels(composition: Composition) -> None:
    """All channels. Raises RenderError."""
    for channel in composition.manifest.channels:
        if not channel.routes:
            raise RenderError(
                f"the channel {channel.name} has no handlers, and a WebSocket API cannot be deployed without",
                hint=f"Add one with @{channel.name}.on_message, or leave the channel out.",
            )
        _add_channel(composition, channel)


def _add_channel(c: Composition, channel: Channel) -> None:
    api = c.add(
        "channel",
        channel.name,
        "AWS::ApiGatewayV2::Api",
        {
            "Name": names.channel_name(c.app, c.stage, channel.name),
            "ProtocolType": "WEBSOCKET",
            "RouteSelectionExpression": f"$request.body.{channel.key}",
        },
    )
    authorizer = _add_authorizer(c, channel, api)
    for unit in dict.fromkeys(route.unit for route in channel.routes):
        c.add(
            "integration",
            ("channel", channel.name, unit),
            "AWS::ApiGatewayV2::Integration",
            {
                "ApiId": ref(api),
                "IntegrationType": "AWS_PROXY",
                "IntegrationMethod": "POST",
                "IntegrationUri": c.invocation_uri(unit),
            },
        )
        c.permit(unit, ("channel", channel.name), "apigateway.amazonaws.com", of=execute_arn(ref(api), "*"))
    routes = [_add_route(c, channel, api, route, authorizer) for route in channel.routes]
    c.add(
        "channel_stage",
        channel.name,
        "AWS::ApiGatewayV2::Stage",
        {"ApiId": ref(api), "StageName": c.stage, "AutoDeploy": True},
        # A WebSocket API cannot be deployed before it has a route.
        after=routes,
    )
    url = {"Fn::Sub": f"${{{api}.ApiEndpoint}}/{c.stage}"}
    c.output(f"{api}Url", url, f"URL of the channel {channel.name}")


def _add_authorizer(c: Composition, channel: Channel, api: str) -> str | None:
    authorizer = authorizer_of(c, channel.name)
    if authorizer is None:
        return None
    logical = c.add(
        "authorizer",
        ("channel", channel.name),
        "AWS::ApiGatewayV2::Authorizer",
        {
            "ApiId": ref(api),
            "Name": authorizer.unit,
            "AuthorizerType": "REQUEST",
            "AuthorizerUri": c.invocation_uri(authorizer.unit),
            # The service wants it told, also that there are none.
            "IdentitySource": list(authorizer.identity),
        },
    )
    arn = execute_arn(ref(api), "authorizers/${Authorizer}")
    arn["Fn::Sub"][1]["Authorizer"] = ref(logical)
    c.permit(authorizer.unit, ("channel", channel.name, "authorizer"), "apigateway.amazonaws.com", of=arn)
    return logical


def _add_route(
    c: Composition, channel: Channel, api: str, route: ChannelRoute, authorizer: str | None
) -> str:
    answered = c.unit(route.unit).kind == "handler" and route.replies and route.key != "$disconnect"
    guarded = authorizer is not None and route.key == "$connect"
    integration = names.logical_id("integration", "channel", channel.name, route.unit)
    logical = c.add(
        "route",
        ("channel", channel.name, route.key),
        "AWS::ApiGatewayV2::Route",
        {
            "ApiId": ref(api),
            "RouteKey": route.key,
            "Target": {"Fn::Sub": f"integrations/${{{integration}}}"},
            "AuthorizationType": "CUSTOM" if guarded else "NONE",
            "AuthorizerId": ref(authorizer) if guarded and authorizer is not None else None,
            "RouteResponseSelectionExpression": "$default" if answered else None,
        },
    )
    if answered:
        c.add(
            "route_response",
            ("channel", channel.name, route.key),
            "AWS::ApiGatewayV2::RouteResponse",
            {"ApiId": ref(api), "RouteId": ref(logical), "RouteResponseKey": "$default"},
        )
    return logical
