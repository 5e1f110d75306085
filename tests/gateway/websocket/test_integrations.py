"""Integrations that are no functions: mocks and other servers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus

from lambent.gateway.apis import responses
from lambent.http import HttpServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway.websocket.conftest import Served

    from lambent.http import Request

HERE = ("000000000000", "us-east-1")


async def mocking(served: Served, request: str | None, template: str, key: str = "$default") -> str:
    """An API whose $default route is a mock."""
    mock: dict[str, Any] = {"integration_type": "MOCK"}
    if request is not None:
        mock |= {"request_templates": {"200": request}, "template_selection_expression": "200"}
    api_id = await served.api({"$default": mock}, answering=("$default",))
    (integration_id,) = served.registry.definition(*HERE, api_id).content.integrations
    given = {"integration_response_key": key, "response_templates": {"$default": template}}
    await served.registry.edit(
        *HERE, api_id, lambda content: responses.create_for_integration(content, integration_id, given)
    )
    return api_id


@pytest.mark.parametrize(
    ("request_template", "key"), [(None, "$default"), ('{"statusCode":200}', "/200/"), ("{}", "/200/")]
)
def test_a_mock_answers_its_template(
    serve: Callable[..., Any], request_template: str | None, key: str
) -> None:
    async def work(served: Served) -> None:
        api_id = await mocking(served, request_template, '{"mocked":true}', key)
        async with served.connect(api_id) as client:
            await client.send("x")
            assert await client.recv() == '{"mocked":true}'

    serve(work)


def test_templates_that_are_more_than_text_are_errors(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        async with served.connect(await mocking(served, None, "$context.connectionId")) as client:
            await client.send("x")
            assert json.loads(await client.recv())["message"] == "Internal server error"

    serve(work)


def test_a_mock_lets_in_or_keeps_out(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        mock = {"integration_type": "MOCK"}
        async with served.connect(await served.api({"$connect": mock})):
            pass
        shut = {**mock, "request_templates": {"$default": '{"statusCode":403}'}}
        with pytest.raises(InvalidStatus) as refused:
            async with served.connect(await served.api({"$connect": shut})):
                pass
        assert refused.value.response.status_code == 403

    serve(work)


def test_messages_are_requests_to_another_server(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        seen: list[tuple[bytes, bytes, dict[bytes, bytes], bytes]] = []

        def answer(request: Request) -> None:
            seen.append((request.method, request.target, dict(request.headers), request.body))
            request.respond(200, [], b"seen: " + request.body)

        backend = HttpServer(answer)
        await backend.start("127.0.0.1", 0)
        proxy = {
            "integration_type": "HTTP_PROXY",
            "integration_method": "PUT",
            "integration_uri": f"http://127.0.0.1:{backend.address[1]}/chat?a=1",
            "request_parameters": {
                "integration.request.header.connectionId": "context.connectionId",
                "integration.request.header.X-Room": "route.request.body.room",
                "integration.request.header.X-None": "route.request.body.none",
                "integration.request.querystring.kind": "'a text'",
            },
        }
        api_id = await served.api({"$connect": proxy, "join": proxy}, answering=("join",))
        async with served.connect(api_id) as client:
            await client.send('{"action":"join","room":7}')
            assert await client.recv() == 'seen: {"action":"join","room":7}'
        (_, _, _, nothing), (method, target, headers, body) = seen
        assert nothing == b""
        assert (method, target) == (b"PUT", b"/chat?a=1&kind=a+text")
        assert body == b'{"action":"join","room":7}'
        assert len(headers[b"connectionid"]) == 16
        assert headers[b"x-room"] == b"7"
        assert b"x-none" not in headers
        await served.apis.close()
        await backend.drain(1)

    serve(work)


async def refusing(served: Served) -> str:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}/"


async def silent(served: Served) -> str:
    server = HttpServer(lambda request: None)
    await server.start("127.0.0.1", 0)
    served.functions.servers.append(server)
    return f"http://127.0.0.1:{server.address[1]}/"


async def endless(served: Served) -> str:
    server = HttpServer(lambda request: request.respond(200, [], b"a" * 200_000))
    await server.start("127.0.0.1", 0)
    served.functions.servers.append(server)
    return f"http://127.0.0.1:{server.address[1]}/"


async def no_url(served: Served) -> str:
    return "https://"


@pytest.mark.parametrize("backend", [refusing, silent, endless, no_url])
def test_servers_that_do_not_answer_are_internal_server_errors(
    serve: Callable[..., Any], backend: Any
) -> None:
    async def work(served: Served) -> None:
        uri = await backend(served)
        proxy = {"integration_type": "HTTP_PROXY", "integration_method": "POST", "integration_uri": uri}
        async with served.connect(await served.api({"$default": proxy}, answering=("$default",))) as client:
            await client.send("x")
            assert json.loads(await client.recv())["message"] == "Internal server error"
        await served.apis.close()

    serve(work, integration_s=0.2)
