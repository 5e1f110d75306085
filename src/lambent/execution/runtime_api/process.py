"""A runtime process that is spoken to through its Runtime API."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from lambent.execution import frames
from lambent.execution.process import NOBODY
from lambent.execution.runtime_api.api import RuntimeApi
from lambent.execution.runtime_api.telemetry import TelemetryFrames

if TYPE_CHECKING:
    from lambent.execution.invocation import Invocation
    from lambent.execution.process import EnvironmentProcess, ProcessOwner

_RSS: Final = struct.Struct(">I")
_WITH_RSS: Final = frozenset({frames.READY, frames.RESULT, frames.FUNCTION_ERROR})
_PEAK_SECONDS: Final = 0.02
"""How old the peak of memory may be that is reported: asking costs as much as a small handler."""


class RuntimeApiProcess:
    """A `RuntimeProcess`: the supervisor of a program, and the program's Runtime API."""

    __slots__ = ("_api", "_hearing", "_inner", "_owner", "_peak", "_peak_at", "_program", "_telemetry")

    def __init__(self, inner: EnvironmentProcess, arn: str) -> None:
        self._inner = inner
        self._owner: ProcessOwner = NOBODY
        self._api = RuntimeApi(self, arn, lambda: inner.pid)
        self._telemetry = TelemetryFrames()
        self._hearing = False
        self._program = 0
        self._peak = 0
        self._peak_at = 0.0

    @property
    def address(self) -> str:
        """For AWS_LAMBDA_RUNTIME_API."""
        return self._api.address

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._inner.pid

    @property
    def ended(self) -> bool:
        """Whether it is dead, all that it started included."""
        return self._inner.ended

    @property
    def asking(self) -> bool:
        """Whether it waits for an invocation."""
        return self._api.asking

    def adopt(self, owner: ProcessOwner, init: bytes) -> None:
        """Begin INIT for `owner`."""
        self._owner = owner
        self._inner.adopt(self, init)

    def fail(self, owner: ProcessOwner, document: bytes) -> None:
        """Tell `owner` soon that there is no program to start."""
        self._owner = owner
        asyncio.get_running_loop().call_soon(lambda: self._owner.on_frame(frames.INIT_ERROR, document))

    def invoke(self, invocation: Invocation, deadline_ms: int) -> None:
        """Give it its next invocation."""
        self._api.invoke(invocation, deadline_ms)

    def disown(self) -> None:
        """Its owner wants to hear no more."""
        self._owner = NOBODY
        self._api.close()

    def kill(self) -> None:
        """SIGKILL the program and everything it started; `on_exit` follows."""
        self._inner.kill()

    def condemn(self) -> None:
        """Like `kill`, and whatever it says until it is dead counts no more."""
        self._api.close()
        self._inner.condemn()

    def drain_log(self) -> None:
        """Hand over what is in the log pipe now."""
        if not self._hearing:  # else it comes after what is being heard
            self._inner.drain_log()

    def pause_output(self) -> None:
        """Read no more of its output for now."""
        self._inner.pause_output()

    def resume_output(self) -> None:
        """Read its output again."""
        self._inner.resume_output()

    def pause_frames(self) -> None:
        """Read no more of a streamed answer for now."""
        self._api.pause()

    def resume_frames(self) -> None:
        """Read it again."""
        self._api.resume()

    # ------------------------------------------------------------ what the program says

    def said(self, kind: int, body: bytes) -> None:
        """Through its Runtime API."""
        self._owner.on_frame(kind, self._peak_memory() + body if kind in _WITH_RSS else body)

    def said_too_much(self, length: int) -> None:
        """Through its Runtime API: an answer that is too large."""
        self._owner.on_oversized(frames.RESULT, length)

    def _peak_memory(self) -> bytes:
        now = monotonic()
        if now - self._peak_at > _PEAK_SECONDS:
            self._peak_at = now
            self._peak = max(self._peak, self._look())
        return _RSS.pack(self._peak)

    def _look(self) -> int:
        """The peak of the program's resident memory in KiB."""
        pid = self._inner.pid
        try:
            if not self._program:
                children = Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split()
                self._program = int(children[0]) if children else 0
            with open(f"/proc/{self._program}/status", "rb") as file:  # noqa: PTH123 - on the hot path
                status = file.read()
        except OSError:
            return 0
        at = status.find(b"VmHWM:")
        return int(status[at + 6 : status.find(b"kB", at)]) if at > 0 else 0

    # ------------------------------------------------------------ what the supervisor says

    def on_frame(self, kind: int, body: bytes) -> None:
        """That the program could not be started. Nothing else is for a supervisor to say."""
        if kind == frames.INIT_ERROR:
            self._owner.on_frame(kind, body)
        else:
            self.condemn()

    def on_oversized(self, kind: int, length: int) -> None:
        """Not from a supervisor."""
        self.condemn()

    def on_output(self, data: bytes) -> None:
        """The program has printed, or logged."""
        self._hearing = True
        try:
            for stamp, piece in self._telemetry.feed(data):
                if stamp:
                    self._owner.on_frame(frames.LOG, stamp.to_bytes(8, "big") + piece)
                else:
                    self._owner.on_output(piece)
        finally:
            self._hearing = False

    def on_lost(self) -> None:
        """The supervisor is about to end, as the program has."""
        self._owner.on_lost()

    def on_exit(self, wait_status: int) -> None:
        """The program has ended, and all that it started."""
        self._api.read_rest()
        self._api.close()
        self._owner.on_exit(wait_status)
