"""One WebSocket connection: bytes in, messages out, and back.

What is sent and refused follows RFC 6455, and the limits are API Gateway's: frames of 32 KB, messages of 128 KB (both
1009), no binary messages (1003; "Binary media types for WebSocket APIs" of the developer guide).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, cast

from websockets.frames import Opcode
from websockets.protocol import OPEN, SERVER
from websockets.protocol import Protocol as Frames

from lambent.http import UpgradedProtocol

if TYPE_CHECKING:
    from websockets.frames import Frame

    from lambent.gateway.websocket.limits import ConnectionLimits

_ABNORMAL: Final = 1006

# The library writes payloads to its log, which are nobody's business.
_frames_log = logging.getLogger("lambent.gateway.websocket.frames")
_frames_log.setLevel(logging.WARNING)


class _Frames(Frames):
    """Joins frames to messages: `messages` are those that have come whole."""

    def __init__(self, limits: ConnectionLimits) -> None:
        super().__init__(SERVER, max_size=(limits.message_bytes, limits.frame_bytes), logger=_frames_log)
        self.messages: list[str] = []
        self._parts: list[bytes] = []

    def recv_frame(self, frame: Frame) -> None:
        """A frame has come. What is raised here, the parser turns into a close code."""
        opcode = frame.opcode
        if opcode is Opcode.BINARY:
            self.fail(1003, "Binary messages are not supported")
            return
        super().recv_frame(frame)
        if opcode is Opcode.TEXT and frame.fin:
            self.messages.append(bytes(frame.data).decode())
        elif opcode is Opcode.TEXT or opcode is Opcode.CONT:
            if frame.data:  # of empty frames there may be any number
                self._parts.append(bytes(frame.data))
            if frame.fin:
                whole, self._parts = b"".join(self._parts), []
                self.messages.append(whole.decode())


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class Listener(Protocol):
    """Whom a socket tells."""

    def active(self) -> None:
        """Something has come."""

    def message(self, text: str) -> None:
        """A whole message has come."""

    def ended(self, code: int, reason: str) -> None:
        """No message will come any more. Called once, after the last message."""


class Socket(UpgradedProtocol):
    """Speaks WebSocket over a transport and tells `listener`.

    `hold` and `release` stop and start the messages; what the client sends meanwhile stays in its own buffers.
    """

    __slots__ = (
        "_closing",
        "_end",
        "_frames",
        "_held",
        "_limits",
        "_listener",
        "_releasing",
        "_saturated",
        "_told",
        "_transport",
        "_waiting",
    )

    def __init__(self, listener: Listener, limits: ConnectionLimits) -> None:
        self._listener = listener
        self._limits = limits
        self._frames = _Frames(limits)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[str] | None = None
        self._held = False
        self._releasing = False
        self._saturated = False
        self._end: tuple[int, str] | None = None
        self._told = False
        self._closing: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        """Whether messages can be sent."""
        return self._frames.state is OPEN and self._transport is not None

    # ------------------------------------------------------------ asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._listener.active()
        frames = self._frames
        frames.receive_data(data)
        frames.events_received()
        if frames.messages:
            messages, frames.messages = frames.messages, []
            for text in messages:
                self._deliver(text)
        end = frames.close_rcvd if frames.parser_exc is None else None
        end = end or frames.close_sent
        if end is not None:
            self._over(int(end.code), end.reason)
        self._flush()

    def eof_received(self) -> None:
        self._frames.receive_eof()
        self._over(_ABNORMAL, "")
        self._frames.data_to_send()  # nothing but that it is the end, and asyncio closes now

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._closing is not None:
            self._closing.cancel()
        self._over(_ABNORMAL, "")

    def pause_writing(self) -> None:
        # A client that does not read gets no answers to its pings either: they would pile up here.
        self._saturated = True
        self._read_or_not()

    def resume_writing(self) -> None:
        self._saturated = False
        self._read_or_not()

    def drain(self) -> None:
        """The server stops."""
        self.close(1001, "Going away")

    # ------------------------------------------------------------ what comes

    def _deliver(self, text: str) -> None:
        if self._end is not None:
            return
        if self._held:
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append(text)
        else:
            self._listener.message(text)

    def _over(self, code: int, reason: str) -> None:
        if self._end is None:
            self._end = (code, reason)
            if not self._waiting:
                self._tell()

    def _tell(self) -> None:
        if not self._told and self._end is not None:
            self._told = True
            self._listener.ended(*self._end)

    # ------------------------------------------------------------ not too much at once

    def hold(self) -> None:
        """Deliver no more messages for now."""
        self._held = True
        self._read_or_not()

    def release(self) -> None:
        """Deliver messages again."""
        if not self._held:
            return
        self._held = False
        if self._releasing:
            return  # by a message that was done with at once: the loop below goes on
        self._releasing = True
        try:
            while self._waiting and not self._held:
                self._listener.message(self._waiting.popleft())
        finally:
            self._releasing = False
        if self._held:
            return
        self._waiting = None
        self._tell()
        self._read_or_not()

    def _read_or_not(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if (self._held and self._end is None) or self._saturated:
            transport.pause_reading()
        else:
            transport.resume_reading()

    # ------------------------------------------------------------ what goes

    def send(self, data: bytes) -> bool:
        """Send a message; False when too much waits for the client already. Nothing happens once it is closed.

        One that is not UTF-8 is sent as binary: as text, the client would have to fail the connection.
        """
        transport = self._transport
        if transport is None or self._frames.state is not OPEN:
            return True
        if transport.get_write_buffer_size() > self._limits.buffered_bytes:
            return False
        frames, most = self._frames, self._limits.frame_bytes
        last = len(data) <= most
        first = data if last else data[:most]
        if data.isascii() or _is_text(data):
            frames.send_text(first, fin=last)
        else:
            frames.send_binary(first, fin=last)
        if not last:
            for start in range(most, len(data), most):
                frames.send_continuation(data[start : start + most], fin=start + most >= len(data))
        self._flush()
        return True

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; the transport is closed when the client has answered, or has taken too long to."""
        if self._frames.state is OPEN:
            self._frames.send_close(code, reason)
            self._over(code, reason)
            self._flush()
            self._close_soon()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        transport = self._transport
        for data in self._frames.data_to_send():
            if transport is None or transport.is_closing():
                continue
            if data:
                transport.write(data)
            elif not transport.can_write_eof():  # TLS
                transport.close()
            else:
                # Closed at once, what the client is still sending would reset the connection, and lose the close frame.
                transport.write_eof()
                self._close_soon()

    def _close_soon(self) -> None:
        if self._closing is None and self._transport is not None:
            self._closing = asyncio.get_running_loop().call_later(
                self._limits.closing_s, self._transport.abort
            )
            self._read_or_not()
