"""Connections that are idle, old, or to end with the server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway.websocket.conftest import Served


def ok(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200}


@pytest.mark.parametrize("limits", [{"idle_s": 0.1, "sweep_s": 0.02}, {"duration_s": 0.1, "sweep_s": 0.02}])
def test_idle_and_old_connections_are_closed(serve: Callable[..., Any], limits: dict[str, float]) -> None:
    async def work(served: Served) -> None:
        async with served.connect(await served.api({"$disconnect": ok})) as client:
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert (client.close_code, client.close_reason) == (1001, "Going away")
        (event,) = await served.functions.wait(1)
        assert event["requestContext"]["disconnectStatusCode"] == 1001
        assert event["requestContext"]["disconnectReason"] == "Going away"

    serve(work, **limits)


def test_whoever_is_active_stays(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$default": ok})
        async with served.connect(api_id) as busy, served.connect(api_id) as idle:
            loop = asyncio.get_running_loop()
            end = loop.time() + 1
            while loop.time() < end:
                await (await busy.ping())
            assert idle.close_code == 1001
            assert busy.close_code is None

    serve(work, idle_s=0.4, sweep_s=0.02)


def test_what_is_sent_to_a_client_keeps_it_too(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$default": ok})
        async with served.connect(api_id) as busy, served.connect(api_id) as idle:
            client = next(iter(served.apis.clients._clients.values()))
            loop = asyncio.get_running_loop()
            end = loop.time() + 1
            while loop.time() < end:
                assert client.send(b"x")
                await busy.recv()
            assert idle.close_code == 1001
            assert busy.close_code is None

    serve(work, idle_s=0.4, sweep_s=0.02)


def test_a_server_that_stops_says_goodbye(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$default": ok, "$disconnect": ok})
        async with served.connect(api_id) as one, served.connect(api_id) as other:
            await served.server.drain(5)
            for client in (one, other):
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert client.close_code == 1001
        assert len(await served.functions.wait(2)) == 2
        await served.apis.settled(5)

    serve(work)


def test_the_end_waits_for_the_functions_of_disconnect(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        ended = []

        async def slow(event: dict[str, Any]) -> None:
            for _ in range(100):
                await asyncio.sleep(0)
            ended.append(event)

        async with served.connect(await served.api({"$disconnect": slow})):
            pass
        await served.functions.wait(1)
        assert not ended
        await served.apis.settled(5)
        assert len(ended) == 1

    serve(work)


def test_many_that_leave_at_once_do_not_take_all_concurrency(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        at_once = most = 0

        async def slow(event: dict[str, Any]) -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

        api_id = await served.api({"$disconnect": slow})
        for _ in range(50):
            await served.raw(api_id)
        served.apis.clients.close_all()
        await served.apis.settled(5)
        assert len(served.functions.events) == 50
        assert len({event["requestContext"]["connectionId"] for event in served.functions.events}) == 50
        assert most == 16

    serve(work)


def test_failing_functions_of_disconnect_hold_up_nobody(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$disconnect": ok})
        for _ in range(400):
            await served.raw(api_id)
        served.functions.throttled = True
        served.apis.clients.close_all()
        await served.apis.settled(20)
        assert served.functions.events == []
        assert len(served.apis.clients) == 0

    serve(work)
