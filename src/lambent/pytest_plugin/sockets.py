"""WebSocket connections of tests: the client of the `websockets` library, with JSON both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

_SECONDS: Final = 10.0


class ConnectionRefused(Exception):
    """A connection was not taken: `status` is the answer's."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status


class Socket:
    """A connection that is open. It is closed at the end of a `with` block."""

    def __init__(self, opened: Any, connection: Any) -> None:
        self._opened = opened
        self._connection = connection

    @classmethod
    def open(cls, url: str, api_id: str, stage: str, query: str, headers: Mapping[str, str]) -> Self:
        """Connect to a stage of a WebSocket API of the platform at `url`. Raises ConnectionRefused."""
        from urllib.parse import urlsplit

        from websockets.exceptions import InvalidStatus
        from websockets.sync.client import connect

        where = urlsplit(url)
        target = f"ws://{api_id}.execute-api.localhost:{where.port}/{stage}"
        try:
            opened = connect(
                target + (f"?{query}" if query else ""),
                # The name need not resolve.
                address=(where.hostname, where.port),
                additional_headers=dict(headers),
                open_timeout=_SECONDS,
                close_timeout=_SECONDS,
                proxy=None,
            )
            connection = opened.__enter__()  # what this is the end of is not known here
        except InvalidStatus as error:
            body = error.response.body or b""
            raise ConnectionRefused(error.response.status_code, body.decode(errors="replace")) from None
        return cls(opened, connection)

    def send(self, message: Any) -> None:
        """Send text and bytes as they are, anything else as JSON."""
        if not isinstance(message, (str, bytes)):
            message = msgspec.json.encode(message).decode()
        self._connection.send(message)

    def receive(self, *, timeout: float = _SECONDS) -> Any:
        """The next message, decoded where it is JSON. Raises TimeoutError after `timeout` seconds."""
        message = self._connection.recv(timeout=timeout)
        try:
            return msgspec.json.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return message

    def close(self) -> None:
        """End the connection."""
        self._opened.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
