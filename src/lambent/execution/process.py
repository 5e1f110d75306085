"""The process behind an environment: frames in and out, its log pipe, its end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import termios
from typing import TYPE_CHECKING, Final, Protocol

from lambent.execution import frames

if TYPE_CHECKING:
    from lambent.execution.invocation import Invocation
    from lambent.execution.zygote import Zygote

# One buffer serves every environment: reads happen on the loop's thread, one after the other, so an idle
# environment costs no buffer of its own.
_BUFFER: Final = bytearray(262_144)
_VIEW: Final = memoryview(_BUFFER)

MAX_RESULT: Final = 6_291_556
"""Bytes of the largest response payload (AWS: 6 MB + 100 bytes, from the recorded ResponseSizeTooLarge)."""

_JOIN_LIMIT: Final = 65_536
_PIPE_READ: Final = 65_536
_HEAD_SIZE: Final = frames.FRAME.size
_pack: Final = frames.HEAD.pack
_NEVER: Final = 1 << 32
_shortest: Final = frames.SHORTEST.get
_limit: Final = frames.LONGEST.get
_WAITING: Final = bytearray(4)
_NOTHING: Final = bytes(4)


class ProcessOwner(Protocol):
    """Who hears of a process. All calls come on the loop's thread."""

    def on_frame(self, kind: int, body: bytes) -> None: ...

    def on_oversized(self, kind: int, length: int) -> None: ...

    def on_output(self, data: bytes) -> None: ...

    def on_lost(self) -> None:
        """It will not be heard of again, but for its output and its end."""

    def on_exit(self, wait_status: int) -> None: ...


class RuntimeProcess(Protocol):
    """What runs a function's code: the one interface of all runtimes, however they are spoken to.

    Whoever made it gives it an owner with `adopt`.
    """

    @property
    def pid(self) -> int:
        """Its process id, 0 until it is known."""

    @property
    def ended(self) -> bool:
        """Whether it is dead, all that it started included."""

    @property
    def asking(self) -> bool:
        """Whether it is ready for the next invocation. One that is not says READY when it is."""

    def invoke(self, invocation: Invocation, deadline_ms: int) -> None:
        """Hand it the next invocation; `deadline_ms` is in milliseconds since the epoch."""

    def disown(self) -> None:
        """Its owner wants to hear no more: what it still says is dropped, its end is only cleaned up."""

    def kill(self) -> None:
        """SIGKILL the process and everything it started; `on_exit` follows."""

    def condemn(self) -> None:
        """Like `kill`, and whatever it says until it is dead counts no more."""

    def drain_log(self) -> None:
        """Hand over what is in the log pipe now, so that it stands before what follows."""

    def pause_output(self) -> None:
        """Read no more of its output for now."""

    def resume_output(self) -> None:
        """Read its output again."""

    def pause_frames(self) -> None:
        """Read no more of what it answers for now."""

    def resume_frames(self) -> None:
        """Read its answers again."""


