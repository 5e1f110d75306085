"""What happens with the messages of a queue once a mapping has them: filtered, batched, processed, deleted.

Where they come from is for others: `Consumer.room` says how many are wanted, `Consumer.add` takes them. Messages whose
batch has failed are left alone: they are visible again when their visibility timeout ends. Those that were never
given to the function are given back at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from lambent.events.pollers.calls import MAX_PAYLOAD, Call, Called
from lambent.events.pollers.filters import data_of, filters_of
from lambent.events.pollers.responses import ALL, failed_ids
from lambent.events.pollers.scaling import STEP_MS, Scaling
from lambent.events.pollers.sqs_events import HEAD, TAIL, Records, event_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.clock import Timer
    from lambent.events.mapping import Mapping
    from lambent.events.pollers.poller import Parts
    from lambent.events.queues import Received

_MOST_AT_ONCE: Final = 10
"""As many as ReceiveMessage gives: large messages do not fill the memory before a batch is seen to be full."""
_LOOK_MS: Final = 500
"""How often a function that is not there, or switched off, is looked for."""
_AROUND: Final = len(HEAD) + len(TAIL)

_decode = msgspec.json.Decoder().decode
_log = logging.getLogger(__name__)


class Source(Protocol):
    """A queue."""

    @property
    def visibility_s(self) -> float:
        """For how long messages that were received are hidden from others."""

    def delete(self, receipts: Sequence[str]) -> None:
        """These are done with. They stay hidden until they are deleted, which is tried until it succeeds."""

    def hide(self, receipts: Sequence[str]) -> None:
        """Hide these for the whole visibility timeout from now on."""

    def give_back(self, receipts: Sequence[str]) -> None:
        """Nothing was done with these: others may have them at once."""


class _Batch:
    """Messages with their records. `until_ms`: when the first of them is visible again, on the steady clock."""

    __slots__ = ("begun_ms", "call", "messages", "records", "size", "until_ms")

    def __init__(self, until_ms: int) -> None:
        self.messages: list[Received] = []
        self.records: list[bytes] = []
        self.size = _AROUND
        self.until_ms = until_ms
        self.begun_ms = 0
        self.call: Call | None = None

    @property
    def receipts(self) -> list[str]:
        return [message.receipt for message in self.messages]


class Consumer:
    """Processes the messages of one mapping. `wanted` is called whenever there is room again."""

    def __init__(self, mapping: Mapping, parts: Parts, source: Source, wanted: Callable[[], None]) -> None:
        settings = mapping.settings
        self.mapping = mapping
        self._calls = parts.calls
        self._clock = parts.clock
        self._source = source
        self._wanted = wanted
        self._batch_size = settings.batch_size or 10
        self._window_ms = (settings.batching_window_s or 0) * 1000
        self._reports = bool(settings.report_item_failures)
        self._filters = filters_of(settings.filters)
        arn = mapping.source_arn or ""
        self._records = Records(arn, arn.split(":")[3], windowed=self._window_ms > 0)
        self._scaling = Scaling(settings)
        self._open: _Batch | None = None
        self._ready: deque[_Batch] = deque()
        self._running: set[_Batch] = set()
        self._window: Timer | None = None
        self._step: Timer | None = None
        self._look: Timer | None = None
        self._stopping = False
        self._warned = False
        self._ended: asyncio.Future[None] | None = None

    # ------------------------------------------------------------ taking

    def room(self) -> int:
        """How many messages may be added now."""
        if self._stopping or self._ready:
            return 0
        if len(self._running) >= self._scaling.limit:
            self._saturated()
            return 0
        if self._calls.holds(self.mapping):
            return 0
        if not self._callable():
            self._look_later()
            return 0
        held = 0 if self._open is None else len(self._open.messages)
        return min(self._batch_size - held, _MOST_AT_ONCE)

    def add(self, messages: Sequence[Received]) -> None:
        """Process these. They were received just now."""
        until_ms = self._clock.steady_ms() + int(self._source.visibility_s * 1000)
        record = self._records.record
        unwanted = []
        for message in messages:
            piece = record(message)
            if self._filters is not None and not self._is_wanted(message, piece):
                unwanted.append(message.receipt)
                continue
            if message.lineage and self._calls.loops(self.mapping, message.lineage):
                self._loops(message)
                continue
            batch = self._open
            if batch is not None and batch.size + len(piece) > MAX_PAYLOAD:
                self._close()
                batch = None
            if batch is None:
                batch = self._open = _Batch(until_ms)
            batch.messages.append(message)
            batch.records.append(piece)
            batch.size += len(piece) + 1
            if len(batch.messages) >= self._batch_size:
                self._close()
        if unwanted:
            self._source.delete(unwanted)
        if self._open is not None:
            if not self._window_ms:
                self._close()
            elif self._window is None:
                self._window = self._clock.at_steady(
                    self._clock.steady_ms() + self._window_ms, self._window_ended
                )
        self._launch()

    def _is_wanted(self, message: Received, piece: bytes) -> bool:
        assert self._filters is not None
        record: dict[str, Any] = _decode(piece)
        record["body"] = data_of(message.body)
        return self._filters.matches(record)

    def _loops(self, message: Received) -> None:
        """A message that the function has sent to itself too often: it is left alone, for its dead-letter queue."""
        if not self._warned:
            self._warned = True
            _log.warning(
                "%s runs in a loop: messages of %s that it has caused itself more than 16 times over are not"
                " processed (first: %s). Allow that with PutFunctionRecursionConfig, if it is meant",
                self.mapping.function_arn,
                self.mapping.source_arn,
                message.message_id,
            )

    def _window_ended(self) -> None:
        self._window = None
        self._close()
        self._launch()

    def _close(self) -> None:
        if self._window is not None:
            self._window.cancel()
            self._window = None
        if self._open is not None:
            self._ready.append(self._open)
            self._open = None

    # ------------------------------------------------------------ processing

    def _launch(self) -> None:
        ready, running = self._ready, self._running
        while ready and len(running) < self._scaling.limit:
            batch = ready.popleft()
            batch.begun_ms = self._clock.steady_ms()
            if batch.begun_ms >= batch.until_ms:
                continue  # visible again: somebody else's, or received anew
            running.add(batch)
            batch.call = self._calls.invoke(
                self.mapping,
                event_of(batch.records),
                self._trace_of(batch.messages),
                lambda called, batch=batch: self._finished(batch, called),  # type: ignore[misc]
                until_ms=batch.until_ms,
                begun=lambda batch=batch: self._begun(batch),  # type: ignore[misc]
            )
            batch.records = []

    def _begun(self, batch: _Batch) -> None:
        """A batch that has waited for its function: nobody else is to have it, or its group, while it runs."""
        target = self._calls.target(self.mapping)
        now = batch.begun_ms = self._clock.steady_ms()
        if target is not None and now + target.version.timeout_s * 1000 > batch.until_ms:
            self._source.hide(batch.receipts)

    def _trace_of(self, messages: list[Received]) -> str:
        """The X-Ray header that the invocation goes on from, of what has sent the messages."""
        traces = [
            message.lineage or message.trace for message in messages if message.lineage or message.trace
        ]
        if len(traces) < 2:
            return traces[0] if traces else ""
        return self._calls.farthest(self.mapping, traces)

    def _finished(self, batch: _Batch, called: Called) -> None:
        self._running.discard(batch)
        if called.condition != "Refused":
            self._scaling.ended(self._clock.steady_ms() - batch.begun_ms)
        if called.condition == "Success":
            done = self._processed(batch, called.result)
            if done:
                self._source.delete(done)
        elif called.condition == "Refused" or not self._reports:
            # Errors slow down only what does not report failures ("Implementing partial batch responses").
            self._scaling.shrink()
        if self._stopping:
            self._end()
            return
        self._launch()
        self._wanted()

    def _processed(self, batch: _Batch, result: bytes) -> list[str]:
        """The receipts of what need not be processed again."""
        if not self._reports:
            return batch.receipts
        failed = failed_ids(result, {message.message_id for message in batch.messages})
        if failed is ALL:
            return []
        return [message.receipt for message in batch.messages if message.message_id not in failed]

    # ------------------------------------------------------------ pace

    def rest(self) -> None:
        """The queue has nothing more for now."""
        if self._step is not None:
            self._step.cancel()
            self._step = None
        if not self._running:
            self._scaling.rest()

    def _saturated(self) -> None:
        if self._step is None and self._scaling.may_grow:
            self._step = self._clock.at_steady(self._clock.steady_ms() + STEP_MS, self._grow)

    def _grow(self) -> None:
        self._step = None
        if self._stopping:
            return
        if len(self._running) >= self._scaling.limit and not self._calls.holds(self.mapping):
            self._scaling.grow()
        self._launch()
        self._wanted()

    def _callable(self) -> bool:
        """Whether the function is there and not switched off: if not, messages are better left where they are."""
        target = self._calls.target(self.mapping)
        return target is not None and target.function.reserved_concurrency != 0

    def _look_later(self) -> None:
        if self._look is None:
            self._look = self._clock.at_steady(self._clock.steady_ms() + _LOOK_MS, self._looked)

    def _looked(self) -> None:
        self._look = None
        if not self._stopping:
            self._wanted()

    # ------------------------------------------------------------ the end

    def abandon(self) -> None:
        """The queue is gone, and with it the messages: what runs ends, nothing else begins."""
        self._stopping = True
        self._quiet()
        self._ready.clear()
        self._open = None
        for batch in self._running:
            if batch.call is not None:
                batch.call.cancel()

    def _quiet(self) -> None:
        for timer in (self._window, self._step, self._look):
            if timer is not None:
                timer.cancel()

    async def stop(self) -> None:
        """Take nothing more and wait for what runs."""
        if not self._stopping:
            self._stopping = True
            self._close()
            self._quiet()
            # What was collected is processed if that can begin now.
            self._launch()
            unbegun = list(self._ready)
            self._ready.clear()
            unbegun += [batch for batch in self._running if batch.call is not None and batch.call.cancel()]
            self._running.difference_update(unbegun)
            if unbegun:
                self._source.give_back([receipt for batch in unbegun for receipt in batch.receipts])
        while self._running:
            if self._ended is None:
                self._ended = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._ended)

    def _end(self) -> None:
        if not self._running and self._ended is not None:
            self._ended.set_result(None)
            self._ended = None
