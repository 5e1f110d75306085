"""Functions get of real requests what samples show that they get on AWS: each member, its type, and its value.

A sample is compared with the event of the request that it is an event of. `KNOWN` lists where they differ, and why; a
difference that is gone has to go from there.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.gateway.authorizers.conftest import jwk, signed
from tests.platform.conftest import Platform, wait_until
from tests.platform.front_doors import (
    ECHO,
    Door,
    apis,
    function_url,
    http_api,
    invocation_uri,
    permit,
    websocket_api,
)
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from websockets.sync.client import ClientConnection

SAMPLES = Path(__file__).parent / "samples"

MARKS = {
    "<account>": r"\d{12}",
    "<arn>": r"arn:aws:execute-api:us-east-1:000000000000:[a-z0-9]{10}",
    "<digits>": r"\d+",
    "<host>": r"[a-z0-9]+\.(lambda-url|execute-api)\.us-east-1\.localhost:\d+",
    "<id>": r"[a-z0-9]{10}|[a-z0-9]{32}",
    "<ip>": r"127\.0\.0\.1",
    "<port>": r"\d+",
    "<request id>": r"[A-Za-z0-9_-]{15}=",
    "<scheme>": r"https?",
    "<text>": r"(?s).*",
    "<time>": r"\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} \+0000",
    "<trace>": r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}(;.*)?",
    "<uuid>": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}

NO_TLS = "this request is not over TLS"
NO_CERTIFICATE = "clients' certificates need a trust store, which domain names here have none of"

KNOWN: dict[str, dict[str, str]] = {
    "http-api-2.0": {"- requestContext.authentication": NO_CERTIFICATE},
    "http-api-2.0-full": {"- requestContext.authentication": NO_CERTIFICATE},
    "authorizer-1.0": {
        "- requestContext.identity.apiKey": "HTTP APIs have no API keys",
        "- requestContext.identity.clientCert": NO_CERTIFICATE,
        "+ requestContext.identity.userAgent": "captured events of payload 1.0 have it",
    },
    "http-api-2.0-iam": {
        "iam.principalOrgId: None for '<text>'": "accounts here are in no organization",
    },
    "function-url": {"- headers.x-amzn-tls-version": NO_TLS, "- headers.x-amzn-tls-cipher-suite": NO_TLS},
    "function-url-iam": {
        "- requestContext.authentication": "null in the guide's example only, captured events do without",
    },
}


def differences(sample: Any, event: Any, path: str = "") -> set[str]:
    """What an event lacks (-), has besides (+), or has otherwise."""
    if isinstance(sample, dict) and isinstance(event, dict):
        found = set()
        for name in sample.keys() | event.keys():
            inner = f"{path}.{name}" if path else name
            if name not in event:
                found.add(f"- {inner}")
            elif name not in sample:
                found.add(f"+ {inner}")
            else:
                found |= differences(sample[name], event[name], inner)
        return found
    if isinstance(sample, list) and isinstance(event, list) and len(sample) == len(event):
        pairs = enumerate(zip(sample, event, strict=True))
        return {one for index, (left, right) in pairs for one in differences(left, right, f"{path}[{index}]")}
    return set() if _fits(sample, event) else {f"{path}: {event!r} for {sample!r}"}


def _fits(sample: Any, value: Any) -> bool:
    if sample == "<ms>":
        return isinstance(value, int) and value > 1_700_000_000_000
    if isinstance(sample, str) and isinstance(value, str):
        pattern = re.escape(sample)
        for mark, meant in MARKS.items():
            pattern = pattern.replace(re.escape(mark), f"(?:{meant})" if mark != "<text>" else ".*")
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    return type(sample) is type(value) and bool(sample == value)


def check(name: str, event: Any) -> None:
    """Compare an event with a sample."""
    sample = json.loads((SAMPLES / f"{name}.json").read_text())
    assert sorted(differences(sample, event)) == sorted(KNOWN.get(name, ()))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    running = Platform(tmp_path_factory.mktemp("platform")).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.printed


@pytest.fixture(scope="module")
def echo(platform: Platform) -> str:
    return platform.create(ECHO)


def send(
    door: Door, method: str, target: str, fields: Mapping[str, str | list[str]], body: bytes = b""
) -> Any:
    """The JSON that exactly this request is answered with."""
    head = f"{method} {door.prefix}{target} HTTP/1.1\r\nHost: {door.host}\r\n"
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            head += f"{name}: {value}\r\n"
    if body:
        head += f"Content-Length: {len(body)}\r\n"
    with socket.create_connection(door.platform.address, timeout=30) as client:
        client.sendall(f"{head}\r\n".encode() + body)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as file:
            received = file.read()
    head_of, _, content = received.partition(b"\r\n\r\n")
    assert b" 200 " in head_of.splitlines()[0], received[:1000]
    return json.loads(content)


# ---------------------------------------------------------------- HTTP APIs


def curl(version: str) -> dict[str, str]:
    return {"User-Agent": f"curl/{version}", "Accept": "*/*"}


def test_a_get(platform: Platform, echo: str) -> None:
    check("http-api-2.0", send(http_api(platform, echo), "GET", "/", curl("7.58.0")))


def test_a_post_without_a_body(platform: Platform, echo: str) -> None:
    door = http_api(platform, echo, keys=["ANY /handler/{proxy+}"])
    check("http-api-2.0-proxy", send(door, "POST", "/handler/pero", curl("7.77.0")))


def test_everything(platform: Platform, echo: str) -> None:
    door = http_api(
        platform,
        echo,
        keys=["POST /my/{parameter1}"],
        variables={"stageVariable1": "value1", "stageVariable2": "value2"},
    )
    authorize(
        door,
        "def handler(event, context):\n    return {'isAuthorized': True, 'context': {'key': 'value'}}\n",
        "POST /my/{parameter1}",
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        IdentitySource=["$request.header.Authorization"],
    )
    fields: dict[str, str | list[str]] = {
        "Header1": "value1",
        "Header2": ["value1", "value2"],
        "Cookie": "cookie1; cookie2",
        "User-Agent": "agent",
        "Content-Type": "text/plain",
        "Authorization": "secret",
    }
    query = "parameter1=value1&parameter1=value2&parameter2=value"
    check("http-api-2.0-full", send(door, "POST", f"/my/value1?{query}", fields, b"Hello from Lambda"))


def test_payload_1_0(platform: Platform, echo: str) -> None:
    door = http_api(platform, echo, payload="1.0", keys=["ANY /handler/{proxy+}"])
    check("http-api-1.0-proxy", send_v1(door, "POST", "/handler/", curl("7.77.0")))


def test_payload_1_0_with_a_query_and_a_body(platform: Platform, echo: str) -> None:
    door = http_api(platform, echo, payload="1.0")
    fields = {**curl("7.79.1"), "Content-Type": "application/json"}
    target = "/pets?abc=xyz&name=Ricky&foo=bar&foo=baz"
    check("http-api-1.0-query", send_v1(door, "POST", target, fields, b'{"name":"bob"}'))


def send_v1(
    door: Door, method: str, target: str, fields: Mapping[str, str | list[str]], body: bytes = b""
) -> Any:
    """The event of a request to an API of payload 1.0, whose function has to return an answer."""
    source = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
    function = door.platform.create(source)
    arn = permit(door.platform, door.id, function)
    client = apis(door.platform)
    (integration,) = client.get_integrations(ApiId=door.id)["Items"]
    client.update_integration(ApiId=door.id, IntegrationId=integration["IntegrationId"], IntegrationUri=arn)
    return send(door, method, target, fields, body)


# ---------------------------------------------------------------- authorizers


def authorize(door: Door, source: str, key: str, **members: Any) -> None:
    """Have a new function decide on a route."""
    client, function = apis(door.platform), door.platform.create(source)
    arn = permit(door.platform, door.id, function)
    kind = {"AuthorizerType": "REQUEST", "AuthorizerUri": invocation_uri(arn), "Name": function}
    made = client.create_authorizer(ApiId=door.id, **kind, **members)
    (route,) = (one for one in client.get_routes(ApiId=door.id)["Items"] if one["RouteKey"] == key)
    client.update_route(
        ApiId=door.id,
        RouteId=route["RouteId"],
        AuthorizationType="CUSTOM",
        AuthorizerId=made["AuthorizerId"],
    )


SIMPLE = """
import json

