"""Tumbling windows: the state that goes from call to call, and when a window ends.

From "Implementing stateful Kinesis Data Streams processing in Lambda": a record belongs to the window that it arrived
in; an answer without `state` is a failed call; a window ends with a call that has no records, early when its state is
larger than 1 MB, and when its shard ends. A call that ends a window is repeated until it succeeds. AWS waits up to two
minutes for records that come late; here a window ends when its shard was read to its tip a second after the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.clock import time_text
from lambent.events.pollers.streams.progress import OpenWindow

if TYPE_CHECKING:
    from lambent.events.pollers.streams.batches import Batch

MAX_STATE: Final = 1_048_576
LATE_MS: Final = 1_000
"""How long after its end records of a window are waited for."""

_FRESH: Final = msgspec.Raw(b"{}")


class _Answer(msgspec.Struct):
    state: msgspec.Raw = msgspec.Raw()


class Windows:
    """The windows of one shard, one after another. `open`: the one that records go to now."""

    def __init__(self, length_s: int, shard_id: str, stream_arn: str, opened: OpenWindow | None) -> None:
        self.open = opened
        self._length_ms = length_s * 1000
        self._shard_id = shard_id
        self._stream_arn = stream_arn

    @property
    def end_ms(self) -> int | None:
        """When the open window ends."""
        return None if self.open is None else self.open.start_ms + self._length_ms

    @property
    def state_bytes(self) -> int:
        """How large the state is."""
        return 2 if self.open is None else len(bytes(self.open.state))

    def takes(self, arrival_ms: int) -> bool:
        """Whether a record belongs to the open window; one that comes late does as well. Opens one if none is."""
        if self.open is None:
            self.open = OpenWindow(arrival_ms - arrival_ms % self._length_ms, _FRESH)
        return arrival_ms < self.open.start_ms + self._length_ms

    @property
    def overflows(self) -> bool:
        """Whether the window has to end because of its state."""
        return self.state_bytes > MAX_STATE

    def members(self, batch: Batch) -> dict[str, Any]:
        """What an event has beside its records."""
        opened = self.open
        assert opened is not None
        return {
            "window": {
                "start": time_text(opened.start_ms),
                "end": time_text(opened.start_ms + self._length_ms),
            },
            "state": opened.state,
            "shardId": self._shard_id,
            "eventSourceARN": self._stream_arn,
            "isFinalInvokeForWindow": batch.final,
            "isWindowTerminatedEarly": batch.early,
        }

    def accepts(self, result: bytes, batch: Batch) -> bool:
        """Whether an answer can be gone on from. It is remembered when it is."""
        opened = self.open
        assert opened is not None
        if batch.final:
            # An early end goes on in the same window.
            self.open = OpenWindow(opened.start_ms, _FRESH) if batch.early else None
            return True
        try:
            state = msgspec.json.decode(result, type=_Answer).state
        except (msgspec.DecodeError, msgspec.ValidationError):
            return False
        if not bytes(state):
            return False
        # A copy: what was decoded holds on to the whole answer.
        self.open = OpenWindow(opened.start_ms, msgspec.Raw(bytes(state)))
        return True
