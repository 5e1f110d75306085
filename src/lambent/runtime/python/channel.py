"""The environment's end of its socket to the platform: INIT and INVOKE in, frames out.

Integers are big endian. In: INIT is a u32 length and a JSON object, once; then any number of INVOKE: `_HEAD`
(payload length, deadline in epoch ms, request id, trace header length, extra length), trace header, extra
(JSON or nothing), payload. Out: type byte, u32 length, body.

The platform sends one INVOKE at a time, so whatever can be read belongs to it and mostly comes in one piece.
"""

from __future__ import annotations

import _socket
import fcntl
import json
import os
import resource
import select
import struct
import time
from _thread import allocate_lock
from contextlib import suppress
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HEAD = struct.Struct(">IQ36sHI")
_LENGTH = struct.Struct(">I")
_LOG_HEAD = struct.Struct(">cIQ")
_RESULT_HEAD = struct.Struct(">cII")
_FRAME_HEAD = struct.Struct(">cI")
_WAITALL = _socket.MSG_WAITALL
_PEEK = _socket.MSG_PEEK | _socket.MSG_DONTWAIT
_SMALL = 65_536
_LARGEST_CHUNK = 1_048_576
_SELF = resource.RUSAGE_SELF
_PEAK_SECONDS = 0.005
_KIB = 1 if os.uname().sysname == "Linux" else 1024  # ru_maxrss is in KiB on Linux, in bytes on macOS

# Allocated once, before any fork: filling it with zeros is paid for by the zygote.
_BUFFER = bytearray(_SMALL)

# A socket above the usual limit of 1024 survives code that closes "all" descriptors.
_FD_FLOORS = (1024, 1023)


def frame_init(document: dict[str, Any]) -> bytes:
    """An INIT frame."""
    data = json.dumps(document).encode()
    return _LENGTH.pack(len(data)) + data


def frame_invocation(payload: bytes, trace: bytes = b"", extra: bytes = b"") -> bytes:
    """An INVOKE frame, of an invocation without id and deadline."""
    return _HEAD.pack(len(payload), 0, b"0" * 36, len(trace), len(extra)) + trace + extra + payload


def _moved(fd: int) -> int:
    """`fd` at a number out of user code's way."""
    for floor in _FD_FLOORS:
        try:
            moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, floor)
        except OSError:
            continue  # above the hard limit
        break
    else:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return moved


class Invocation:
    """One INVOKE, as received. A single object is refilled for each."""

    __slots__ = ("deadline_ms", "extra", "payload", "request_id", "trace")

    deadline_ms: int
    request_id: str
    trace: bytes
    extra: bytes
    payload: str | bytes
    """Text, or bytes when they are not UTF-8."""


