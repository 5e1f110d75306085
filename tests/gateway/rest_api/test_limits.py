"""API keys, usage plans, throttling, validation, gateway responses, other servers."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.gateway.rest_api.conftest import HERE, invocation_uri, mock, proxy

from lambent.gateway.rest_api import keys, stages
from lambent.gateway.rest_api.patches import Operation
from lambent.gateway.rest_api.records import Quota, Throttle
from lambent.gateway.rest_api.usage import Usage
from lambent.http import HttpServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.rest_api.conftest import Gateway

    from lambent.http import Request

FORBIDDEN = {"message": "Forbidden"}
KEYED: dict[str, Any] = {
    "securityDefinitions": {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
    "paths": {"/a": {"get": {"security": [{"key": []}], **proxy()}}},
}
OK = mock('{"statusCode": 200}', {"statusCode": "200"})


def test_api_keys_and_quotas(gateway: Gateway) -> None:
    api = gateway.api(KEYED)
    key = gateway.key(api, quota=Quota(limit=2, period="DAY"))
    for value in ("", "nope"):
        answer = api("GET", "/a", x_api_key=value)
        assert (answer.status, answer.json) == (403, FORBIDDEN)
    answer = api("GET", "/a", x_api_key=key)
    assert answer.json["requestContext"]["identity"]["apiKey"] == key
    assert api("GET", "/a", x_api_key=key).status == 200
    answer = api("GET", "/a", x_api_key=key)
    assert (answer.status, answer.json) == (429, {"message": "Limit Exceeded"})
    today = dt.datetime.fromtimestamp(gateway.now, dt.UTC).date()
    (plan,) = [
        one.plan for one in gateway.registry.plans.all.values() if one.plan.api_stages[0].api_id == api.id
    ]
    (key_id,) = gateway.registry.plans.all[plan.id].keys
    assert gateway.usage.days(plan.id, key_id, today, today) == [2]
    # What was counted is there after a restart, and begins anew the next day.
    gateway.wait(gateway.usage.close())
    again = gateway.wait(Usage.open(gateway.registry, gateway._database, lambda: gateway.now))
    assert again.used_of(plan, key_id) == 2
    gateway.now += 86_400
    assert api("GET", "/a", x_api_key=key).status == 200


def test_a_key_that_is_disabled(gateway: Gateway) -> None:
    api = gateway.api(KEYED)
    value = gateway.key(api)
    assert api("GET", "/a", x_api_key=value).status == 200
    (key,) = [one.record for one in gateway.registry.keys.all.values() if one.record.value == value]
    change = [Operation("replace", "/enabled", "false")]
    gateway.wait(
        gateway.registry.keys.change(
            key.id,
            lambda: gateway.registry.key(*HERE, key.id),
            lambda one: keys.update_key(one, change),
        )
    )
    assert api("GET", "/a", x_api_key=value).status == 403


@pytest.mark.parametrize(("period", "after", "left"), [("WEEK", 5, 0), ("WEEK", 6, 1), ("MONTH", 3, 1)])
def test_periods_of_quotas(gateway: Gateway, period: Any, after: int, left: int) -> None:
    monday = 1_801_440_000.0  # 2027-02-01
    api = gateway.api(KEYED)
    key = gateway.key(api, quota=Quota(limit=1, period=period))
    before = gateway.now
    try:
        gateway.now = monday - (after * 86_400 if period == "MONTH" else 0)
        assert api("GET", "/a", x_api_key=key).status == 200
        gateway.now += after * 86_400
        assert api("GET", "/a", x_api_key=key).status == (200 if left else 429)
    finally:
        gateway.now = before


def test_throttling_by_plan_and_by_method(gateway: Gateway) -> None:
    api = gateway.api(KEYED)
    key = gateway.key(api, throttle=Throttle(burst_limit=1, rate_limit=0.001))
    assert api("GET", "/a", x_api_key=key).status == 200
    answer = api("GET", "/a", x_api_key=key)
    assert (answer.status, answer.json) == (429, {"message": "Too Many Requests"})
    api = gateway.api({"paths": {"/a": {"get": OK}, "/b": {"get": OK}}})
    change = [
        Operation("replace", "/~1a/GET/throttling/burstLimit", "1"),
        Operation("replace", "/~1a/GET/throttling/rateLimit", "0.001"),
    ]
    gateway.wait(gateway.registry.change(*HERE, api.id, lambda one: stages.update(one, "dev", change)))
    assert [api("GET", "/a").status for _ in range(2)] == [200, 429]
    assert [api("GET", "/b").status for _ in range(2)] == [200, 200]


def test_validation(gateway: Gateway) -> None:
    api = gateway.api(
        {
            "x-amazon-apigateway-request-validators": {
                "all": {"validateRequestBody": True, "validateRequestParameters": True}
            },
            "x-amazon-apigateway-request-validator": "all",
            "definitions": {
                "Kind": {"type": "string", "enum": ["dog"]},
                "Pet": {
                    "type": "object",
                    "required": ["kind"],
                    "properties": {"kind": {"$ref": "#/definitions/Kind"}},
                },
            },
            "paths": {
                "/a": {
                    "post": {
                        "parameters": [
                            {"name": "q", "in": "query", "required": True},
                            {"name": "X-H", "in": "header", "required": True},
                            {"name": "body", "in": "body", "schema": {"$ref": "#/definitions/Pet"}},
                        ],
                        **OK,
                    }
                }
            },
        }
    )
    answer = api("POST", "/a", b"{}")
    assert (answer.status, answer.json) == (400, {"message": "Missing required request parameters: [q, X-H]"})
    for body, status in ((b'{"kind": "dog"}', 200), (b'{"kind": "cat"}', 400), (b"", 400), (b"{", 400)):
        answer = api("POST", "/a?q=1", body, X_H="1", Content_Type="application/json")
        assert answer.status == status, body
        assert status == 200 or answer.json == {"message": "Invalid request body"}


@pytest.mark.parametrize("item", [{"type": "integer"}, {"type": "integer", "pattern": "a"}])
def test_validation_of_large_bodies(gateway: Gateway, item: dict[str, Any]) -> None:
    api = gateway.api(
        {
            "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True}},
            "x-amazon-apigateway-request-validator": "all",
            "definitions": {"All": {"type": "array", "items": item}},
            "paths": {
                "/a": {
                    "post": {
                        "parameters": [
                            {"name": "body", "in": "body", "schema": {"$ref": "#/definitions/All"}}
                        ],
                        **OK,
                    }
                }
            },
        }
    )
    for _ in range(2):
        numbers: list[Any] = list(range(5000))
        assert api("POST", "/a", json.dumps(numbers).encode()).status == 200
        assert api("POST", "/a", json.dumps([*numbers, "x"]).encode()).status == 400


def test_gateway_responses(gateway: Gateway) -> None:
    responses = {
        "MISSING_AUTHENTICATION_TOKEN": {
            "statusCode": 404,
            "responseTemplates": {
                "application/json": '{"m": $context.error.messageString, "t": "$context.error.responseType", '
                '"s": "$stageVariables.v", "p": "$context.path"}',
                "text/plain": "gone",
            },
        },
        "DEFAULT_4XX": {
            "responseParameters": {
                "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
                "gatewayresponse.header.X-Asked": "method.request.header.X-Ask",
            }
        },
    }
    api = gateway.api({**KEYED, "x-amazon-apigateway-gateway-responses": responses}, variables={"v": "w"})
    answer = api("GET", "/nope")
    assert (answer.status, answer.json) == (
        404,
        {
            "m": "Missing Authentication Token",
            "t": "MISSING_AUTHENTICATION_TOKEN",
            "s": "w",
            "p": "/dev/nope",
        },
    )
    assert api("GET", "/nope", Accept="text/plain").body == b"gone"
    answer = api("GET", "/a", X_Ask="me")
    assert (answer.status, answer.json) == (403, FORBIDDEN)
    assert (answer.headers["access-control-allow-origin"], answer.headers["x-asked"]) == ("*", "me")


class Backend:
    """Another server, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes, dict[bytes, bytes], bytes]] = []
        self.server = HttpServer(self._answer)

    def _answer(self, request: Request) -> None:
        self.asked.append((request.method, request.target, dict(request.headers), request.body))
        request.respond(201, [("X-From", "there"), ("Server", "x"), ("Content-Type", "text/plain")], b"hi")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.address[1]}"


