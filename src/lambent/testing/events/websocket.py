"""What a WebSocket API sends when a client connects, says something and leaves.

Shapes: "WebSocket API mapping template reference" and the tutorials on WebSocket APIs of the API Gateway developer
guide.
One connection's events share its `connection_id`, which `new_connection_id` makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.testing.events.fields import header_fields, last_values, split_target, values_by_name
from lambent.testing.events.values import (
    REGION,
    SOURCE_IP,
    USER_AGENT,
    common_log,
    millis,
    new_id,
    to_wire,
    without_none,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.testing.events.fields import Cookies, Headers, Query
    from lambent.testing.events.values import Moment

_API = "w1b2c3d4e5"


def new_connection_id() -> str:
    return new_id()


def websocket_connect(
    *,
    connection_id: str | None = None,
    query: Query | None = None,
    headers: Headers | None = None,
    cookies: Cookies | None = None,
    stage: str = "prod",
    stage_variables: Mapping[str, str] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    source_ip: str = SOURCE_IP,
    api_id: str = _API,
    domain: str | None = None,
    request_id: str | None = None,
    time: Moment | None = None,
) -> dict[str, Any]:
    """$connect: with the headers and the query of the request that asks for the upgrade."""
    context = _context(
        "$connect",
        "CONNECT",
        connection_id,
        stage,
        authorizer,
        source_ip,
        api_id,
        domain,
        request_id,
        time,
        None,
    )
    _, pairs, _ = split_target("", query)
    fields, jar = header_fields(headers, cookies, None, context["domainName"], source_ip)
    if jar:
        fields.append(("Cookie", "; ".join(jar)))
    fields += [
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
        ("Sec-WebSocket-Key", new_id(16)),
        ("Sec-WebSocket-Version", "13"),
    ]
    several, values = values_by_name(fields), values_by_name(pairs)
    return without_none(
        {
            "headers": last_values(several),
            "multiValueHeaders": several,
            "queryStringParameters": last_values(values) or None,
            "multiValueQueryStringParameters": values or None,
            "stageVariables": dict(stage_variables) if stage_variables else None,
            "requestContext": context,
            "isBase64Encoded": False,
        }
    )


def websocket_message(
    body: object,
    *,
    connection_id: str | None = None,
    route: str = "$default",
    stage: str = "prod",
    stage_variables: Mapping[str, str] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    source_ip: str = SOURCE_IP,
    api_id: str = _API,
    domain: str | None = None,
    message_id: str | None = None,
    request_id: str | None = None,
    connected_at: Moment | None = None,
    time: Moment | None = None,
) -> dict[str, Any]:
    """A message: text as it is, bytes in base64, anything else as JSON. `route` is the key of the route it went to."""
    text, encoded = to_wire(body)
    context = _context(
        route,
        "MESSAGE",
        connection_id,
        stage,
        authorizer,
        source_ip,
        api_id,
        domain,
        request_id,
        time,
        connected_at,
    )
    context["messageId"] = message_id or new_id()
    return without_none(
        {
            "requestContext": context,
            "stageVariables": dict(stage_variables) if stage_variables else None,
            "body": text if text is not None else "",
            "isBase64Encoded": encoded,
        }
    )


def websocket_disconnect(
    *,
    connection_id: str | None = None,
    code: int = 1005,
    reason: str = "Client-side close frame status not set",
    stage: str = "prod",
    stage_variables: Mapping[str, str] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    source_ip: str = SOURCE_IP,
    api_id: str = _API,
    domain: str | None = None,
    request_id: str | None = None,
    connected_at: Moment | None = None,
    time: Moment | None = None,
) -> dict[str, Any]:
    """$disconnect: with the closing code and its reason, and hardly any headers."""
    context = _context(
        "$disconnect",
        "DISCONNECT",
        connection_id,
        stage,
        authorizer,
        source_ip,
        api_id,
        domain,
        request_id,
        time,
        connected_at,
    )
    context["disconnectStatusCode"] = code
    context["disconnectReason"] = reason
    headers = {"Host": context["domainName"], "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    return without_none(
        {
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "stageVariables": dict(stage_variables) if stage_variables else None,
            "requestContext": context,
            "isBase64Encoded": False,
        }
    )


def _context(
    route: str,
    kind: str,
    connection_id: str | None,
    stage: str,
    authorizer: Mapping[str, Any] | None,
    source_ip: str,
    api_id: str,
    domain: str | None,
    request_id: str | None,
    time: Moment | None,
    connected_at: Moment | None,
) -> dict[str, Any]:
    request_id = request_id or new_id()
    return without_none(
        {
            "routeKey": route,
            "authorizer": dict(authorizer) if authorizer is not None else None,
            "eventType": kind,
            "extendedRequestId": request_id,
            "requestTime": common_log(time),
            "messageDirection": "IN",
            "stage": stage,
            "connectedAt": millis(time if connected_at is None else connected_at),
            "requestTimeEpoch": millis(time),
            "identity": {"userAgent": USER_AGENT, "sourceIp": source_ip},
            "requestId": request_id,
            "domainName": domain or f"{api_id}.execute-api.{REGION}.amazonaws.com",
            "connectionId": connection_id or new_connection_id(),
            "apiId": api_id,
        }
    )
