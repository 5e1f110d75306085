"""What the functions of REQUEST authorizers of HTTP APIs get, in payload 2.0 and 1.0.

Formats: "Control access to HTTP APIs with AWS Lambda authorizers" of the API Gateway developer guide. Without identity
sources `identitySource` is null (aws-powertools/powertools-lambda-python#5879). The body is not among it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.gateway.event_v1 import headers_v1
from lambent.gateway.event_v2 import clock_time, query_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Route
    from lambent.gateway.call import Call

_encode: Final = msgspec.json.Encoder().encode


class Place(msgspec.Struct, frozen=True, eq=False):
    """Where a request goes: the ARN of method and path, `path` and its variables, and the path of the event."""

    arn: str
    path: str
    raw_path: str
    parameters: Mapping[str, str] | None = None


def request_v2(
    call: Call, deployed: Deployed, route: Route, place: Place, identity: tuple[str, ...] | None
) -> bytes:
    """The event in payload 2.0, as JSON."""
    host = call.host
    headers = call.headers
    event: dict[str, Any] = {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": place.arn,
        "identitySource": identity,
        "routeKey": route.route_key,
        "rawPath": place.raw_path,
        "rawQueryString": call.query,
    }
    if call.cookies:
        event["cookies"] = call.cookies
    event["headers"] = headers
    if call.query:
        event["queryStringParameters"] = query_of(call.query)
    event["requestContext"] = {
        "accountId": deployed.api.account,
        "apiId": deployed.api.api_id,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": call.method,
            "path": place.raw_path,
            "protocol": call.protocol,
            "sourceIp": call.source_ip,
            "userAgent": call.user_agent,
        },
        "requestId": call.request_id,
        "routeKey": route.route_key,
        "stage": deployed.stage.stage_name,
        "time": clock_time(call.time_ms),
        "timeEpoch": call.time_ms,
    }
    if place.parameters:
        event["pathParameters"] = place.parameters
    if deployed.stage.stage_variables:
        event["stageVariables"] = deployed.stage.stage_variables
    return _encode(event)


def request_v1(
    call: Call, deployed: Deployed, route: Route, place: Place, identity: tuple[str, ...] | None
) -> bytes:
    """The event in payload 1.0, as JSON."""
    source = None if identity is None else ",".join(identity)
    resource = route.route_key.partition(" ")[2] or route.route_key
    headers = {name: values[-1] for name, values in headers_v1(call).items()}
    return _encode(
        {
            "version": "1.0",
            "type": "REQUEST",
            "methodArn": place.arn,
            "identitySource": source,
            "authorizationToken": source,
            "resource": resource,
            "path": place.raw_path,
            "httpMethod": call.method,
            "headers": headers,
            "queryStringParameters": query_of(call.query) if call.query else {},
            "pathParameters": place.parameters or {},
            "stageVariables": deployed.stage.stage_variables,
            "requestContext": {
                "path": place.raw_path,
                "accountId": deployed.api.account,
                "resourceId": route.route_key,
                "stage": deployed.stage.stage_name,
                "requestId": call.request_id,
                "identity": {"sourceIp": call.source_ip, "userAgent": call.user_agent},
                "resourcePath": resource,
                "httpMethod": call.method,
                "apiId": deployed.api.api_id,
            },
        }
    )
