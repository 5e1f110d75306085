"""Authorizers of HTTP APIs on a running platform: real functions, tokens, signatures."""

from __future__ import annotations

import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from joserfc import jwt
from joserfc.jwk import RSAKey
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.platform.conftest import Answer, Platform

ACCOUNT = "000000000000"
ECHO = """
import json
def handler(event, context):
    said = {"version": event["version"], **event["requestContext"]}
    return {"statusCode": 200, "body": json.dumps(said)}
"""
DECIDE = """
import time
calls = 0
def handler(event, context):
    global calls
    calls += 1
    token = event["headers"]["authorization"]
    if token == "fail":
        raise RuntimeError("no")
    if token == "odd":
        return {"odd": True}
    if token == "event":
        return {"isAuthorized": True, "context": event}
    return {"isAuthorized": token == "good", "context": {"who": token, "calls": calls}}
"""
POLICY = """
def handler(event, context):
    effect = "Allow" if event["identitySource"] == "good" else "Deny"
    arn = event["methodArn"].rpartition("/")[0] + "/*"
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": arn}
    return {
        "principalId": "ann",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"number": 1},
    }
"""


class Api(NamedTuple):
    """An HTTP API whose routes echo what their function got."""

    platform: Platform
    client: Any
    id: str
    integration: str

    @property
    def host(self) -> str:
        return f"{self.id}.execute-api.us-east-1.{self.platform.url.removeprefix('http://')}"

    def route(self, key: str, **members: Any) -> None:
        self.client.create_route(
            ApiId=self.id, RouteKey=key, Target=f"integrations/{self.integration}", **members
        )

    def authorizer(self, **members: Any) -> str:
        made = self.client.create_authorizer(ApiId=self.id, Name=uuid.uuid4().hex, **members)
        return str(made["AuthorizerId"])

    def asks(self, function: str, *, permit: bool = True, **members: Any) -> str:
        """An authorizer that asks a function."""
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"
        made = self.authorizer(
            AuthorizerType="REQUEST",
            AuthorizerUri=(
                f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
            ),
            **{
                "IdentitySource": ["$request.header.Authorization"],
                "AuthorizerPayloadFormatVersion": "2.0",
                "EnableSimpleResponses": True,
                **members,
            },
        )
        if permit:
            self.platform.aws.add_permission(
                FunctionName=function,
                StatementId=made,
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{self.id}/authorizers/{made}",
            )
        return made

    def get(self, path: str, **headers: str) -> Answer:
        return self.platform.request("GET", path, None, {"Host": self.host, **headers})


