"""An answer that a function sends piece by piece: passed on as it comes, or collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.execution.process import MAX_RESULT

if TYPE_CHECKING:
    from lambent.execution.invocation import Invocation
    from lambent.execution.process import RuntimeProcess

MAX_STREAMED: Final = 209_715_200
"""Bytes of the largest streamed answer (200 MB: "Lambda quotas" of the developer guide)."""


class StreamedResponse:
    """What an invocation has streamed so far.

    A caller that wants a buffered answer gets all pieces together, as long as they fit one. `exceeded` is the
    number of bytes that would have been allowed, once there were more.
    """

    __slots__ = ("_allowed", "_pieces", "_sink", "_size", "exceeded")

    def __init__(self, invocation: Invocation, content_type: str) -> None:
        self._sink = invocation.sink
        self._allowed = MAX_RESULT if self._sink is None else MAX_STREAMED
        self._pieces: list[bytes] = []
        self._size = 0
        self.exceeded = 0
        if self._sink is not None:
            self._sink.begin(content_type)

    def write(self, piece: bytes, process: RuntimeProcess) -> None:
        """Take a piece; `process` waits while the sink cannot pass on more."""
        if self.exceeded:
            return
        self._size += len(piece)
        if self._size > self._allowed:
            self.exceeded = self._allowed
            self._pieces.clear()
            return
        sink = self._sink
        if sink is None:
            self._pieces.append(piece)
            return
        sink.write(piece)
        if sink.saturated:
            process.pause_frames()
            sink.when_drained(process.resume_frames)

    def collected(self) -> bytes:
        """All pieces together; nothing when a sink has taken them."""
        return b"".join(self._pieces)
