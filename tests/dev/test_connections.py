"""What comes over a WebSocket while code is loaded."""

from __future__ import annotations

import asyncio

from lambent.dev.connections import HELD_BYTES, Connections
from lambent.http.upgrades import UpgradedProtocol


class Heard(UpgradedProtocol):
    def __init__(self) -> None:
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data


def test_what_comes_is_held_while_code_is_loaded_but_not_without_end() -> None:
    async def scenario() -> None:
        loading = True
        heard, connections = Heard(), Connections(lambda: loading)
        connection = connections.of(heard)
        connection.data_received(b"first ")
        connection.data_received(b"second ")
        assert heard.data == b""
        connections.release()
        assert heard.data == b"first second "
        connection.data_received(b"x" * HELD_BYTES)
        assert heard.data == b"first second "
        connection.data_received(b"y")
        assert len(heard.data) == 13 + HELD_BYTES + 1
        connection.data_received(b"third")
        loading = False
        connection.data_received(b" fourth")
        assert heard.data.endswith(b"ythird fourth")

    asyncio.run(scenario())