@pytest.fixture
def backend(gateway: Gateway) -> Iterator[Backend]:
    running = Backend()
    gateway.wait(running.server.start("127.0.0.1", 0))
    yield running
    gateway.wait(running.server.drain(0))


def test_other_servers(gateway: Gateway, backend: Backend) -> None:
    asked, url = backend.asked, backend.url
    mapping = {
        "integration.request.path.proxy": "method.request.path.proxy",
        "integration.request.header.X-Stage": "context.stage",
        "integration.request.header.Content-Length": "'1'",
        "integration.request.header.transfer-encoding": "method.request.header.X-Own",
        "integration.request.querystring.own": "'1'",
    }
    passing = {
        "type": "http_proxy",
        "httpMethod": "ANY",
        "uri": f"{url}/base/{{proxy}}",
        "requestParameters": mapping,
    }
    mapped = {
        "type": "http",
        "httpMethod": "PUT",
        "uri": "${stageVariables.url}/x",
        "requestTemplates": {"application/json": '{"q": "$input.params(\'q\')"}'},
        "responses": {
            "2\\d\\d": {
                "statusCode": "200",
                "responseTemplates": {"application/json": '{"said": "$input.body"}'},
                "responseParameters": {"method.response.header.X-Got": "integration.response.header.X-From"},
            }
        },
    }
    gone = {"type": "http_proxy", "httpMethod": "GET", "uri": "http://127.0.0.1:1/"}
    api = gateway.api(
        {
            "paths": {
                "/p/{proxy+}": {
                    "x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": passing}
                },
                "/m": {"get": {"x-amazon-apigateway-integration": mapped}},
                "/gone": {"get": {"x-amazon-apigateway-integration": gone}},
            }
        },
        variables={"url": url},
    )
    answer = api("POST", "/p/a/b?q=1", b"body", X_Own="2")
    assert (answer.status, answer.body, answer.headers["x-from"]) == (201, b"hi", "there")
    assert answer.headers["x-amzn-remapped-server"] == "x"
    method, target, headers, body = asked.pop()
    assert (method, target, body) == (b"POST", b"/base/a/b?q=1&own=1", b"body")
    assert (headers[b"x-stage"], headers[b"x-own"]) == (b"dev", b"2")
    assert (headers[b"content-length"], b"transfer-encoding" in headers) == (b"4", False)
    assert headers[b"x-amzn-apigateway-api-id"] == api.id.encode()
    assert headers[b"x-forwarded-for"] == b"127.0.0.1"
    answer = api("GET", "/m?q=z")
    assert (answer.status, answer.json, answer.headers["x-got"]) == (200, {"said": "hi"}, "there")
    method, target, _, body = asked.pop()
    assert (method, target, json.loads(body)) == (b"PUT", b"/x", {"q": "z"})
    answer = api("GET", "/gone")
    assert answer.status == 504


def test_keys_that_an_authorizer_names(gateway: Gateway) -> None:
    scheme: dict[str, Any] = {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": invocation_uri("decide")},
    }
    api = gateway.api(
        {
            "x-amazon-apigateway-api-key-source": "AUTHORIZER",
            "securityDefinitions": {**KEYED["securityDefinitions"], "auth": scheme},
            "paths": {"/a": {"get": {"security": [{"key": [], "auth": []}], **proxy()}}},
        }
    )
    key = gateway.key(api)
    gateway.functions.handlers["decide"] = lambda event: {
        "principalId": "ann",
        "policyDocument": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
        **({"usageIdentifierKey": key} if event["authorizationToken"] == "known" else {}),
    }
    assert api("GET", "/a", Authorization="known").status == 200
    assert api("GET", "/a", Authorization="other").status == 403
