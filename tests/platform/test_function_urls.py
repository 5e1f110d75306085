"""Function URLs over real sockets: what functions get, what clients get, who is let in."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.platform.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.platform.conftest import Answer, Gate, Platform

ECHO = "def handler(event, context):\n    return {'event': event, 'request_id': context.aws_request_id}\n"
RETURN = "import json\ndef handler(event, context):\n    return json.loads(event['body'])\n"


class Url(NamedTuple):
    """A function's URL, and a way to ask it."""

    platform: Platform
    function: str
    host: str
    arn: str

    def __call__(
        self,
        method: str = "GET",
        path: str = "/",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.platform.request(method, path, body, {"Host": self.host, **(headers or {})})


def url_of(
    platform: Platform, source: str, *, auth_type: str = "NONE", permit: bool = True, **members: Any
) -> Url:
    function = platform.create(source)
    qualifier = {"Qualifier": members.pop("Qualifier")} if "Qualifier" in members else {}
    if qualifier:
        version = platform.aws.publish_version(FunctionName=function)["Version"]
        platform.aws.create_alias(FunctionName=function, Name=qualifier["Qualifier"], FunctionVersion=version)
    made = platform.aws.create_function_url_config(
        FunctionName=function, AuthType=auth_type, **qualifier, **members
    )
    if permit:
        platform.aws.add_permission(
            FunctionName=function,
            StatementId="public",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType=auth_type,
            **qualifier,
        )
    return Url(platform, function, urlsplit(made["FunctionUrl"]).netloc, made["FunctionArn"])


# ---------------------------------------------------------------- the event


def test_what_functions_get(platform: Platform) -> None:
    url = url_of(platform, ECHO)
    answer = url(
        "POST",
        "/custom%20path/a%2Fb/?name=J%C3%BCrgen&tag=a&tag=b&empty=",
        b'{"foo": "bar"}',
        {
            "Content-Type": "application/json",
            "ExTrA-HeadErs": "With WeiRd CapS",
            "User-Agent": "test/echo",
            "Cookie": "a=1; b=2",
            "X-Forwarded-For": "203.0.113.9",
        },
    )
    assert answer.status == 200
    event = answer.json["event"]
    context = event["requestContext"]
    url_id = url.host.partition(".")[0]
    assert event["version"] == "2.0"
    assert (event["routeKey"], context["routeKey"], context["stage"]) == ("$default", "$default", "$default")
    assert event["rawPath"] == context["http"]["path"] == "/custom%20path/a%2Fb/"
    assert event["rawQueryString"] == "name=J%C3%BCrgen&tag=a&tag=b&empty="
    assert event["queryStringParameters"] == {"name": "Jürgen", "tag": "a,b", "empty": ""}
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]
    assert event["headers"]["extra-headers"] == "With WeiRd CapS"
    assert event["headers"]["content-length"] == "14"
    assert event["headers"]["host"] == url.host
    assert event["headers"]["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert event["headers"]["x-forwarded-port"] == str(platform.address[1])
    assert event["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    assert (event["body"], event["isBase64Encoded"]) == ('{"foo": "bar"}', False)
    assert context["accountId"] == "anonymous"
    assert (context["apiId"], context["domainPrefix"], context["domainName"]) == (url_id, url_id, url.host)
    assert context["http"] | {"path": ""} == {
        "method": "POST",
        "path": "",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "test/echo",
    }
    assert context["requestId"] == answer.json["request_id"] == answer.headers["x-amzn-RequestId"]
    assert context["timeEpoch"] // 1000 > 1_700_000_000
    assert context["time"].endswith(" +0000")
    assert not {"authorizer", "authentication"} & context.keys()


def test_what_is_not_there_is_left_out(platform: Platform) -> None:
    event = url_of(platform, ECHO)().json["event"]
    assert event["rawPath"] == "/"
    assert event["isBase64Encoded"] is False
    assert not {"body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"} & event.keys()


@pytest.mark.parametrize(
    ("content_type", "body", "is_text"),
    [
        ("text/plain", b"text", True),
        ("application/json", b"{}", True),
        ("application/json; charset=utf-8", b"{}", True),
        ("text/plain; charset=iso-8859-1", b"\xfc", False),
        ("text/plain", b"\xff\xfe", False),
        ("application/x-www-form-urlencoded", b"a=1", False),
        ("multipart/form-data; boundary=x", b"--x--", False),
        ("application/octet-stream", b"\x00\xff", False),
        (None, b"text", False),
    ],
)
def test_bodies(echo: Url, content_type: str | None, body: bytes, is_text: bool) -> None:
    event = echo("POST", "/", body, {"Content-Type": content_type} if content_type else {}).json["event"]
    assert event["isBase64Encoded"] is not is_text
    assert (event["body"].encode() if is_text else base64.b64decode(event["body"])) == body


@pytest.fixture(scope="module")
def echo(platform: Platform) -> Url:
    return url_of(platform, ECHO)


@pytest.fixture(scope="module")
def returning(platform: Platform) -> Url:
    return url_of(platform, RETURN)


def given(returning: Url, value: Any) -> Answer:
    return returning("POST", "/", json.dumps(value).encode(), {"Content-Type": "application/json"})


# ---------------------------------------------------------------- the answer


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"hello": "world"}, b'{"hello":"world"}'),
        ({"statusCode": 200, "body": "body123"}, b"body123"),
        (["hello", 3, True], b'["hello",3,true]'),
        ("hello", b"hello"),
        (3, b"3"),
        (3.1, b"3.1"),
        (True, b"true"),
        (None, b"null"),
    ],
)
def test_what_is_inferred(returning: Url, value: Any, body: bytes) -> None:
    answer = given(returning, value)
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "application/json", body)
    assert answer.headers["Content-Length"] == str(len(body))


