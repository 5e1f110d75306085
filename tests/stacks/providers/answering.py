"""Response URLs on a server of their own, beside the platform that a test's functions run on."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lambent.http import HttpServer
from lambent.stacks.providers.catalogue import Catalogue
from lambent.stacks.providers.macros import Macros
from lambent.stacks.responses import Responses
from lambent.store import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stacks.providers.conftest import World

    from lambent.http import Request


class Answering:
    """Response URLs and macros in a database of their own, and a catalogue whose providers use them."""

    responses: Responses
    macros: Macros

    def __init__(self, world: World, directory: Path) -> None:
        self.world = world
        self.directory = directory
        self.port = 0
        self._before = world.catalogue
        self.open()

    def open(self) -> None:
        """Begin, or begin again where an earlier one has ended: with the same address and what is durable."""
        self.world.run(self._open())
        self.world.catalogue = Catalogue({"responses": self.responses, "macros": self.macros})

    def close(self) -> None:
        self.world.run(self._close())
        self.world.catalogue = self._before

    async def _open(self) -> None:
        self._database = await open_database(self.directory / "responses.db", "normal")
        self.server = HttpServer(self._handle)
        await self.server.start("127.0.0.1", self.port)
        self.port = self.server.address[1]
        self.responses = await Responses.open(self._database, self.world.clock, lambda: self.url)
        self.macros = await Macros.open(self._database)

    async def _close(self) -> None:
        self.server.stop_accepting()
        await self.server.drain(5)
        await self._database.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _handle(self, request: Request) -> None:
        if not self.responses.handle(request):
            request.respond(404, ())


def send(url: str, body: bytes, method: str = "PUT", **headers: Any) -> int:
    """Send a body there; the status of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(method, parts.path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
