"""HTTP APIs over real sockets: stages, routes, what functions get and clients are answered."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.conftest import Background, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.platform.conftest import Answer, Gate, Platform

ECHO = "def handler(event, context):\n    return {'event': event, 'request_id': context.aws_request_id}\n"
ECHO_V1 = """
import json
def handler(event, context):
    return {'statusCode': 200, 'body': json.dumps({'event': event})}
"""
RETURN = "import json\ndef handler(event, context):\n    return json.loads(event['body'])\n"
ERROR = b'{"message":"Internal Server Error"}'
JSON = {"Content-Type": "application/json"}
ACCOUNT = "000000000000"


class Api:
    """An HTTP API with a `$default` stage that deploys by itself, and a way to ask it."""

    def __init__(self, platform: Platform, *, stage: str = "$default", **members: Any) -> None:
        self.platform = platform
        self.client = platform.client("apigatewayv2")
        self.stage = stage
        made = self.client.create_api(Name="shop", ProtocolType="HTTP", **members)
        self.id: str = made["ApiId"]
        self.host: str = made["ApiEndpoint"].split("//")[1]
        self.client.create_stage(ApiId=self.id, StageName=stage, AutoDeploy=True)

    def integrate(self, function: str, *, version: str = "2.0", permit: bool = True, **members: Any) -> str:
        """An integration with a function; its target."""
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"
        made = self.client.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn,
            PayloadFormatVersion=version,
            **members,
        )
        if permit:
            self.platform.aws.add_permission(
                FunctionName=function,
                StatementId=f"s{uuid.uuid4().hex}",
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{self.id}/*/*",
            )
        return f"integrations/{made['IntegrationId']}"

    def proxy(self, uri: str, method: str = "ANY", **members: Any) -> str:
        """An integration with another server; its target."""
        made = self.client.create_integration(
            ApiId=self.id,
            IntegrationType="HTTP_PROXY",
            IntegrationUri=uri,
            IntegrationMethod=method,
            PayloadFormatVersion="1.0",
            **members,
        )
        return f"integrations/{made['IntegrationId']}"

    def route(self, key: str, target: str | None = None, **members: Any) -> str:
        given = {"Target": target} if target is not None else {}
        return str(self.client.create_route(ApiId=self.id, RouteKey=key, **given, **members)["RouteId"])

    def __call__(
        self,
        method: str = "GET",
        path: str = "/",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.platform.request(method, path, body, {"Host": self.host, **(headers or {})})


def api_of(platform: Platform, source: str, *keys: str, version: str = "2.0", **members: Any) -> Api:
    """An API whose routes all lead to one new function."""
    api = Api(platform, **members)
    target = api.integrate(platform.create(source), version=version)
    for key in keys or ("$default",):
        api.route(key, target)
    return api


@pytest.fixture(scope="module")
def echo(platform: Platform) -> Api:
    return api_of(platform, ECHO, "GET /pets/{id}", "POST /pets", "ANY /files/{path+}", "$default")


@pytest.fixture(scope="module")
def returning(platform: Platform) -> Api:
    return api_of(platform, RETURN)


def given(returning: Api, value: Any) -> Answer:
    return returning("POST", "/", json.dumps(value).encode(), JSON)


# ---------------------------------------------------------------- events


def test_payload_2(echo: Api) -> None:
    answer = echo(
        "GET", "/pets/6?name=J%C3%BCrgen&tag=a&tag=b", None, {"Cookie": "a=1; b=2", "User-Agent": "test/1"}
    )
    assert answer.status == 200
    event = answer.json["event"]
    context = event["requestContext"]
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "GET /pets/{id}", "/pets/6")
    assert event["pathParameters"] == {"id": "6"}
    assert event["rawQueryString"] == "name=J%C3%BCrgen&tag=a&tag=b"
    assert event["queryStringParameters"] == {"name": "Jürgen", "tag": "a,b"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert context["routeKey"] == "GET /pets/{id}"
    assert (context["accountId"], context["apiId"], context["stage"]) == (ACCOUNT, echo.id, "$default")
    assert (context["domainName"], context["domainPrefix"]) == (echo.host, echo.id)
    assert context["requestId"] == answer.headers["apigw-requestid"]
    assert len(context["requestId"]) == 16
    assert context["requestId"].endswith("=")
    assert not {"body", "stageVariables"} & event.keys()


def test_payload_1(platform: Platform) -> None:
    api = api_of(platform, ECHO_V1, "POST /pets/{id}", version="1.0")
    answer = api(
        "POST",
        "/pets/6?tag=a&tag=b",
        b'{"a": 1}',
        {**JSON, "Cookie": "a=1; b=2", "X-Two": "1", "User-Agent": "t"},
    )
    event = answer.json["event"]
    context = event.pop("requestContext")
    headers, several = event.pop("headers"), event.pop("multiValueHeaders")
    assert event == {
        "version": "1.0",
        "resource": "/pets/{id}",
        "path": "/pets/6",
        "httpMethod": "POST",
        "queryStringParameters": {"tag": "b"},
        "multiValueQueryStringParameters": {"tag": ["a", "b"]},
        "pathParameters": {"id": "6"},
        "stageVariables": None,
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }
    assert headers["cookie"] == "a=1; b=2"
    assert headers["Host"] == api.host
    assert several["x-two"] == ["1"]
    assert headers["Content-Length"] == "8"
    assert context["identity"].pop("sourceIp") == "127.0.0.1"
    assert context["identity"].pop("userAgent") == "t"
    assert set(context["identity"].values()) == {None}
    assert "authorizer" not in context
    assert (context["resourcePath"], context["path"], context["stage"]) == (
        "/pets/{id}",
        "/pets/6",
        "$default",
    )


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("/capture/space%20value", "/capture/space value"),
        ("/capture/question%3Fvalue", "/capture/question"),
        ("/capture/hash%23value", "/capture/hash#value"),
        ("/capture/slash%2Fvalue", "/capture/slash/value"),
        ("/capture/unicode-%CE%BB", "/capture/unicode-λ"),
        ("/capture/literal%252Fvalue", "/capture/literal/value"),
        ("/capture/literal%2525value", "/capture/literal%value"),
    ],
)
def test_paths_are_decoded(echo: Api, sent: str, path: str) -> None:
    event = echo("GET", sent).json["event"]
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == path


@pytest.mark.parametrize(("method", "path"), [("GET", "/capture/percent%25done"), ("OPTIONS", "*")])
def test_paths_that_are_none(echo: Api, method: str, path: str) -> None:
    answer = echo(method, path)
    assert (answer.status, answer.body) == (400, b'{"message":"Bad Request"}')


# ---------------------------------------------------------------- answers


def test_what_is_inferred(returning: Api) -> None:
    answer = given(returning, {"hello": "world"})
    assert (answer.status, answer.body) == (200, b'{"hello":"world"}')
    assert answer.headers["Content-Type"] == "application/json"


def test_whole_answers(returning: Api) -> None:
    answer = given(
        returning,
        {
            "statusCode": 201,
            "headers": {"X-One": "1"},
            "cookies": ["a=1", "b=2"],
            "body": base64.b64encode(b"\x89PNG").decode(),
            "isBase64Encoded": True,
        },
    )
    assert (answer.status, answer.body, answer.headers["X-One"]) == (201, b"\x89PNG", "1")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("value", [{"statusCode": "abc"}, {"statusCode": 200, "body": {"a": 1}}])
def test_what_is_no_answer(returning: Api, value: Any) -> None:
    answer = given(returning, value)
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (500, ERROR, "application/json")


def test_payload_1_has_to_answer_with_a_status(platform: Platform) -> None:
    assert api_of(platform, ECHO, version="1.0")().body == ERROR


def test_functions_that_fail(platform: Platform) -> None:
    answer = api_of(platform, "def handler(event, context):\n    raise ValueError('secret')\n")()
    assert (answer.status, answer.body) == (500, ERROR)


def test_requests_that_are_too_large(echo: Api) -> None:
    for size in (6_400_000, 10_485_761):
        answer = echo("POST", "/", b"x" * size, {"Content-Type": "text/plain"})
        assert (answer.status, answer.body) == (413, b'{"message":"Request Entity Too Large"}')


def test_head_has_no_body(echo: Api) -> None:
    answer = echo("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")


def test_functions_that_take_too_long(platform: Platform, gate: Gate) -> None:
    api = Api(platform)
    function = platform.create(gate.source.replace('event["port"]', str(gate.port)))
    api.route("$default", api.integrate(function, TimeoutInMillis=500))
    answer = api()
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')
    # The late result goes nowhere, and the environment is used again.
    ((_, late, _),) = gate.wait()
    gate.release("late")
    wait_until(lambda: any("REPORT" in line for line in platform.logs(function)))
    asking = Background(api)
    ((_, early, _),) = gate.wait()
    gate.release("early")
    assert asking.result().body == b"early"
    assert early == late


def test_clients_that_leave(platform: Platform, gate: Gate) -> None:
    api = Api(platform)
    api.route(
        "$default", api.integrate(platform.create(gate.source.replace('event["port"]', str(gate.port))))
    )
    with socket.create_connection(platform.address) as client:
        client.sendall(f"GET / HTTP/1.1\r\nHost: {api.host}\r\n\r\n".encode())
        ((_, first, _),) = gate.wait()
        # The connection breaks off: nobody will read the answer.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gate.release("nobody hears this")
    asking = Background(api)
    ((_, second, _),) = gate.wait()
    gate.release("hello")
    assert asking.result().body == b"hello"
    assert first == second


# ---------------------------------------------------------------- who may be called


def test_functions_have_to_permit_it(platform: Platform) -> None:
    api = Api(platform)
    function = platform.create(ECHO)
    api.route("GET /pets/{id}", api.integrate(function, permit=False))
    answer = api("GET", "/pets/6")
    assert (answer.status, answer.body) == (500, ERROR)
    source = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api.id}/$default/GET/pets/{{id}}"
    assert source in platform.printed
    platform.aws.add_permission(
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api.id}/*/*/pets/{{id}}",
    )
    assert api("GET", "/pets/6").status == 200


def test_functions_that_are_gone(platform: Platform) -> None:
    api = Api(platform)
    function = platform.create(ECHO)
    api.route("$default", api.integrate(function))
    assert api().status == 200
    platform.aws.delete_function(FunctionName=function)
    assert (api().status, api().body) == (500, ERROR)


def test_throttled_functions(platform: Platform) -> None:
    api = Api(platform)
    function = platform.create(ECHO)
    api.route("$default", api.integrate(function))
    platform.aws.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    assert api().status == 503


def test_routes_without_integration(platform: Platform) -> None:
    api = Api(platform)
    api.route("GET /nothing")
    assert (api("GET", "/nothing").status, api("GET", "/nothing").body) == (500, ERROR)


# ---------------------------------------------------------------- stages and domains


def test_named_stages(platform: Platform) -> None:
    api = api_of(platform, ECHO, "GET /pets", "GET /", stage="prod")
    api.client.update_stage(ApiId=api.id, StageName="prod", StageVariables={"color": "blue"})
    event = api("GET", "/prod/pets").json["event"]
    assert (event["rawPath"], event["requestContext"]["stage"]) == ("/prod/pets", "prod")
    assert event["stageVariables"] == {"color": "blue"}
    assert api("GET", "/prod").json["event"]["routeKey"] == "GET /"
    for path in ("/pets", "/other/pets", "/prod/pets/"):
        answer = api("GET", path)
        assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')


def test_apis_by_path(platform: Platform, echo: Api) -> None:
    answer = platform.request("GET", f"/_aws/execute-api/{echo.id}/$default/pets/6")
    assert answer.json["event"]["rawPath"] == "/pets/6"
    assert (
        platform.request("GET", f"/_aws/execute-api/{echo.id}/pets/6").json["event"]["rawPath"] == "/pets/6"
    )


def test_apis_that_are_not_there(platform: Platform) -> None:
    answer = platform.request("GET", "/", headers={"Host": "abcdefghij.execute-api.us-east-1.amazonaws.com"})
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
    assert answer.headers["apigw-requestid"]


def test_endpoints_that_are_switched_off(platform: Platform) -> None:
    api = api_of(platform, ECHO, DisableExecuteApiEndpoint=True)
    assert (api().status, api().body) == (404, b'{"message":"Not Found"}')


def test_custom_domains(platform: Platform) -> None:
    name = f"{uuid.uuid4().hex}.example.com"
    api = api_of(platform, ECHO, "GET /pets", stage="prod")
    certificate = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/{uuid.uuid4()}"
    api.client.create_domain_name(
        DomainName=name,
        DomainNameConfigurations=[{"CertificateArn": certificate, "EndpointType": "REGIONAL"}],
    )
    api.client.create_api_mapping(DomainName=name, ApiId=api.id, Stage="prod", ApiMappingKey="shop/v1")
    answer = platform.request("GET", "/shop/v1/pets", headers={"Host": name})
    event = answer.json["event"]
    assert (event["rawPath"], event["requestContext"]["domainName"]) == ("/prod/pets", name)
    for path in ("/shop/pets", "/shop/v10/pets", "/pets"):
        answer = platform.request("GET", path, headers={"Host": name})
        assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')


# ---------------------------------------------------------------- CORS


def test_preflights(platform: Platform) -> None:
    api = api_of(
        platform,
        RETURN,
        "POST /pets",
        CorsConfiguration={
            "AllowOrigins": ["https://shop.example"],
            "AllowMethods": ["POST"],
            "AllowHeaders": ["content-type"],
            "MaxAge": 300,
            "ExposeHeaders": ["x-count"],
        },
    )
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = api("OPTIONS", "/pets", None, asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert answer.headers["access-control-max-age"] == "300"
    assert api("OPTIONS", "/pets").status == 404
    other = api("OPTIONS", "/pets", None, {**asked, "Origin": "https://other.example"})
    assert (other.status, other.headers["access-control-allow-origin"]) == (204, None)
    body = json.dumps(
        {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*", "Access-Control-Max-Age": "1"}}
    ).encode()
    answer = api("POST", "/pets", body, {**JSON, "Origin": "https://shop.example"})
    assert answer.headers.get_all("access-control-allow-origin") == ["https://shop.example"]
    assert answer.headers["access-control-expose-headers"] == "x-count"
    assert answer.headers["access-control-max-age"] is None


def test_routes_for_every_method_get_preflights_too(platform: Platform) -> None:
    api = api_of(
        platform, ECHO, "ANY /pets", CorsConfiguration={"AllowOrigins": ["*"], "AllowMethods": ["*"]}
    )
    answer = api(
        "OPTIONS", "/pets", None, {"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT"}
    )
    assert answer.json["event"]["requestContext"]["http"]["method"] == "OPTIONS"
    assert answer.headers["access-control-allow-methods"] == "*"


# ---------------------------------------------------------------- throttling and logs


def test_throttling(platform: Platform) -> None:
    api = api_of(platform, ECHO, "GET /slow", "GET /fast")
    api.client.update_stage(
        ApiId=api.id,
        StageName="$default",
        RouteSettings={"GET /slow": {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 0.001}},
    )
    answers = [api("GET", "/slow") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 429]
    assert answers[1].body == b'{"message":"Too Many Requests"}'
    assert {api("GET", "/fast").status for _ in range(3)} == {200}


def test_access_logs(platform: Platform) -> None:
    api = api_of(platform, ECHO, "GET /pets/{id}")
    group = f"access-{uuid.uuid4().hex}"
    form = (
        '{"id":"$context.requestId","key":"$context.routeKey","status":"$context.status","none":"$context.nothing",'
        '"agent":"$context.identity.userAgent","length":$context.responseLength,'
        '"lambda":"$context.integration.integrationStatus"}'
    )
    api.client.update_stage(
        ApiId=api.id,
        StageName="$default",
        AccessLogSettings={
            "DestinationArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}",
            "Format": form,
        },
    )
    found = api("GET", "/pets/6", None, {"User-Agent": 'a"b'})
    missing = api("GET", "/none", None, {"User-Agent": "curl"})
    logs = platform.client("logs")
    events = logs.filter_log_events(logGroupName=group)["events"]
    assert [json.loads(event["message"]) for event in events] == [
        {
            "id": found.headers["apigw-requestid"],
            "key": "GET /pets/{id}",
            "status": "200",
            "none": "-",
            "agent": 'a"b',
            "length": len(found.body),
            "lambda": "200",
        },
        {
            "id": missing.headers["apigw-requestid"],
            "key": "-",
            "status": "404",
            "none": "-",
            "agent": "curl",
            "length": len(missing.body),
            "lambda": "-",
        },
    ]


# ---------------------------------------------------------------- other servers


class Server(BaseHTTPRequestHandler):
    """Answers with what it has been asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        asked = {
            "method": self.command,
            "target": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.rfile.read(length).decode(),
        }
        body = json.dumps(asked).encode()
        self.send_response(int(self.headers.get("X-Status", 200)))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Backend", "yes")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815 - the base class's names

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_address[1]}"
    listener.shutdown()
    listener.server_close()
    thread.join()


