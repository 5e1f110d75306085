"""WebSocket connections of a session: what comes over them is held, as requests are, while code is loaded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from lambent.http.upgrades import UpgradedProtocol

if TYPE_CHECKING:
    from collections.abc import Callable

HELD_SECONDS: Final = 60.0
"""How long anything is held at most: what serves then is better than nothing."""

HELD_BYTES: Final = 1 << 22
"""How much of one connection is held at most; whoever sends more than that is heard by what serves."""


class Connections:
    """All of them. `loading` looks at the files, and says whether code is being loaded."""

    def __init__(self, loading: Callable[[], bool]) -> None:
        self.loading = loading
        self._waiting: set[Connection] = set()

    def of(self, protocol: UpgradedProtocol) -> UpgradedProtocol:
        """A protocol that gets what comes when the code is loaded."""
        return Connection(self, protocol)

    def wait(self, connection: Connection) -> None:
        """Have it released when the code is loaded."""
        self._waiting.add(connection)

    def release(self) -> None:
        """The code is loaded."""
        waiting, self._waiting = self._waiting, set()
        for connection in waiting:
            connection.release()


class Connection(UpgradedProtocol):
    """One of them, before the protocol of the gateway."""

    __slots__ = ("_connections", "_held", "_protocol", "_size", "_timer")

    def __init__(self, connections: Connections, protocol: UpgradedProtocol) -> None:
        self._connections = connections
        self._protocol = protocol
        self._held: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if not self._connections.loading():
            self.release()
            self._protocol.data_received(data)
            return
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(HELD_SECONDS, self.release)
            self._connections.wait(self)
        self._held.append(data)
        self._size += len(data)
        if self._size > HELD_BYTES:
            self.release()

    def release(self) -> None:
        """Hand on what is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held, self._size = self._held, [], 0
        for data in held:
            self._protocol.data_received(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._protocol.connection_made(transport)

    def eof_received(self) -> bool | None:
        self.release()
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.release()
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def drain(self) -> None:
        """As its base."""
        self._protocol.drain()
