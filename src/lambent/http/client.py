"""HTTP/1.1 client for passing requests on: nothing is decoded, bodies may stream in both directions.

Headers keep their order, repetitions and spelling of values; content encodings are left alone. What a client
of a foreign API wants besides (redirects, cookies, retries, proxies) is not here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import httptools

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterable, AsyncIterator, Callable

RawHeaders: TypeAlias = "list[tuple[bytes, bytes]]"

_HIGH_WATER: Final = 262_144
_CONNECTIONS: Final = 500
_BODILESS: Final = frozenset({204, 304})


class ExchangeFailed(Exception):
    """No answer, or not all of it. The text says why."""


class Silent(ExchangeFailed):
    """The other side has neither taken nor sent anything for too long."""


class Unreachable(ExchangeFailed):
    """No connection could be made."""


_BREAK: Final = re.compile(rb"[\r\n\0]")
_IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})


class HttpClient:
    """Connections to one origin: a host and port, with TLS where `tls` is given, or whatever `dial` connects to.

    `dial` gives a connected UNIX socket, or raises OSError. At most 500 exchanges run at a time; further ones
    wait. `connect_seconds` bounds the making of a connection, `silence_seconds` how long the other side may
    neither take nor send anything.
    """

    def __init__(
        self,
        *,
        dial: Callable[[], socket.socket] | None = None,
        host: str = "",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        connect_seconds: float = 5.0,
        silence_seconds: float = 120.0,
    ) -> None:
        self._dial = dial
        self._host = host
        self._port = port
        self._tls = tls
        self._connect_seconds = connect_seconds
        self.silence_seconds = silence_seconds
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._places = asyncio.Semaphore(_CONNECTIONS)

    async def exchange(
        self, method: bytes, target: bytes, headers: RawHeaders, body: bytes | AsyncIterable[bytes] = b""
    ) -> Answer:
        """Send a request; returns when the head of its answer is there.

        `headers` are sent as they are, only the framing of the body is added: Content-Length for bytes; pieces
        go out as they come, chunked unless `headers` hold a Content-Length. The answer must be read to its end
        or closed. Raises ExchangeFailed, and whatever `body` raises.
        """
        if any(_BREAK.search(name) or _BREAK.search(value) for name, value in headers) or _BREAK.search(
            target
        ):
            raise ExchangeFailed("a header or the target would be more than one line")
        await self._places.acquire()
        try:
            if self._idle and isinstance(body, bytes):
                connection = self._idle.pop()
                try:
                    return await connection.exchange(method, target, headers, body)
                except ExchangeFailed:
                    # A kept connection may have been closed at the other end just now, or by what the request did
                    # there: only what may be done twice is asked for once more (RFC 9110, section 9.2.2).
                    if connection.heard or method not in _IDEMPOTENT:
                        raise
            connection = await self._connect()
            return await connection.exchange(method, target, headers, body)
        except BaseException:
            self._places.release()
            raise

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                if self._dial is not None:
                    _, protocol = await loop.create_unix_connection(
                        lambda: _Connection(self), sock=self._dial()
                    )
                else:
                    _, protocol = await loop.create_connection(
                        lambda: _Connection(self), self._host, self._port, ssl=self._tls
                    )
        except TimeoutError as error:
            raise Unreachable(f"no connection within {self._connect_seconds:g} seconds") from error
        except OSError as error:  # ssl.SSLError is one
            raise Unreachable(str(error)) from error
        self._open.add(protocol)
        return protocol

    @property
    def under_way(self) -> int:
        """How many exchanges have a connection."""
        return len(self._open) - len(self._idle)

    def close(self) -> None:
        """Cut every connection: exchanges that are under way fail."""
        self._idle.clear()
        for connection in list(self._open):
            connection.transport.abort()

    # ------------------------------------------------------------ told by connections

    def ended(self, connection: _Connection, *, reusable: bool) -> None:
        """An exchange is over, in whichever way."""
        self._places.release()
        if reusable and not connection.transport.is_closing():
            self._idle.append(connection)
        else:
            connection.transport.abort()

    def lost(self, connection: _Connection) -> None:
        """A connection is gone."""
        self._open.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)


class Answer:
    """An answer whose head has arrived. Iterate over it for the body's pieces, as they come."""

    def __init__(self, connection: _Connection, status: int, headers: RawHeaders) -> None:
        self.status = status
        self.headers = headers
        """Names in lower case, values as sent."""
        self._connection = connection

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header; `name` in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body's pieces. Raises ExchangeFailed when it breaks off."""
        try:
            while (piece := await self._connection.next_piece()) is not None:
                yield piece
        finally:
            self.close()

    async def read(self, limit: int) -> bytes | None:
        """The whole body; None when it is longer than `limit` bytes, of which no more are read."""
        pieces, size = [], 0
        try:
            async for piece in self:
                size += len(piece)
                if size > limit:
                    return None
                pieces.append(piece)
        finally:
            self.close()
        return b"".join(pieces)

    def close(self) -> None:
        """Give the connection back; one whose body has not been read to its end is cut."""
        self._connection.leave(self)


