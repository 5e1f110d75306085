"""One connection of a runtime to its Runtime API: bytes in, exchanges with the API, answers out."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Final, Protocol

import httptools

from lambent.execution.runtime_api import answers
from lambent.http.upgrades import body_parser, has_body

if TYPE_CHECKING:
    from lambent.execution.runtime_api.api import RuntimeApi

_MAX_HEADER_BYTES: Final = 1_048_576
"""A function error's X-Ray cause comes as a header, so there may be much."""
_MAX_TARGET: Final = 8_192

# All connections are read on the loop's thread, one after the other.
_BUFFER: Final = bytearray(262_144)
_VIEW: Final = memoryview(_BUFFER)


_log = logging.getLogger(__name__)


class Exchange(Protocol):
    """What becomes of one request, from its headers on."""

    def body(self, data: bytes) -> None:
        """A piece of its body."""

    def complete(self, trailers: dict[bytes, bytes]) -> None:
        """It is there whole: answer it, or keep the connection for later. Names of trailers are in lower case."""

    def cut(self) -> None:
        """It will not be complete, or nobody waits for the answer any more."""


class Request:
    """The head of a request; header names are in lower case."""

    __slots__ = ("connection", "headers", "method", "target")

    def __init__(
        self, connection: Connection, method: bytes, target: bytes, headers: dict[bytes, bytes]
    ) -> None:
        self.connection = connection
        self.method = method
        self.target = target
        self.headers = headers


class Connection:
    """An accepted socket. Requests are answered in turn; one that is sent before the last was answered ends it."""

    __slots__ = (
        "_api",
        "_body_follows",
        "_closing",
        "_exchange",
        "_header_bytes",
        "_headers",
        "_keep_alive",
        "_loop",
        "_outgoing",
        "_parser",
        "_paused",
        "_socket",
        "_target",
        "_trailers",
        "closed",
    )

    def __init__(self, api: RuntimeApi, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._api = api
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._exchange: Exchange | None = None
        self._outgoing: list[memoryview] = []
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._trailers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._keep_alive = True
        self._body_follows = False  # after an offer of another protocol
        self._closing = False
        self._paused = False
        self.closed = False
        self._loop.add_reader(sock.fileno(), self._on_readable)

    # ------------------------------------------------------------ in

    def read_rest(self) -> None:
        """Read whatever has come already."""
        while not self.closed and self._on_readable():
            pass

    def _on_readable(self) -> bool:
        """Take what has come. Whether there was anything."""
        try:
            count = self._socket.recv_into(_BUFFER)
        except BlockingIOError:
            return False
        except OSError:
            count = 0
        if not count:
            self.close()
        elif not self._closing:
            self._feed(_VIEW[:count])
        return True

    def _feed(self, data: memoryview) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Java's HTTP client offers HTTP/2. The request is taken as what it is, HTTP/1.1.
            if self._body_follows:
                self._body_follows = False
                self._parser = body_parser(self, self._parser.get_method(), self._headers.items())
            else:
                self._parser = httptools.HttpRequestParser(self)
            rest = data[upgrade.args[0] :]
            if rest and not self.closed:
                self._feed(rest)
        except httptools.HttpParserCallbackError:
            _log.exception("a request to the Runtime API could not be handled")
            self.close()
        except httptools.HttpParserError:
            self._refuse(answers.NOT_HTTP)

    def pause(self) -> None:
        """Read no more for now."""
        if not self._paused and not self.closed:
            self._paused = True
            self._loop.remove_reader(self._socket.fileno())

    def resume(self) -> None:
        """Read again."""
        if self._paused and not self.closed:
            self._paused = False
            self._loop.add_reader(self._socket.fileno(), self._on_readable)

    # ------------------------------------------------------------ the parser's callbacks

    def on_message_begin(self) -> None:
        if self._exchange is not None:
            # It may be a long poll: what comes behind it could wait for ever.
            self._refuse(b"")
        self._target = b""
        self._headers = {}
        self._trailers = {}
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > _MAX_TARGET:
            self._refuse(answers.HEADERS_TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _MAX_HEADER_BYTES:
            self._refuse(answers.HEADERS_TOO_LARGE)
        elif self._exchange is None:
            self._headers[name.lower()] = value
        else:
            self._trailers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if self._closing:
            return
        headers = self._headers
        self._body_follows = self._parser.should_upgrade() and has_body(headers.items())
        if headers.get(b"expect", b"").lower() == b"100-continue":
            self._send(answers.CONTINUE)
        self._exchange = self._api.begin(Request(self, self._parser.get_method(), self._target, headers))

    def on_body(self, data: bytes) -> None:
        if self._exchange is not None:
            self._exchange.body(data)

    def on_message_complete(self) -> None:
        if self._exchange is not None and not self._body_follows:
            self._keep_alive = self._parser.should_keep_alive()
            self._exchange.complete(self._trailers)

    # ------------------------------------------------------------ out

    def answer(self, data: bytes, body: bytes = b"") -> None:
        """Answer the request: head, and body when it is apart."""
        if self.closed:
            return
        self._exchange = None
        if len(body) <= 65_536:
            self._send(data + body if body else data)
        else:
            self._send(data)
            self._send(body)
        if not self._keep_alive:
            self._end()

    def _refuse(self, data: bytes) -> None:
        """Answer what cannot become an exchange, and close."""
        if not self._closing and not self.closed:
            self._cut()
            if data:
                self._send(data)
            self._end()

    def _end(self) -> None:
        """Close as soon as everything is sent."""
        self._closing = True
        if not self._outgoing:
            # What is still coming is read and dropped: a reset could take the answer with it.
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.close()

    def _send(self, data: bytes) -> None:
        if self.closed:
            return
        if self._outgoing:
            self._outgoing.append(memoryview(data))
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(data):
            self._outgoing.append(memoryview(data)[sent:])
            self._loop.add_writer(self._socket.fileno(), self._on_writable)

    def _on_writable(self) -> None:
        outgoing = self._outgoing
        while outgoing:
            try:
                sent = self._socket.send(outgoing[0])
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            if sent < len(outgoing[0]):
                outgoing[0] = outgoing[0][sent:]
                return
            del outgoing[0]
        self._loop.remove_writer(self._socket.fileno())
        if self._closing:
            self._end()

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """Close at once."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._api.lost(self)
        self._cut()

    def _cut(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.cut()
