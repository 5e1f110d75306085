"""What the frameworks are called with: events as long as AWS sends them, the same for every candidate."""

from __future__ import annotations

import json
from typing import Any, Final

JSON: Final = {"content-type": "application/json"}
_ARN: Final = "arn:aws:sqs:us-east-1:123456789012:q"
_HEADERS: Final = {
    "accept": "*/*",
    "accept-encoding": "gzip, br",
    "authorization": "Bearer aaa.bbb.ccc",
    "content-type": "application/json",
    "host": "abc.execute-api.us-east-1.amazonaws.com",
    "user-agent": "curl/8.5.0",
    "x-amzn-trace-id": "Root=1-5e6722a7-cc56ab12cd34ef56ab12cd34",
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
}

ROUTES: Final = 100
ORDER: Final = {
    "customer_id": "c-1",
    "items": [{"sku": f"sku-{n}", "qty": n + 1, "price": 9.5} for n in range(3)],
    "note": "leave at the door",
}
ORDER_TOTAL: Final = 57.0


class Context:
    """Lambda's, as frameworks read it."""

    function_name = "bench"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"
    log_group_name = "/aws/lambda/bench"
    log_stream_name = "2026/01/01/[$LATEST]abc"
    client_context = None
    identity = None
    tenant_id = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds that are left."""
        return 30_000


CONTEXT: Final = Context()


def rest(
    method: str, path: str, resource: str, parameters: dict[str, str] | None = None, body: str | None = None
) -> dict[str, Any]:
    """An event of a REST API (payload format 1.0)."""
    query = {"q": "1", "page": "2"}
    return {
        "version": "1.0",
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": dict(_HEADERS),
        "multiValueHeaders": {name: [value] for name, value in _HEADERS.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": _HEADERS["host"],
            "domainPrefix": "abc",
            "extendedRequestId": "request=",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "curl/8.5.0"},
            # With a stage, as API Gateway has it; `path` above is without.
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "request",
            "requestTime": "01/Jan/2026:00:00:00 +0000",
            "requestTimeEpoch": 1767225600000,
            "resourceId": "res",
            "resourcePath": resource,
            "stage": "prod",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def http(
    method: str, path: str, route: str, parameters: dict[str, str] | None = None, body: str | None = None
) -> dict[str, Any]:
    """An event of an HTTP API or a function URL (payload format 2.0)."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {route}",
        "rawPath": path,
        "rawQueryString": "q=1&page=2",
        "cookies": ["a=1", "b=2"],
        "headers": dict(_HEADERS),
        "queryStringParameters": {"q": "1", "page": "2"},
        "pathParameters": parameters or {},
        "stageVariables": {},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": _HEADERS["host"],
            "domainPrefix": "abc",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "request",
            "routeKey": f"{method} {route}",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "isBase64Encoded": False,
    }
    if body is not None:
        event["body"] = body
    return event


def sqs(count: int = 10) -> dict[str, Any]:
    """A batch of a queue."""
    return {
        "Records": [
            {
                "messageId": f"059f36b4-87a3-44ab-83d2-66197578{n:04d}",
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": json.dumps({"order_id": n, "sku": "abc", "qty": 2, "fail": False}),
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1767225600000",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1767225600002",
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": _ARN,
                "awsRegion": "us-east-1",
            }
            for n in range(count)
        ]
    }


GET: Final = rest("GET", "/orders/42", "/orders/{id}", {"id": "42"})
GET_2: Final = http("GET", "/orders/42", "/orders/{id}", {"id": "42"})
POST: Final = rest("POST", "/orders", "/orders", None, json.dumps(ORDER))
POST_2: Final = http("POST", "/orders", "/orders", None, json.dumps(ORDER))
LAST: Final = rest("GET", "/r99/items/42", "/r99/items/{id}", {"id": "42"})
LAST_2: Final = http("GET", "/r99/items/42", "/r99/items/{id}", {"id": "42"})
MISSING: Final = rest("GET", "/nope/items/42/x", "/{proxy+}", {"proxy": "nope/items/42/x"})
MISSING_2: Final = http("GET", "/nope/items/42/x", "$default")
BATCH: Final = sqs()
