"""WebSocket connections in tests: what handlers send to them is kept instead of going to AWS (see `gateway`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.sources.naming import physical_name
from lambent.testing import events
from lambent.testing.gateway import gateway

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    Invoke = Callable[[Any], Any]


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
        gateway.open()
        try:
            event = events.websocket_connect(connection_id=self.id, **{**self._connect, **self._api})
            answer = self._invoke(event) or {}
            status = int(answer.get("statusCode", 200))
            if not 200 <= status < 300:
                raise ConnectionRejected(status)
        except BaseException:
            gateway.close()
            raise
        self.closed = False
        gateway.connected(self)
        return self

    def __exit__(self, *raised: object) -> None:
        try:
            self.close()
        finally:
            gateway.close()

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
        gateway.disconnected(self.id)
        self._invoke(
            events.websocket_disconnect(connection_id=self.id, code=code, reason=reason, **self._api)
        )

    def take(self, message: Any) -> None:
        """A message for the client, from the gateway."""
        self.received.append(message)

    def hang_up(self) -> None:
        """The app has ended it, says the gateway."""
        if not self.closed:
            self._ended(1000, "")