def handler(event, context):
    return {"isAuthorized": True, "context": {"seen": json.dumps(event)}}
"""
POLICY = """
import json

def handler(event, context):
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "user", "policyDocument": policy, "context": {"seen": json.dumps(event)}}
"""
SIMPLE_2_0 = {"AuthorizerPayloadFormatVersion": "2.0", "EnableSimpleResponses": True}


def seen(event: Any) -> Any:
    """What the authorizer of an API got."""
    return json.loads(event["requestContext"]["authorizer"]["lambda"]["seen"])


def test_an_authorizer(platform: Platform, echo: str) -> None:
    key = "ANY /reads/giab.NA12878.NIST7086.1"
    door = http_api(platform, echo, keys=[key])
    authorize(door, SIMPLE, key, IdentitySource=["$request.header.Authorization"], **SIMPLE_2_0)
    fields = {**curl("7.69.1"), "Authorization": "Bearer ASDO"}
    check("authorizer-2.0", seen(send(door, "GET", "/reads/giab.NA12878.NIST7086.1", fields)))


def test_an_authorizer_in_a_stage(platform: Platform, echo: str) -> None:
    door = http_api(platform, echo, keys=["ANY /{proxy+}"], stage="dev")
    authorize(door, SIMPLE, "ANY /{proxy+}", IdentitySource=["$request.header.Authorization"], **SIMPLE_2_0)
    fields = {"User-Agent": "Amazon CloudFront", "Authorization": "secret", "Accept-Encoding": "gzip"}
    check("authorizer-2.0-stage", seen(send(door, "GET", "/", fields)))


def test_an_authorizer_of_payload_1_0(platform: Platform, echo: str) -> None:
    key = "GET /request"
    door = http_api(platform, echo, keys=[key], stage="test", variables={"StageVar1": "stageValue1"})
    authorize(
        door,
        POLICY,
        key,
        AuthorizerPayloadFormatVersion="1.0",
        IdentitySource=["$request.header.HeaderAuth1", "$request.querystring.QueryString1"],
    )
    fields = {"User-Agent": "agent", "Accept": "*/*", "HeaderAuth1": "user1"}
    check("authorizer-1.0", seen(send(door, "GET", "/request?QueryString1=queryValue1", fields)))


def test_payload_1_0_behind_an_authorizer(platform: Platform, echo: str) -> None:
    key = "GET /api/core/services"
    door = http_api(platform, echo, payload="1.0", keys=[key], stage="dev")
    source = (
        "def handler(event, context):\n    return {'isAuthorized': True, 'context': {'traceID': 'Root=1'}}\n"
    )
    authorize(door, source, key, IdentitySource=["$request.header.Authorization"], **SIMPLE_2_0)
    fields = {"User-Agent": "Mozilla/5.0", "Accept": "*/*", "Authorization": "Bearer abc"}
    check("http-api-1.0-authorizer", send_v1(door, "GET", "/api/core/services?name=", fields))


def test_a_token(platform: Platform, echo: str) -> None:
    door = http_api(platform, echo, keys=["GET /orders"])
    with issuer() as url:
        client = apis(platform)
        made = client.create_authorizer(
            ApiId=door.id,
            AuthorizerType="JWT",
            Name="tokens",
            IdentitySource=["$request.header.Authorization"],
            JwtConfiguration={"Issuer": url, "Audience": ["shop"]},
        )
        (route,) = client.get_routes(ApiId=door.id)["Items"]
        client.update_route(
            ApiId=door.id,
            RouteId=route["RouteId"],
            AuthorizationType="JWT",
            AuthorizerId=made["AuthorizerId"],
            AuthorizationScopes=["orders:read"],
        )
        claims = {"iss": url, "aud": "shop", "sub": "ann", "exp": int(time.time()) + 600}
        token = signed({**claims, "scope": "orders:read orders:write", "groups": ["admins", "buyers"]})
        event = send(door, "GET", "/orders", {"Authorization": f"Bearer {token}"})
    check("http-api-2.0-jwt", event["requestContext"]["authorizer"])


@contextlib.contextmanager
def issuer() -> Iterator[str]:
    """Who has issued the tokens, and publishes his keys."""

    class Documents(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {"issuer": url, "jwks_uri": f"{url}/keys"} if "well-known" in self.path else keys
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    keys = {"keys": [jwk("one")]}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Documents) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield url
        server.shutdown()
        thread.join()


def test_a_signature(platform: Platform, echo: str) -> None:
    door = http_api(platform, echo, keys=["GET /orders"], route={"AuthorizationType": "AWS_IAM"})
    request = AWSRequest("GET", f"http://{door.host}/orders", {"Host": door.host})
    SigV4Auth(Credentials("test", "test"), "execute-api", "us-east-1").add_auth(request)
    fields = {name: request.headers[name] for name in ("Authorization", "X-Amz-Date")}
    check("http-api-2.0-iam", send(door, "GET", "/orders", fields)["requestContext"]["authorizer"])


# ---------------------------------------------------------------- function URLs


def test_a_function_url(platform: Platform) -> None:
    door = function_url(platform, platform.create(ECHO))
    fields = {
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Site": "cross-site",
        "Accept-Language": "pt-BR,pt;q=0.9",
        "Sec-Fetch-User": "?1",
        "Accept": "text/html,*/*;q=0.8",
        "Upgrade-Insecure-Requests": "1",
        "Cache-Control": "max-age=0",
        "Accept-Encoding": "gzip, deflate, br",
        "Sec-Fetch-Dest": "document",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)",
    }
    check("function-url", send(door, "GET", "/", fields))


def test_a_signed_function_url(platform: Platform) -> None:
    door = function_url(platform, platform.create(ECHO), public=False)
    target = "/my/path?parameter1=value1&parameter1=value2&parameter2=value"
    body = b"Hello from client!"
    request = AWSRequest("POST", f"http://{door.host}{target}", {"Host": door.host}, body)
    SigV4Auth(Credentials("test", "test"), "lambda", "us-east-1").add_auth(request)
    fields: dict[str, str | list[str]] = {
        "Authorization": request.headers["Authorization"],
        "X-Amz-Date": request.headers["X-Amz-Date"],
        "Header1": "value1",
        "Header2": ["value1", "value2"],
        "Cookie": "cookie1; cookie2",
        "Content-Type": "text/plain",
        "User-Agent": "agent",
    }
    check("function-url-iam", send(door, "POST", target, fields, body))


# ---------------------------------------------------------------- WebSocket APIs

KEEPING = """
import json

