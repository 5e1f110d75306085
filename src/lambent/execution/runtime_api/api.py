"""One environment's Runtime API: its listener, and what its runtime may do next."""

from __future__ import annotations

import asyncio
import enum
import socket
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from lambent.execution import frames
from lambent.execution.process import MAX_RESULT
from lambent.execution.runtime_api import answers
from lambent.execution.runtime_api.connection import Connection
from lambent.execution.runtime_api.documents import error_document, from_trailers, header_text, reported
from lambent.execution.runtime_api.exchanges import Collected, Ignored, LongPoll, Streamed
from lambent.execution.runtime_api.peers import Peer, peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.execution.invocation import Invocation
    from lambent.execution.runtime_api.connection import Exchange, Request

_NEXT: Final = b"/2018-06-01/runtime/invocation/next"
_INVOCATION: Final = b"/2018-06-01/runtime/invocation/"
_INIT_ERROR: Final = b"/2018-06-01/runtime/init/error"
_PING: Final = b"/2018-06-01/ping"
_EXTENSIONS: Final = (b"/2020-01-01/", b"/2020-08-15/", b"/2022-07-01/")
"""The versions of the Extensions, Logs and Telemetry APIs."""

_MODE: Final = b"lambda-runtime-function-response-mode"
_ERROR_TYPE: Final = b"lambda-runtime-function-error-type"
_ERROR_BODY: Final = b"lambda-runtime-function-error-body"
_UNTYPED: Final = b"application/octet-stream"

_MOST_CONNECTIONS: Final = 64
"""A runtime has one or two. The descriptors they take here are the platform's, not the function's."""

_MOST_LEFT: Final = 4
"""Connections that were closed at the other end before they were accepted."""

_PATIENCE_SECONDS: Final = 0.1
"""A runtime that dies in the middle of an answer is to be heard of as dead, not as having cut its answer."""

_RETRY_SECONDS: Final = 0.1

_decode = msgspec.json.decode


class State(enum.Enum):
    """What the runtime has done last; the values are what Lambda calls it in messages."""

    STARTED = "Started"  # nothing, or it waits for its first invocation
    INIT_FAILED = "InitError"
    RUNNING = "Ready"  # it has an invocation
    RESPONDING = "InvocationResponse"
    FAILING = "InvocationErrorResponse"
    ANSWERED = "RuntimeResponseSentState"  # and perhaps it waits for the next one


class Listener(Protocol):
    """Who hears what the runtime says: frames, as from any other process."""

    def said(self, kind: int, body: bytes) -> None:
        """As `ProcessOwner.on_frame`, without the memory that begins some bodies."""

    def said_too_much(self, length: int) -> None:
        """An answer that is larger than what is allowed."""


