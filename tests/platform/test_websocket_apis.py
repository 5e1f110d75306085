"""WebSocket APIs, whole: made by boto3, spoken to by WebSocket clients, answered by functions."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.platform.conftest import Platform

ACCOUNT = "000000000000"

# Notes down what it is called with where the test can see it: in its log.
NOTE = """
import json

def handler(event, context):
    print("EVENT", json.dumps(event))
    return {"statusCode": 200, "body": event.get("body") or ""}
"""

# As functions in the wild do it: boto3, and the address that the event tells.
CHAT = """
import json
import boto3

def handler(event, context):
    told = event["requestContext"]
    message = json.loads(event["body"])
    client = boto3.client("apigatewaymanagementapi", endpoint_url=f"http://{told['domainName']}/{told['stage']}")
    for connection_id in message.get("to", [told["connectionId"]]):
        data = {"from": told["connectionId"], "text": message["text"]}
        try:
            client.post_to_connection(ConnectionId=connection_id, Data=json.dumps(data))
        except client.exceptions.GoneException:
            data = {"gone": connection_id}
            client.post_to_connection(ConnectionId=told["connectionId"], Data=json.dumps(data))
    return {"statusCode": 200}
"""


class WebSocketApi(NamedTuple):
    """A deployed API with a stage named `live`."""

    platform: Platform
    id: str
    functions: dict[str, str]

    @property
    def url(self) -> str:
        return f"{self.platform.url.replace('http', 'ws', 1)}/_aws/execute-api/{self.id}/live"

    def connect(self, rest: str = "", **options: Any) -> ClientConnection:
        client: ClientConnection = connect(self.url + rest, proxy=None, **options)
        return client

    def events(self, function: str) -> list[dict[str, Any]]:
        """What a function that notes has been called with so far."""
        lines = self.platform.logs(function)
        return [json.loads(line[6:]) for line in lines if line.startswith("EVENT ")]


def api_of(
    platform: Platform,
    sources: Mapping[str, str | dict[str, Any]],
    *,
    answering: tuple[str, ...] = (),
    permit: bool = True,
    connect_members: Mapping[str, Any] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    stage: Mapping[str, Any] | None = None,
    **function: Any,
) -> WebSocketApi:
    """An API whose routes lead to functions of these sources, or to integrations of these members."""
    aws = platform.client("apigatewayv2")
    api_id = aws.create_api(
        Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )["ApiId"]
    members = dict(connect_members or {})
    if authorizer is not None:
        made = aws.create_authorizer(ApiId=api_id, Name="guard", AuthorizerType="REQUEST", **authorizer)
        members["AuthorizerId"] = made["AuthorizerId"]
    functions: dict[str, str] = {}
    by_source: dict[str, str] = {}
    for key, source in sources.items():
        if isinstance(source, dict):
            given = source
        else:
            name = by_source.get(source) or platform.create(source, **function)
            by_source[source] = functions[key] = name
            if permit:
                allow(platform, name, f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api_id}/*/{key}", key)
            arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
            uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
            given = {"IntegrationType": "AWS_PROXY", "IntegrationUri": uri}
        integration = aws.create_integration(ApiId=api_id, **given)["IntegrationId"]
        more = members if key == "$connect" else {}
        if key in answering:
            more = {**more, "RouteResponseSelectionExpression": "$default"}
        route = aws.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{integration}", **more)
        if key in answering:
            aws.create_route_response(ApiId=api_id, RouteId=route["RouteId"], RouteResponseKey="$default")
    aws.create_stage(ApiId=api_id, StageName="live", AutoDeploy=True, **(stage or {}))
    return WebSocketApi(platform, api_id, functions)


def allow(platform: Platform, name: str, source_arn: str, statement: str) -> None:
    """Let API Gateway call a function."""
    platform.aws.add_permission(
        FunctionName=name,
        StatementId="".join(letter for letter in statement if letter.isalnum()) or "any",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=source_arn,
    )


def refusal(api: WebSocketApi, rest: str = "", **options: Any) -> tuple[int, Any]:
    with pytest.raises(InvalidStatus) as refused, api.connect(rest, **options):
        pass
    return refused.value.response.status_code, json.loads(refused.value.response.body or b"null")


def ask(client: ClientConnection, message: Any) -> Any:
    client.send(json.dumps(message))
    return json.loads(client.recv(20))


def test_a_connection_from_beginning_to_end(platform: Platform, poll: Callable[..., Any]) -> None:
    keys = ("$connect", "$default", "$disconnect", "join")
    api = api_of(platform, dict.fromkeys(keys, NOTE), answering=("$default", "join"))
    name = api.functions["join"]
    with api.connect("?room=7", additional_headers={"X-Who": "me"}) as client:
        assert ask(client, {"action": "join"}) == {"action": "join"}
        client.send("no JSON")
        assert client.recv(20) == "no JSON"
        client.close(1000, "enough")
    poll(lambda: len(api.events(name)) == 4)
    connected, joined, defaulted, gone = api.events(name)
    assert [event["requestContext"]["routeKey"] for event in api.events(name)] == [
        "$connect",
        "join",
        "$default",
        "$disconnect",
    ]
    assert connected["queryStringParameters"] == {"room": "7"}
    assert connected["headers"]["X-Who"] == "me"
    assert connected["requestContext"]["stage"] == "live"
    assert joined["body"] == '{"action": "join"}'
    assert defaulted["body"] == "no JSON"
    assert gone["requestContext"]["disconnectReason"] == "enough"
    assert len({event["requestContext"]["connectionId"] for event in api.events(name)}) == 1


def test_a_chat_among_functions_that_use_boto3(platform: Platform) -> None:
    api = api_of(platform, {"$default": CHAT}, MemorySize=256)
    management = platform.client("apigatewaymanagementapi", endpoint_url=api.url.replace("ws", "http", 1))
    with api.connect() as one, api.connect() as other:
        ids = [ask(client, {"text": "me"})["from"] for client in (one, other)]
        one.send(json.dumps({"to": ids, "text": "hello"}))
        for client in (one, other):
            assert json.loads(client.recv(20)) == {"from": ids[0], "text": "hello"}
        assert ask(one, {"to": ["TXzPWdnOjoECGjA="], "text": "?"}) == {"gone": "TXzPWdnOjoECGjA="}
        assert management.get_connection(ConnectionId=ids[0])["Identity"]["SourceIp"] == "127.0.0.1"
        management.delete_connection(ConnectionId=ids[1])
        with pytest.raises(ConnectionClosed):
            other.recv(20)
        assert other.close_code == 1000
        with pytest.raises(ClientError) as gone:
            management.post_to_connection(ConnectionId=ids[1], Data=b"x")
        assert gone.value.response["Error"]["Code"] == "GoneException"


def test_connections_outlive_deployments_of_their_functions(
    platform: Platform, zipped: Callable[..., bytes]
) -> None:
    source = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'old'}\n"
    api = api_of(platform, {"$default": source}, answering=("$default",))
    name = api.functions["$default"]
    with api.connect() as client:
        client.send("x")
        assert client.recv(20) == "old"
        code = zipped({"app.py": source.replace("old", "new")})
        platform.aws.update_function_code(FunctionName=name, ZipFile=code)
        platform.settle(name)
        client.send("x")
        assert client.recv(20) == "new"


def test_functions_that_do_not_permit_it_are_not_called(platform: Platform) -> None:
    api = api_of(platform, {"$connect": NOTE}, permit=False)
    status, body = refusal(api)
    assert (status, body["message"]) == (502, "Internal server error")
    assert f"aws lambda add-permission --function-name arn:aws:lambda:us-east-1:{ACCOUNT}" in platform.printed
    allow(platform, api.functions["$connect"], f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api.id}/*", "all")
    with api.connect():
        pass


def test_a_role_needs_no_permission_of_the_function(platform: Platform) -> None:
    name = platform.create(NOTE)
    integration = {
        "IntegrationType": "AWS_PROXY",
        # Which function it is, the stage says.
        "IntegrationUri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:"
        f"{ACCOUNT}:function:${{stageVariables.function}}/invocations",
        "CredentialsArn": f"arn:aws:iam::{ACCOUNT}:role/caller",
    }
    stage = {"StageVariables": {"function": name}}
    api = api_of(platform, {"$default": integration}, answering=("$default",), stage=stage)
    with api.connect() as client:
        client.send("x")
        assert client.recv(20) == "x"


def test_failing_functions(platform: Platform) -> None:
    source = "def handler(event, context):\n    raise ValueError('secret')\n"
    api = api_of(platform, {"$default": source})
    with api.connect() as client:
        answer = ask(client, {})
        assert sorted(answer) == ["connectionId", "message", "requestId"]
        assert answer["message"] == "Internal server error"


GUARD = """
def handler(event, context):
    token = event["queryStringParameters"].get("token")
    if token == "broken":
        raise ValueError
    if token == "unknown":
        raise Exception("Unauthorized")
    assert event["type"] == "REQUEST" and event["requestContext"]["eventType"] == "CONNECT", event
    assert event["methodArn"].endswith("/live/$connect"), event
    return {"principalId": "me", "context": {"room": token}, "policyDocument": {"Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow" if token == "good" else "Deny",
                       "Resource": event["methodArn"]}]}}
