"""API Gateway's management API for WebSocket connections, as tests have it.

While somebody needs it, AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI leads to a listener in this process. It takes messages
for the connections that are open, and knows no others (410 Gone); but while calls are captured it takes them for all
that have not ended.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

import msgspec

from lambent.testing.environment import Environment
from lambent.testing.events.values import SOURCE_IP, USER_AGENT, iso_millis
from lambent.testing.listener import Listener, Reply

if TYPE_CHECKING:
    from lambent.testing.listener import Asked

_VARIABLE = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
_GONE = Reply(410, b'{"message":"Gone"}', {"x-amzn-errortype": "GoneException"})


class Socket(Protocol):
    """A connection that is open."""

    id: str

    def take(self, message: Any) -> None:
        """A message for its client."""

    def hang_up(self) -> None:
        """The app has ended it."""


class Watcher(Protocol):
    """Wants to know what is sent to connections."""

    gone: set[str]
    """Those that have ended."""

    def posted_to(self, connection_id: str, message: Any) -> None:
        """A message was sent."""

    def closed_one(self, connection_id: str) -> None:
        """A connection was ended."""


class Gateway:
    """The management API, for all connections of this process."""

    def __init__(self) -> None:
        self.watchers: list[Watcher] = []
        self._sockets: dict[str, Socket] = {}
        self._leaving: list[Socket] = []
        self._users = 0
        self._listener: Listener | None = None
        self._environment: Environment | None = None

    def open(self) -> None:
        """Somebody needs it: `close` has to be called as often."""
        self._users += 1
        if self._listener is None:
            self._listener = Listener(self._answer)
            variables = {_VARIABLE: self._listener.url, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}
            if not os.environ.get("AWS_ACCESS_KEY_ID"):
                variables |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
            self._environment = Environment(variables)

    def close(self) -> None:
        self._users -= 1
        if not self._users and self._listener is not None and self._environment is not None:
            self._listener.close()
            self._listener = None
            self._environment.restore()

    def connected(self, socket: Socket) -> None:
        """A connection is open."""
        self._sockets[socket.id] = socket

    def disconnected(self, connection_id: str) -> None:
        """A connection has ended."""
        self._sockets.pop(connection_id, None)
        for watcher in self.watchers:
            watcher.gone.add(connection_id)

    def hang_up(self) -> None:
        """End the connections that the app has ended: between invocations, as an environment has one at a time."""
        while self._leaving:
            self._leaving.pop(0).hang_up()

    def _answer(self, asked: Asked) -> Reply:
        connection_id = unquote(asked.target.rpartition("/@connections/")[2])
        socket = self._sockets.get(connection_id)
        if socket is None and (
            not self.watchers or any(connection_id in watcher.gone for watcher in self.watchers)
        ):
            return _GONE
        if asked.method == "POST":
            for watcher in self.watchers:
                watcher.posted_to(connection_id, decoded(asked.body))
            if socket is not None:
                socket.take(decoded(asked.body))
            return Reply(200)
        if asked.method == "DELETE":
            for watcher in self.watchers:
                watcher.closed_one(connection_id)
            self.disconnected(connection_id)
            if socket is not None:
                self._leaving.append(socket)
            return Reply(204)
        now = iso_millis(None)
        identity = {"sourceIp": SOURCE_IP, "userAgent": USER_AGENT}
        return Reply(
            200, msgspec.json.encode({"connectedAt": now, "lastActiveAt": now, "identity": identity})
        )


def decoded(body: bytes) -> Any:
    """A message: objects and arrays of JSON decoded, text as it is, and what is no text as bytes."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    if text[:1] in ("{", "["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            pass
    return text


gateway = Gateway()
