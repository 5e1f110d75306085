"""What functions get of a connection's beginning, messages and end, as JSON.

Members and values are those of recorded events: $connect has the headers and the query of the handshake, messages
have neither, $disconnect has four headers of which only Host says anything, and `extendedRequestId` is the
`requestId`. What AWS leaves out is left out: queryStringParameters, stageVariables, authorizer and identity.userAgent
are there when there is something to say.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from lambent.gateway.call import extended_id, text_of
from lambent.gateway.event_v2 import clock_time
from lambent.invocation.request_id import random_hex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.websocket.clients import Client
    from lambent.http import Request


NO_STATUS: Final = 1005
"""The code of a connection whose client said goodbye without one."""

_HOP_BY_HOP: Final = frozenset({b"connection", b"upgrade", b"keep-alive", b"te", b"transfer-encoding"})
_NAMES: Final = {
    b"sec-websocket-key": "Sec-WebSocket-Key",
    b"sec-websocket-version": "Sec-WebSocket-Version",
    b"sec-websocket-extensions": "Sec-WebSocket-Extensions",
    b"sec-websocket-protocol": "Sec-WebSocket-Protocol",
}

_encode = msgspec.json.Encoder().encode


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def headers_of(request: Request, host: str, time_ms: int) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The headers of a handshake as functions get them: the last of each, and all of each.

    The server does not keep the spelling of names, so they are spelt as AWS's clients and gateways spell them.
    """
    several: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name not in _HOP_BY_HOP:
            several.setdefault(_spelt(name), []).append(text_of(value))
    several["Host"] = [host]
    secure = request.secure
    port = host.rpartition(":")[2]
    came_through = several.get("X-Forwarded-For")
    source = request.peer[0]
    several["X-Forwarded-For"] = [f"{came_through[-1]}, {source}" if came_through else source]
    several["X-Forwarded-Port"] = [port if port.isdigit() else "443" if secure else "80"]
    several["X-Forwarded-Proto"] = ["https" if secure else "http"]
    if "X-Amzn-Trace-Id" not in several:
        several["X-Amzn-Trace-Id"] = [f"Root=1-{time_ms // 1000:08x}-{random_hex(24)}"]
    several = dict(sorted(several.items()))
    return {name: values[-1] for name, values in several.items()}, several


def _spelt(name: bytes) -> str:
    known = _NAMES.get(name)
    if known is not None:
        return known
    text = name.decode("latin-1")
    return "-".join(part.capitalize() for part in text.split("-"))


def query_of(request: Request) -> dict[str, list[str]]:
    """The query parameters of a handshake, all values of each."""
    several: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query.decode("latin-1"), keep_blank_values=True):
        several.setdefault(name, []).append(value)
    return several


def shared_context(
    client: Client, identity: Mapping[str, Any], authorizer: Mapping[str, Any] | None
) -> bytes:
    """The members of requestContext that all events of a client share, as JSON without braces."""
    who: dict[str, Any] = dict(identity)
    if client.user_agent is not None:
        who["userAgent"] = client.user_agent
    who["sourceIp"] = client.source_ip
    context: dict[str, Any] = {
        "messageDirection": "IN",
        "stage": client.stage,
        "connectedAt": client.connected_ms,
        "identity": who,
        "domainName": client.host,
        "connectionId": client.id,
        "apiId": client.api_id,
    }
    if authorizer is not None:
        context["authorizer"] = authorizer
    return _encode(context)[1:-1]


def _context(
    shared: bytes, route_key: bytes, kind: bytes, request_id: str, more: bytes, time_ms: int
) -> bytes:
    """The requestContext. `route_key` and `more` are JSON, `more` with a comma at its end."""
    wire_id = request_id.encode()
    return (
        b'{"routeKey":%s,%s"eventType":"%s","extendedRequestId":"%s","requestTime":"%s",%s,"requestTimeEpoch":%d,"requestId":"%s"}'
        % (
            route_key,
            more,
            kind,
            wire_id,
            clock_time(time_ms).encode(),
            shared,
            time_ms,
            wire_id,
        )
    )


def _handshake(request: Request, client: Client) -> dict[str, Any]:
    single, several = headers_of(request, client.host, client.connected_ms)
    facts: dict[str, Any] = {"headers": single, "multiValueHeaders": several}
    query = query_of(request)
    if query:
        facts["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
        facts["multiValueQueryStringParameters"] = query
    return facts


def authorizer_facts(client: Client, request: Request, request_id: str) -> dict[str, Any]:
    """What a Lambda authorizer gets of a handshake, but for its type and ARN and the stage's variables.

    Unlike $connect it sees the headers of the upgrade (the example in "Control access to WebSocket APIs with Lambda
    REQUEST authorizers").
    """
    facts = _handshake(request, client)
    upgrading = {"Connection": "upgrade", "Upgrade": "websocket", "content-length": "0"}
    facts["headers"] |= upgrading
    facts["multiValueHeaders"] |= {name: [value] for name, value in upgrading.items()}
    context = _context(client.context, b'"$connect"', b"CONNECT", request_id, b"", client.connected_ms)
    nothing: dict[str, Any] = {"queryStringParameters": {}, "multiValueQueryStringParameters": {}}
    return {**nothing, **facts, "requestContext": msgspec.json.decode(context)}


def connect_event(request: Request, client: Client, request_id: str, variables: bytes) -> bytes:
    """The event of $connect. `variables` is what `stage_variables` gives."""
    context = _context(client.context, b'"$connect"', b"CONNECT", request_id, b"", client.connected_ms)
    facts = _encode(_handshake(request, client))[:-1]
    return b'%s,"requestContext":%s%s,"isBase64Encoded":false}' % (facts, context, variables)


def message_event(shared: bytes, route_key: bytes, request_id: str, text: str, variables: bytes) -> bytes:
    """The event of a message; `route_key` is JSON."""
    more = b'"messageId":"%s",' % extended_id().encode()
    context = _context(shared, route_key, b"MESSAGE", request_id, more, now_ms())
    return b'{"requestContext":%s%s,"body":%s,"isBase64Encoded":false}' % (context, variables, _encode(text))


def disconnect_event(client: Client, request_id: str, code: int, reason: str, variables: bytes) -> bytes:
    """The event of $disconnect: why the connection ended."""
    if code == NO_STATUS and not reason:
        reason = "Client-side close frame status not set"  # recorded
    headers = {"Host": client.host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    facts = {"headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
    more = b'"disconnectStatusCode":%d,"disconnectReason":%s,' % (code, _encode(reason))
    context = _context(client.context, b'"$disconnect"', b"DISCONNECT", request_id, more, now_ms())
    return b'%s,"requestContext":%s%s,"isBase64Encoded":false}' % (_encode(facts)[:-1], context, variables)


def stage_variables(variables: Mapping[str, str]) -> bytes:
    """A stage's variables as they stand in events: a member with a comma before it, or nothing."""
    return b',"stageVariables":%s' % _encode(variables) if variables else b""


def complaint(message: str, connection_id: str, request_id: str) -> bytes:
    """What API Gateway sends to a client whose message came to nothing."""
    return _encode({"message": message, "connectionId": connection_id, "requestId": request_id})