class RuntimeApi:
    """The server for one runtime.

    `arn` is what invocations are told when they carry no other. `pid` gives the process whose tree may connect,
    0 while it is not known yet. Raises OSError when there can be no listener.
    """

    def __init__(self, listener: Listener, arn: str, pid: Callable[[], int]) -> None:
        self._listener = listener
        self._pid = pid
        self._arn = arn.encode()
        self._loop = asyncio.get_running_loop()
        self._state = State.STARTED
        self._current = b""  # the id of the latest invocation
        self._response_target = b""
        self._head = self._payload = b""
        self._held_back = False  # an invocation waits for the runtime to ask
        self._poll: LongPoll | None = None
        self._asked = False
        self._stream: Connection | None = None
        self._truncation: asyncio.TimerHandle | None = None
        self._connections: set[Connection] = set()
        self._left: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._listen()

    @property
    def asking(self) -> bool:
        """Whether the runtime waits for an invocation."""
        return self._poll is not None

    def read_rest(self) -> None:
        """Hear what the runtime has said last: its end may be told before that is read, or even accepted."""
        while self._socket.fileno() >= 0 and self._accept():
            pass
        for accepted in self._left:
            self._connections.add(Connection(self, accepted))
        self._left.clear()
        for connection in list(self._connections):
            connection.read_rest()

    def close(self) -> None:
        """End the listener and all connections."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            for connection in list(self._connections):
                connection.close()
            for accepted in self._left:
                accepted.close()
            self._left.clear()
            self._forget_truncation()

    # ------------------------------------------------------------ connections

    def _listen(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket.fileno(), self._accept)

    def _accept(self) -> bool:
        """Take a connection. Whether there was one."""
        pid = self._pid()
        if not pid:
            return False  # this is called again until it is there
        try:
            accepted, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False  # it has left already
        except OSError:
            # No descriptor is free: it goes on waiting, and would be told of again and again.
            self._loop.remove_reader(self._socket.fileno())
            self._loop.call_later(_RETRY_SECONDS, self._listen)
            return False
        whose = peer(accepted, pid) if len(self._connections) < _MOST_CONNECTIONS else Peer.FOREIGN
        if whose is Peer.OURS:
            self._connections.add(Connection(self, accepted))
        elif whose is Peer.GONE and len(self._left) < _MOST_LEFT:
            # Nobody is there to be told apart. If that is because the runtime has died, these are its last words.
            self._left.append(accepted)
        else:
            accepted.close()
        return True

    def lost(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)

    def pause(self) -> None:
        """Read no more of a streamed answer for now."""
        if self._stream is not None:
            self._stream.pause()

    def resume(self) -> None:
        """Read it again."""
        if self._stream is not None:
            self._stream.resume()

    # ------------------------------------------------------------ invocations

    def invoke(self, invocation: Invocation, deadline_ms: int) -> None:
        """Give the runtime its next invocation, at once or as soon as it asks."""
        self._current = request_id = invocation.request_id
        self._response_target = b"%s%s/response" % (_INVOCATION, request_id)
        self._payload = payload = invocation.payload
        arn, more = self._special(invocation.extra) if invocation.extra else (self._arn, b"")
        self._head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: %s\r\n"
            b"Lambda-Runtime-Deadline-Ms: %d\r\nLambda-Runtime-Invoked-Function-Arn: %s\r\n"
            b"Lambda-Runtime-Trace-Id: %s\r\n%sContent-Length: %d\r\n\r\n"
            % (request_id, deadline_ms, arn, invocation.trace, more, len(payload))
        )
        if self._poll is None:
            self._held_back = True
        else:
            self._deliver(self._poll)

    def _special(self, extra: bytes) -> tuple[bytes, bytes]:
        """The ARN, and further header lines, of an invocation that has something special."""
        facts: dict[str, str] = _decode(extra)
        lines = ""
        for fact, name in (("client_context", "Client-Context"), ("cognito_identity", "Cognito-Identity")):
            if fact in facts:
                lines += f"Lambda-Runtime-{name}: {header_text(facts[fact])}\r\n"
        if "tenant_id" in facts:
            lines += f"Lambda-Runtime-Aws-Tenant-Id: {facts['tenant_id']}\r\n"
        arn = facts["arn"].encode() if "arn" in facts else self._arn
        return arn, lines.encode("latin-1", "replace")

    def _deliver(self, poll: LongPoll) -> None:
        self._poll = None
        self._held_back = False
        self._state = State.RUNNING
        poll.connection.answer(self._head, self._payload)

    # ------------------------------------------------------------ requests

    def begin(self, request: Request) -> Exchange:
        """A request's headers have come: what becomes of it."""
        target = request.target
        if target == self._response_target and request.method == b"POST":
            return self._begin_response(request)
        path = target.partition(b"?")[0]
        if path == _NEXT:
            if request.method == b"GET":
                return LongPoll(request.connection, self._next, self._abandoned)
        elif path == _INIT_ERROR:
            if request.method == b"POST":
                return self._begin_init_error(request)
        elif path == _PING:
            if request.method == b"GET":
                return Ignored(request.connection, answers.PONG)
        elif (
            path.startswith(_INVOCATION)
            and path.endswith((b"/response", b"/error"))
            and path.count(b"/") == 5
        ):
            if request.method == b"POST":
                return self._begin_answer(request, path)
        elif path.startswith(_EXTENSIONS):
            return Ignored(request.connection, answers.NO_EXTENSIONS)
        else:
            return Ignored(request.connection, answers.NOT_FOUND)
        return Ignored(request.connection, answers.NOT_ALLOWED)

    def _begin_answer(self, request: Request, path: bytes) -> Exchange:
        _, _, rest = path.partition(_INVOCATION)
        request_id, _, kind = rest.partition(b"/")
        if not request_id or request_id != self._current:
            return Ignored(request.connection, answers.INVALID_REQUEST_ID)
        return self._begin_response(request) if kind == b"response" else self._begin_error(request)

    def _refused(self, request: Request, wanted: State) -> Exchange:
        return Ignored(request.connection, answers.wrong_state(self._state.value, wanted.value))

    # ------------------------------------------------------------ next

    def _next(self, poll: LongPoll) -> None:
        if self._truncation is not None:
            self._forget_truncation()
            self._truncated()  # it lives: it has cut its answer itself
        state = self._state
        if state is State.RUNNING:
            self._deliver(poll)  # it has lost the answer, perhaps: it may have it again
        elif state not in (State.STARTED, State.ANSWERED):
            poll.connection.answer(answers.wrong_state(state.value, State.RUNNING.value))
        elif self._poll is not None:
            poll.connection.answer(answers.wrong_state(state.value, State.RUNNING.value, "ErrGateIntegrity"))
        else:
            self._poll = poll
            self._asked = True
            if self._held_back:
                self._deliver(poll)
            else:
                self._listener.said(frames.READY, b"")

    def _abandoned(self, poll: LongPoll) -> None:
        if self._poll is poll:
            self._poll = None

    # ------------------------------------------------------------ answers

    def _begin_response(self, request: Request) -> Exchange:
        if self._state is not State.RUNNING:
            return self._refused(request, State.RESPONDING)
        self._state = State.RESPONDING
        mode = request.headers.get(_MODE)
        if mode is None:
            return self._collect(request, frames.RESULT, lambda body: body)
        if mode != b"streaming":
            error_type = "Runtime.InvalidResponseModeHeader"
            self._answered(
                frames.FUNCTION_ERROR, error_document(error_type, "Invalid function response mode")
            )
            return Ignored(request.connection, answers.INVALID_RESPONSE_MODE)
        connection = request.connection
        self._stream = connection
        self._listener.said(frames.STREAM, request.headers.get(b"content-type", _UNTYPED))
        return Streamed(self._chunk, lambda trailers: self._stream_ended(connection, trailers), self._cut)

    def _begin_error(self, request: Request) -> Exchange:
        if self._state is not State.RUNNING:
            return self._refused(request, State.FAILING)
        self._state = State.FAILING
        error_type = request.headers.get(_ERROR_TYPE, b"")
        content_type = request.headers.get(b"content-type", b"")
        return self._collect(
            request, frames.FUNCTION_ERROR, lambda body: reported(body, error_type, content_type)
        )

    def _collect(self, request: Request, kind: int, document: Callable[[bytes], bytes]) -> Exchange:
        connection = request.connection

        def done(body: bytes | None) -> None:
            if body is None:
                connection.answer(answers.TOO_LARGE)
            else:
                # First the one who waits for the result: the runtime has done its part.
                self._answered(kind, document(body))
                connection.answer(answers.ACCEPTED)

        return Collected(MAX_RESULT, done, self._exceeded, self._cut)

    def _answered(self, kind: int, body: bytes) -> None:
        self._state = State.ANSWERED
        self._payload = b""
        self._listener.said(kind, body)

    def _exceeded(self, length: int) -> None:
        self._state = State.ANSWERED
        self._payload = b""
        self._listener.said_too_much(length)

    def _chunk(self, data: bytes) -> None:
        if self._state is State.RESPONDING:
            self._listener.said(frames.CHUNK, data)

    def _stream_ended(self, connection: Connection, trailers: dict[bytes, bytes]) -> None:
        self._stream = None
        connection.resume()  # it may have been paused by its last piece, and nobody else knows it any more
        error_type = trailers.get(_ERROR_TYPE)
        if error_type is None:
            self._answered(frames.RESULT, b"")
        else:
            self._answered(frames.FUNCTION_ERROR, from_trailers(error_type, trailers.get(_ERROR_BODY, b"")))
        connection.answer(answers.ACCEPTED)

    def _cut(self) -> None:
        """The connection has ended in the middle of an answer."""
        self._stream = None
        self._truncation = self._loop.call_later(_PATIENCE_SECONDS, self._truncated)

    def _truncated(self) -> None:
        self._truncation = None
        message = "The connection ended in the middle of the function's response"
        self._answered(frames.FUNCTION_ERROR, error_document("Runtime.TruncatedResponse", message))

    def _forget_truncation(self) -> None:
        if self._truncation is not None:
            self._truncation.cancel()
            self._truncation = None

    # ------------------------------------------------------------ init

    def _begin_init_error(self, request: Request) -> Exchange:
        if self._state is not State.STARTED or self._asked:
            return self._refused(request, State.INIT_FAILED)
        self._state = State.INIT_FAILED
        connection = request.connection
        error_type = request.headers.get(_ERROR_TYPE, b"")
        content_type = request.headers.get(b"content-type", b"")

        def done(body: bytes | None) -> None:
            connection.answer(answers.TOO_LARGE if body is None else answers.ACCEPTED)
            self._listener.said(frames.INIT_ERROR, reported(body or b"", error_type, content_type))

        return Collected(MAX_RESULT, done, lambda _: None, lambda: None)