"""


def test_lambda_authorizers(platform: Platform, poll: Callable[..., Any]) -> None:
    guard = platform.create(GUARD)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{guard}"
    api = api_of(
        platform,
        dict.fromkeys(("$connect", "$default"), NOTE),
        connect_members={"AuthorizationType": "CUSTOM"},
        authorizer={
            "AuthorizerUri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
            "IdentitySource": ["route.request.querystring.token"],
        },
    )
    allow(platform, guard, f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api.id}/authorizers/*", "guard")
    with api.connect("?token=good") as client:
        client.send("x")
        name = api.functions["$default"]
        poll(lambda: len(api.events(name)) == 2)
    for event in api.events(name)[:2]:
        told = event["requestContext"]["authorizer"]
        assert told.pop("integrationLatency") >= 0
        assert told == {"principalId": "me", "room": "good"}
    assert refusal(api, "?token=bad")[0] == 403
    assert refusal(api, "?token=unknown")[0] == 401
    assert refusal(api, "?token=broken")[0] == 500
    assert refusal(api)[0] == 401


def signed_headers(api: WebSocketApi, url: str, secret: str) -> dict[str, str]:
    request = AWSRequest("GET", url.replace("ws", "http", 1))
    SigV4Auth(Credentials("AKID", secret), "execute-api", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def test_iam_authorization(own: Callable[..., Platform]) -> None:
    platform = own(credentials="AKID:a secret")
    secret = "a secret"
    keys = {"aws_access_key_id": "AKID", "aws_secret_access_key": secret}
    plain_client = platform.client
    platform.client = lambda service="lambda", **options: plain_client(service, **{**keys, **options})  # type: ignore[method-assign]
    api = api_of(
        platform, {"$default": NOTE, "$connect": NOTE}, connect_members={"AuthorizationType": "AWS_IAM"}
    )
    assert refusal(api)[0] == 403
    wrong = signed_headers(api, api.url, "another secret")
    assert refusal(api, additional_headers=wrong)[0] == 403
    with api.connect(additional_headers=signed_headers(api, api.url, secret)):
        pass
    request = AWSRequest("GET", api.url.replace("ws", "http", 1))
    SigV4QueryAuth(Credentials("AKID", secret), "execute-api", "us-east-1").add_auth(request)
    with connect(str(request.url).replace("http", "ws", 1), proxy=None):
        pass
    (event, _) = api.events(api.functions["$connect"])[:2]
    assert event["requestContext"]["identity"]["accountId"] == ACCOUNT


def test_a_platform_that_stops_says_goodbye_to_clients_and_functions(own: Callable[..., Platform]) -> None:
    platform = own()
    api = api_of(platform, dict.fromkeys(("$connect", "$disconnect"), NOTE))
    with api.connect() as client:
        assert platform.stop() == 0
        with pytest.raises(ConnectionClosed):
            client.recv(20)
        assert (client.close_code, client.close_reason) == (1001, "Going away")
    platform.start()
    gone = api.events(api.functions["$disconnect"])[-1]
    assert gone["requestContext"]["disconnectStatusCode"] == 1001
    with api.connect():
        pass


def test_many_connections_at_once(platform: Platform) -> None:
    api = api_of(platform, {"$default": {"IntegrationType": "MOCK"}})
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(api.connect()) for _ in range(100)]
        assert all(client.ping().wait(20) for client in clients)


def test_apis_that_are_not_there(platform: Platform) -> None:
    api = api_of(platform, {"$default": {"IntegrationType": "MOCK"}})
    elsewhere = api.url.replace("/live", "/none").replace("ws", "http", 1)
    assert platform.request("GET", elsewhere.removeprefix(platform.url)).status == 426
    with pytest.raises(InvalidStatus) as refused, connect(api.url.replace("/live", "/none"), proxy=None):
        pass
    assert refused.value.response.status_code == 403
    answer = platform.request("GET", f"/_aws/execute-api/{api.id}/live")
    assert (answer.status, answer.json) == (426, {"message": "Upgrade Required"})
    assert answer.headers["Upgrade"] == "websocket"


NODE = """
const socket = new WebSocket(process.argv[1], ["chat"]);
socket.onopen = () => socket.send("a".repeat(30000));
socket.onmessage = (event) => { console.log(event.data.length, socket.protocol); socket.close(4001, "done"); };
socket.onclose = (event) => { console.log(event.code, event.reason); };
"""


def test_the_client_of_node(platform: Platform, poll: Callable[..., Any]) -> None:
    node = shutil.which("node")
    if node is None or subprocess.run([node, "--experimental-websocket", "-e", ""], check=False).returncode:
        pytest.skip("no Node.js that has a WebSocket client")
    answer = "{'statusCode': 200, 'headers': {'Sec-WebSocket-Protocol': 'chat'}}"
    choose = f"def handler(event, context):\n    return {answer}\n"
    api = api_of(
        platform, {"$connect": choose, "$default": NOTE, "$disconnect": NOTE}, answering=("$default",)
    )
    run = [node, "--no-warnings", "--experimental-websocket", "-e", NODE, api.url]
    printed = subprocess.run(run, check=True, capture_output=True, text=True, timeout=60).stdout
    assert printed.splitlines() == ["30000 chat", "4001 done"]
    poll(lambda: len(api.events(api.functions["$default"])) == 2)
    gone = api.events(api.functions["$disconnect"])[-1]["requestContext"]
    assert (gone["disconnectStatusCode"], gone["disconnectReason"]) == (4001, "done")
