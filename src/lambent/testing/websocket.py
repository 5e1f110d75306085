"""WebSocket connections in tests: what handlers send to them is kept instead of going to AWS.

While one is open, AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI leads to a listener in this process, which stands for API
Gateway: it takes messages for the connections that are open, and knows no others (410 Gone).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from lambent.app.sources.naming import physical_name
from lambent.testing import events
from lambent.testing.events.values import SOURCE_IP, USER_AGENT, iso_millis
from lambent.testing.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    Invoke = Callable[[Any], Any]

_VARIABLE = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"


class ConnectionRejected(Exception):
    """The app has not let a client connect; `status` is what it gets instead."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the connection was rejected with {status}")
        self.status = status


class WebSocket:
    """A client's connection to a channel, for a `with` block.

    `received` are the messages for it: objects and arrays of JSON decoded, text as it is, and what is no text as bytes.
    """

    def __init__(self, invoke: Invoke, channel: str, options: dict[str, Any]) -> None:
        self.id = events.new_connection_id()
        self.received: list[Any] = []
        self.closed = True
        """Whether the connection has ended; the app can end it, too."""
        self._invoke = invoke
        self._connect = options
        # An API is known by its id, and the channel's name is as good as any.
        self._api: dict[str, Any] = {
            "api_id": physical_name("channel", channel.strip("/")),
            **{name: options[name] for name in ("stage", "authorizer", "domain") if name in options},
        }

    def __enter__(self) -> Self:
        """Connect. Raises ConnectionRejected, and what the app raises."""
        _gateway.open()
        try:
            event = events.websocket_connect(connection_id=self.id, **{**self._connect, **self._api})
            answer = self._invoke(event) or {}
            status = int(answer.get("statusCode", 200))
            if not 200 <= status < 300:
                raise ConnectionRejected(status)
        except BaseException:
            _gateway.close()
            raise
        self.closed = False
        _gateway.sockets[self.id] = self
        return self

    def __exit__(self, *raised: object) -> None:
        try:
            self.close()
        finally:
            _gateway.close()

    def send(self, message: Any, *, route: str = "$default") -> None:
        """Send a message: text and bytes as they are, anything else as JSON. Raises ConnectionError when it has ended.

        `route` is what the gateway itself chooses, if it is configured to.
        """
        if self.closed:
            raise ConnectionError("the connection has ended")
        self._invoke(events.websocket_message(message, connection_id=self.id, route=route, **self._api))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End it, if it has not ended."""
        if not self.closed:
            self._ended(code, reason)

    def _ended(self, code: int, reason: str) -> None:
        self.closed = True
        _gateway.sockets.pop(self.id, None)
        self._invoke(
            events.websocket_disconnect(connection_id=self.id, code=code, reason=reason, **self._api)
        )

    def _take(self, body: bytes) -> None:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            self.received.append(body)
            return
        if text[:1] in ("{", "["):
            try:
                self.received.append(msgspec.json.decode(text))
                return
            except msgspec.DecodeError:
                pass
        self.received.append(text)


class _Gateway:
    """API Gateway's management API, for all connections of this process."""

    def __init__(self) -> None:
        self.sockets: dict[str, WebSocket] = {}
        self.leaving: list[WebSocket] = []
        self._users = 0
        self._listener: Listener | None = None
        self._before: dict[str, str | None] = {}

    def open(self) -> None:
        self._users += 1
        if self._listener is None:
            self._listener = Listener(self._answer)
            variables = {_VARIABLE: self._listener.url, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}
            if not os.environ.get("AWS_ACCESS_KEY_ID"):
                variables |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
            self._before = {name: os.environ.get(name) for name in variables}
            os.environ.update(variables)

    def close(self) -> None:
        self._users -= 1
        if not self._users and self._listener is not None:
            self._listener.close()
            self._listener = None
            for name, value in self._before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def _answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        socket = self.sockets.get(unquote(target.rpartition("/@connections/")[2]))
        if socket is None:
            return 410, b'{"message":"Gone"}'
        if method == "POST":
            socket._take(body)
            return 200, b""
        if method == "DELETE":
            del self.sockets[socket.id]
            self.leaving.append(socket)
            return 204, b""
        now = iso_millis(None)
        identity = {"sourceIp": SOURCE_IP, "userAgent": USER_AGENT}
        return 200, msgspec.json.encode({"connectedAt": now, "lastActiveAt": now, "identity": identity})

    def hang_up(self) -> None:
        """End the connections that the app has ended: between invocations, as an environment has one at a time."""
        while self.leaving:
            socket = self.leaving.pop(0)
            if not socket.closed:
                socket._ended(1000, "")


_gateway = _Gateway()
hang_up = _gateway.hang_up
