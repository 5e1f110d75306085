"""Events, whole, as functions get them: compared with recorded ones."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway.websocket.conftest import Served

ID = re.compile(r"[A-Za-z0-9_-]{15}=")


def ok(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200}


def checked(context: dict[str, Any], *ids: str) -> dict[str, Any]:
    """A requestContext without what differs from one call to the next, which is looked at here."""
    rest = dict(context)
    for name in ("extendedRequestId", "requestId", "connectionId", *ids):
        assert ID.fullmatch(rest.pop(name)), name
    assert context["requestId"] == context["extendedRequestId"] != context["connectionId"]
    assert abs(rest.pop("connectedAt") - time.time() * 1000) < 20_000
    epoch = rest.pop("requestTimeEpoch")
    assert abs(epoch - time.time() * 1000) < 20_000
    moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(epoch // 1000))
    assert rest.pop("requestTime") == moment
    return rest


def test_the_three_events_of_a_connection(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": ok, "$default": ok, "$disconnect": ok})
        options = {"user_agent_header": "tests/1", "origin": "https://example.com", "compression": None}
        async with served.connect(api_id, "?room=7&name=a%20b&name=c+d&empty=", **options) as client:
            await client.send('"hällo"')
            await served.functions.wait(2)
            await client.close(1000, "done")
        connected, message, gone = await served.functions.wait(3)
        host = f"127.0.0.1:{served.port}"
        common = {
            "messageDirection": "IN",
            "stage": "dev",
            "identity": {"userAgent": "tests/1", "sourceIp": "127.0.0.1"},
            "domainName": host,
            "apiId": api_id,
        }

        headers = connected["headers"]
        assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers.pop("X-Amzn-Trace-Id"))
        assert headers.pop("Sec-WebSocket-Key")
        several = connected["multiValueHeaders"]
        assert several.pop("X-Amzn-Trace-Id")
        assert several.pop("Sec-WebSocket-Key")
        assert headers == {
            "Host": host,
            "Origin": "https://example.com",
            "Sec-WebSocket-Version": "13",
            "User-Agent": "tests/1",
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Port": str(served.port),
            "X-Forwarded-Proto": "http",
        }
        assert several == {name: [value] for name, value in headers.items()}
        assert connected["queryStringParameters"] == {"room": "7", "name": "c d", "empty": ""}
        assert connected["multiValueQueryStringParameters"] == {
            "room": ["7"],
            "name": ["a b", "c d"],
            "empty": [""],
        }
        assert checked(connected["requestContext"]) == {
            **common,
            "routeKey": "$connect",
            "eventType": "CONNECT",
        }
        assert connected["isBase64Encoded"] is False
        assert "body" not in connected
        assert "stageVariables" not in connected

        assert sorted(message) == ["body", "isBase64Encoded", "requestContext"]
        assert message["body"] == '"hällo"'
        assert message["isBase64Encoded"] is False
        assert checked(message["requestContext"], "messageId") == {
            **common,
            "routeKey": "$default",
            "eventType": "MESSAGE",
        }

        assert sorted(gone) == ["headers", "isBase64Encoded", "multiValueHeaders", "requestContext"]
        assert gone["headers"] == {"Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
        assert gone["multiValueHeaders"] == {name: [value] for name, value in gone["headers"].items()}
        assert checked(gone["requestContext"]) == {
            **common,
            "routeKey": "$disconnect",
            "eventType": "DISCONNECT",
            "disconnectStatusCode": 1000,
            "disconnectReason": "done",
        }
        assert len({event["requestContext"]["connectionId"] for event in served.functions.events}) == 1
        assert len({event["requestContext"]["requestId"] for event in served.functions.events}) == 3

    serve(work)


def test_what_there_is_not_is_left_out(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": ok})
        async with served.connect(api_id, user_agent_header=None):
            (event,) = await served.functions.wait(1)
        assert event["requestContext"]["identity"] == {"sourceIp": "127.0.0.1"}
        assert "queryStringParameters" not in event
        assert "multiValueQueryStringParameters" not in event
        assert "User-Agent" not in event["headers"]

    serve(work)


def test_repeated_headers_and_stage_variables(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": ok, "$default": ok, "$disconnect": ok})
        await served.stage(api_id, "blue", stage_variables={"table": "t1"})
        url = f"ws://127.0.0.1:{served.port}/_aws/execute-api/{api_id}/blue"
        headers = [("X-Many", "a"), ("x-many", "b"), ("X-Forwarded-For", "192.0.2.1"), ("Cookie", "c=1; d=2")]
        async with served.connect_to(url, additional_headers=headers) as client:
            await client.send("x")
            await served.functions.wait(2)
        events = await served.functions.wait(3)
        assert [event["stageVariables"] for event in events] == [{"table": "t1"}] * 3
        assert events[0]["headers"]["X-Many"] == "b"
        assert events[0]["multiValueHeaders"]["X-Many"] == ["a", "b"]
        assert events[0]["headers"]["Cookie"] == "c=1; d=2"
        assert events[0]["headers"]["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1"

    serve(work)
