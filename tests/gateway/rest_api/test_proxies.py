"""Requests to functions and what comes back: events and answers as recorded by localstack/localstack."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.gateway.rest_api.conftest import HERE, mock, proxy

from lambent.gateway.rest_api import stages
from lambent.gateway.rest_api.patches import Operation
from lambent.observe.log_reader import LogQuery

if TYPE_CHECKING:
    from tests.gateway.rest_api.conftest import Gateway

MISSING = {"message": "Missing Authentication Token"}
INTERNAL = {"message": "Internal server error"}


def test_the_event(gateway: Gateway) -> None:
    api = gateway.api(
        {"paths": {"/{proxy+}": {"x-amazon-apigateway-any-method": proxy()}}}, variables={"a": "b"}
    )
    answer = api(
        "POST",
        "/test-path/test%2Balias@gmail.com/?category=electronics&category=books&plus=a+b",
        b'{"message": "hello"}',
        Content_Type="application/json",
        X_Own="1",
        User_Agent="test",
    )
    assert answer.status == 200
    event = answer.json
    context = event.pop("requestContext")
    headers = event.pop("headers")
    assert event.pop("multiValueHeaders") == {name: [value] for name, value in headers.items()}
    assert event == {
        "resource": "/{proxy+}",
        "path": "/test-path/test%2Balias@gmail.com/",
        "httpMethod": "POST",
        "queryStringParameters": {"category": "books", "plus": "a b"},
        "multiValueQueryStringParameters": {"category": ["electronics", "books"], "plus": ["a b"]},
        "pathParameters": {"proxy": "test-path/test%2Balias@gmail.com"},
        "stageVariables": {"a": "b"},
        "body": '{"message": "hello"}',
        "isBase64Encoded": False,
    }
    assert headers["Content-Type"] == "application/json"
    assert (headers["Host"], headers["x-own"]) == (api.host, "1")
    assert {"X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"} < set(headers)
    identity = context.pop("identity")
    assert identity == {
        **dict.fromkeys(
            (
                "accessKey",
                "accountId",
                "caller",
                "cognitoAuthenticationProvider",
                "cognitoAuthenticationType",
                "cognitoIdentityId",
                "cognitoIdentityPoolId",
                "principalOrgId",
                "user",
                "userArn",
            )
        ),
        "sourceIp": "127.0.0.1",
        "userAgent": "test",
    }
    assert context["path"] == "/dev/test-path/test%2Balias@gmail.com/"
    assert (context["resourcePath"], context["stage"], context["apiId"]) == ("/{proxy+}", "dev", api.id)
    assert (context["domainName"], context["domainPrefix"]) == (api.host, api.id)
    assert set(context) == {
        "resourceId",
        "resourcePath",
        "httpMethod",
        "extendedRequestId",
        "requestTime",
        "path",
        "accountId",
        "protocol",
        "stage",
        "domainPrefix",
        "requestTimeEpoch",
        "requestId",
        "domainName",
        "deploymentId",
        "apiId",
    }
    assert answer.headers["x-amzn-requestid"] == context["requestId"]
    assert answer.headers["x-amz-apigw-id"] == context["extendedRequestId"]
    assert gateway.functions.sources == [
        f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/dev/POST/{{proxy+}}"
    ]


def test_methods_are_found_as_on_aws(gateway: Gateway) -> None:
    api = gateway.api(
        {
            "paths": {
                "/test": {"post": proxy()},
                "/test/any": {"x-amazon-apigateway-any-method": proxy()},
                "/pets/{id}": {"get": proxy()},
                "/{proxy+}": {"options": proxy()},
            }
        }
    )
    for method, path, resource in (
        ("POST", "/test", "/test"),
        ("OPTIONS", "/test", "/{proxy+}"),
        ("OPTIONS", "/test/any", "/test/any"),
        ("GET", "/pets/1", "/pets/{id}"),
        ("GET", "/pets/1/", "/pets/{id}"),
        ("GET", "//pets/1", "/pets/{id}"),
    ):
        assert api(method, path).json["resource"] == resource, (method, path)
    for method, path in (("GET", "/test"), ("OPTIONS", "/"), ("GET", "/pets"), ("GET", "")):
        answer = api(method, path)
        assert (answer.status, answer.json) == (403, MISSING), (method, path)
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    for stage in ("nope", ""):
        answer = api("GET", "/pets/1", stage=stage)
        assert (answer.status, answer.json) == (403, {"message": "Forbidden"})


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        ({"statusCode": 200}, 200, b""),
        ({}, 200, b""),
        ({"headers": {"X-A": "b"}}, 200, b""),
        ({"statusCode": "201", "body": "x", "headers": None}, 201, b"x"),
        ({"statusCode": 200, "wrongValue": 1}, 502, None),
        ({"statusCode": "test"}, 502, None),
        ("just text", 502, None),
        (None, 502, None),
        ({"statusCode": 200, "multiValueHeaders": {"a": "b"}}, 502, None),
        ({"statusCode": 200, "body": {"no": "text"}}, 502, None),
        (b"no JSON", 502, None),
    ],
)
def test_what_functions_return(gateway: Gateway, result: Any, status: int, body: bytes | None) -> None:
    gateway.functions.handlers["says"] = lambda event: result
    api = gateway.api({"paths": {"/a": {"get": proxy("says")}}})
    answer = api("GET", "/a")
    assert answer.status == status
    if body is None:
        assert answer.json == INTERNAL
        assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"
    else:
        assert answer.body == body
        assert answer.headers["content-type"] == "application/json"


def test_headers_of_answers(gateway: Gateway) -> None:
    gateway.functions.handlers["says"] = lambda event: {
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain", "Server": "mine", "WWW-Authenticate": "Basic"},
        "multiValueHeaders": {"Set-Cookie": ["a=1"]},
    }
    headers = gateway.api({"paths": {"/a": {"get": proxy("says")}}})("GET", "/a").headers
    assert (headers["content-type"], headers["set-cookie"]) == ("text/plain", "a=1")
    assert headers["x-amzn-remapped-server"] == "mine"
    assert headers["x-amzn-remapped-www-authenticate"] == "Basic"


def test_binary_media_types(gateway: Gateway) -> None:
    image = base64.b64encode(b"\x89PNG").decode()
    gateway.functions.handlers["says"] = lambda event: {
        "statusCode": 200,
        "body": image,
        "isBase64Encoded": True,
    }
    paths = {"/echo": {"post": proxy()}, "/image": {"get": proxy("says")}}
    plain = gateway.api({"paths": paths})
    assert plain("POST", "/echo", b"ab", Content_Type="image/png").json["body"] == "ab"
    assert plain("GET", "/image", Accept="image/png").body == image.encode()
    binary = gateway.api({"paths": paths, "x-amazon-apigateway-binary-media-types": ["image/*"]})
    event = binary("POST", "/echo", b"\x89PNG", Content_Type="image/png").json
    assert (event["body"], event["isBase64Encoded"]) == (image, True)
    assert binary("POST", "/echo", b"{}", Content_Type="application/json").json["isBase64Encoded"] is False
    assert binary("GET", "/image", Accept="image/png").body == b"\x89PNG"
    assert binary("GET", "/image", Accept="text/html").body == image.encode()


def test_compression(gateway: Gateway) -> None:
    api = gateway.api(
        {"paths": {"/a": {"post": proxy()}}, "x-amazon-apigateway-minimum-compression-size": 10}
    )
    answer = api(
        "POST", "/a", gzip.compress(b"hello"), Content_Encoding="gzip", Accept_Encoding="br, gzip;q=0.5"
    )
    assert answer.headers["content-encoding"] == "gzip"
    event = json.loads(gzip.decompress(answer.body))
    assert event["body"] == "hello"
    assert "content-encoding" not in api("POST", "/a", b"x").headers
    assert api("POST", "/a", b"no gzip", Content_Encoding="gzip").status == 400
    bomb = gzip.compress(bytes(20_000_000))
    assert api("POST", "/a", bomb, Content_Encoding="gzip").status == 400


def test_functions_that_fail_or_cannot_be_called(gateway: Gateway) -> None:
    def failing(event: Any) -> Any:
        raise RuntimeError("no")

    functions = gateway.functions
    functions.handlers["fails"] = failing
    wrong = proxy()
    wrong["x-amazon-apigateway-integration"] = {
        **wrong["x-amazon-apigateway-integration"],
        "httpMethod": "GET",
    }
    slow = proxy()
    slow["x-amazon-apigateway-integration"] = {
        **slow["x-amazon-apigateway-integration"],
        "timeoutInMillis": 50,
    }
    api = gateway.api(
        {
            "paths": {
                "/fails": {"get": proxy("fails")},
                "/none": {"get": proxy("nobody")},
                "/wrong": {"get": wrong},
                "/slow": {"get": slow},
                "/echo": {"get": proxy()},
            }
        }
    )
    for path, status in (("/fails", 502), ("/none", 500), ("/wrong", 500)):
        answer = api("GET", path)
        assert (answer.status, answer.json) == (status, INTERNAL), path
    functions.forbidden = True
    assert api("GET", "/echo").status == 500
    functions.forbidden, functions.throttled = False, True
    assert api("GET", "/echo").status == 500
    functions.throttled, functions.asleep = False, True
    answer = api("GET", "/slow")
    assert (answer.status, answer.json) == (504, {"message": "Endpoint request timed out"})


def test_a_stage_serves_its_deployment_until_the_next(gateway: Gateway) -> None:
    api = gateway.api({"paths": {"/a": {"get": proxy()}}})
    assert api("GET", "/a").status == 200
    api.redeploy({"paths": {"/b": {"get": proxy()}}})
    assert (api("GET", "/a").status, api("GET", "/b").status) == (403, 200)


def test_what_a_request_has_not_got_is_null(gateway: Gateway) -> None:
    event = gateway.api({"paths": {"/a": {"get": proxy()}}})("GET", "/a").json
    for name in (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    ):
        assert event[name] is None


def test_an_endpoint_that_is_disabled(gateway: Gateway) -> None:
    closed = {"x-amazon-apigateway-endpoint-configuration": {"disableExecuteApiEndpoint": True}}
    api = gateway.api({"paths": {"/a": {"get": proxy()}}, **closed})
    answer = api("GET", "/a")
    assert (answer.status, answer.json) == (403, {"message": "Forbidden"})
    api.map("closed.example.com", "")
    assert gateway.request("closed.example.com", "GET", "/a").status == 200


def test_custom_domain_names(gateway: Gateway) -> None:
    api = gateway.api({"paths": {"/a": {"get": proxy()}}})
    api.map("api.example.com", "v1")
    event = gateway.request("api.example.com", "GET", "/v1/a").json
    assert (event["path"], event["resource"]) == ("/v1/a", "/a")
    assert event["requestContext"]["path"] == "/v1/a"
    assert event["requestContext"]["domainPrefix"] == "api"


def test_access_logs(gateway: Gateway) -> None:
    api = gateway.api({"paths": {"/a": {"get": mock('{"statusCode": 200}', {"statusCode": "200"})}}})
    group = "arn:aws:logs:us-east-1:000000000000:log-group:access"
    form = json.dumps(
        {
            "path": "$context.path",
            "status": "$context.status",
            "no": "$context.authorizer.x",
            "agent": "$context.identity.userAgent",
        }
    )
    gateway.wait(
        gateway.registry.change(
            *HERE,
            api.id,
            lambda one: stages.update(
                one,
                "dev",
                [
                    Operation("replace", "/accessLogSettings/destinationArn", group),
                    Operation("replace", "/accessLogSettings/format", form),
                ],
            ),
        )
    )
    api("GET", "/a", User_Agent='x"y')
    api("GET", "/nope")

    async def lines() -> list[str]:
        await gateway.logs.flush()
        page = await gateway.logs.events(gateway.logs.find_group(*HERE, "access"), LogQuery())
        return [event.message for event in page.events]

    read = [json.loads(line) for line in gateway.wait(lines())]
    assert read == [
        {"path": "/dev/a", "status": "200", "no": "-", "agent": 'x"y'},
        {"path": "/dev/nope", "status": "403", "no": "-", "agent": "-"},
    ]