def test_whole_answers(returning: Url) -> None:
    answer = given(
        returning,
        {
            "statusCode": "418",
            "headers": {"Content-Type": "image/png", "X-Count": 3, "Connection": "close"},
            "cookies": ["a=1; Secure", "b=2"],
            "body": base64.b64encode(b"\x89PNG").decode(),
            "isBase64Encoded": True,
        },
    )
    assert (answer.status, answer.body) == (418, b"\x89PNG")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Count"] == "3"
    assert answer.headers.get_all("Set-Cookie") == ["a=1; Secure", "b=2"]
    assert answer.headers["Connection"] is None


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": "abc"},
        {"statusCode": 99},
        {"statusCode": "9" * 5000},
        {"statusCode": 200, "headers": {"x\u0001": "a"}},
        {"statusCode": 200, "headers": {"a": "b\u007f"}},
        {"statusCode": 101},
        {"statusCode": 200, "headers": []},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": {"a": None}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "***", "isBase64Encoded": True},
    ],
)
def test_what_is_no_answer(returning: Url, value: Any) -> None:
    answer = given(returning, value)
    assert (answer.status, answer.body) == (502, b"Internal Server Error")
    assert returning.function in returning.platform.printed


def test_headers_beyond_latin_1_are_utf_8(returning: Url) -> None:
    answer = given(returning, {"statusCode": 200, "headers": {"x-mark": "✓"}})
    assert answer.headers["x-mark"].encode("latin-1").decode() == "✓"


def test_functions_that_fail(platform: Platform) -> None:
    answer = url_of(platform, "def handler(event, context):\n    raise ValueError('secret')\n")()
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_events_that_are_too_large(echo: Url) -> None:
    answer = echo("POST", "/", b"x" * 6_300_000, {"Content-Type": "text/plain"})
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (413, "RequestEntityTooLargeException")


def test_head_has_no_body(returning: Url) -> None:
    answer = returning("HEAD")
    assert (answer.status, answer.body) == (502, b"")


