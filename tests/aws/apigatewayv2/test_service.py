"""Which operations the service has, and what it makes of requests that no client library sends."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambent.aws.apigatewayv2 import ApiGatewayV2Service
from lambent.aws.model import load_model

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/apigateway/aws4_request, SignedHeaders=host, Signature=0"
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
                "Authorization": SIGNED,
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


@pytest.fixture
def known(api: Any, http_api: str, websocket_api: str) -> dict[str, list[str]]:
    """Identifiers of what is there, by member."""
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/c"
    api.create_domain_name(
        DomainName="api.example.com", DomainNameConfigurations=[{"CertificateArn": certificate}]
    )
    found: dict[str, list[str]] = {
        "ApiId": [http_api, websocket_api],
        "DomainName": ["api.example.com"],
        "VpcLinkId": [api.create_vpc_link(Name="l", SubnetIds=["s"])["VpcLinkId"]],
        "ResourceArn": [f"arn:aws:apigateway:us-east-1::/apis/{http_api}"],
        "StageName": ["prod", "$default"],
        "RouteId": [],
        "IntegrationId": [],
    }
    for api_id in (http_api, websocket_api):
        found["RouteId"].append(api.create_route(ApiId=api_id, RouteKey="$default")["RouteId"])
        api.create_stage(ApiId=api_id, StageName="prod", AutoDeploy=True)
    found["IntegrationId"].append(
        api.create_integration(ApiId=websocket_api, IntegrationType="MOCK")["IntegrationId"]
    )
    return found


OPERATIONS = sorted(
    name
    for name in load_model("apigatewayv2").operation_models
    if not any(word in name for word in ELSEWHERE) and not name.startswith(("DeleteApi", "DeleteDomain"))
)


@settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(data=st.data())
def test_whatever_is_asked_nothing_fails_here(
    plane: Any, known: dict[str, list[str]], wire: Any, drawn: Any, data: st.DataObject
) -> None:
    """Requests of the model's shapes, about what is there, are answered or refused."""
    service = wire("apigatewayv2")
    operation = data.draw(st.sampled_from(OPERATIONS))
    members = data.draw(drawn().structure(service.model.operation_model(operation).input_shape))
    for member, values in known.items():
        if member in members:
            members[member] = data.draw(st.sampled_from(values))
    prepared = service.request(operation, members)
    target = prepared.url.partition("://")[2].partition("/")[2]
    request = urllib.request.Request(  # noqa: S310 - the platform's own URL
        f"{plane.url}/{target}",
        data=prepared.body or None,
        method=prepared.method,
        headers={**dict(prepared.headers), "Authorization": SIGNED},
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
            assert answer.status < 300
    except urllib.error.HTTPError as error:
        with error:
            assert error.code < 500, (operation, members, error.read())  # noqa: PT017 - refusals are right
