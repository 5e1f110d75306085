"""The clients that are connected."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from lambent.gateway.websocket.limits import ConnectionLimits

if TYPE_CHECKING:
    from lambent.gateway.websocket.apis import WebSocketApis

GOING_AWAY = (1001, "Going away")
"""How API Gateway closes connections that are idle or old; recorded."""

CLOSED = (1000, "Connection Closed Normally")
"""How it closes those that DeleteConnection names; recorded (boto/boto3#3789)."""


class Client:
    """A client of a stage: its connection, and what its events say of it.

    `connected_ms` and `active_ms` are milliseconds since 1970.
    """

    __slots__ = (
        "_active_s",
        "_apis",
        "account",
        "api_id",
        "at_work",
        "connected_ms",
        "context",
        "host",
        "id",
        "since_s",
        "socket",
        "source_ip",
        "stage",
        "user_agent",
    )

    def __init__(
        self,
        apis: WebSocketApis,
        client_id: str,
        *,
        account: str,
        api_id: str,
        stage: str,
        host: str,
        source_ip: str,
        user_agent: str | None,
        connected_ms: int,
        limits: ConnectionLimits,
    ) -> None:
        self._apis = apis
        self.id = client_id
        self.account = account
        self.api_id = api_id
        self.stage = stage
        self.host = host
        self.source_ip = source_ip
        self.user_agent = user_agent
        self.connected_ms = connected_ms
        self.context = b""
        """What all its events share (`events.shared_context`)."""
        self.at_work = 0
        self.since_s = self._active_s = time.monotonic()
        # Here, as it comes with a library that platforms without WebSockets need not load.
        from lambent.gateway.websocket.sockets import Socket

        self.socket = Socket(self, limits)

    @property
    def active_ms(self) -> int:
        """When something came or went last."""
        return self.connected_ms + int((self._active_s - self.since_s) * 1000)

    @property
    def active_s(self) -> float:
        """The same on the monotonic clock."""
        return self._active_s

    def send(self, data: bytes) -> bool:
        """Send a message; False when the client does not take what is sent."""
        if not self.socket.send(data):
            return False
        self._active_s = time.monotonic()
        return True

    def reply(self, data: bytes) -> None:
        """Send what came of a message; a client that does not take it is cut off."""
        if not self.send(data):
            self.socket.abort()

    # ------------------------------------------------------------ told by the socket

    def active(self) -> None:
        """Something has come."""
        self._active_s = time.monotonic()

    def message(self, text: str) -> None:
        """A message has come."""
        self._apis.message(self, text)

    def ended(self, code: int, reason: str) -> None:
        """The connection is over."""
        self._apis.ended(self, code, reason)


class Clients:
    """All clients by id; those that are idle or connected for too long are sent away."""

    def __init__(self, limits: ConnectionLimits | None = None) -> None:
        self.limits = limits or ConnectionLimits()
        self._clients: dict[str, Client] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._clients)

    def get(self, client_id: str) -> Client | None:
        """The client with this id, if it is still connected."""
        client = self._clients.get(client_id)
        return client if client is not None and client.socket.open else None

    def add(self, client: Client) -> None:
        """A client has connected."""
        self._clients[client.id] = client
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self.limits.sweep_s, self._sweep)

    def discard(self, client: Client) -> None:
        """A client has gone."""
        self._clients.pop(client.id, None)
        if not self._clients and self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def close_all(self, api_id: str | None = None) -> None:
        """Send all clients away, or those of one API."""
        for client in list(self._clients.values()):
            if api_id is None or client.api_id == api_id:
                client.socket.close(*GOING_AWAY)

    def _sweep(self) -> None:
        limits = self.limits
        now = time.monotonic()
        idle, old = now - limits.idle_s, now - limits.duration_s
        for client in list(self._clients.values()):
            if client.active_s < idle or client.since_s < old:
                client.socket.close(*GOING_AWAY)
        self._sweeper = None
        if self._clients:
            self._sweeper = asyncio.get_running_loop().call_later(limits.sweep_s, self._sweep)
