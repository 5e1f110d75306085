"""One HTTP request and the ways to answer it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

from lambent.http.dates import http_date
from lambent.http.status import STATUS_LINES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from lambent.http.connection import Connection
    from lambent.http.upgrades import UpgradedProtocol

Headers: TypeAlias = "Iterable[tuple[str, str]]"

_BODILESS = frozenset({204, 304})
_HIGH_WATER: Final = 262_144


class ClientLeft(Exception):
    """The client has gone before it had sent its whole request."""


class Request:
    """A request that has been read whole.

    `headers` are (name, value) pairs in order of arrival, names in lower case, both as sent otherwise.
    `target` is the request target as sent: nothing is decoded. Answer with exactly one of
    `respond`, `send`, `stream` or, where the client offers an `upgrade`, `switch`; a second answer is the caller's
    error, one to a client that has left is dropped.
    """

    __slots__ = ("_path_end", "answered", "body", "connection", "headers", "keep_alive", "method", "target")

    def __init__(
        self,
        connection: Connection,
        method: bytes,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        keep_alive: bool,
    ) -> None:
        self.connection = connection
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.keep_alive = keep_alive
        self.answered = False
        self._path_end = -2

    @property
    def path(self) -> bytes:
        """The target up to the query, undecoded."""
        end = self._question_mark()
        return self.target if end < 0 else self.target[:end]

    @property
    def query(self) -> bytes:
        """What follows the first question mark, undecoded; empty without one."""
        end = self._question_mark()
        return b"" if end < 0 else self.target[end + 1 :]

    def _question_mark(self) -> int:
        if self._path_end == -2:
            self._path_end = self.target.find(b"?")
        return self._path_end

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header; `name` in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port of the client."""
        return self.connection.peer

    @property
    def secure(self) -> bool:
        """Whether the request came over TLS."""
        return self.connection.secure

    @property
    def abandoned(self) -> bool:
        """Whether the client has left: an answer would go nowhere."""
        return self.connection.closed

    def when_left(self, callback: Callable[[], None]) -> None:
        """Call `callback`, once, when the client leaves before this request is answered, or sends no more.

        A client that has shut its side may still read: it is to be answered, but not to be kept waiting. For one that
        has left already `callback` is called at once.
        """
        self.connection.when_left(callback)

    def respond(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Answer. Date, Content-Length and, where needed, Connection are added.

        Header values are encoded as Latin-1; one that is not printable there is refused with ValueError, so a
        value that comes from outside cannot split the response.
        """
        self.send(STATUS_LINES[status] + encode_headers(headers), body, status)

    def send(self, head: bytes, body: bytes, status: int = 200) -> None:
        """Answer with a head that is already encoded: status line and headers, each ended by CRLF.

        For hot paths: only Date, Content-Length, Connection and the empty line are added.
        """
        self._claim()
        connection = self.connection
        if connection.closed:
            return
        if status in _BODILESS:
            ending = http_date() + b"\r\n"
            body = b""
        else:
            ending = b"%sContent-Length: %d\r\n\r\n" % (http_date(), len(body))
        if not self.keep_alive:
            ending = b"Connection: close\r\n" + ending
        if self.method == b"HEAD":
            body = b""
        transport = connection.transport
        if len(body) < 65536:
            transport.write(head + ending + body)
        else:
            # Not joined: a copy of a large payload costs more than a second write.
            transport.write(head + ending)
            transport.write(body)
        connection.answered(self)

    def stream(self, status: int, headers: Headers, length: int | None = None) -> ResponseStream:
        """Answer in pieces: chunked, or to an HTTP/1.0 client until the connection closes.

        With `length`, in bytes, the pieces are the body of an answer that is as long as that and not chunked;
        one that is closed with less is cut.
        """
        self._claim()
        head = STATUS_LINES[status] + encode_headers(headers) + http_date()
        return ResponseStream(self, head, length, bodiless=status in _BODILESS or self.method == b"HEAD")

    @property
    def upgrade(self) -> bytes:
        """The protocol that the client offers to switch to, in lower case (`websocket`); empty where there is none.

        An offer with a body, or of a client of HTTP/1.0, is none: such a request is read as a plain one.
        """
        if not self.connection.offers(self):
            return b""
        return (self.header(b"upgrade") or b"").lower()

    def switch(self, head: bytes, protocol: UpgradedProtocol) -> bool:
        """Answer 101 and have `protocol` take over the transport. False when the client has left: nothing is done.

        `head` is complete: status line, headers and the empty line. The protocol's `connection_made` is called before
        this returns, and `data_received` with what has come behind the request; from then on the protocol alone reads,
        writes and closes. The server counts the connection, leaves it alone when it is idle, and calls `drain`.
        Raises RuntimeError for a request without an `upgrade`.
        """
        connection = self.connection
        if connection.closed:
            self._claim()
            return False
        if not connection.offers(self):
            raise RuntimeError(f"{self!r} offers no other protocol")
        self._claim()
        connection.switch(head, protocol)
        return True

    def _claim(self) -> None:
        if self.answered:
            raise RuntimeError(f"{self!r} has been answered before")
        self.answered = True

    def __repr__(self) -> str:
        return f"<Request {self.method.decode('latin-1')} {self.target[:200].decode('latin-1')}>"


class StreamedRequest(Request):
    """A request whose body is still coming when it is handed over: `body` is empty, `pieces` has it.

    Answered before its body is there, the rest is read and dropped, and the connection closes.
    """

    __slots__ = ("_ended", "_held", "_lost", "_parts", "_waiter", "length")

    def __init__(
        self,
        connection: Connection,
        method: bytes,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
        length: int | None,
    ) -> None:
        # Only a request that has come to its end leaves a connection on which another can follow.
        super().__init__(connection, method, target, headers, b"", keep_alive=False)
        self.length = length
        """Bytes of the body; None when the client did not say."""
        self._parts: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._lost = False
        self._waiter: asyncio.Future[None] | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, once; the client is slowed down to the pace at which it is taken.

        Raises ClientLeft when the client leaves before the end.
        """
        while True:
            if self._parts:
                piece = self._parts.popleft()
                self._held -= len(piece)
                if self._held < _HIGH_WATER // 2:
                    self.connection.release(self)
                yield piece
            elif self._ended:
                return
            elif self._lost:
                raise ClientLeft
            else:
                self.connection.release(self)
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter

    # ------------------------------------------------------------ told by the connection

    def feed(self, piece: bytes) -> bool:
        """A piece has come. Whether enough is waiting to be taken."""
        self._parts.append(piece)
        self._held += len(piece)
        self._wake()
        return self._held > _HIGH_WATER

    def finish(self, keep_alive: bool) -> None:
        """The whole body has come."""
        self._ended = True
        self.keep_alive = keep_alive
        self._wake()

    def break_off(self) -> None:
        """No more will come."""
        self._lost = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class ResponseStream:
    """The body of an answer that is sent as it comes into being."""

    __slots__ = ("_bodiless", "_chunked", "_connection", "_left", "_open", "_request")

    def __init__(self, request: Request, head: bytes, length: int | None, *, bodiless: bool) -> None:
        self._request = request
        self._connection = request.connection
        self._open = True
        self._bodiless = bodiless
        self._left = length
        self._chunked = length is None and self._connection.http_version != "1.0"
        if length is not None:
            head += b"Content-Length: %d\r\n" % length
        elif not self._chunked:
            request.keep_alive = False
        if not request.keep_alive:
            head += b"Connection: close\r\n"
        if self._chunked and not bodiless:
            head += b"Transfer-Encoding: chunked\r\n"
        if not self._connection.closed:
            self._connection.transport.write(head + b"\r\n")

    def write(self, data: bytes) -> None:
        """Send a piece; an empty one is nothing. Dropped when the client has left."""
        if not data or not self._open or self._connection.closed or self._bodiless:
            return
        if self._left is not None:
            self._left -= len(data)
        if self._chunked:
            self._connection.transport.write(b"%x\r\n%s\r\n" % (len(data), data))
        else:
            self._connection.transport.write(data)

    @property
    def saturated(self) -> bool:
        """Whether the client takes less than is written."""
        return self._connection.saturated

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, soon, when the client has taken enough of what was written, or has left."""
        self._connection.when_drained(callback)

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written."""
        await self._connection.drained()

    def close(self) -> None:
        """End the body in good order."""
        if self._left and not self._bodiless:
            self.abort()
        if not self._open:
            return
        self._open = False
        if self._connection.closed:
            return
        if self._chunked and not self._bodiless:
            self._connection.transport.write(b"0\r\n\r\n")
        self._connection.answered(self._request)

    def abort(self) -> None:
        """Cut the body: the client sees a broken transfer, never a short one that looks complete."""
        if self._open:
            self._open = False
            if not self._connection.closed:
                self._connection.transport.abort()


def encode_headers(headers: Headers) -> bytes:
    """Header lines, each ended by CRLF. Raises ValueError for a value that could split the response."""
    lines = []
    for name, value in headers:
        if "\r" in value or "\n" in value or "\0" in value:
            raise ValueError(f"header {name} holds a line break")
        lines.append(f"{name}: {value}\r\n")
    text = "".join(lines)
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