def test_throttled_clients(platform: Platform) -> None:
    url = url_of(platform, ECHO)
    platform.aws.put_function_concurrency(FunctionName=url.function, ReservedConcurrentExecutions=0)
    assert url().status == 429


# ---------------------------------------------------------------- who is let in


def test_a_url_that_nobody_has(platform: Platform) -> None:
    headers = {"Host": "0123456789abcdefghijklmnopqrstuv.lambda-url.us-east-1.on.aws"}
    answer = platform.request("GET", "/", headers=headers)
    assert (answer.status, answer.body) == (403, b'{"Message":null}')
    assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert answer.headers["Content-Type"] == "application/json"


def test_public_urls_need_the_permission(platform: Platform) -> None:
    url = url_of(platform, ECHO, permit=False)
    answer = url()
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
    assert answer.json["Message"].startswith("Forbidden. For troubleshooting Function URL")
    platform.aws.add_permission(
        FunctionName=url.function,
        StatementId="public",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    assert url().status == 200


def test_urls_of_aliases(platform: Platform) -> None:
    url = url_of(
        platform, "def handler(event, context):\n    return context.invoked_function_arn\n", Qualifier="live"
    )
    assert url().body.decode() == url.arn
    assert url.arn.endswith(":live")
    platform.aws.delete_alias(FunctionName=url.function, Name="live")
    assert url().status == 403


def test_by_path(echo: Url) -> None:
    url_id = echo.host.partition(".")[0]
    for target, path in (("", "/"), ("/", "/"), ("/a%20b?c=d", "/a%20b")):
        answer = echo.platform.request("GET", f"/_aws/lambda-url/{url_id}{target}")
        assert answer.json["event"]["rawPath"] == path


def test_a_public_url_is_no_way_to_the_lambda_api(echo: Url) -> None:
    path = f"/2015-03-31/functions/{echo.function}/invocations"
    assert echo("POST", path, b"{}").json["event"]["rawPath"] == path
    assert echo("GET", "/_lambent/health").json["event"]["rawPath"] == "/_lambent/health"


def signed(url: Url, key: str = "test", service: str = "lambda") -> dict[str, str]:
    request = AWSRequest("GET", f"http://{url.host}/path?b=2&a=1", headers={"Host": url.host})
    SigV4Auth(Credentials(key, "test"), service, "us-east-1").add_auth(request)
    return dict(request.headers)


def test_iam(platform: Platform) -> None:
    url = url_of(platform, ECHO, auth_type="AWS_IAM", permit=False)
    assert url().status == 403
    answer = url("GET", "/path?b=2&a=1", headers=signed(url))
    assert answer.status == 200
    context = answer.json["event"]["requestContext"]
    assert context["accountId"] == "000000000000"
    iam = context["authorizer"]["iam"]
    assert (iam["accountId"], iam["accessKey"]) == ("000000000000", "test")
    assert iam["userArn"] == "arn:aws:iam::000000000000:root"
    assert url("GET", "/path?b=2&a=1", headers=signed(url, service="s3")).status == 403


def test_iam_from_another_account_needs_the_permission(platform: Platform) -> None:
    url = url_of(platform, ECHO, auth_type="AWS_IAM", permit=False)
    assert url("GET", "/path?b=2&a=1", headers=signed(url, "111111111111")).status == 403
    platform.aws.add_permission(
        FunctionName=url.function,
        StatementId="other",
        Action="lambda:InvokeFunctionUrl",
        Principal="111111111111",
        FunctionUrlAuthType="AWS_IAM",
    )
    assert url("GET", "/path?b=2&a=1", headers=signed(url, "111111111111")).status == 200
    assert url("GET", "/path?b=2&a=1", headers=signed(url, "222222222222")).status == 403


# ---------------------------------------------------------------- cross-origin


def test_cors(platform: Platform) -> None:
    cors = {
        "AllowOrigins": ["https://shop.example"],
        "AllowMethods": ["GET", "POST"],
        "AllowHeaders": ["x-custom"],
        "ExposeHeaders": ["x-seen"],
        "MaxAge": 300,
        "AllowCredentials": True,
    }
    source = """
def handler(event, context):
    return {"statusCode": 200, "headers": {"access-control-allow-origin": "https://evil.example"}, "body": "x"}
"""
    url = url_of(platform, source, Cors=cors)
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    preflight = url("OPTIONS", headers=asked)
    assert (preflight.status, preflight.body) == (200, b"")
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
    assert preflight.headers["access-control-allow-methods"] == "GET, POST"
    assert preflight.headers["access-control-allow-headers"] == "x-custom"
    assert preflight.headers["access-control-max-age"] == "300"
    answer = url(headers={"Origin": "https://shop.example"})
    # Beside the function's own, as on AWS: configure it in one place.
    assert answer.headers.get_all("access-control-allow-origin") == [
        "https://evil.example",
        "https://shop.example",
    ]
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-expose-headers"] == "x-seen"
    other = url("OPTIONS", headers={**asked, "Origin": "https://evil.example"})
    assert other.headers["access-control-allow-origin"] is None


# ---------------------------------------------------------------- streams


def test_the_first_byte_comes_before_the_function_ends(platform: Platform, gate: Gate) -> None:
    source = gate.source.replace("def handler", "def wait") + (
        "def handler(event, context):\n    yield 'first'\n    yield wait(json.loads(event['body']), context)\n"
    )
    url = url_of(platform, source, InvokeMode="RESPONSE_STREAM")
    body = json.dumps({"port": gate.port}).encode()
    with socket.create_connection(platform.address, timeout=30) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
            % (url.host.encode(), len(body), body)
        )
        received = b""
        while b"first" not in received:
            received += client.recv(65536)
        assert b"Transfer-Encoding: chunked" in received
        gate.wait()
        gate.release("second")
        while not received.endswith(b"0\r\n\r\n"):
            received += client.recv(65536)
    assert b"second" in received