def test_other_servers(platform: Platform, server: str) -> None:
    api = Api(platform)
    api.route("ANY /pets/{id}", api.proxy(f"{server}/animals/{{id}}?x=1"))
    api.route("GET /all/{rest+}", api.proxy(f"{server}/base/{{rest}}", "POST"))
    api.route("$default", api.proxy(f"{server}/root"))
    answer = api(
        "PUT", "/pets/a%20b?y=2&y=3", b"hello", {"X-Own": "1", "X-Status": "418", "Connection": "close"}
    )
    assert answer.status == 418
    asked = answer.json
    assert (asked["method"], asked["target"], asked["body"]) == ("PUT", "/animals/a%20b?x=1&y=2&y=3", "hello")
    assert asked["headers"]["host"] == server.removeprefix("http://")
    assert asked["headers"]["x-own"] == "1"
    assert asked["headers"]["via"] == "HTTP/1.1 AmazonAPIGateway"
    assert f"for=127.0.0.1;host={api.host};proto=http" in asked["headers"]["forwarded"]
    assert asked["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    assert answer.headers["X-Backend"] == "yes"
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers["apigw-requestid"]
    asked = api("GET", "/all/a/b").json
    assert (asked["method"], asked["target"]) == ("POST", "/base/a/b")
    assert api("GET", "/some/where").json["target"] == "/root/some/where"


def test_parameter_mapping(platform: Platform, server: str) -> None:
    api = Api(platform)
    api.client.update_stage(ApiId=api.id, StageName="$default", StageVariables={"env": "test"})
    target = api.proxy(
        f"{server}/x",
        RequestParameters={
            "append:header.x-stage": "$context.stage",
            "overwrite:header.x-one": "${request.path.id}-${stageVariables.env}",
            "remove:header.x-gone": "''",
            "append:querystring.added": "$request.body.deep.list[1]",
            "remove:querystring.secret": "''",
            "overwrite:path": "/other/$request.path.id",
            "append:header.authorization": "stolen",
        },
        ResponseParameters={
            "404": {"overwrite:statuscode": "200", "append:header.x-was": "$response.body.method"},
            "200": {"remove:header.x-backend": "''"},
        },
    )
    api.route("POST /pets/{id}", target)
    body = json.dumps({"deep": {"list": ["a", "b"]}}).encode()
    headers = {**JSON, "X-One": "0", "X-Gone": "1", "X-Status": "404"}
    answer = api("POST", "/pets/6?secret=1&kept=2", body, headers)
    asked = answer.json
    assert asked["target"] == "/other/$request.path.id?kept=2&added=b"
    assert asked["headers"]["x-stage"] == "$default"
    assert asked["headers"]["x-one"] == "6-test"
    assert not {"x-gone", "authorization"} & asked["headers"].keys()
    assert (answer.status, answer.headers["x-was"], answer.headers["x-backend"]) == (200, "POST", "yes")
    assert api("POST", "/pets/6", body, JSON).headers["x-backend"] is None


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("plain", "plain"),
        ("$request.header.x-two", "1,2"),
        ("$request.header.cookie", "a=1; b=2"),
        ("$request.querystring.tag", "a,b"),
        ("$request.querystring.none", None),
        ("$request.path", "/pets/a b"),
        ("$request.path.id", "a b"),
        ("$request.body.name", "Rex"),
        ("$request.body.tags[0]", "x"),
        ("$request.body.tags", '["x","y"]'),
        ("$request.body['name']", "Rex"),
        ("$request.body.tags[5]", None),
        ("$request.body.name.deeper", None),
        ("$stageVariables.color", "blue"),
        ("$context.routeKey", "POST /pets/{id}"),
        ("$context.none", None),
        ("<${request.path.id}|${request.querystring.none}|${context.httpMethod}>", "<a b||POST>"),
        ("$requests.header.x", "$requests.header.x"),
    ],
)
def test_expressions(expressing: Api, server: str, expression: str, value: str | None) -> None:
    target = expressing.proxy(f"{server}/x", RequestParameters={"overwrite:header.x-value": expression})
    route = expressing.route("POST /pets/{id}", target)
    body = json.dumps({"name": "Rex", "tags": ["x", "y"]}).encode()
    with socket.create_connection(expressing.platform.address) as client:
        client.sendall(
            b"POST /pets/a%%20b?tag=a&tag=b HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Two: 1\r\n"
            b"X-Two: 2\r\nCookie: a=1; b=2\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (expressing.host.encode(), len(body), body)
        )
        answer = client.makefile("rb").read()
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["headers"].get("x-value") == value
    expressing.client.delete_route(ApiId=expressing.id, RouteId=route)


