"""Handles on log groups and log streams: the appending side."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from . import chunk, records

if TYPE_CHECKING:
    from collections.abc import Callable

    from .log_filters import SubscriptionFilter
    from .log_store import LogStore
    from .records import Record

TAIL_BYTES: Final = 4096
"""LogType=Tail answers the last 4 KB of an invocation's log."""

ON_DEMAND: Final = "on-demand"
PROVISIONED: Final = "provisioned-concurrency"

_encode_into = chunk.encode_into


class SystemLog(NamedTuple):
    """Which of the platform's own lines a stream gets, as kinds of records; 0 is none.

    `start`: initialisation and invocations begin; `end` and `failed_end`: an invocation has succeeded or not;
    `ready` and `failed_init`: initialisation has succeeded on demand, or not; `provisioned`: has succeeded
    ahead of need.
    """

    start: int
    init_start: int
    end: int
    failed_end: int
    ready: int
    provisioned: int
    failed_init: int


_DONE_AND_REPORT: Final = records.END + records.JSON + records.DETAIL
_INIT_DONE_AND_REPORT: Final = records.INIT_REPORT + records.JSON + records.DETAIL

TEXT: Final = SystemLog(
    records.START, records.INIT_START, records.END, records.END, 0, 0, records.INIT_REPORT
)
"""Plain text knows no levels."""

# "System log level event mapping" of the developer guide: what goes on is INFO, what the runtime has done and how
# it was initialised on demand is DEBUG, and whatever has not succeeded WARN.
JSON_LEVELS: Final = {
    "DEBUG": SystemLog(
        records.START + records.JSON,
        records.INIT_START + records.JSON,
        _DONE_AND_REPORT,
        _DONE_AND_REPORT,
        _INIT_DONE_AND_REPORT,
        _INIT_DONE_AND_REPORT,
        _INIT_DONE_AND_REPORT,
    ),
    "INFO": SystemLog(
        records.START + records.JSON,
        records.INIT_START + records.JSON,
        records.END + records.JSON,
        _DONE_AND_REPORT,
        0,
        records.INIT_REPORT + records.JSON,
        _INIT_DONE_AND_REPORT,
    ),
    "WARN": SystemLog(0, 0, 0, _DONE_AND_REPORT, 0, 0, _INIT_DONE_AND_REPORT),
}
"""By SystemLogLevel, with the JSON log format."""


class LogGroup:
    """A log group. Everything but the counters is changed through `LogStore` only."""

    __slots__ = (
        "account",
        "created_ms",
        "deleted",
        "id",
        "kms_key",
        "log_class",
        "name",
        "open_chunk",
        "region",
        "retention_days",
        "stored_bytes",
        "stream_deletions",
        "subscriptions",
        "tags",
        "trimming",
    )

    def __init__(self, group_id: int, account: str, region: str, name: str, created_ms: int) -> None:
        self.id = group_id
        self.account = account
        self.region = region
        self.name = name
        self.created_ms = created_ms
        self.retention_days: int | None = None
        self.tags: dict[str, str] = {}
        self.log_class = "STANDARD"
        self.kms_key: str | None = None
        self.stored_bytes = 0
        self.stream_deletions: dict[str, int] = {}  # stream -> its events below this chunk are gone
        self.subscriptions: tuple[SubscriptionFilter, ...] = ()
        self.deleted = False
        self.trimming = False
        self.open_chunk: chunk.Chunk | None = None


class _Tail:
    """The last `TAIL_BYTES` of what an invocation logs, whatever the amount."""

    __slots__ = ("_records", "_size")

    def __init__(self) -> None:
        self._records: deque[str] = deque()
        self._size = 0

    def add(self, record: Record) -> None:
        text = records.render(record)
        self._records.append(text)
        self._size += len(text)
        # Characters are at least a byte each, so what is dropped here can never be among the last 4 KB.
        while self._size - len(self._records[0]) >= TAIL_BYTES:
            self._size -= len(self._records.popleft())

    def last(self) -> bytes:
        return "".join(self._records).encode("utf-8", "replace")[-TAIL_BYTES:]


