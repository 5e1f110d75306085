"""What functions get of a request through a REST API: AWS_PROXY integrations and REQUEST authorizers.

Format: "Input format of a Lambda function for proxy integration" of the API Gateway developer guide; events recorded
in localstack/localstack, tests/aws/services/apigateway/test_apigateway_lambda.snapshot.json, and those of
aws-powertools/powertools-lambda-python (tests/events/apiGatewayProxyEvent*.json). Paths and path parameters are as they
were sent, query parameters are decoded; of several values the last is the single one.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from lambent.gateway.event_v2 import clock_time

if TYPE_CHECKING:
    from lambent.gateway.rest_api.exchange import RestExchange

_encode: Final = msgspec.json.Encoder().encode


def query_lists(query: str) -> dict[str, list[str]]:
    """All values of each query parameter, decoded."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def last(values: dict[str, list[str]]) -> dict[str, str]:
    """The last value of each name."""
    return {name: several[-1] for name, several in values.items()}


def proxy_event(exchange: RestExchange) -> bytes:
    """The event of a function that answers a request, as JSON."""
    call, stage, method = exchange.call, exchange.stage, exchange.method
    headers = call.spelled
    query = query_lists(call.query) if call.query else {}
    body, encoded = body_of(exchange)
    return _encode(
        {
            "resource": method.resource.path,
            "path": exchange.event_path,
            "httpMethod": call.method,
            "headers": last(headers),
            "multiValueHeaders": headers,
            "queryStringParameters": last(query) or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": exchange.parameters or None,
            "stageVariables": stage.variables or None,
            "requestContext": request_context(exchange),
            "body": body,
            "isBase64Encoded": encoded,
        }
    )


def request_context(exchange: RestExchange) -> dict[str, Any]:
    """`requestContext` of both kinds of events."""
    call, stage, method = exchange.call, exchange.stage, exchange.method
    context: dict[str, Any] = {
        "resourceId": method.resource.id,
        "resourcePath": method.resource.path,
        "httpMethod": call.method,
        "extendedRequestId": call.extended_id,
        "requestTime": clock_time(call.time_ms),
        "path": exchange.context_path,
        "accountId": stage.api.account,
        "protocol": call.protocol,
        "stage": stage.name,
        "domainPrefix": call.host.partition(".")[0],
        "requestTimeEpoch": call.time_ms,
        "requestId": call.request_id,
        "identity": identity(exchange),
        "domainName": call.host,
        "deploymentId": stage.stage.deployment_id,
        "apiId": stage.api.id,
    }
    if method.method.operation_name:
        context["operationName"] = method.method.operation_name
    if exchange.authorizer is not None:
        context["authorizer"] = exchange.authorizer
    return context


def identity(exchange: RestExchange) -> dict[str, Any]:
    """Who sends a request: `requestContext.identity`."""
    call = exchange.call
    facts = exchange.caller.facts() if exchange.caller is not None else {}
    found = {
        "cognitoIdentityPoolId": None,
        "accountId": facts.get("accountId"),
        "cognitoIdentityId": None,
        "caller": facts.get("callerId"),
        "sourceIp": call.source_ip,
        "principalOrgId": facts.get("principalOrgId"),
        "accessKey": facts.get("accessKey"),
        "cognitoAuthenticationType": None,
        "cognitoAuthenticationProvider": None,
        "userArn": facts.get("userArn"),
        "userAgent": call.user_agent or None,
        "user": facts.get("userId"),
    }
    if exchange.api_key is not None:
        found["apiKey"] = exchange.api_key.value
        found["apiKeyId"] = exchange.api_key.id
    return found


def body_of(exchange: RestExchange) -> tuple[str | None, bool]:
    """A request's body as it stands in an event, and whether that is base64: of the API's binary media types it is."""
    body = exchange.call.request.body
    if not body:
        return None, False
    if exchange.stage.is_binary(exchange.call.header("content-type") or "application/json"):
        return b2a_base64(body, newline=False).decode(), True
    return body.decode("utf-8", "replace"), False
