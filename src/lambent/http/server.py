"""The listener: accepts connections, closes slow and idle ones, drains on stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from lambent.http.connection import Connection
from lambent.http.request import Request

if TYPE_CHECKING:
    from ssl import SSLContext

    from lambent.http.upgrades import Switched

Handler: TypeAlias = Callable[[Request], None]
"""Called on the event loop for each complete request; answers it now or later, and does not raise."""

Streams: TypeAlias = Callable[[Request], bool]
"""Whether the handler takes this request, of which the head is there, with its body still coming."""

Limit: TypeAlias = Callable[[Request], tuple[int, str]]
"""Bytes of this request's body at most, and what is answered (413) to more. Its head is there."""

_STREAM_ABOVE = 1_048_576

_SWEEP_SECONDS = 5.0

# A TLS connection that is closed waits so long for its client to say so, too; many never do.
_GOODBYE_SECONDS = 1.0


class HttpServer:
    """One TCP listener on the running loop.

    `max_body`: bytes of the largest request body that is read; more is answered 413.
    `streams`: asked of each request with a body over 1 MB; those that it takes are handed over as
    `StreamedRequest` when their head is there, and may be of any size.
    `limit`: asked of each request with a body over 1 MB that is not streamed, instead of `max_body`.
    `request_type`: what requests are that are read whole, for who wants to know more of them.
    `idle_seconds`: a connection that is idle is closed after this, and one of which the client takes nothing of its
    answer is cut.
    `head_seconds`, `body_seconds`: a request must come in that time, and a body may take a second more for each
    1000 bytes that have come; else it is answered 408. A streamed one must go on within `idle_seconds`.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        max_body: int = 100_000_000,
        streams: Streams | None = None,
        limit: Limit | None = None,
        request_type: type[Request] = Request,
        idle_seconds: float = 120.0,
        head_seconds: float = 30.0,
        body_seconds: float = 60.0,
    ) -> None:
        self.handler = handler
        self.max_body = max_body
        self.streams = streams
        self.request_type = request_type
        self.limit: Limit = limit or (
            lambda request: (max_body, f"Request must be smaller than {max_body} bytes")
        )
        self.stream_above = max_body if streams is None and limit is None else min(_STREAM_ABOVE, max_body)
        self.idle_seconds = idle_seconds
        self.head_seconds = head_seconds
        self.body_seconds = body_seconds
        self.connections: set[Connection] = set()
        self.switched: set[Switched] = set()
        self.draining = False
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Event | None = None
        self.address: tuple[str, int] = ("", 0)

    async def start(self, host: str, port: int, ssl: SSLContext | None = None) -> None:
        """Listen. Port 0 takes a free one; `address` tells which. With `ssl`, a server's context, TLS alone is spoken.

        OSError when the address is taken.
        """
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
            self.address = sock.getsockname()[:2]
            self._server = await loop.create_server(
                lambda: Connection(self),
                sock=sock,
                backlog=1024,
                ssl=ssl,
                ssl_shutdown_timeout=None if ssl is None else _GOODBYE_SECONDS,
            )
        except BaseException:
            sock.close()
            raise
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)

    def lost(self, connection: Connection | Switched) -> None:
        """A connection has ended, whoever closed it."""
        if isinstance(connection, Connection):
            self.connections.discard(connection)
        else:
            self.switched.discard(connection)
        if self._emptied is not None and not self.connections and not self.switched:
            self._emptied.set()

    def switched_over(self, connection: Connection, switched: Switched) -> None:
        """`connection` speaks another protocol from now on."""
        self.switched.add(switched)
        self.connections.discard(connection)

    def _sweep(self) -> None:
        now = time.monotonic()
        oldest = now - self.idle_seconds
        for connection in list(self.connections):
            if connection.unread(now, self.idle_seconds) or connection.stalled(oldest):
                connection.transport.abort()
            elif connection.busy:
                continue
            elif connection.receiving:
                if connection.late(now, self.head_seconds, self.body_seconds):
                    connection.time_out()
            elif connection.active < oldest:
                connection.transport.close()
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def stop_accepting(self) -> None:
        """Take no new connections and close those that are idle; busy ones close after their answer."""
        self.draining = True
        if self._server is not None:
            self._server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self.connections):
            if not connection.busy and not connection.receiving:
                connection.transport.close()
        for switched in list(self.switched):
            switched.protocol.drain()

    async def drain(self, seconds: float) -> None:
        """Stop accepting and wait at most `seconds` for the answers in flight and for connections that have switched
        to another protocol to end; what is left then is cut.
        """
        self.stop_accepting()
        if self.connections or self.switched:
            self._emptied = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), seconds)
        for connection in list(self.connections):
            connection.transport.abort()
        for switched in list(self.switched):
            switched.transport.abort()
