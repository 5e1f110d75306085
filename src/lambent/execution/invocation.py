"""One invocation on its way through an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.execution.streaming import StreamedResponse


class ResponseSink(Protocol):
    """Who takes an answer piece by piece. All calls come on the loop's thread."""

    def begin(self, content_type: str) -> None:
        """The function has begun to answer. Called once, before the first piece."""

    def write(self, chunk: bytes) -> None:
        """A piece of the answer."""

    @property
    def saturated(self) -> bool:
        """Whether more than it can pass on has been written."""

    def when_drained(self, resume: Callable[[], None]) -> None:
        """Call `resume` once when it is no longer saturated, or when nobody takes the answer any more."""


class Invocation:
    """What is asked of an environment, and after `finished` was called, what came of it.

    In: `payload` JSON bytes; `request_id` 36 ASCII bytes; `trace` the X-Ray header or empty; `extra` a JSON
    object with what is seldom set (client context, cognito identity, ARN, tenant) or empty; `want_tail` asks
    for the end of its log (LogType=Tail); `owner` is the caller's. `sink` takes an answer that the function
    streams; without one its pieces are collected into `result`.

    Out: `result` JSON bytes, or what a streaming function wrote, or nothing when a sink has taken it;
    `function_error` whether it is an error document; `init_us` (None on a warm
    start) and `billed_ms`; `log_tail` up to 4 KB in UTF-8.
    `failure` is set instead of `result` when the platform could not run it at all.
    """

    __slots__ = (
        "billed_ms",
        "extra",
        "failure",
        "finished",
        "function_error",
        "init_us",
        "log_tail",
        "owner",
        "payload",
        "request_id",
        "result",
        "sink",
        "started_ms",
        "stream",
        "trace",
        "want_tail",
    )

    def __init__(
        self,
        payload: bytes,
        request_id: bytes,
        trace: bytes,
        extra: bytes,
        finished: Callable[[Invocation], None],
        *,
        want_tail: bool = False,
        owner: Any = None,
    ) -> None:
        self.payload = payload
        self.request_id = request_id
        self.trace = trace
        self.extra = extra
        self.finished = finished
        self.want_tail = want_tail
        self.owner = owner
        self.sink: ResponseSink | None = None
        self.stream: StreamedResponse | None = None
        self.result = b""
        self.function_error = False
        self.failure: Exception | None = None
        self.started_ms = 0
        self.billed_ms = 0
        self.init_us: int | None = None
        self.log_tail = b""