events = []

def handler(event, context):
    events.append(event)
    kind = event["requestContext"]["eventType"]
    return {"statusCode": 200, "body": json.dumps(events) if kind == "MESSAGE" else ""}
"""


@pytest.fixture
def sockets(platform: Platform) -> Door:
    """A WebSocket API that answers every message with all events of it so far."""
    function = platform.create(KEEPING)
    # All in one environment, which remembers them.
    platform.aws.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    return websocket_api(platform, function, answering=["$default"], stage="prod")


def client_of(door: Door, agent: str | None = None, **headers: str) -> ClientConnection:
    reached = socket.create_connection(door.platform.address)
    options: dict[str, Any] = {"user_agent_header": agent, "additional_headers": headers}
    client: ClientConnection = connect(f"ws://{door.host}/prod", proxy=None, sock=reached, **options)
    return client


def events(client: ClientConnection, message: str = "") -> list[Any]:
    client.send(message)
    found: list[Any] = json.loads(client.recv(30))
    return found


def test_connecting(sockets: Door) -> None:
    with client_of(sockets) as client:
        check("websocket-connect", events(client)[0])


def test_a_message(sockets: Door) -> None:
    with client_of(sockets, "Mozilla/5.0") as client:
        check("websocket-message", events(client, '{\r\n\t"a": 1\r\n}')[1])


def test_disconnecting(sockets: Door) -> None:
    with client_of(sockets) as watching:
        with client_of(sockets, "Mozilla/5.0") as leaving:
            leaving.close(1001)
        check("websocket-disconnect", wait_until(lambda: disconnects(watching)))


def test_disconnecting_without_a_word(sockets: Door) -> None:
    with client_of(sockets) as watching, client_of(sockets) as leaving:
        leaving.socket.sendall(b"\x88\x80\0\0\0\0")  # a close frame without a status
        check("websocket-disconnect-silent", wait_until(lambda: disconnects(watching)))


def disconnects(client: ClientConnection) -> Any:
    """The event of a client that has left, once there is one."""
    client.send("")
    said = json.loads(client.recv(30))
    if isinstance(said, dict):
        return None  # the function's only environment was taken
    return next((one for one in said if one["requestContext"]["eventType"] == "DISCONNECT"), None)


def test_an_authorizer_of_connections(sockets: Door) -> None:
    authorize(sockets, POLICY, "$connect", IdentitySource=["route.request.header.Authorization"])
    with client_of(sockets, Authorization="Leo") as client:
        event = events(client)[-1]
    check("websocket-authorizer", json.loads(event["requestContext"]["authorizer"]["seen"]))