class Channel:
    """Frames on the inherited socket `fd`, which is moved out of user code's way.

    `output`: the pipe behind standard output, or None where there is none to keep in order.
    """

    def __init__(self, fd: int, output: int | None = None) -> None:
        moved = _moved(fd)
        self._output = _moved(output) if output is not None else None
        self._logged = 0
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, moved)
        poll = select.poll()
        poll.register(moved, select.POLLIN)
        self._wait = poll.poll
        self.owner = os.getpid()
        self._lock = allocate_lock()
        self._peak = 0
        self._peak_at = -1.0
        self._view = memoryview(_BUFFER)
        self._invocation = Invocation()

    def close_others(self, first: int, end: int) -> None:
        """Close every descriptor from `first` up to `end` but this channel's own."""
        # Where the hard limit is low, they are among the others.
        for own in sorted((self._socket.fileno(), self._output or 0)):
            if first <= own < end:
                os.closerange(first, own)
                first = own + 1
        os.closerange(first, end)

    def inherit(self) -> tuple[int, int]:
        """Its descriptors, socket and output, which a program that this process executes will have."""
        assert self._output is not None
        for own in (self._socket.fileno(), self._output):
            os.set_inheritable(own, True)
        return self._socket.fileno(), self._output

    def disown(self) -> None:
        """Called in a process that user code forked: the socket belongs to the parent alone."""
        self.owner = 0
        self._lock = allocate_lock()
        self.close()

    def close(self) -> None:
        """Close the socket."""
        output, self._output = self._output, None
        with suppress(OSError):  # user code may have done so
            self._socket.close()
            if output is not None:
                os.close(output)

    # ------------------------------------------------------------ in

    def has_data(self) -> bool:
        """Whether the platform has sent something that has not been received, or has hung up."""
        try:
            self._socket.recv(1, _PEEK)
        except BlockingIOError:
            return False
        return True

    def receive_init(self) -> str | None:
        """The JSON document of INIT; None when the platform hung up."""
        head = self._socket.recv(4, _WAITALL)
        if len(head) < 4:
            return None
        return str(self._receive_rest(0, _LENGTH.unpack(head)[0]), "utf-8")

    def receive(self) -> Invocation | None:
        """The next INVOKE, valid until the next call; None when the platform hung up."""
        view = self._view
        # A sleep in recv() would also end when the platform takes the last answer from this socket: the kernel
        # wakes everybody who waits there, for there is room to write again. A sleep in poll() does not.
        self._wait()
        count = self._socket.recv_into(view)
        while count < 54:
            more = self._socket.recv_into(view[count:]) if count else 0
            if not more:
                return None
            count += more
        length, deadline, request_id, trace_length, extra_length = _HEAD.unpack_from(view)
        start = 54 + trace_length + extra_length
        end = start + length
        data = _BUFFER if end <= count else self._receive_rest(count, end)
        invocation = self._invocation
        invocation.deadline_ms = deadline
        invocation.request_id = request_id.decode()
        invocation.trace = bytes(data[54 : 54 + trace_length])
        invocation.extra = bytes(data[54 + trace_length : start]) if extra_length else b""
        payload = memoryview(data)[start:end]
        try:
            invocation.payload = str(payload, "utf-8")
        except UnicodeDecodeError:
            invocation.payload = bytes(payload)
        return invocation

    def _receive_rest(self, count: int, end: int) -> bytearray:
        data = bytearray(end)
        data[:count] = self._view[:count]
        view = memoryview(data)
        while count < end:
            more = self._socket.recv_into(view[count:], 0, _WAITALL)
            if not more:
                os._exit(0)
            count += more
        return data

    # ------------------------------------------------------------ out

    def ready(self) -> None:
        """Init has succeeded."""
        self._send(_RESULT_HEAD.pack(b"R", 4, self._peak_memory()))

    def init_failed(self, error: bytes) -> None:
        """Init has failed; `error` is the error's JSON document."""
        self._send(_FRAME_HEAD.pack(b"I", len(error)) + error)

    def result(self, payload: bytes) -> None:
        """The handler's answer."""
        self._answer(b"O", payload)

    def error(self, document: bytes) -> None:
        """The function's error, a JSON document."""
        self._answer(b"E", document)

    def begin_stream(self, content_type: str) -> None:
        """The answer comes in pieces from now on; `result(b"")` ends it, or `error`."""
        encoded = content_type.encode("latin-1")
        self._send(_FRAME_HEAD.pack(b"H", len(encoded)) + encoded)

    def chunk(self, data: bytes) -> None:
        """A piece of the answer. Waits while the platform cannot pass on more."""
        for start in range(0, len(data), _LARGEST_CHUNK):
            piece = data[start : start + _LARGEST_CHUNK]
            self._send(_FRAME_HEAD.pack(b"C", len(piece)), piece)

    def log(self, message: str) -> None:
        """One log event, whatever it contains."""
        body = message.encode("utf-8", "replace")
        self._send(_LOG_HEAD.pack(b"L", len(body) + 8, time.time_ns() // 1000) + body)
        self._logged += 1

    def mark(self) -> None:
        """What is printed from here on comes after the events logged so far."""
        if self._output is not None:
            with suppress(OSError):  # user code may have closed everything
                os.write(self._output, b"\0lambent:%08x\0" % self._logged)

    def _answer(self, kind: bytes, body: bytes) -> None:
        head = _RESULT_HEAD.pack(kind, len(body) + 4, self._peak_memory())
        if len(body) <= _SMALL:
            self._send(head + body)
        else:
            self._send(head, body)

    def _send(self, *parts: bytes) -> None:
        # User threads log while the handler returns: frames of several threads must not mix.
        with self._lock:
            if not self.owner:
                os._exit(0)  # a child process of the handler that came back from the handler
            for part in parts:
                self._socket.sendall(part)

    def _peak_memory(self) -> int:
        """Peak resident memory in KiB, some milliseconds old at most: asking costs as much as a small handler."""
        now = monotonic()
        if now - self._peak_at > _PEAK_SECONDS:
            self._peak_at = now
            self._peak = resource.getrusage(_SELF).ru_maxrss // _KIB
        return self._peak