@pytest.fixture(scope="module")
def expressing(platform: Platform) -> Api:
    api = Api(platform)
    api.client.update_stage(ApiId=api.id, StageName="$default", StageVariables={"color": "blue"})
    return api


def test_functions_get_what_is_mapped(platform: Platform) -> None:
    api = Api(platform)
    target = api.integrate(
        platform.create(ECHO),
        RequestParameters={
            "append:header.x-id": "$request.path.id",
            "remove:querystring.secret": "''",
            "overwrite:path": "/animals",
        },
        ResponseParameters={"200": {"overwrite:header.x-status": "was 200", "overwrite:statuscode": "203"}},
    )
    api.route("GET /pets/{id}", target)
    answer = api("GET", "/pets/6?secret=1&a=2")
    event = answer.json["event"]
    assert (event["headers"]["x-id"], event["rawQueryString"], event["rawPath"]) == ("6", "a=2", "/animals")
    assert (answer.status, answer.headers["x-status"]) == (203, "was 200")


def test_servers_that_are_not_there(platform: Platform) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    api = Api(platform)
    api.route("$default", api.proxy(f"http://127.0.0.1:{port}/"))
    answer = api()
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')


def test_servers_that_say_nothing(platform: Platform) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = Api(platform)
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        api.route("$default", api.proxy(uri, TimeoutInMillis=200))
        assert api().status == 503


