"""Which operations the service has, and what it makes of requests that no client library sends."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from lambent.aws.apigatewayv2 import ApiGatewayV2Service
from lambent.aws.model import load_model

if TYPE_CHECKING:
    from collections.abc import Callable

# Developer portals and routing rules: neither has a place on one machine.
ELSEWHERE = ("Portal", "RoutingRule", "ProductPage", "ProductRestEndpointPage")


def test_every_operation_has_a_method(plane: Any) -> None:
    service = ApiGatewayV2Service(plane.registry)
    missing = {name for name in load_model("apigatewayv2").operation_models if service.method(name) is None}
    assert {name for name in missing if not any(word in name for word in ELSEWHERE)} == set()
    assert missing
    assert all(any(word in name for word in ELSEWHERE) for name in missing)


@pytest.fixture
def ask(plane: Any) -> Callable[..., tuple[int, str, Any]]:
    """Sends a request by hand; gives the status, the error type and the body."""

    def send(method: str, path: str, body: str | None = None) -> tuple[int, str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the platform's own URL
            plane.url + path,
            data=None if body is None else body.encode(),
            method=method,
            headers={
                "Content-Type": "application/json",
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/apigateway/aws4_request,"
                " SignedHeaders=host, Signature=0",
            },
        )
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
                return answer.status, "", json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["x-amzn-ErrorType"], json.loads(error.read())

    return send


def test_answers_have_the_names_of_the_wire(ask: Callable[..., tuple[int, str, Any]]) -> None:
    status, _, made = ask("POST", "/v2/apis", '{"name": "n", "protocolType": "HTTP"}')
    assert status == 201
    assert made["apiKeySelectionExpression"] == "$request.header.x-api-key"
    assert made["createdDate"].endswith("Z")
    status, kind, body = ask("GET", "/v2/apis/missing")
    assert (status, kind) == (404, "NotFoundException")
    assert body == {"message": "Invalid API identifier specified 000000000000:missing"}


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '{"name": 1, "protocolType": "HTTP"}',
        '{"name": "n", "protocolType": "FTP"}',
        '{"name": "n", "protocolType": "HTTP", "corsConfiguration": {"allowOrigins": "*"}}',
        '{"name": "n", "protocolType": "HTTP", "tags": {"a": 1}}',
        '{"protocolType": "HTTP"}',
        "{}",
        '{"name": "\\ud800", "protocolType": "HTTP"}',
    ],
)
def test_misshapen_requests_are_the_clients_fault(
    ask: Callable[..., tuple[int, str, Any]], body: str
) -> None:
    status, kind, _ = ask("POST", "/v2/apis", body)
    assert status == 400
    assert kind
