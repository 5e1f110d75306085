"""A chat of the framework on the platform: its channel behind a WebSocket API, with real clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from bench.targets import framework_files
from tests.platform.front_doors import Door, websocket_api
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

if TYPE_CHECKING:
    from tests.platform.conftest import Platform

CHAT = """
from lambent import App, Connection, ConnectionGone, Forbidden

app = App("chat")
chat = app.channel("chat")

@chat.on_connect
def enter(connection: Connection, token: str = ""):
    if token != "secret":
        raise Forbidden

@chat.action("join")
def join(connection: Connection, message: dict) -> dict:
    return {"joined": message["room"], "id": connection.id}

@chat.action("say")
def say(connection: Connection, message: dict) -> dict:
    gone = []
    for member in message["to"]:
        try:
            connection.send({"text": message["text"]}, to=member)
        except ConnectionGone:
            gone.append(member)
    return {"gone": gone}

@chat.action("leave")
def leave(connection: Connection, message: dict) -> None:
    connection.close()

@chat.on_disconnect
def gone(connection: Connection) -> None:
    print("has left:", connection.id)
"""


@pytest.fixture(scope="module")
def chat(platform: Platform) -> Door:
    function = platform.create(CHAT, files=framework_files(), Handler="app.app", MemorySize=256)
    return websocket_api(
        platform, function, keys=("$connect", "$disconnect", "$default", "join", "say", "leave")
    )


def client_of(chat: Door, word: str = "secret") -> Any:
    return connect(f"{chat.by_path.replace('http:', 'ws:')}?token={word}", proxy=None)


def join(client: Any) -> str:
    client.send(json.dumps({"action": "join", "room": "tea"}))
    said = json.loads(client.recv(30))
    assert said["joined"] == "tea"
    return str(said["id"])


def test_who_has_no_token_is_refused(chat: Door) -> None:
    with pytest.raises(InvalidStatus) as caught, client_of(chat, "guess"):
        pass
    assert caught.value.response.status_code == 403


def test_everybody_hears_what_one_says(chat: Door) -> None:
    with client_of(chat) as ann, client_of(chat) as bob:
        with client_of(chat) as cid:
            members = [join(ann), join(bob), join(cid)]
        ann.send(json.dumps({"action": "say", "text": "hello, ü", "to": members}))
        heard = [json.loads(ann.recv(30)), json.loads(bob.recv(30)), json.loads(ann.recv(30))]
        assert heard == [{"text": "hello, ü"}, {"text": "hello, ü"}, {"gone": members[2:]}]


def test_an_app_ends_a_connection(chat: Door) -> None:
    with client_of(chat) as client:
        join(client)
        client.send(json.dumps({"action": "leave"}))
        with pytest.raises(ConnectionClosed):
            client.recv(30)


def test_an_app_is_told_who_has_left(chat: Door, platform: Platform, poll: Any) -> None:
    with client_of(chat) as client:
        name = join(client)
        assert f"has left: {name}" not in "".join(platform.logs(chat.function))
    poll(lambda: f"has left: {name}" in "".join(platform.logs(chat.function)))
