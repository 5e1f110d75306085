"""One client connection: bytes in, `Request`s out, answers in order."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from lambent.http.head import fault_of, is_host
from lambent.http.request import Request, StreamedRequest, encode_headers
from lambent.http.status import STATUS_LINES
from lambent.http.upgrades import Switched, UpgradedProtocol, body_parser, has_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.http.server import HttpServer

_MAX_HEADERS = 256
_MAX_HEADER_BYTES = 65_536
_MAX_PIPELINED = 64
_MAX_BEHIND_OFFER = 65_536

_SLOWEST = 1000
"""Bytes of a body that a client sends each second at least, when its time for a body is over."""

_WATCHED = frozenset({b"content-length", b"expect", b"host", b"transfer-encoding", b"upgrade"})

_JSON = [("Content-Type", "application/json")]

_SPENT = httptools.HttpRequestParser(object())
"""In place of the parser of a connection that speaks HTTP no more."""

_log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """Parses with httptools and hands each complete request to the server's handler.

    Pipelined requests wait until the one before them has been answered, so answers keep their order, and until
    the client takes its answers, so they do not pile up here.
    """

    __slots__ = (
        "_behind",
        "_body",
        "_body_follows",
        "_deaf",
        "_doubtful",
        "_drain_waiter",
        "_ended",
        "_expect_continue",
        "_header_bytes",
        "_headers",
        "_held",
        "_host",
        "_in_body",
        "_incoming",
        "_known_host",
        "_length",
        "_limit",
        "_most",
        "_offer",
        "_on_left",
        "_parser",
        "_queue",
        "_received",
        "_refusal",
        "_refused",
        "_server",
        "_switched",
        "_target",
        "_too_large",
        "_unsent",
        "_unsent_since",
        "_upgrading",
        "active",
        "busy",
        "closed",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._queue: deque[Request] = deque()
        self._drain_waiter: asyncio.Future[None] | None = None
        self.busy = False
        self.closed = False
        self.active = time.monotonic()
        self._body_follows = False  # although the parser thinks the request is over
        self._deaf = False  # what comes is not for the parser now
        self._offer: Request | None = None  # offers another protocol, and is not answered
        self._behind: bytearray | None = None  # has come after that offer: in whose protocol is not decided
        self._switched: UpgradedProtocol | None = None
        self._refused = False
        self._refusal = b""  # waits for the answers to what came before
        self._incoming: StreamedRequest | None = None  # handed over, or to be, while its body is coming
        self._ended = False  # the client sends no more, and waits for answers
        self._known_host: bytes | None = None  # the last Host that was one
        self._on_left: Callable[[], None] | None = None
        self._unsent = 0
        self._unsent_since = 0.0
        self._held = False  # nothing is read until what has come of its body is taken
        self._new_parser()
        self._reset()

    def _new_parser(self) -> None:
        self._parser = httptools.HttpRequestParser(self)

    def _reset(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._header_bytes = 0
        self._received = 0
        self._length = b"0"
        self._limit = self._server.stream_above
        self._most = 0  # known when the body turns out to be large
        self._expect_continue = False
        self._upgrading = False
        self._host: bytes | None = None
        self._doubtful = False
        self._in_body = False

    # ------------------------------------------------------------ asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._queue.clear()
        if self._incoming is not None:
            self._incoming.break_off()
        self._server.lost(self)
        self.resume_writing()
        self._tell_left()

    def eof_received(self) -> bool:
        """The client has shut its side; it may still want the answers to what it has sent whole."""
        offer = (
            self._offer
        )  # of a protocol in which it could not say anything now, unless it is HTTP/2 after all
        is_plain = offer is None or (offer.header(b"upgrade") or b"").lower() == b"h2c"
        waits = (self.busy or bool(self._queue)) and self._incoming is None and is_plain
        self._ended = waits and not self.closed and not self.secure
        if self._ended:
            self._tell_left()
        return self._ended

    def when_left(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the client leaves or shuts its side before what is being handled is answered."""
        self._on_left = callback
        if self.closed or self._ended:
            self._tell_left()

    def _tell_left(self) -> None:
        callback, self._on_left = self._on_left, None
        if callback is not None:
            callback()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            if self._behind is not None:
                self._keep_back(data)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._after_offer(data[upgrade.args[0] :])
        except (httptools.HttpParserCallbackError, httptools.HttpParserError):
            self._refuse(400, "Bad Request: not a valid HTTP/1.1 request")

    def _after_offer(self, rest: bytes) -> None:
        """The head of a request that offers another protocol is over; `rest` has come behind it."""
        if self._switched is not None:
            if rest:
                self._switched.data_received(rest)
            return
        if self._offer is not None and not self._body_follows:
            self._deaf = True
            self._behind = bytearray(rest)
            return
        # An offer to switch protocols may be ignored: the request is plain HTTP/1.1.
        if self._body_follows:
            self._body_follows = False
            self._parser = body_parser(self, self._parser.get_method(), self._headers)
        else:
            self._new_parser()
        if rest and not self.closed:
            self.data_received(rest)

    def _keep_back(self, data: bytes) -> None:
        assert self._behind is not None
        self._behind += data
        if len(self._behind) > _MAX_BEHIND_OFFER:
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        if self._drain_waiter is None:
            self._drain_waiter = asyncio.get_running_loop().create_future()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        waiter, self._drain_waiter = self._drain_waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        if not self.closed:
            if len(self._queue) < _MAX_PIPELINED // 2 and not self._held:
                self.transport.resume_reading()
            if not self.busy:
                self._go_on()

    async def drained(self) -> None:
        """Return when the transport's buffer is below its high-water mark or the client has left."""
        if self._drain_waiter is not None:
            await asyncio.shield(self._drain_waiter)

    @property
    def saturated(self) -> bool:
        """Whether the transport's buffer is above its high-water mark."""
        return self._drain_waiter is not None

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, soon, when the buffer is low again or the client has left."""
        if self._drain_waiter is None:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._drain_waiter.add_done_callback(lambda _: callback())

    # ------------------------------------------------------------ the parser's callbacks

    def on_url(self, url: bytes) -> None:
        if not self._target:
            self.active = time.monotonic()
        self._target += url
        if len(self._target) > _MAX_HEADER_BYTES:
            self._refuse(414, "URI Too Long")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._in_body:
            # A trailer: no header, since it comes when what headers decide is decided (RFC 9110, 6.5.1).
            self._header_bytes += _MAX_HEADER_BYTES // _MAX_HEADERS
        else:
            name = name.lower()
            self._headers.append((name, value))
            if name in _WATCHED:
                if value == self._known_host and self._host is None and name == b"host":
                    self._host = value
                else:
                    self._watch(name, value)
        if self._header_bytes > _MAX_HEADER_BYTES or len(self._headers) > _MAX_HEADERS:
            self._refuse(431, "Request Header Fields Too Large")

    def _watch(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            if self._host is not None:
                self._doubtful = True
            self._host = value
            if value != self._known_host:
                if is_host(value):
                    self._known_host = value
                else:
                    self._doubtful = True
        elif name == b"content-length":
            self._length = value
        elif name == b"transfer-encoding":
            self._doubtful = True
        elif name == b"upgrade":
            self._upgrading = True
        elif value.lower() == b"100-continue":
            self._expect_continue = True

    def on_headers_complete(self) -> None:
        self._in_body = True
        if self._refused:
            return
        if (
            self._doubtful
            or self._host is None
            or self._target[:1] != b"/"
            or self._parser.get_http_version() != "1.1"
        ):
            fault = fault_of(self._parser.get_method(), self._target, self.http_version, self._headers)
            if fault is not None:
                self._refuse(*fault)
                return
        if len(self._length) > 18 or int(self._length) > self._limit:
            self._begin_large(int(self._length[:19]))
        if self._expect_continue and not self._refused:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._upgrading:
            offered = self._parser.should_upgrade()
            self._body_follows = offered and has_body(self._headers)
            self._upgrading = offered and not self._body_follows and self.http_version == "1.1"

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        if self._received > self._limit:
            self._on_large_body(body)
        elif not self._refused:
            self._body.append(body)

    def _begin_large(self, length: int | None) -> None:
        """The body is, or has become, larger than what is read without further thought."""
        request = StreamedRequest(self, self._parser.get_method(), self._target, self._headers, length)
        streams = self._server.streams
        if streams is not None and streams(request):
            self._limit = -1
            self._incoming = request
            for piece in self._body:
                request.feed(piece)
            self._body = []
            self._hand_on(request)
        else:
            self._most, self._too_large = self._server.limit(request)
            self._limit = self._most
            if length is not None and length > self._most:
                self._refuse(413, self._too_large)

    def _on_large_body(self, body: bytes) -> None:
        if self._refused:
            return
        if self._incoming is None and not self._most:
            self._begin_large(None)
        if self._incoming is not None:
            self.active = time.monotonic()
            if self._incoming.feed(body):
                self._hold()
        elif self._received > self._most:
            self._refuse(413, self._too_large)
        else:
            self._body.append(body)

    def _hold(self) -> None:
        self._held = True
        self.transport.pause_reading()

    def release(self, request: StreamedRequest) -> None:
        """What has come of `request` has been taken: more may come."""
        if self._held and self._incoming is request and not self.closed:
            self._held = False
            self.active = time.monotonic()
            if self._drain_waiter is None:
                self.transport.resume_reading()

    def on_message_complete(self) -> None:
        if self._refused or self._body_follows:
            return
        incoming = self._incoming
        if incoming is not None:
            self._incoming = None
            self._reset()
            incoming.finish(self._parser.should_keep_alive() and not self._server.draining)
            if self._held:
                self._held = False
                self.transport.resume_reading()
            return
        body = self._body
        request = self._server.request_type(
            self,
            self._parser.get_method(),
            self._target,
            self._headers,
            body[0] if len(body) == 1 else b"".join(body),
            self._parser.should_keep_alive() and not self._server.draining,
        )
        if self._upgrading:
            self._offer = request
        self._reset()
        self._hand_on(request)

    def _hand_on(self, request: Request) -> None:
        """Give a request to the handler, now or when its turn comes."""
        if self.busy or self._drain_waiter is not None:
            self._queue.append(request)
            if request is self._incoming:
                self._hold()
            elif len(self._queue) >= _MAX_PIPELINED:
                self.transport.pause_reading()
            return
        self.busy = True
        try:
            self._server.handler(request)
        except Exception:  # noqa: BLE001 - logged there
            self._failed(request)

    # ------------------------------------------------------------ answers

    def answered(self, request: Request) -> None:
        """An answer has been written: go on with the next pipelined request or close."""
        self.active = time.monotonic()
        self._on_left = None
        if request is self._offer:
            self._pass_over()
        if request is self._incoming:
            self._drop_rest()
        elif not request.keep_alive:
            self._queue.clear()
            self.busy = False
            self.transport.close()
            self.closed = True
        else:
            self.busy = False
            if self._queue or self._refused:
                self._go_on()
            elif self._server.draining or self._ended:
                self.transport.close()

    def _pass_over(self) -> None:
        """The offer of another protocol was answered in HTTP: what came behind it is HTTP too."""
        self._offer = None
        if self._behind is None:
            return  # answered within the handler: the parser says next where the offer ends
        # Not called from here: requests that each offer something would nest as deep as they are many.
        asyncio.get_running_loop().call_soon(self._read_behind)

    def _read_behind(self) -> None:
        behind, self._behind = self._behind, None
        if self.closed or behind is None:
            return
        self._deaf = self._refused
        self._new_parser()
        self.transport.resume_reading()
        if behind:
            self.data_received(bytes(behind))

    def offers(self, request: Request) -> bool:
        """Whether `request` offers another protocol and is not answered."""
        return request is self._offer

    def switch(self, head: bytes, protocol: UpgradedProtocol) -> None:
        """Answer the offer with `head`, which is complete, and have `protocol` go on."""
        transport, behind = self.transport, self._behind
        self._offer = self._behind = None
        self._deaf = True
        self._switched = protocol
        self._parser = _SPENT  # frees the connection's own: its callbacks are a cycle
        transport.write(head)
        switched = Switched(self._server, transport, protocol)
        transport.set_protocol(switched)
        self._server.switched_over(self, switched)
        try:
            protocol.connection_made(transport)
            if self._drain_waiter is not None:
                protocol.pause_writing()
            transport.resume_reading()
            if behind:
                protocol.data_received(bytes(behind))
        except BaseException:
            transport.abort()
            raise
        if self._server.draining:
            protocol.drain()

    def _go_on(self) -> None:
        """Nothing is being answered: turn to what has come meanwhile, if the client takes what is written."""
        if self._drain_waiter is not None:
            return
        if self._queue:
            following = self._queue.popleft()
            if len(self._queue) < _MAX_PIPELINED // 2 and not self._held:
                self.transport.resume_reading()
            self.busy = True
            # Not called from here: a long pipeline would nest as deep as it is long.
            asyncio.get_running_loop().call_soon(self._hand_over, following)
        elif self._refusal:
            self._send_refusal()

    def _hand_over(self, request: Request) -> None:
        try:
            self._server.handler(request)
        except Exception:  # noqa: BLE001 - logged there
            self._failed(request)

    def _failed(self, request: Request) -> None:
        """The handler has raised, which it must not."""
        _log.exception("%r could not be handled", request)
        if not request.answered:
            request.respond(500, _JSON, b'{"message":"Internal Server Error"}')

    def _refuse(self, status: int, message: str) -> None:
        """Answer what cannot become a request once all before it is answered, and close."""
        if self._refused or self.closed:
            return
        self._refused = self._deaf = True
        body = b'{"message":"' + message.encode() + b'"}'
        headers = encode_headers([*_JSON, ("Content-Length", str(len(body))), ("Connection", "close")])
        self._refusal = STATUS_LINES[status] + headers + b"\r\n" + body
        if not self.busy:
            self._go_on()

    def _send_refusal(self) -> None:
        self.transport.write(self._refusal)
        self._refusal = b""
        self._close_softly()

    def _drop_rest(self) -> None:
        """What has been answered is still coming: it is of no interest any more."""
        self._refused = self._deaf = True
        self._incoming = None
        self._queue.clear()
        self.busy = False
        if self._held:
            self._held = False
            self.transport.resume_reading()
        self._close_softly()

    def _close_softly(self) -> None:
        if self._server.draining:
            self.transport.close()
        else:
            # Closed at once, what the client is still sending would reset the connection, and the answer with it.
            # So the rest is read and dropped until the client closes or the server's sweep does.
            self.transport.write_eof()

    # ------------------------------------------------------------ facts

    @property
    def http_version(self) -> str:
        return self._parser.get_http_version()

    @property
    def receiving(self) -> bool:
        """Whether a request has begun and is not complete."""
        return bool(self._target) and not self._refused

    @property
    def behind(self) -> int:
        """Bytes that have come behind an offer of another protocol and wait for what becomes of it."""
        return len(self._behind or b"")

    def late(self, now: float, head_seconds: float, body_seconds: float) -> bool:
        """Whether the request that is coming has taken more time than it may."""
        allowed = head_seconds
        if self._in_body:
            allowed += body_seconds + self._received / _SLOWEST
        return now - self.active > allowed

    def time_out(self) -> None:
        """Give up a request that does not come."""
        self._refuse(408, "Request Timeout")
        self.transport.close()

    def unread(self, now: float, seconds: float) -> bool:
        """Whether the client has taken nothing of what is written for it for `seconds`; to be asked now and then."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._unsent = unsent
            self._unsent_since = now
        return now - self._unsent_since > seconds

    def stalled(self, since: float) -> bool:
        """Whether a request that is handed over has waited for more of its body since `since`."""
        return self._incoming is not None and not self._held and self.active < since

    @property
    def peer(self) -> tuple[str, int]:
        peer = self.transport.get_extra_info("peername")
        return (peer[0], peer[1]) if isinstance(peer, tuple) else ("", 0)

    @property
    def secure(self) -> bool:
        return self.transport.get_extra_info("sslcontext") is not None