def make_api(platform: Platform, *, payload: str = "2.0", **keys: str) -> Api:
    client, functions = platform.client("apigatewayv2", **keys), platform.client(**keys)
    function = platform.create(ECHO, client=functions)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"
    api_id = client.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    integration = client.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion=payload
    )["IntegrationId"]
    functions.add_permission(
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api_id}/*",
    )
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    return Api(platform, client, api_id, integration)


@pytest.fixture(scope="module")
def api(platform: Platform) -> Api:
    return make_api(platform)


def refused(answer: Answer, status: int, message: str) -> None:
    assert (answer.status, answer.json) == (status, {"message": message})
    assert answer.headers["apigw-requestid"]


# ---------------------------------------------------------------- functions


def test_a_function_decides(api: Api) -> None:
    made = api.asks(api.platform.create(DECIDE))
    api.route("GET /decided", AuthorizationType="CUSTOM", AuthorizerId=made)
    refused(api.get("/decided"), 401, "Unauthorized")
    refused(api.get("/decided", Authorization="bad"), 403, "Forbidden")
    refused(api.get("/decided", Authorization="fail"), 500, "Internal Server Error")
    refused(api.get("/decided", Authorization="odd"), 500, "Internal Server Error")
    first, second = (api.get("/decided", Authorization="good") for _ in range(2))
    assert first.status == second.status == 200
    # The second time the function was not called: bad, fail, odd, good.
    assert first.json["authorizer"] == second.json["authorizer"] == {"lambda": {"who": "good", "calls": 4}}
    api.client.reset_authorizers_cache(ApiId=api.id, StageName="$default")
    assert api.get("/decided", Authorization="good").json["authorizer"]["lambda"]["calls"] == 5


def test_what_the_function_gets(api: Api) -> None:
    made = api.asks(api.platform.create(DECIDE), AuthorizerResultTtlInSeconds=0)
    api.route("GET /pets/{kind}", AuthorizationType="CUSTOM", AuthorizerId=made)
    answer = api.get("/pets/big%20dog?a=1", Authorization="event", Cookie="c=1")
    event = answer.json["authorizer"]["lambda"]
    assert event["routeArn"] == (
        f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api.id}/$default/GET/pets/big dog"
    )
    assert (event["type"], event["version"], event["identitySource"]) == ("REQUEST", "2.0", ["event"])
    assert (event["rawPath"], event["pathParameters"]) == ("/pets/big dog", {"kind": "big dog"})
    assert (event["cookies"], event["queryStringParameters"]) == (["c=1"], {"a": "1"})
    assert event["requestContext"]["domainName"] == api.host
    assert event["requestContext"]["http"]["path"] == "/pets/big dog"


def test_policies_and_payload_1(platform: Platform) -> None:
    api = make_api(platform, payload="1.0")
    made = api.asks(
        platform.create(POLICY), AuthorizerPayloadFormatVersion="1.0", EnableSimpleResponses=False
    )
    api.route("GET /a/b", AuthorizationType="CUSTOM", AuthorizerId=made)
    api.route("GET /c", AuthorizationType="CUSTOM", AuthorizerId=made)
    refused(api.get("/a/b", Authorization="bad"), 403, "Forbidden")
    answer = api.get("/a/b", Authorization="good")
    assert answer.json["version"] == "1.0"
    assert answer.json["authorizer"] == {"claims": None, "scopes": None, "principalId": "ann", "number": 1}
    # The policy that is kept allows what is below /a only.
    refused(api.get("/c", Authorization="good"), 403, "Forbidden")


def test_without_permission(api: Api) -> None:
    function = api.platform.create(DECIDE)
    made = api.asks(function, permit=False)
    api.route("GET /unpermitted", AuthorizationType="CUSTOM", AuthorizerId=made)
    refused(api.get("/unpermitted", Authorization="good"), 500, "Internal Server Error")
    assert f"add-permission --function-name arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}" in (
        api.platform.printed
    )
    # In a role it is called without.
    made = api.asks(
        function, permit=False, AuthorizerCredentialsArn=f"arn:aws:iam::{ACCOUNT}:role/apigateway"
    )
    api.route("GET /in-a-role", AuthorizationType="CUSTOM", AuthorizerId=made)
    assert api.get("/in-a-role", Authorization="good").status == 200


def test_a_function_that_the_stage_names(api: Api) -> None:
    function = api.platform.create(DECIDE)
    api.client.update_stage(ApiId=api.id, StageName="$default", StageVariables={"judge": function})
    made = api.asks("${stageVariables.judge}", permit=False)
    api.platform.aws.add_permission(
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api.id}/authorizers/{made}",
    )
    api.route("GET /named", AuthorizationType="CUSTOM", AuthorizerId=made)
    assert api.get("/named", Authorization="good").status == 200


def test_a_function_that_is_gone(api: Api) -> None:
    made = api.asks("no-such-function", permit=False)
    api.route("GET /gone", AuthorizationType="CUSTOM", AuthorizerId=made)
    refused(api.get("/gone", Authorization="good"), 500, "Internal Server Error")


# ---------------------------------------------------------------- tokens


class Provider:
    """An identity provider on a socket."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                documents = {
                    "/.well-known/openid-configuration": {"jwks_uri": f"{outer.url}/keys"},
                    "/keys": {"keys": [outer.key.as_dict(private=False)]},
                }
                body = json.dumps(documents[self.path]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def token(self, **changed: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": "shop", "sub": "ann", "iat": now, "exp": now + 60, **changed}
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


def test_tokens(api: Api, provider: Provider) -> None:
    made = api.authorizer(
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Audience": ["shop"], "Issuer": provider.url},
    )
    api.route("GET /tokens", AuthorizationType="JWT", AuthorizerId=made)
    api.route("GET /scoped", AuthorizationType="JWT", AuthorizerId=made, AuthorizationScopes=["pets.read"])

    missing = api.get("/tokens")
    refused(missing, 401, "Unauthorized")
    assert missing.headers["www-authenticate"] == "Bearer"
    wrong = api.get("/tokens", Authorization=provider.token(aud="else"))
    refused(wrong, 401, "Unauthorized")
    assert wrong.headers["www-authenticate"] == (
        'Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"'
    )
    answer = api.get("/tokens", Authorization=f"Bearer {provider.token(groups=['a', 'b'])}")
    said = answer.json["authorizer"]["jwt"]
    assert (said["claims"]["sub"], said["claims"]["groups"], said["scopes"]) == ("ann", "[a b]", None)

    refused(api.get("/scoped", Authorization=provider.token(scope="pets.write")), 403, "Forbidden")
    answer = api.get("/scoped", Authorization=provider.token(scope="email pets.read"))
    assert answer.json["authorizer"]["jwt"]["scopes"] == ["email", "pets.read"]


def test_tokens_of_the_platforms_own_user_pools(api: Api) -> None:
    users = api.platform.client("cognito-idp")
    pool = users.create_user_pool(PoolName="people")["UserPool"]["Id"]
    client = users.create_user_pool_client(
        UserPoolId=pool, ClientName="web", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    users.admin_create_user(UserPoolId=pool, Username="ann")
    users.admin_set_user_password(UserPoolId=pool, Username="ann", Password="Secret-12345", Permanent=True)
    tokens = users.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": "Secret-12345"},
    )["AuthenticationResult"]
    made = api.authorizer(
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={
            "Audience": [client],
            "Issuer": f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
        },
    )
    api.route("GET /people", AuthorizationType="JWT", AuthorizerId=made)
    for name in ("IdToken", "AccessToken"):
        answer = api.get("/people", Authorization=f"Bearer {tokens[name]}")
        assert answer.status == 200, answer.headers["www-authenticate"]
        claims = answer.json["authorizer"]["jwt"]["claims"]
        assert claims.get("cognito:username", claims.get("username")) == "ann"


# ---------------------------------------------------------------- signatures


def signed(
    api: Api,
    access_key: str,
    *,
    secret: str | None = None,
    service: str = "execute-api",
    path: str = "/signed",
    sent: str | None = None,
) -> Answer:
    """What a signed request for `path` is answered; `sent` is a path that is asked for instead of it."""
    request = AWSRequest("GET", f"http://{api.host}{path}")
    SigV4Auth(Credentials(access_key, secret or "secret"), service, "us-east-1").add_auth(request)
    return api.get(sent or path, **dict(request.headers.items()))


def test_signatures(api: Api) -> None:
    api.route("GET /signed", AuthorizationType="AWS_IAM")
    refused(api.get("/signed"), 403, "Forbidden")
    who = signed(api, "AKIAEXAMPLE").json["authorizer"]["iam"]
    assert (who["accountId"], who["accessKey"]) == (ACCOUNT, "AKIAEXAMPLE")
    refused(signed(api, "AKIAEXAMPLE", service="lambda"), 403, "Forbidden")
    refused(signed(api, "111111111111"), 403, "Forbidden")  # an account of its own


def test_signatures_that_are_verified(platform: Platform, tmp_path: Path) -> None:
    running = type(platform)(tmp_path, credentials="AKIAOWNER:secret").start()
    try:
        api = make_api(running, aws_access_key_id="AKIAOWNER", aws_secret_access_key="secret")
        api.route("GET /signed", AuthorizationType="AWS_IAM")
        api.route("GET /open")
        assert signed(api, "AKIAOWNER").json["authorizer"]["iam"]["accessKey"] == "AKIAOWNER"
        assert signed(api, "AKIAOWNER", path="/signed?a=b%20c&a=a").status == 200
        refused(api.get("/signed"), 403, "Forbidden")
        refused(signed(api, "AKIAOWNER", secret="guessed"), 403, "Forbidden")
        refused(signed(api, "AKIASTRANGER"), 403, "Forbidden")
        refused(signed(api, "AKIAOWNER", sent="/signed?more=1"), 403, "Forbidden")
        # Other routes stay open to everybody, signed or not.
        assert api.get("/open").status == 200
    finally:
        assert running.stop() == 0


# ---------------------------------------------------------------- WebSocket APIs

CONNECT = """
import json
def handler(event, context):
    if event["requestContext"]["eventType"] == "MESSAGE":
        return {"statusCode": 200, "body": json.dumps(event["requestContext"]["authorizer"])}
    return {"statusCode": 200}
"""
JUDGE = """
def handler(event, context):
    who = event["queryStringParameters"]["who"]
    if who == "nobody":
        raise RuntimeError("Unauthorized")
    if who == "broken":
        return None
    effect = "Allow" if who == "ann" else "Deny"
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    return {"principalId": who, "policyDocument": {"Statement": [statement]}, "context": {"n": 1}}
"""


def test_websocket_handshakes(platform: Platform) -> None:
    client = platform.client("apigatewayv2")
    function, judge = platform.create(CONNECT), platform.create(JUDGE)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
    api_id = client.create_api(
        Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )["ApiId"]
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
    integration = client.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=uri.format(arn + function)
    )["IntegrationId"]
    made = client.create_authorizer(
        ApiId=api_id,
        Name="judge",
        AuthorizerType="REQUEST",
        AuthorizerUri=uri.format(arn + judge),
        IdentitySource=["route.request.querystring.who"],
    )["AuthorizerId"]
    for name, source in ((function, "*"), (judge, f"authorizers/{made}")):
        platform.aws.add_permission(
            FunctionName=name,
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api_id}/{source}",
        )
    target = f"integrations/{integration}"
    client.create_route(
        ApiId=api_id, RouteKey="$connect", Target=target, AuthorizationType="CUSTOM", AuthorizerId=made
    )
    default = client.create_route(
        ApiId=api_id, RouteKey="$default", Target=target, RouteResponseSelectionExpression="$default"
    )["RouteId"]
    client.create_route_response(ApiId=api_id, RouteId=default, RouteResponseKey="$default")
    client.create_stage(ApiId=api_id, StageName="dev", AutoDeploy=True)
    address = platform.url.removeprefix("http://")
    url = f"ws://{address}/_aws/execute-api/{api_id}/dev"
    with connect(f"{url}?who=ann") as socket:
        socket.send("hello")
        said = json.loads(socket.recv(timeout=30))
    assert said.pop("integrationLatency") >= 0
    assert said == {"principalId": "ann", "n": "1"}
    for query, status in (("", 401), ("?who=bob", 403), ("?who=nobody", 401), ("?who=broken", 500)):
        with pytest.raises(InvalidStatus) as caught, connect(f"{url}{query}"):
            pass
        assert caught.value.response.status_code == status