class _Connection(asyncio.Protocol):
    """One connection, carrying one exchange at a time."""

    transport: asyncio.Transport

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._writable: asyncio.Future[None] | None = None
        self._answer: Answer | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._waiting_for_us = False
        self._paused = False
        self._lost = False
        self._begin(b"")

    def _begin(self, method: bytes) -> None:
        self._method = method
        self._parser = httptools.HttpResponseParser(self)
        self._headers: RawHeaders = []
        self._head: asyncio.Future[None] = self._loop.create_future()
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._more: asyncio.Future[None] | None = None
        self._complete = False
        self._sized = False
        self._keep = False
        self._cut_short = False
        self._failure: ExchangeFailed | None = None
        self.heard = False
        self._moved = self._loop.time()

    # ------------------------------------------------------------ one exchange

    async def exchange(
        self, method: bytes, target: bytes, headers: RawHeaders, body: bytes | AsyncIterable[bytes]
    ) -> Answer:
        self._begin(method)
        self._watch = self._loop.call_later(self._client.silence_seconds, self._look)
        lines = [b"%s %s HTTP/1.1\r\n" % (method, target)]
        lines += [b"%s: %s\r\n" % header for header in headers]
        sized = any(name.lower() == b"content-length" for name, _ in headers)
        sender = None
        try:
            if isinstance(body, bytes):
                if (body or method in (b"POST", b"PUT", b"PATCH")) and not sized:
                    lines.append(b"Content-Length: %d\r\n" % len(body))
                self.transport.write(b"".join((*lines, b"\r\n")))
                if body:
                    self.transport.write(body)
            else:
                if not sized:
                    lines.append(b"Transfer-Encoding: chunked\r\n")
                self.transport.write(b"".join((*lines, b"\r\n")))
                sender = self._loop.create_task(self._send(body, chunked=not sized))
                await asyncio.wait({sender, self._head}, return_when=asyncio.FIRST_COMPLETED)
                if sender.done() and sender.exception() is not None:
                    self._head.cancel()
                    sender.result()
            await self._head
        except BaseException:
            self._end_watch()
            self.transport.abort()
            raise
        finally:
            if sender is not None and not sender.done():
                # Answered before all was sent: what is left is of no interest to the other side.
                sender.cancel()
                self._cut_short = True
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await sender
        self._answer = Answer(self, self._parser.get_status_code(), self._headers)
        return self._answer

    async def _send(self, body: AsyncIterable[bytes], *, chunked: bool) -> None:
        pieces = aiter(body)
        while True:
            self._waiting_for_us = True
            try:
                piece = await anext(pieces, None)
            finally:
                self._waiting_for_us = False
                self._moved = self._loop.time()
            if piece is None:
                break
            if piece:
                self.transport.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            if self._writable is not None:
                await self._writable
        if chunked:
            self.transport.write(b"0\r\n\r\n")

    async def next_piece(self) -> bytes | None:
        """The next piece of the body; None at its end. Raises ExchangeFailed."""
        while not self._pieces:
            if self._complete:
                return None
            if self._failure is not None:
                raise self._failure
            self._more = self._loop.create_future()
            await self._more
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._paused and self._held < _HIGH_WATER // 2:
            self._paused = False
            self._moved = self._loop.time()
            if not self._lost:
                self.transport.resume_reading()
        return piece

    def leave(self, answer: Answer) -> None:
        """`answer` is of no more interest."""
        if self._answer is not answer:
            return
        self._answer = None
        self._end_watch()
        self._client.ended(self, reusable=self._complete and self._keep and not self._cut_short)

    def _look(self) -> None:
        """Fail when the other side has been silent for too long."""
        now = self._loop.time()
        if self._paused or self._waiting_for_us:
            self._moved = now
        left = self._moved + self._client.silence_seconds - now
        if left <= 0:
            self._fail(Silent(f"silent for {self._client.silence_seconds:g} seconds"))
            self.transport.abort()
        else:
            self._watch = self._loop.call_later(left, self._look)

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _fail(self, failure: ExchangeFailed) -> None:
        if self._complete or self._failure is not None:
            return
        self._failure = failure
        if not self._head.done():
            self._head.set_exception(self._failure)
            self._head.exception()  # seen, even where nobody waits any more
        self._wake()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    # ------------------------------------------------------------ asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._client.lost(self)
        self.resume_writing()
        if self._head.done() and not self._sized and exc is None and self._failure is None:
            self._finish()  # the end of the connection is the end of such a body
        self._fail(ExchangeFailed(f"the connection broke off{f': {exc}' if exc else ''}"))

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.heard = True
        self._moved = self._loop.time()
        if self._complete:
            self.transport.abort()  # nobody has asked for this
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserCallbackError, httptools.HttpParserUpgrade):
            self._fail(ExchangeFailed("the answer is not HTTP/1.1"))
            self.transport.abort()
            return
        if self._held > _HIGH_WATER and not self._paused and not self._complete:
            self._paused = True
            self.transport.pause_reading()

    # ------------------------------------------------------------ the parser's callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self._headers.append((name, value))
        if name in (b"content-length", b"transfer-encoding"):
            self._sized = True

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return
        if not self._head.done():
            self._head.set_result(None)
        if self._method == b"HEAD" or status in _BODILESS:
            # The parser does not know what was asked, and would wait for a body.
            self._keep = self._parser.should_keep_alive() if self._sized else False
            self._finish()

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._held += len(body)
        self._wake()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._headers = []  # 100 Continue and its like
            self._sized = False
        elif not self._complete:
            self._keep = self._parser.should_keep_alive()
            self._finish()

    def _finish(self) -> None:
        self._complete = True
        self._wake()
