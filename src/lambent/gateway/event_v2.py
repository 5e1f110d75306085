"""Payload 2.0: what functions get of a request through a function URL or an HTTP API.

Format: "Invoking Lambda function URLs" of the Lambda developer guide, "Create AWS Lambda proxy integrations for HTTP
APIs" of the API Gateway developer guide. What AWS leaves out is left out: cookies, queryStringParameters,
pathParameters, stageVariables and body are there when there is something to say.

Which bodies are text was measured against an HTTP API (ministackorg/ministack#766, floci-io/floci#2172): text/*,
JSON, XML and JavaScript; everything else is in base64, forms and bodies without a type included.
"""

from __future__ import annotations

import time
from binascii import b2a_base64
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

if TYPE_CHECKING:
    from lambent.gateway.call import Call

_TEXT: Final = frozenset({"application/json", "application/xml", "application/javascript"})
_UTF_8: Final = frozenset({"utf-8", "utf8"})

_encode = msgspec.json.Encoder().encode
_second = -1
_clock = ""


def clock_time(time_ms: int) -> str:
    """A time as API Gateway writes it: `12/Mar/2020:19:03:58 +0000`."""
    global _second, _clock
    second = time_ms // 1000
    if second != _second:
        _second = second
        _clock = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))
    return _clock


def is_text(content_type: str) -> bool:
    """Whether a body of that type is handed on as text."""
    essence, _, parameters = content_type.partition(";")
    essence = essence.strip().lower()
    if not essence.startswith("text/") and essence not in _TEXT:
        return False
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in _UTF_8
    return True


def body_of(body: bytes, content_type: str | None) -> tuple[str, bool]:
    """A body as it stands in an event, and whether that is base64."""
    if content_type is not None and is_text(content_type):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return b2a_base64(body, newline=False).decode(), True


def query_of(query: str) -> dict[str, str]:
    """The decoded query parameters; the values of a repeated one joined with commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def event_v2(
    call: Call,
    *,
    api_id: str,
    account_id: str,
    raw_path: str,
    route_key: str = "$default",
    stage: str = "$default",
    authorizer: dict[str, Any] | None = None,
    authentication: dict[str, Any] | None = None,
    path_parameters: dict[str, str] | None = None,
    stage_variables: dict[str, str] | None = None,
) -> bytes:
    """The event as JSON. `raw_path` as functions are to see it: of a URL as it was sent, of an HTTP API decoded."""
    headers = call.headers
    host = call.host
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": raw_path,
        "rawQueryString": call.query,
    }
    if call.cookies:
        event["cookies"] = call.cookies
    event["headers"] = headers
    if call.query:
        event["queryStringParameters"] = query_of(call.query)
    context: dict[str, Any] = {"accountId": account_id, "apiId": api_id}
    if authentication is not None:
        context["authentication"] = authentication
    if authorizer is not None:
        context["authorizer"] = authorizer
    context["domainName"] = host
    context["domainPrefix"] = host.partition(".")[0]
    context["http"] = {
        "method": call.method,
        "path": raw_path,
        "protocol": call.protocol,
        "sourceIp": call.source_ip,
        "userAgent": headers.get("user-agent", ""),
    }
    context["requestId"] = call.request_id
    context["routeKey"] = route_key
    context["stage"] = stage
    context["time"] = clock_time(call.time_ms)
    context["timeEpoch"] = call.time_ms
    event["requestContext"] = context
    if path_parameters:
        event["pathParameters"] = path_parameters
    if stage_variables:
        event["stageVariables"] = stage_variables
    body = call.request.body
    if body:
        event["body"], event["isBase64Encoded"] = body_of(body, headers.get("content-type"))
    else:
        event["isBase64Encoded"] = False
    return _encode(event)
