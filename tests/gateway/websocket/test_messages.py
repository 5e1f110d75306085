"""Messages of connected clients: which function gets them, as what, and what comes back."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.gateway.apis.records import RouteSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway.websocket.conftest import Served
    from websockets.asyncio.client import ClientConnection


def ok(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200}


async def ask(client: ClientConnection, message: Any) -> Any:
    await client.send(json.dumps(message))
    return json.loads(await client.recv())


@pytest.mark.parametrize(
    ("expression", "message", "key"),
    [
        ("$request.body.action", '{"action":"join"}', "join"),
        ("${request.body.action}", '{"action":"join"}', "join"),
        ("$request.body.a.b", '{"a":{"b":"join"}}', "join"),
        ("$request.body.a[1].b", '{"a":[0,{"b":"join"}]}', "join"),
        ("${request.body.a}/${request.body.b}", '{"a":"jo","b":"in"}', "jo/in"),
        ("$request.body.action", '{"action":7}', "7"),
        ("$request.body.action", '{"action":"elsewhere"}', "$default"),
        ("$request.body.action", '{"action":"$disconnect"}', "$default"),
        ("$request.body.action", '{"action":null}', "$default"),
        ("$request.body.action", '{"action":{"a":1}}', "$default"),
        ("$request.body.action", "{}", "$default"),
        ("$request.body.action", '["action"]', "$default"),
        ("$request.body.action", '"join"', "$default"),
        ("$request.body.action", "join", "$default"),
        ("$request.body.action", "", "$default"),
        ("$request.body.action", '{"action":"join"', "$default"),
        ("$request.body.action", "[" * 20_000, "$default"),
        ("join", "anything", "join"),
        ("$default", '{"action":"join"}', "$default"),
    ],
)
def test_a_message_goes_to_the_route_that_its_expression_finds(
    serve: Callable[..., Any], expression: str, message: str, key: str
) -> None:
    async def work(served: Served) -> None:
        keys = ("$default", "$connect", "$disconnect", "join", "7", "jo/in")
        api_id = await served.api(dict.fromkeys(keys, ok), route_selection_expression=expression)
        async with served.connect(api_id) as client:
            await client.send(message)
            _, event = await served.functions.wait(2)
        assert event["requestContext"]["routeKey"] == key
        assert event["body"] == message
        assert served.functions.sources[1] == f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/dev/{key}"

    serve(work)


def test_a_message_without_a_route_is_forbidden(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"join": ok, "$connect": ok})
        async with served.connect(api_id) as client:
            answer = await ask(client, {"action": "leave"})
            (connected,) = served.functions.events
        assert answer == {
            "message": "Forbidden",
            "connectionId": connected["requestContext"]["connectionId"],
            "requestId": answer["requestId"],
        }

    serve(work)


def test_routes_without_a_response_are_silent(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        def speaks(event: dict[str, Any]) -> dict[str, Any]:
            return {"statusCode": 200, "body": json.dumps(event["requestContext"]["routeKey"])}

        api_id = await served.api({"silent": speaks, "loud": speaks}, answering=("loud",))
        async with served.connect(api_id) as client:
            await client.send('{"action":"silent"}')
            assert await ask(client, {"action": "loud"}) == "loud"

    serve(work)


@pytest.mark.parametrize(
    ("result", "sent"),
    [
        ({"statusCode": 500, "body": "still sent"}, "still sent"),
        ({"body": "no status"}, "no status"),
        ({"statusCode": 200, "body": "ü"}, "ü"),
        (b'{"body":"\\ud83d"}', None),
        (b"{", None),
        ({"statusCode": 200}, None),
        ({"statusCode": 200, "body": ""}, None),
        ({"statusCode": 200, "body": {"no": "text"}}, None),
        ("a text", None),
        (None, None),
    ],
)
def test_of_what_a_function_returns_the_body_is_sent(
    serve: Callable[..., Any], result: Any, sent: str | None
) -> None:
    async def work(served: Served) -> None:
        handlers = {"one": lambda event: result, "end": lambda event: {"body": "end"}}
        api_id = await served.api(handlers, answering=("one", "end"))
        async with served.connect(api_id) as client:
            await client.send('{"action":"one"}')
            await asyncio.sleep(0)
            await client.send('{"action":"end"}')
            got = [await client.recv()]
            if sent is not None:
                got.append(await client.recv())
        assert sorted(got) == sorted(["end", sent] if sent is not None else ["end"])

    serve(work)


def failing(event: dict[str, Any]) -> Any:
    raise RuntimeError


async def lingering(event: dict[str, Any]) -> Any:
    await asyncio.sleep(5)


@pytest.mark.parametrize("handler", [failing, lingering, "arn:aws:lambda:us-east-1:0:function:none", None])
def test_failures_are_internal_server_errors(serve: Callable[..., Any], handler: Any) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"join": handler})
        async with served.connect(api_id) as client:
            answer = await ask(client, {"action": "join"})
        assert sorted(answer) == ["connectionId", "message", "requestId"]
        assert answer["message"] == "Internal server error"

    serve(work, integration_s=0.05)


def test_a_function_without_concurrency_left_is_an_internal_server_error(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"join": ok})
        served.functions.throttled = True
        async with served.connect(api_id) as client:
            assert (await ask(client, {"action": "join"}))["message"] == "Internal server error"

    serve(work)


def test_messages_are_handed_on_in_order_and_at_the_same_time(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        going = asyncio.Event()

        async def wait(event: dict[str, Any]) -> dict[str, Any]:
            if event["body"] == "9":
                going.set()
            await going.wait()
            return {"body": event["body"]}

        api_id = await served.api({"$default": wait}, answering=("$default",))
        async with served.connect(api_id) as client:
            for number in range(10):
                await client.send(str(number))
            assert sorted([str(await client.recv()) for _ in range(10)]) == [str(one) for one in range(10)]
        assert [event["body"] for event in served.functions.events] == [str(one) for one in range(10)]

    serve(work)


def test_a_flood_waits_at_the_client(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        going = asyncio.Event()
        at_once = most = 0

        async def wait(event: dict[str, Any]) -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await going.wait()
            at_once -= 1

        api_id = await served.api({"$default": wait})
        client = await served.raw(api_id)
        sent = await client.flood(1, b"a" * 30_000)
        assert len(served.functions.events) == 3
        going.set()
        events = await served.functions.wait(sent)
        assert most == 3
        assert all(len(event["body"]) == 30_000 for event in events)

    serve(work, calls=3)


def test_many_that_waited_may_be_done_with_at_once(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        going = asyncio.Event()

        async def wait(event: dict[str, Any]) -> None:
            await going.wait()

        api_id = await served.api({"slow": wait, "$default": {"integration_type": "MOCK"}, "end": wait})
        client = await served.raw(api_id)
        slow, end = (client.framed(1, b'{"action":"%s"}' % key) for key in (b"slow", b"end"))
        client.writer.write(slow * 2 + client.framed(1, b"x") * 5_000 + end)
        await served.functions.wait(2)
        going.set()
        events = await served.functions.wait(3)
        assert events[-1]["requestContext"]["routeKey"] == "end"

    serve(work, calls=2)


def test_a_client_that_leaves_during_a_flood_is_told_last(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        going = asyncio.Event()

        async def wait(event: dict[str, Any]) -> None:
            await going.wait()

        api_id = await served.api({"$default": wait, "$disconnect": ok})
        client = await served.raw(api_id)
        for number in range(20):
            client.send(1, b"%d" % number)
        client.send(8, b"")
        await served.functions.wait(4)
        going.set()
        events = await served.functions.wait(21)
        assert (await client.frame())[0] == 8
        assert [event.get("body") for event in events] == [*map(str, range(20)), None]

    serve(work, calls=4)


def test_a_client_that_does_not_take_its_answers_is_cut_off(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api(
            {"$default": lambda event: {"body": "a" * 1_000_000}, "$disconnect": ok}, answering=("$default",)
        )
        client = await served.raw(api_id)
        for _ in range(40):
            client.send(1, b"more")
        events = await served.functions.wait(2)
        while events[-1]["requestContext"]["routeKey"] != "$disconnect":
            events = await served.functions.wait(len(events) + 1)
        assert events[-1]["requestContext"]["disconnectStatusCode"] == 1006
        assert not len(served.apis.clients)

    serve(work, buffered_bytes=100_000)


def test_a_client_that_only_pings_is_not_answered_without_end(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        client = await served.raw(await served.api({"$default": ok}))
        (held,) = served.apis.clients._clients.values()
        assert await client.flood(9, b"p" * 125)
        transport = held.socket._transport
        assert transport is not None
        assert transport.get_write_buffer_size() < 1_000_000

    serve(work)


def test_throttled_messages_are_told_so(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"join": ok, "leave": ok})
        slow = RouteSettings(throttling_burst_limit=2, throttling_rate_limit=0.001)
        await served.stage(api_id, "slow", route_settings={"join": slow})
        path = f"ws://127.0.0.1:{served.port}/_aws/execute-api/{api_id}/slow"
        async with served.connect_to(path) as client:
            for _ in range(2):
                await client.send('{"action":"join"}')
                await client.send('{"action":"leave"}')
            answer = await ask(client, {"action": "join"})
        assert answer["message"] == "Too Many Requests"
        assert len(served.functions.events) == 4

    serve(work)


def test_messages_go_to_the_newest_deployment(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"old": ok})
        async with served.connect(api_id) as client:
            assert (await ask(client, {"action": "new"}))["message"] == "Forbidden"
            await served.route(api_id, "new", lambda event: {"body": '"new"'}, answering=True)
            assert await ask(client, {"action": "new"}) == "new"

    serve(work)


def test_a_stage_that_is_gone_forbids_messages(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$default": ok})
        async with served.connect(api_id) as client:
            await served.registry.delete_api("000000000000", "us-east-1", api_id)
            assert (await ask(client, {}))["message"] == "Forbidden"

    serve(work)