# ---------------------------------------------------------------- services of the platform


def service(api: Api, subtype: str, **parameters: str) -> str:
    """An integration with a service; its target."""
    made = api.client.create_integration(
        ApiId=api.id,
        IntegrationType="AWS_PROXY",
        IntegrationSubtype=subtype,
        PayloadFormatVersion="1.0",
        CredentialsArn=f"arn:aws:iam::{ACCOUNT}:role/api",
        RequestParameters=parameters,
    )
    return f"integrations/{made['IntegrationId']}"


def test_queues(platform: Platform) -> None:
    api = Api(platform)
    queues = platform.client("sqs")
    url = queues.create_queue(QueueName=f"q{uuid.uuid4().hex}")["QueueUrl"]
    attributes = '{"kind":{"DataType":"String","StringValue":"order"}}'
    send = service(
        api,
        "SQS-SendMessage",
        QueueUrl=url,
        MessageBody="$request.body.text",
        DelaySeconds="0",
        MessageAttributes=attributes,
    )
    api.route("POST /messages", send)
    api.route("GET /messages", service(api, "SQS-ReceiveMessage", QueueUrl=url, MaxNumberOfMessages="1"))
    api.route("DELETE /messages", service(api, "SQS-PurgeQueue", QueueUrl=url))
    answer = api("POST", "/messages", b'{"text": "hello"}', JSON)
    assert answer.status == 200, answer.body
    assert b"MessageId" in answer.body
    (message,) = queues.receive_message(QueueUrl=url, VisibilityTimeout=0, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert message["Body"] == "hello"
    assert message["MessageAttributes"]["kind"]["StringValue"] == "order"
    assert b"hello" in api("GET", "/messages").body
    assert api("DELETE", "/messages").status == 200


def test_event_buses(platform: Platform) -> None:
    api = Api(platform)
    target = service(
        api,
        "EventBridge-PutEvents",
        Detail="$request.body",
        DetailType="order",
        Source="shop",
        Region="us-east-1",
    )
    api.route("POST /events", target)
    answer = api("POST", "/events", b'{"id": 1}', JSON)
    assert (answer.status, answer.json["FailedEntryCount"]) == (200, 0)


def test_services_that_refuse(platform: Platform) -> None:
    api = Api(platform)
    missing = f"{platform.url}/{ACCOUNT}/none"
    api.route("POST /none", service(api, "SQS-SendMessage", QueueUrl=missing, MessageBody="$request.body"))
    delayed = service(api, "SQS-SendMessage", QueueUrl=missing, MessageBody="x", DelaySeconds="soon")
    api.route("POST /bad", delayed)
    assert api("POST", "/none", b"hello").status == 400
    answer = api("POST", "/bad")
    assert (answer.status, answer.body) == (400, b'{"message":"Bad Request"}')
