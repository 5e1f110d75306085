"""Events of each HTTP source, and a client that speaks all of them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlencode

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = ("v1", "v2", "url", "alb", "alb-multi")


class Answer(NamedTuple):
    """An answer as its caller would see it, whatever the source."""

    status: int
    headers: dict[str, list[str]]
    cookies: list[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str:
        (value,) = self.headers[name]
        return value


def event_of(
    source: str,
    method: str,
    path: str,
    *,
    query: list[tuple[str, str]] | None = None,
    headers: list[tuple[str, str]] | None = None,
    cookies: list[str] | None = None,
    body: str | bytes | None = None,
    stage: str | None = None,
    resource: str | None = None,
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What Lambda would deliver for a request; `path` encoded as a caller sends it."""
    query, headers = query or [], list(headers or [])
    encoded = isinstance(body, bytes)
    text = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    if source in ("v2", "url"):
        fields: dict[str, str] = {}
        for name, value in headers:
            fields[name.lower()] = f"{fields[name.lower()]},{value}" if name.lower() in fields else value
        stage = stage or "$default"
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path if stage == "$default" else f"/{stage}{path}",
            "rawQueryString": urlencode(query),
            "headers": fields,
            "requestContext": {
                "domainName": "id.execute-api.us-east-1.amazonaws.com",
                "http": {"method": method, "path": path, "sourceIp": "203.0.113.7"},
                "requestId": "request-1",
                "stage": stage,
            },
            "isBase64Encoded": encoded,
        }
        if cookies:
            event["cookies"] = cookies
        if text is not None:
            event["body"] = text
        return event
    if cookies:
        headers.append(("Cookie", "; ".join(cookies)))
    several: dict[str, list[str]] = {}
    for name, value in headers:
        several.setdefault(name, []).append(value)
    queries: dict[str, list[str]] = {}
    for name, value in query:
        if source != "v1":
            name, value = urlencode([(name, value)]).split("=")
        queries.setdefault(name, []).append(value)
    event = {
        "path": unquote(path) if source == "v1" else path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in queries.items()} or None,
        "multiValueQueryStringParameters": queries or None,
        "body": text,
        "isBase64Encoded": encoded,
    }
    if source == "v1":
        stage = stage or "prod"
        event["resource"] = resource or "/{proxy+}"
        event["pathParameters"] = parameters
        event["requestContext"] = {
            "requestId": "request-1",
            "stage": stage,
            "path": f"/{stage}{path}",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.7"},
        }
        return event
    event["requestContext"] = {
        "elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/x/y"}
    }
    for name in (
        ("headers", "queryStringParameters")
        if source == "alb-multi"
        else ("multiValueHeaders", "multiValueQueryStringParameters")
    ):
        del event[name]
    return event


def answer_of(answer: dict[str, Any]) -> Answer:
    """What a gateway makes of a handler's result."""
    headers: dict[str, list[str]] = {}
    for name, value in (answer.get("headers") or {}).items():
        headers.setdefault(name.lower(), []).append(value)
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers.setdefault(name.lower(), []).extend(values)
    cookies = [*headers.pop("set-cookie", []), *answer.get("cookies", [])]
    body = answer["body"]
    return Answer(
        answer["statusCode"],
        headers,
        cookies,
        base64.b64decode(body) if answer["isBase64Encoded"] else body.encode(),
    )


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> str:
    """Each of the HTTP sources."""
    return str(request.param)


@pytest.fixture
def call(source: str) -> Callable[..., Answer]:
    """Calls an app with a request from that source."""

    def send(app: Any, method: str, path: str, **members: Any) -> Answer:
        return answer_of(app(event_of(source, method, path, **members)))

    return send
