"""Handshakes: who gets in, and what the others are told."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus

from lambent.gateway.apis import authorizers, routes
from lambent.gateway.apis.records import RouteSettings
from lambent.gateway.authorizers.verdict import Verdict, forbidden, unauthorized
from lambent.gateway.callers import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway.websocket.conftest import Served

HERE = ("000000000000", "us-east-1")


def ok(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200}


async def refused(served: Served, api_id: str, rest: str = "", **options: Any) -> tuple[int, Any]:
    """The status and the body that a client gets instead of a connection."""
    with pytest.raises(InvalidStatus) as refusal:
        async with served.connect(api_id, rest, **options):
            pass
    response = refusal.value.response
    assert response.headers["content-type"] == "application/json"
    uuid.UUID(response.headers["x-amzn-requestid"])
    assert response.headers["x-amz-apigw-id"] == json.loads(response.body or b"{}").get("requestId")
    kinds = {401: "UnauthorizedException", 403: "ForbiddenException", 502: "InternalServerErrorException"}
    if response.status_code in kinds:
        assert response.headers["x-amzn-errortype"] == kinds[response.status_code]
    return response.status_code, json.loads(response.body or b"null")


def test_without_a_connect_route_everybody_gets_in(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$default": ok})
        status, head, _ = await served.upgrade(f"/_aws/execute-api/{api_id}/dev")
        assert status == 101
        # The key and the answer to it are RFC 6455's own example.
        assert "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
        assert "\r\nUpgrade: websocket\r\n" in head
        assert "extensions" not in head.lower()
        assert served.functions.events == []

    serve(work)


def test_apis_are_found_by_host_too(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": ok})
        host = f"{api_id}.execute-api.us-east-1.localhost:{served.port}"
        assert (await served.upgrade("/dev?a=1", {"Host": host}))[0] == 101
        (event,) = served.functions.events
        assert event["requestContext"]["domainName"] == host
        assert event["headers"]["Host"] == host

    serve(work)


@pytest.mark.parametrize("result", [{"statusCode": 200}, {"statusCode": 204}, {"statusCode": "200"}])
def test_a_function_that_says_2xx_lets_in(serve: Callable[..., Any], result: Any) -> None:
    async def work(served: Served) -> None:
        async with served.connect(await served.api({"$connect": lambda event: result})):
            pass

    serve(work)


def failing(event: dict[str, Any]) -> Any:
    raise RuntimeError


async def lingering(event: dict[str, Any]) -> Any:
    await asyncio.sleep(5)


@pytest.mark.parametrize(
    ("handler", "status", "message"),
    [
        (lambda event: {"statusCode": 401}, 401, "Forbidden"),
        (lambda event: {"statusCode": 403, "body": "hidden"}, 403, "Forbidden"),
        (lambda event: {"statusCode": 302}, 302, "Forbidden"),
        (lambda event: {"statusCode": 500}, 500, "Internal server error"),
        (lambda event: {}, 502, "Internal server error"),
        (lambda event: None, 502, "Internal server error"),
        (lambda event: "200", 502, "Internal server error"),
        (lambda event: {"statusCode": 99}, 502, "Internal server error"),
        (lambda event: {"statusCode": True}, 502, "Internal server error"),
        (failing, 502, "Internal server error"),
        (lingering, 502, "Internal server error"),
        ("arn:aws:lambda:us-east-1:000000000000:function:none", 502, "Internal server error"),
    ],
)
def test_everything_else_keeps_out(
    serve: Callable[..., Any], handler: Any, status: int, message: str
) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": handler, "$disconnect": ok})
        found, body = await refused(served, api_id)
        assert found == status
        assert body["message"] == message
        assert sorted(body) == ["connectionId", "message", "requestId"]
        assert len(served.apis.clients) == 0
        assert all(event["requestContext"]["eventType"] == "CONNECT" for event in served.functions.events)

    serve(work, integration_s=0.05)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upgrade": None, "Connection": None}, 426),
        ({"Upgrade": "h2c"}, 426),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Version": None}, 426),
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": "AAAA"}, 400),
    ],
)
def test_what_is_no_handshake_is_refused(
    serve: Callable[..., Any], headers: dict[str, str | None], status: int
) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": ok})
        assert (await served.upgrade(f"/_aws/execute-api/{api_id}/dev", headers))[0] == status
        assert served.functions.events == []

    serve(work)


def test_requests_without_an_upgrade_get_426_whatever_their_path(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": ok})
        for rest in ("", "/", "/dev", "/none", "/dev/a/b"):
            path = f"/_aws/execute-api/{api_id}{rest}"
            status, head, _ = await served.upgrade(path, {"Upgrade": None, "Connection": None})
            assert status == 426
            assert "\r\nUpgrade: websocket\r\n" in head
            assert head.endswith('{"message":"Upgrade Required"}')

    serve(work)


@pytest.mark.parametrize("rest", ["", "/", "/none", "/dev/more"])
def test_stages_that_are_not_there_are_forbidden(serve: Callable[..., Any], rest: str) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": ok})
        status, head, _ = await served.upgrade(f"/_aws/execute-api/{api_id}{rest}")
        assert status == 403
        assert head.endswith('{"message":"Forbidden"}')

    serve(work)


def test_an_api_may_be_reached_by_its_domain_name_only(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": ok}, disable_execute_api_endpoint=True)
        assert (await served.upgrade(f"/_aws/execute-api/{api_id}/dev"))[0] == 403

    serve(work)


def test_a_refused_client_can_send_another_request(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": lambda event: {"statusCode": 401}})
        path = f"/_aws/execute-api/{api_id}/dev"
        status, _, client = await served.upgrade(path)
        assert status == 401
        client.writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 426 ")

    serve(work)


def test_the_subprotocol_that_the_function_names_is_answered(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        def choose(event: dict[str, Any]) -> dict[str, Any]:
            assert event["headers"]["Sec-WebSocket-Protocol"] == "graphql-ws, chat"
            return {"statusCode": 200, "headers": {"sec-websocket-protocol": "chat", "X-Other": "dropped"}}

        api_id = await served.api({"$connect": choose})
        path = f"/_aws/execute-api/{api_id}/dev"
        status, head, _ = await served.upgrade(path, {"Sec-WebSocket-Protocol": "graphql-ws, chat"})
        assert status == 101
        assert "\r\nSec-WebSocket-Protocol: chat\r\n" in head
        assert "dropped" not in head
        async with served.connect(api_id, subprotocols=["graphql-ws", "chat"]) as client:
            assert client.subprotocol == "chat"

    serve(work)


@pytest.mark.parametrize("value", ["chat\r\nSet-Cookie: a=b", "ü", 7])
def test_a_subprotocol_that_is_no_token_is_not_answered(serve: Callable[..., Any], value: Any) -> None:
    async def work(served: Served) -> None:
        result = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": value}}
        api_id = await served.api({"$connect": lambda event: result})
        status, head, _ = await served.upgrade(f"/_aws/execute-api/{api_id}/dev")
        assert status == 101
        assert "protocol" not in head.lower().replace("switching protocols", "")

    serve(work)


def test_a_client_that_leaves_while_it_is_let_in_is_told(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        going = asyncio.Event()

        async def wait(event: dict[str, Any]) -> dict[str, Any]:
            await going.wait()
            return {"statusCode": 200}

        api_id = await served.api({"$connect": wait, "$disconnect": ok})
        dialling = asyncio.create_task(served.upgrade(f"/_aws/execute-api/{api_id}/dev"))
        await served.functions.wait(1)
        for writer in served.writers:
            writer.transport.abort()
        await asyncio.wait([dialling])
        assert dialling.exception() is not None
        while any(not one.closed for one in served.server.connections):
            await asyncio.sleep(0)
        going.set()
        connected, gone = await served.functions.wait(2)
        assert gone["requestContext"]["disconnectStatusCode"] == 1006
        assert gone["requestContext"]["connectionId"] == connected["requestContext"]["connectionId"]
        assert len(served.apis.clients) == 0

    serve(work)


def test_throttled_handshakes_get_429(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": ok})
        limits = RouteSettings(throttling_burst_limit=1, throttling_rate_limit=0.001)
        await served.stage(api_id, "slow", default_route_settings=limits)
        path = f"/_aws/execute-api/{api_id}/slow"
        assert (await served.upgrade(path))[0] == 101
        status, head, _ = await served.upgrade(path)
        assert status == 429
        assert "Too Many Requests" in head

    serve(work)


async def guarded(served: Served, kind: str) -> str:
    """An API whose $connect is not for everybody."""
    api_id = await served.api({"$connect": ok, "$default": ok, "$disconnect": ok})
    members = {"authorization_type": kind}
    if kind == "CUSTOM":
        made = await served.registry.edit(
            *HERE,
            api_id,
            lambda content: authorizers.create(
                content,
                {
                    "name": "guard",
                    "authorizer_type": "REQUEST",
                    "authorizer_uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
                    "arn:aws:lambda:us-east-1:000000000000:function:guard/invocations",
                    "identity_source": ("route.request.querystring.token",),
                },
            ),
        )
        members["authorizer_id"] = made.authorizer_id
    definition = served.registry.definition(*HERE, api_id)
    route_id = next(one.route_id for one in definition.content.routes.values() if one.route_key == "$connect")
    await served.registry.edit(*HERE, api_id, lambda content: routes.update(content, route_id, members))
    return api_id


@pytest.mark.parametrize("later", [False, True])
def test_what_a_lambda_authorizer_says_is_in_all_events(serve: Callable[..., Any], later: bool) -> None:
    told: list[Any] = []

    def authorize(call: Any, deployed: Any, route: Any, event: Callable[[], dict[str, Any]]) -> Any:
        told.append((call.method, call.headers["sec-websocket-version"], route.route_key, event()))
        verdict = Verdict(
            allowed=True, context_v1={"principalId": "user", "room": "7"}, principal_id="user", latency_ms=12
        )

        async def judge() -> Verdict:
            await asyncio.sleep(0)
            return verdict

        return judge() if later else verdict

    async def work(served: Served) -> None:
        async with served.connect(await guarded(served, "CUSTOM"), "?token=1") as client:
            await client.send("x")
            await served.functions.wait(2)
        events = await served.functions.wait(3)
        for event in events:
            assert event["requestContext"]["authorizer"] == {
                "principalId": "user",
                "room": "7",
                "integrationLatency": 12,
            }
        ((method, version, key, authorizer_event),) = told
        assert (method, version, key) == ("GET", "13", "$connect")
        connected = events[0]
        upgrading = {"Connection": "upgrade", "Upgrade": "websocket", "content-length": "0"}
        assert authorizer_event["headers"].items() >= upgrading.items()
        several = {name: [value] for name, value in upgrading.items()}
        assert authorizer_event["multiValueHeaders"].items() >= several.items()
        for name in ("headers", "multiValueHeaders"):
            assert authorizer_event[name].keys() - upgrading.keys() == connected[name].keys()
        assert authorizer_event["queryStringParameters"] == {"token": "1"}
        assert authorizer_event["stageVariables"] == {}
        context = dict(connected["requestContext"])
        del context["authorizer"]
        assert authorizer_event["requestContext"] == context

    serve(work, authorize=authorize)


@pytest.mark.parametrize(
    ("verdict", "status", "message"),
    [
        (unauthorized("no token"), 401, "Unauthorized"),
        (forbidden("not you"), 403, "Forbidden"),
        (None, 500, "Internal server error"),
    ],
)
def test_who_is_not_let_in_is_told_why(
    serve: Callable[..., Any], verdict: Verdict | None, status: int, message: str
) -> None:
    async def judge() -> Any:
        if verdict is None:
            raise ValueError("broken")
        return verdict

    async def work(served: Served) -> None:
        found, body = await refused(served, await guarded(served, "CUSTOM"))
        assert (found, body["message"]) == (status, message)
        assert served.functions.events == []

    serve(work, authorize=lambda *_: judge())


def test_a_signed_handshake_says_who_has_signed_it(serve: Callable[..., Any]) -> None:
    caller = Caller("000000000000", "AKIAEXAMPLE", "arn:aws:iam::000000000000:root")

    async def work(served: Served) -> None:
        async with served.connect(await guarded(served, "AWS_IAM"), user_agent_header=None):
            (event,) = await served.functions.wait(1)
        assert event["requestContext"]["identity"] == {
            "accessKey": "AKIAEXAMPLE",
            "accountId": "000000000000",
            "caller": "AKIAEXAMPLE",
            "user": "AKIAEXAMPLE",
            "userArn": "arn:aws:iam::000000000000:root",
            "sourceIp": "127.0.0.1",
        }
        assert "authorizer" not in event["requestContext"]

    serve(work, authorize=lambda *_: Verdict(allowed=True, caller=caller))


def test_without_anybody_to_authorize_guarded_routes_stay_shut(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        assert (await refused(served, await guarded(served, "AWS_IAM")))[0] == 500

    serve(work)