class EnvironmentProcess:
    """A child of a zygote that runs one function's code.

    Creating it forks the child, which then waits for `adopt` to give it an owner and INIT. `pid` is 0 until
    the zygote has told it.
    """

    __slots__ = (
        "_broken",
        "_ended",
        "_filled",
        "_frame",
        "_frame_kind",
        "_frame_view",
        "_frames_paused",
        "_log",
        "_loop",
        "_outgoing",
        "_output_paused",
        "_owner",
        "_partial",
        "_skip",
        "_socket",
        "_zygote",
        "number",
        "pid",
    )

    def __init__(self, zygote: Zygote) -> None:
        self._owner: ProcessOwner = NOBODY
        self._zygote = zygote
        self._loop = asyncio.get_running_loop()
        self.pid = 0
        self._partial = b""
        self._frame: bytearray | None = None
        self._frame_kind = 0
        self._filled = 0
        self._skip = 0
        self._broken = False
        self._ended = False
        self._output_paused = False
        self._frames_paused = False
        self._outgoing: list[memoryview] = []
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        read_end, write_end = os.pipe()
        try:
            ours.setblocking(False)
            os.set_blocking(read_end, False)
            self._socket = ours
            self._log = read_end
            self.number = zygote.fork(self, theirs.fileno(), write_end)
        except BaseException:
            ours.close()
            os.close(read_end)
            raise
        finally:
            theirs.close()
            os.close(write_end)

    def prepare(self, frame: bytes) -> None:
        """Send a frame that comes before INIT (see `host.ahead`)."""
        self._write(frame)

    def adopt(self, owner: ProcessOwner, init: bytes) -> None:
        """Make it an environment of `owner`; `init` is the INIT frame."""
        self._owner = owner
        self._loop.add_reader(self._socket.fileno(), self._on_readable)
        self._loop.add_reader(self._log, self._on_log)
        self._write(init)

    @property
    def ended(self) -> bool:
        """Whether it is dead, all that it started included."""
        return self._ended

    @property
    def asking(self) -> bool:
        """Always: what is sent waits in the socket."""
        return True

    # ------------------------------------------------------------ to the environment

    def invoke(self, invocation: Invocation, deadline_ms: int) -> None:
        """Send an INVOKE frame; `deadline_ms` is in milliseconds since the epoch."""
        payload, trace, extra = invocation.payload, invocation.trace, invocation.extra
        head = _pack(len(payload), deadline_ms, invocation.request_id, len(trace), len(extra)) + trace + extra
        if len(payload) <= _JOIN_LIMIT:
            self._write(head + payload)
        else:
            self._write(head)
            self._write(payload)

    def _write(self, data: bytes) -> None:
        if self._outgoing:
            self._outgoing.append(memoryview(data))
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # the end of the process is on its way and says why
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
                outgoing.clear()
                break
            if sent < len(outgoing[0]):
                outgoing[0] = outgoing[0][sent:]
                return
            del outgoing[0]
        self._loop.remove_writer(self._socket.fileno())

    def disown(self) -> None:
        """Its owner wants to hear no more: what it still says is dropped, its end is only cleaned up."""
        self._owner = NOBODY
        self._stop_reading()

    def kill(self) -> None:
        """SIGKILL the process and everything it started; `on_exit` follows."""
        self._zygote.kill(self.number)

    def condemn(self) -> None:
        """Like `kill`, and whatever it says until it is dead counts no more."""
        self._stop_reading()
        self.kill()
        self._owner.on_lost()

    # ------------------------------------------------------------ from the environment

    def pause_frames(self) -> None:
        """Read no more of its frames for now: it waits in its next write once the socket is full."""
        if not self._frames_paused and not self._broken:
            self._frames_paused = True
            self._loop.remove_reader(self._socket.fileno())

    def resume_frames(self) -> None:
        """Read its frames again, beginning with those that were read already."""
        if self._frames_paused:
            self._frames_paused = False
            if not self._broken:
                self._loop.add_reader(self._socket.fileno(), self._on_readable)
                if self._partial:
                    self._parse(self._partial)

    def _on_readable(self) -> bool:
        """Take what has come. Whether there was anything."""
        frame = self._frame
        try:
            if frame is not None:
                count = self._socket.recv_into(self._frame_view[self._filled :])
                if count:
                    self._filled += count
                    if self._filled == len(frame):
                        self._frame = None
                        del self._frame_view
                        self._owner.on_frame(self._frame_kind, bytes(frame))
                    return True
            else:
                count = self._socket.recv_into(_BUFFER)
        except BlockingIOError:
            return False
        except OSError:
            count = 0
        if not count:
            self._disconnected()
        elif self._skip:
            self._skip_over(bytes(_VIEW[:count]))
        else:
            self._parse(self._partial + _VIEW[:count] if self._partial else bytes(_VIEW[:count]))
        return True

    def _parse(self, data: bytes) -> None:
        self._partial = b""
        total = len(data)
        at = 0
        while total - at >= _HEAD_SIZE:
            kind = data[at]
            length = int.from_bytes(data[at + 1 : at + 5], "big")
            end = at + _HEAD_SIZE + length
            if length < _shortest(kind, _NEVER):
                self.condemn()
                return
            if end <= total:
                self._owner.on_frame(kind, data[at + _HEAD_SIZE : end])
                if self._broken:
                    return
                at = end
                if self._frames_paused:
                    break
                continue
            limit = _limit(kind, MAX_RESULT + 4)
            if length > limit:
                self._skip = length
                self._owner.on_oversized(kind, length)
                self._skip_over(data[at + _HEAD_SIZE :])
                return
            if length > len(_BUFFER) // 2:
                # A large frame is received in place.
                self._frame = frame = bytearray(length)
                self._frame_kind = kind
                self._frame_view = memoryview(frame)
                self._filled = total - at - _HEAD_SIZE
                frame[: self._filled] = data[at + _HEAD_SIZE :]
                return
            break
        self._partial = data[at:]

    def _skip_over(self, data: bytes) -> None:
        if len(data) <= self._skip:
            self._skip -= len(data)
            return
        rest = data[self._skip :]
        self._skip = 0
        self._parse(rest)

    def _disconnected(self) -> None:
        # A process that ends tells how through the zygote. One that only closed its socket must not stay.
        self._stop_reading()
        self._loop.call_later(0.1, self.kill)
        self._owner.on_lost()

    def _stop_reading(self) -> None:
        if not self._broken:
            self._broken = True
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())

    # ------------------------------------------------------------ its output

    def _on_log(self) -> None:
        try:
            data = os.read(self._log, _PIPE_READ)
        except BlockingIOError:
            return
        if data:
            self._owner.on_output(data)
        else:
            self._loop.remove_reader(self._log)

    def pause_output(self) -> None:
        """Read no more of its output for now."""
        if not self._output_paused and not self._ended:
            self._output_paused = True
            self._loop.remove_reader(self._log)

    def resume_output(self) -> None:
        """Read its output again."""
        if self._output_paused and not self._ended:
            self._output_paused = False
            self._loop.add_reader(self._log, self._on_log)

    def drain_log(self) -> None:
        """Hand over what is in the log pipe now, so that it stands before what follows.

        At most one pipe's worth: a child process that never stops printing cannot hold the loop here.
        """
        # Asking costs a third of a read that finds nothing, and nothing is what most invocations print.
        fcntl.ioctl(self._log, termios.FIONREAD, _WAITING)
        if _WAITING != _NOTHING:
            self._on_log()

    # ------------------------------------------------------------ the zygote's side

    def born(self, pid: int) -> None:
        """The zygote has forked it."""
        self.pid = pid

    def gone(self, wait_status: int) -> None:
        """The process and all its descendants are dead; or the zygote is (status of SIGKILL)."""
        if self._zygote.alive:
            # Its end may be told before what it said last is read.
            while not self._broken and not self._frames_paused and self._on_readable():
                pass
        self._stop_reading()
        self._ended = True
        self._socket.close()
        with contextlib.suppress(OSError):
            while data := os.read(self._log, _PIPE_READ):
                self._owner.on_output(data)
        self._loop.remove_reader(self._log)
        os.close(self._log)
        self._owner.on_exit(wait_status)


class Nobody:
    """Owner of a process that has been given up: hears everything and does nothing."""

    def on_frame(self, kind: int, body: bytes) -> None:
        pass

    def on_oversized(self, kind: int, length: int) -> None:
        pass

    def on_output(self, data: bytes) -> None:
        pass

    def on_lost(self) -> None:
        pass

    def on_exit(self, wait_status: int) -> None:
        pass


NOBODY: Final = Nobody()
"""Hears everything and does nothing."""
