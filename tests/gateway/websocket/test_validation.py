"""Routes that check messages by models."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.gateway.apis import models

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway.websocket.conftest import Served

HERE = ("000000000000", "us-east-1")
ROOM = {"type": "integer", "minimum": 1}
JOIN = {
    "type": "object",
    "required": ["room"],
    "properties": {"room": {"$ref": "https://apigateway.amazonaws.com/restapis/x/models/Room"}},
}
FAR = {"$ref": "http://127.0.0.1:1/schema.json"}


async def checking(served: Served, expression: str, request_models: dict[str, str]) -> str:
    """An API whose route `join` has models."""
    api_id = await served.api({"$default": lambda event: None})
    for name, schema in {"Room": ROOM, "Join": JOIN, "Far": FAR}.items():
        given = {"name": name, "schema": json.dumps(schema), "content_type": "application/json"}
        await served.registry.edit(*HERE, api_id, functools.partial(models.create, members=given))
    await served.route(
        api_id,
        "join",
        lambda event: {"body": '{"message":"joined"}'},
        answering=True,
        model_selection_expression=expression,
        request_models=request_models,
    )
    return api_id


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ({"room": 7}, "joined"),
        ({"room": 0}, "Bad request body"),
        ({"room": "7"}, "Bad request body"),
        ({}, "Bad request body"),
        ({"kind": "room", "room": 7}, "Bad request body"),
        ({"kind": "far", "room": 7}, "Bad request body"),
        ({"kind": "none", "room": 7}, "joined"),
    ],
)
def test_messages_have_to_fit_their_model(serve: Callable[..., Any], message: Any, answer: str) -> None:
    async def work(served: Served) -> None:
        request_models = {"$default": "Join", "room": "Room", "far": "Far"}
        api_id = await checking(served, "$request.body.kind", request_models)
        async with served.connect(api_id) as client:
            await client.send(json.dumps({"action": "join", **message}))
            found = json.loads(await client.recv())
        assert found["message"] == answer
        assert len(served.functions.events) == (answer == "joined")

    serve(work)


def test_without_a_model_nothing_fits(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        async with served.connect(await checking(served, "$request.body.kind", {"room": "Room"})) as client:
            await client.send('{"action":"join"}')
            found = json.loads(await client.recv())
        assert found["message"] == "Bad request body"
        assert sorted(found) == ["connectionId", "message", "requestId"]

    serve(work)
