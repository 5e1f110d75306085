"""Requests that offer another protocol: the protocol that takes over, and bodies where none does.

The parser takes what follows such a head for that other protocol. Where the offer is passed over, what follows is the
body of a plain request: another parser reads it, behind a head that repeats what the first one said of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import httptools

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.http.server import HttpServer


class UpgradedProtocol(asyncio.Protocol):
    """What a connection speaks after `Request.switch`: asyncio's callbacks and `drain`."""

    __slots__ = ()

    def drain(self) -> None:
        """The server stops: end in good order and close the transport, which is cut when the server's time is up."""


class Switched(asyncio.Protocol):
    """Stands between a transport and the protocol that has taken it over: the server counts it until it is lost.

    What comes goes straight to the protocol. Slots and no parser: idle connections are many.
    """

    __slots__ = ("_server", "data_received", "protocol", "transport")

    def __init__(self, server: HttpServer, transport: asyncio.Transport, protocol: UpgradedProtocol) -> None:
        self._server = server
        self.transport = transport
        self.protocol = protocol
        self.data_received = protocol.data_received  # type: ignore[method-assign]

    def eof_received(self) -> bool | None:
        return self.protocol.eof_received()

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.lost(self)
        self.protocol.connection_lost(exc)


class Listener(Protocol):
    """The callbacks of a parser; `on_message_begin` is called too where there is one."""

    def on_url(self, url: bytes) -> None: ...

    def on_header(self, name: bytes, value: bytes) -> None: ...

    def on_headers_complete(self) -> None: ...

    def on_body(self, body: bytes) -> None: ...

    def on_message_complete(self) -> None: ...


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a head, its names in lower case, announces a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


def body_parser(
    listener: Listener, method: bytes, headers: Iterable[tuple[bytes, bytes]]
) -> httptools.HttpRequestParser:
    """A parser that goes on with the body announced by a head, and then with the requests behind it."""
    parser = httptools.HttpRequestParser(_AfterTheHead(listener))
    framing = b"".join(
        b"%s: %s\r\n" % (name, value)
        for name, value in headers
        if name in (b"transfer-encoding", b"content-length")
    )
    parser.feed_data(b"%s / HTTP/1.1\r\n%s\r\n" % (method, framing))
    return parser


class _AfterTheHead:
    """Passes on everything but the head that was heard of already."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._heard = False
        self.on_body = listener.on_body
        self._begin = getattr(listener, "on_message_begin", None)

    def on_message_begin(self) -> None:
        if self._heard and self._begin is not None:
            self._begin()

    def on_url(self, url: bytes) -> None:
        if self._heard:
            self._listener.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._heard:
            self._listener.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._heard:
            self._listener.on_headers_complete()

    def on_message_complete(self) -> None:
        self._heard = True
        self._listener.on_message_complete()
