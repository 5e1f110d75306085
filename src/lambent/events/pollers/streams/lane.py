"""What calls the function with the records of a shard, or of a part of its keys: one batch at a time, in order.

Everything happens in callbacks. What a failed batch meets is that of "Error handling" for Kinesis and DynamoDB in
Lambda's developer guide: it holds its lane back and is tried again, reduced to what a partial report leaves, in halves
where the mapping says so, until it is too old or was tried often enough. Splitting does not count as a try, and what
remains after a partial success begins to count anew (recorded by LocalStack's tests against AWS,
`test_kinesis_report_batch_item_failures`).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from lambent.events.pollers.calls import FAILED, MAX_PAYLOAD
from lambent.events.pollers.responses import ALL, failed_ids
from lambent.events.pollers.streams.batches import Batch, event, room, taken
from lambent.events.pollers.streams.failures import GivenUp
from lambent.events.pollers.streams.windows import LATE_MS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from lambent.clock import Timer
    from lambent.events.pollers.calls import Call, Called
    from lambent.events.pollers.streams.failures import Reason
    from lambent.events.pollers.streams.record import StreamRecord
    from lambent.events.pollers.streams.source import Source
    from lambent.events.pollers.streams.windows import Windows
    from lambent.store import StoreError

    class Host(Protocol):
        """The shard that a lane belongs to."""

        def completed(self, records: list[StreamRecord]) -> None:
            """Nothing has to happen with these any more; a window may have changed as well."""

        def give_up(
            self, given_up: GivenUp, payload: bytes, done: Callable[[StoreError | None], None]
        ) -> None:
            """Hand records over to the on-failure destination; they are completed with that."""

        def lane_idle(self) -> None:
            """A lane that was stopped, or whose shard has ended, has nothing more to do."""


_FIRST_PAUSE_MS: Final = 250
_LAST_PAUSE_MS: Final = 30_000
_STORE_PAUSE_MS: Final = 1_000


class Lane:
    """Records on their way to the function. `windows` where the mapping has tumbling windows."""

    def __init__(self, source: Source, host: Host, windows: Windows | None) -> None:
        self._source = source
        self._host = host
        self._windows = windows
        self._records: deque[StreamRecord] = deque()
        self._bytes = 0
        self._since_ms = 0
        self._again: deque[Batch] = deque()
        self._batch: Batch | None = None
        self._call: Call | None = None
        self._timer: Timer | None = None
        self._tip_ms = 0
        self._handing_over = False
        self._ended = False
        self._stopping = False

    @property
    def idle(self) -> bool:
        """Whether nothing runs, and nothing will any more once the shard has ended."""
        if self._call is not None or self._handing_over:
            return False
        if self._stopping:
            return True
        waits = self._batch is not None or self._records or self._again
        return not waits and (self._windows is None or self._windows.open is None)

    def add(self, record: StreamRecord) -> None:
        """Take a record. Call `pump` after the last one."""
        if not self._records:
            self._since_ms = self._source.clock.steady_ms()
        self._records.append(record)
        self._bytes += len(record.json) + 1

    def at_tip(self, wall_ms: int) -> None:
        """The shard had nothing more at that time, and what it had is here."""
        self._tip_ms = wall_ms
        self.pump()

    def end(self) -> None:
        """The shard has ended: nothing is waited for any more."""
        self._ended = True
        self.pump()

    def stop(self) -> None:
        """Begin nothing more. What runs ends; `Host.lane_idle` is told then."""
        self._stopping = True
        self._cancel_timer()
        if self._call is not None and self._call.cancel():
            self._call = None

    def pump(self) -> None:
        """Call the function if there is reason to."""
        if self._batch is not None or self._stopping:
            return
        self._cancel_timer()
        batch = self._next()
        if batch is not None:
            self._batch = batch
            self._begin(batch)
        elif self._ended and self.idle:
            self._host.lane_idle()

    # ------------------------------------------------------------ batches

    def _next(self) -> Batch | None:
        """The batch to begin with now."""
        if self._again:
            return self._again.popleft()
        windows, records = self._windows, self._records
        end_ms = None
        if windows is not None:
            if windows.overflows:
                return Batch([], final=True, early=True)
            if not records:
                return Batch([], final=True) if self._window_is_over(windows) else None
            if not windows.takes(records[0].arrival_ms):
                return Batch([], final=True)
            end_ms = windows.end_ms
        if not records or not self._enough(end_ms):
            return None
        settings = self._source.settings
        found = taken(
            records,
            settings.batch_size or 1,
            room(None if windows is None else windows.state_bytes),
            end_ms,
        )
        self._bytes -= sum(len(record.json) + 1 for record in found)
        self._since_ms = self._source.clock.steady_ms()
        return Batch(found)

    def _window_is_over(self, windows: Windows) -> bool:
        end_ms = windows.end_ms
        return end_ms is not None and (self._ended or self._tip_ms >= end_ms + LATE_MS)

    def _enough(self, end_ms: int | None) -> bool:
        """Whether the records are to be sent now; if not, it is looked again when the batching window is over."""
        settings = self._source.settings
        window_s = settings.batching_window_s or 0
        if self._ended or not window_s or len(self._records) >= (settings.batch_size or 1):
            return True
        if self._bytes >= MAX_PAYLOAD or (end_ms is not None and self._records[-1].arrival_ms >= end_ms):
            return True
        clock = self._source.clock
        due_ms = self._since_ms + window_s * 1000
        if clock.steady_ms() >= due_ms:
            return True
        self._timer = clock.at_steady(due_ms, self._look)
        return False

    def _look(self) -> None:
        self._timer = None
        self.pump()

    # ------------------------------------------------------------ calls

    def _begin(self, batch: Batch) -> None:
        self._timer = None
        expired, until_ms = self._expired(batch)
        if expired:
            self._give_up(batch, batch.records[:expired], "RecordAgeExceeded")
            return
        windows = self._windows
        payload = event(batch.records, None if windows is None else windows.members(batch))
        if len(payload) > MAX_PAYLOAD and batch.records:
            self._give_up(batch, batch.records, "PayloadSizeExceeded")
            return
        source = self._source
        self._call = source.calls.invoke(source.mapping, payload, None, self._finished, until_ms=until_ms)
        problem = source.calls.problem(source.mapping)
        if problem:
            source.processed(problem)

    def _expired(self, batch: Batch) -> tuple[int, int | None]:
        """How many records at the front are too old, and when the next one will be, on the steady clock."""
        age_s = self._source.settings.record_age_s
        if age_s is None or age_s < 0 or not batch.records:
            return 0, None
        clock = self._source.clock
        oldest_ms = clock.wall_ms() - age_s * 1000
        count = 0
        for record in batch.records:
            if record.arrival_ms > oldest_ms:
                break
            count += 1
        if count:
            return count, None
        return 0, clock.steady_ms() + batch.records[0].arrival_ms - oldest_ms

    def _finished(self, called: Called) -> None:
        self._call = None
        batch = self._batch
        assert batch is not None
        if called.condition == "Refused":
            if not self._stopped():
                self._begin(batch)
            return
        batch.attempts += 1
        batch.called = called
        done = self._succeeded(batch, called)
        self._source.processed(FAILED if done is None else called.problem)
        if done is None:
            self._failed(batch)
            return
        self._host.completed(batch.records[:done])
        rest = batch.records[done:]
        self._batch = None
        if rest:
            self._again.appendleft(Batch(rest))
        if not self._stopped():
            self.pump()

    def _succeeded(self, batch: Batch, called: Called) -> int | None:
        """How many records at the front are done with; None when the call has failed as a whole."""
        if called.condition != "Success":
            return None
        done = len(batch.records)
        if self._source.settings.report_item_failures and batch.records:
            failed = failed_ids(called.result, {record.sequence for record in batch.records})
            if failed is ALL:
                return None
            if failed:
                # Everything from the first one on is tried again: a stream goes on in order.
                done = next(n for n, record in enumerate(batch.records) if record.sequence in failed)
                if done == 0:
                    return None
        if self._windows is not None and not self._windows.accepts(called.result, batch):
            return None
        return done

    def _failed(self, batch: Batch) -> None:
        settings = self._source.settings
        if self._stopped():
            return
        if settings.bisect_on_error and len(batch.records) > 1:
            self._batch = None
            self._again.extendleft(reversed(batch.halves()))
            self.pump()
            return
        retries = settings.retry_attempts
        if retries is not None and 0 <= retries < batch.attempts and batch.records:
            self._give_up(batch, batch.records, "RetryAttemptsExhausted")
            return
        pause_ms = min(_LAST_PAUSE_MS, _FIRST_PAUSE_MS << min(batch.attempts - 1, 16))
        expired, until_ms = self._expired(batch)
        if until_ms is not None:
            # What becomes too old meanwhile holds back the others no longer than it has to.
            pause_ms = min(pause_ms, until_ms - self._source.clock.steady_ms())
        self._wait(0 if expired else pause_ms, self._begin, batch)

    def _give_up(self, batch: Batch, records: list[StreamRecord], reason: Reason) -> None:
        """Records at the front of a batch are given up; the batch goes on with what remains of it."""
        windows = self._windows
        payload = event(records, None if windows is None else windows.members(batch))

        def handed_over(error: StoreError | None) -> None:
            self._handing_over = False
            if error is not None:
                # The disk is full, most likely. Nothing is left out: it is tried again.
                if not self._stopped():
                    self._wait(_STORE_PAUSE_MS, self._give_up, batch, records, reason)
                return
            batch.records = batch.records[len(records) :]
            if self._stopped():
                return
            if batch.records:
                self._begin(batch)
            else:
                self._batch = None
                self.pump()

        self._handing_over = True
        self._host.give_up(GivenUp(records, reason, batch.attempts, batch.called), payload, handed_over)

    # ------------------------------------------------------------ waiting

    def _wait(self, pause_ms: int, callback: Callable[..., None], *arguments: object) -> None:
        clock = self._source.clock
        self._timer = clock.at_steady(clock.steady_ms() + pause_ms, callback, *arguments)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stopped(self) -> bool:
        """Whether to go no further. Who waits for that is told."""
        if self._stopping:
            self._host.lane_idle()
        return self._stopping
