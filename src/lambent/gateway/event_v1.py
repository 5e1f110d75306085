"""Payload 1.0 as HTTP APIs send it, to functions that were written for REST APIs.

Format: "Create AWS Lambda proxy integrations for HTTP APIs" of the API Gateway developer guide, whose example it is
member by member: what is not there is null, unlike in payload 2.0. Paths have the stage, or the API mapping's key.
Captured events (tests/gateway/samples) of routes without authorizer have none, and beside what a function says of a
caller claims and scopes are null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from lambent.gateway.event_v2 import body_of, clock_time

if TYPE_CHECKING:
    from lambent.gateway.call import Call
    from lambent.gateway.callers import Caller
    from lambent.gateway.http_api.exchange import Exchange

_encode = msgspec.json.Encoder().encode

_SPELLED: Final = {
    name.lower(): name
    for name in (
        "Content-Length",
        "Content-Type",
        "Host",
        "User-Agent",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
    )
}


def headers_v1(call: Call) -> dict[str, list[str]]:
    """All header fields as payload 1.0 spells them: what API Gateway sets itself has capitals."""
    joined = call.headers
    found: dict[str, list[str]] = {}
    for name, value in call.request.headers:
        key = name.decode("latin-1")
        if key == "cookie" or (key in joined and key not in _SPELLED):
            found.setdefault(key, []).append(_text(value))
    spelled = {spelling: [joined[key]] for key, spelling in _SPELLED.items() if key in joined}
    return {**spelled, **found}


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def event_v1(exchange: Exchange) -> bytes:
    """The event of a request as JSON."""
    call, stage, route = exchange.call, exchange.stage, exchange.route
    headers = headers_v1(call)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(call.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    body, encoded = None, False
    if call.request.body:
        body, encoded = body_of(call.request.body, call.headers.get("content-type"))
    verdict, authorizer = exchange.verdict, _authorizer(exchange)
    event: dict[str, Any] = {
        "version": "1.0",
        "resource": route.resource,
        "path": exchange.mapping_path,
        "httpMethod": call.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": {
            "accountId": stage.account,
            "apiId": stage.api_id,
            **({} if authorizer is None else {"authorizer": authorizer}),
            "domainName": call.host,
            "domainPrefix": call.host.partition(".")[0],
            "extendedRequestId": call.request_id,
            "httpMethod": call.method,
            "identity": _identity(call, verdict.caller if verdict is not None else None),
            "path": exchange.mapping_path,
            "protocol": call.protocol,
            "requestId": call.request_id,
            "requestTime": clock_time(call.time_ms),
            "requestTimeEpoch": call.time_ms,
            "resourceId": route.key,
            "resourcePath": route.resource,
            "stage": stage.name,
        },
        "pathParameters": exchange.parameters or None,
        "stageVariables": stage.variables or None,
        "body": body,
        "isBase64Encoded": encoded,
    }
    return _encode(event)


def _authorizer(exchange: Exchange) -> dict[str, Any] | None:
    """What is said of who calls; None where nobody was asked, and for signed requests."""
    verdict = exchange.verdict
    if verdict is None or verdict.context_v1 is None:
        return None
    return {"claims": None, "scopes": None, **verdict.context_v1}


def _identity(call: Call, caller: Caller | None) -> dict[str, Any]:
    facts = caller.facts() if caller is not None else {}
    return {
        "accessKey": facts.get("accessKey"),
        "accountId": facts.get("accountId"),
        "caller": facts.get("callerId"),
        "cognitoAmr": None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": facts.get("principalOrgId"),
        "sourceIp": call.source_ip,
        "user": facts.get("userId"),
        "userAgent": call.user_agent,
        "userArn": facts.get("userArn"),
    }
