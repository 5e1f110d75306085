"""The seam before the platform: a front sees requests first, and may have the door serve an API with them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
from typing import TYPE_CHECKING, Any

import uvloop
from tests.node.test_platform import RUNTIME, client
from websockets.sync.client import connect

from lambent.http import Request
from lambent.node.platform import Platform
from lambent.node.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

APP = """
import json, os, time, urllib.error, urllib.request

def handler(event, context):
    if "connectionId" in event["requestContext"]:
        return {"statusCode": 200, "body": "heard " + (event.get("body") or "")}
    if event.get("rawPath") == "/inside":
        try:
            urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/app/orders")
        except urllib.error.HTTPError as error:
            return {"statusCode": 200, "body": str(error.code)}
    path = event.get("rawPath", event.get("path"))
    if path == "/at-a-breakpoint":
        time.sleep(0.2)
    return {"statusCode": 200, "body": json.dumps([path, len(event.get("body") or "")])}
"""


TEXT = {"Content-Type": "text/plain"}


class AppFront:
    """`/app/…` is for an HTTP API, `/rest/…` for a REST API, `/ws` for a WebSocket API; the others pass.

    While it is `holding`, requests wait.
    """

    def __init__(self) -> None:
        self.request_type = Request
        self.platform: Platform
        self.apis: dict[str, tuple[str, str]] = {}
        self.seen: list[bytes] = []
        self.holding = False
        self.held: list[Request] = []

    def takes(self, request: Request) -> bool:
        return request.path.startswith(b"/app/")

    def handle(self, request: Request) -> bool:
        self.seen.append(request.path)
        if self.holding:
            self.held.append(request)
            return True
        _, name, *rest = request.path.decode().split("/", 2)
        if name not in self.apis:
            return False
        api_id, stage = self.apis[name]
        self.platform.gateway.door.serve(request, api_id, "/" + "".join(rest), stage)
        return True

    def release(self) -> None:
        self.holding = False
        for request in self.held:
            if not self.handle(request):
                self.platform.handle(request)


def make(platform: Platform, folder: Path) -> dict[str, tuple[str, str]]:
    """A function behind three APIs; their ids and stages."""
    functions = client(platform, "lambda")
    arn = functions.create_function(
        FunctionName="app",
        Runtime=RUNTIME,
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"S3Bucket": "hot-reload", "S3Key": str(folder)},
    )["FunctionArn"]
    functions.add_permission(
        FunctionName="app",
        StatementId="1",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="app", WaiterConfig={"Delay": 0.02})
    v2, v1 = client(platform, "apigatewayv2"), client(platform, "apigateway")
    http_api = v2.create_api(Name="h", ProtocolType="HTTP", Target=arn)["ApiId"]
    quick = v2.get_integrations(ApiId=http_api)["Items"][0]["IntegrationId"]
    v2.update_integration(ApiId=http_api, IntegrationId=quick, TimeoutInMillis=50)
    chat = v2.create_api(Name="w", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")[
        "ApiId"
    ]
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    integration = v2.create_integration(ApiId=chat, IntegrationType="AWS_PROXY", IntegrationUri=uri)[
        "IntegrationId"
    ]
    for key in ("$connect", "$default"):
        route = v2.create_route(ApiId=chat, RouteKey=key, Target=f"integrations/{integration}")["RouteId"]
        v2.create_route_response(ApiId=chat, RouteId=route, RouteResponseKey="$default")
    v2.create_stage(ApiId=chat, StageName="live", AutoDeploy=True)
    rest = v1.create_rest_api(name="r")["id"]
    root = v1.get_resources(restApiId=rest)["items"][0]["id"]
    below = v1.create_resource(restApiId=rest, parentId=root, pathPart="{path+}")["id"]
    v1.put_method(restApiId=rest, resourceId=below, httpMethod="ANY", authorizationType="NONE")
    v1.put_integration(
        restApiId=rest,
        resourceId=below,
        httpMethod="ANY",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=uri,
    )
    v1.create_deployment(restApiId=rest, stageName="prod")
    return {"app": (http_api, "$default"), "ws": (chat, "live"), "rest": (rest, "prod")}


def get(platform: Platform, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    host, port = platform.server.address
    with contextlib.closing(http.client.HTTPConnection(host, port, timeout=30)) as connection:
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_a_front_serves_apis_at_its_own_paths_and_holds_requests(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)

    async def scenario() -> None:
        front = AppFront()
        settings = Settings(
            port=0, ephemeral=True, linked_code=True, update_in_progress_s=0, integration_timeouts=False
        )
        platform = front.platform = await Platform.start(settings, front)
        try:
            assert platform.inside_url != platform.url
            front.apis = await asyncio.to_thread(make, platform, tmp_path)
            await asyncio.to_thread(use, platform, front)
            front.holding = True
            waiting = asyncio.create_task(asyncio.to_thread(get, platform, "/app/later"))
            health = asyncio.create_task(asyncio.to_thread(get, platform, "/_lambent/health"))
            while len(front.held) < 2:
                await asyncio.sleep(0.001)
            # What functions and the platform itself ask is not held up.
            await asyncio.to_thread(reload, platform, tmp_path)
            front.release()
            assert await waiting == (200, '["/later", 0]')
            assert (await health)[0] == 200
        finally:
            await platform.stop()

    def use(platform: Platform, front: AppFront) -> None:
        assert get(platform, "/app/orders%201?x=1") == (200, '["/orders 1", 0]')
        assert get(platform, "/rest/orders") == (200, '["/orders", 0]')
        assert get(platform, "/app/upload", b"x" * 4_000_000, **TEXT) == (200, '["/upload", 4000000]')
        assert get(platform, "/app/upload", b"x" * 11_000_000)[0] == 413
        assert get(platform, "/app/inside") == (200, "404"), "functions reach the platform, not the front"
        assert get(platform, "/app/at-a-breakpoint")[0] == 200, "no time limit of the integration"
        front.seen.clear()
        assert get(platform, "/app/orders", Host="attacker.example")[0] == 403
        assert front.seen == []
        with connect(f"ws://127.0.0.1:{platform.server.address[1]}/ws") as socket:
            socket.send("hello")
            assert socket.recv(timeout=10) == "heard hello"

    def reload(platform: Platform, folder: Path) -> None:
        functions: Any = client(platform, "lambda", platform.inside_url)
        functions.update_function_code(FunctionName="app", S3Bucket="hot-reload", S3Key=str(folder))

    uvloop.run(scenario())