class LogStream:
    """One log stream: append from the event loop's thread only.

    Appending encodes into memory (about 0.3 us); the store flushes a few times a second. Events of a stream
    keep their order: a timestamp below its predecessor's is raised to it. `system` says which of the platform's
    own lines are written, and how.
    """

    __slots__ = ("_chunk", "_number", "_store", "_system", "_tail", "group", "last_ms", "name")

    def __init__(self, store: LogStore, group: LogGroup, name: str, system: SystemLog = TEXT) -> None:
        self._store = store
        self.group = group
        self.name = name
        self.last_ms = 0
        self._system = system
        self._tail: _Tail | None = None
        self._chunk = chunk.Chunk()
        self._chunk.seal()  # the first append asks the store for an open one
        self._number = 0

    def append(self, timestamp_ms: int, message: str) -> None:
        """Adds one event with the text `message` (AWS keeps a trailing newline, if any)."""
        current = self._chunk
        if current.sealed:
            current = self._enter(timestamp_ms)
        if timestamp_ms < self.last_ms:
            timestamp_ms = self.last_ms
        else:
            self.last_ms = timestamp_ms
        record = (self._number, timestamp_ms, message)
        buffer = current.buffer
        _encode_into(record, buffer, -1)
        current.count += 1
        if self._tail is not None:
            self._tail.add(record)
        if len(buffer) > chunk.CHUNK_BYTES:
            self._store.chunk_is_full(self.group)

    def invocation_start(self, timestamp_ms: int, request_id: str, version: str) -> None:
        """The START line. `version` is "$LATEST" or a number."""
        self._add(timestamp_ms, self._system.start, request_id, version)

    def invocation_end(
        self,
        timestamp_ms: int,
        request_id: str,
        duration_us: int,
        billed_ms: int,
        memory_mb: int,
        max_memory_mb: int,
        init_us: int | None = None,
        status: str | None = None,
        error_type: str | None = None,
    ) -> None:
        """The END and REPORT lines; `init_us` on a cold start, `status` "timeout", "error" or "failure"."""
        system = self._system
        self._add(
            timestamp_ms,
            system.end if status is None else system.failed_end,
            request_id,
            duration_us,
            billed_ms,
            memory_mb,
            max_memory_mb,
            init_us,
            status,
            error_type,
        )

    def init_start(
        self,
        timestamp_ms: int,
        runtime_version: str,
        runtime_version_arn: str,
        function_name: str,
        function_version: str,
        memory_mb: int,
        initialization: str = ON_DEMAND,
    ) -> None:
        """The INIT_START line: "python:3.12.v38" and the ARN of that runtime version; JSON has the rest too."""
        self._add(
            timestamp_ms,
            self._system.init_start,
            runtime_version,
            runtime_version_arn,
            function_name,
            function_version,
            self.name,
            memory_mb,
            initialization,
        )

    def init_end(self, timestamp_ms: int, init_us: int, initialization: str = ON_DEMAND) -> None:
        """Initialisation has succeeded: no line in plain text, where the first REPORT has its duration."""
        system = self._system
        kind = system.ready if initialization == ON_DEMAND else system.provisioned
        self._add(timestamp_ms, kind, init_us, "init", None, None, initialization)

    def init_report(
        self,
        timestamp_ms: int,
        init_us: int,
        phase: str = "init",
        status: str = "error",
        error_type: str | None = None,
        initialization: str = ON_DEMAND,
    ) -> None:
        """The INIT_REPORT line: written when init fails or times out, by itself or within an invocation."""
        self._add(timestamp_ms, self._system.failed_init, init_us, phase, status, error_type, initialization)

    @property
    def saturated(self) -> bool:
        """More waits for the disk than should: whoever can wait with appending, should (see `when_drained`)."""
        return self._store.saturated

    def when_drained(self, callback: Callable[[], None]) -> None:
        """Call back once, on the loop, when appending is welcome again."""
        self._store.when_drained(callback)

    def begin_tail(self) -> None:
        """From here on the last 4 KB appended are kept for `end_tail`."""
        self._tail = _Tail()

    def end_tail(self) -> bytes:
        """The last 4 KB appended since `begin_tail`, in UTF-8."""
        tail, self._tail = self._tail, None
        return b"" if tail is None else tail.last()

    def _add(self, timestamp_ms: int, kind: int, *facts: str | int | None) -> None:
        if not kind:
            return
        current = self._chunk
        if current.sealed:
            current = self._enter(timestamp_ms)
        if timestamp_ms < self.last_ms:
            timestamp_ms = self.last_ms
        else:
            self.last_ms = timestamp_ms
        record = (self._number, timestamp_ms, kind, *facts)
        _encode_into(record, current.buffer, -1)
        current.count += 1
        if self._tail is not None:
            self._tail.add(record)
        if len(current.buffer) > chunk.CHUNK_BYTES:
            self._store.chunk_is_full(self.group)

    def _enter(self, timestamp_ms: int) -> chunk.Chunk:
        """Makes the stream part of its group's open chunk."""
        if self.group.deleted:
            # As with Lambda, a function that goes on logging gets its log group back.
            self.group = self._store.group(self.group.account, self.group.region, self.group.name)
        current = self._store.open_chunk(self.group)
        self._number = current.join(self, timestamp_ms)
        self._chunk = current
        return current