def test_functions_that_do_not_stream(platform: Platform) -> None:
    url = url_of(platform, RETURN, InvokeMode="RESPONSE_STREAM")
    answer = given(url, {"statusCode": 201, "body": "x"})
    assert (answer.status, answer.json) == (200, {"statusCode": 201, "body": "x"})


def test_a_stream_that_fails(platform: Platform) -> None:
    early = url_of(
        platform, "def handler(event, context):\n    raise ValueError\n", InvokeMode="RESPONSE_STREAM"
    )
    assert early().status == 502
    late = "def handler(event, context):\n    yield 'begun'\n    raise ValueError\n"
    url = url_of(platform, late, InvokeMode="RESPONSE_STREAM")
    with socket.create_connection(platform.address, timeout=30) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % url.host.encode())
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(65536):
                received += piece
    assert b"begun" in received
    assert not received.endswith(b"0\r\n\r\n")


def test_a_client_that_leaves_in_the_middle_of_a_stream(platform: Platform, gate: Gate) -> None:
    """What it would have got is dropped; the environment goes on and is used again."""
    source = gate.source.replace("def handler", "def wait") + (
        "def handler(event, context):\n"
        "    yield str(os.getpid())\n"
        "    if event.get('body'):\n"
        "        yield str(wait(json.loads(event['body']), context))\n"
        "        yield 'x' * 1000000\n"
    )
    url = url_of(platform, source, InvokeMode="RESPONSE_STREAM")
    body = json.dumps({"port": gate.port}).encode()
    with socket.create_connection(platform.address, timeout=30) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
            % (url.host.encode(), len(body), body)
        )
        received = b""
        while b"\r\n\r\n" not in received or not received.endswith(b"\r\n"):
            received += client.recv(65536)
        ((_, pid, _),) = gate.wait()
    gate.release("second")
    wait_until(lambda: any("REPORT" in line for line in platform.logs(url.function)))
    assert url().body == str(pid).encode()
