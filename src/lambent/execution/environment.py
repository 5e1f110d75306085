"""An execution environment: a private directory, a log stream, and the process that runs the function.

The life cycle is Lambda's. INIT begins when the environment is made; when it fails or takes longer than ten
seconds it is reported (INIT_REPORT … Phase: init) and tried once more within the first invocation, whose
timeout then covers it (Phase: invoke). After a timeout or the end of the runtime the process is replaced at
the next invocation while /tmp and the log stream stay (AWS-recorded
`test_lambda_invoke_timed_out_environment_reuse`).
"""

from __future__ import annotations

import asyncio
import enum
import time
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.execution import frames
from lambent.execution.exits import describe_exit
from lambent.execution.output import Output
from lambent.execution.process import MAX_RESULT
from lambent.execution.streaming import StreamedResponse

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.execution.invocation import Invocation
    from lambent.execution.pool import Pool
    from lambent.execution.process import RuntimeProcess
    from lambent.observe import LogStream

INIT_LIMIT_SECONDS: Final = 10.0
_TOO_LARGE: Final = "Function.ResponseSizeTooLarge"

_encode = msgspec.json.encode
_time = time.time
_clock = time.perf_counter_ns


class Phase(enum.Enum):
    """Where an environment is in its life."""

    INIT = "init"  # starting, before any invocation
    INVOKE_INIT = "invoke"  # starting again within an invocation
    IDLE = "idle"
    BUSY = "busy"
    RESET = "reset"  # no process: the next invocation starts one
    CLOSED = "closed"


class Environment:
    """One environment of a pool. Everything happens on the loop's thread."""

    __slots__ = (
        "_clock_started",
        "_exceeded_memory",
        "_init_started",
        "_init_timer",
        "_init_us",
        "_last",
        "_max_rss_kib",
        "_output",
        "directory",
        "idle_since",
        "invocation",
        "log",
        "phase",
        "pool",
        "process",
    )

    def __init__(self, pool: Pool, directory: Path, log: LogStream) -> None:
        self.pool = pool
        self.directory = directory
        self.log = log
        self.phase = Phase.INIT
        self.process: RuntimeProcess | None = None
        self.invocation: Invocation | None = None
        self.idle_since = 0.0
        self._output = Output()
        self._clock_started = 0
        self._init_started = 0
        self._init_us: int | None = None
        self._init_timer: asyncio.TimerHandle | None = None
        self._max_rss_kib = 0
        self._exceeded_memory = False
        self._last = b""  # what the process has answered before it ended itself

    @property
    def running_since_ns(self) -> int:
        """When INIT or the invocation that is under way began, on the clock of `time.perf_counter_ns`."""
        return self._init_started if self.invocation is None else self._clock_started

    # ------------------------------------------------------------ starting

    def start(self) -> None:
        """Begin INIT ahead of the invocation that asked for it."""
        self.phase = Phase.INIT
        spec = self.pool.spec
        self.log.init_start(
            int(_time() * 1000),
            spec.runtime_version,
            spec.runtime_version_arn,
            spec.function_name,
            spec.version,
            spec.memory_mb,
            spec.initialization,
        )
        if spec.substitute:
            self._event(
                f"[lambent] no interpreter for this function's runtime: running it with {spec.substitute}\n"
            )
        self._start_process()
        self._init_timer = asyncio.get_running_loop().call_later(self.pool.init_limit, self._init_timed_out)

    def restart(self, invocation: Invocation) -> None:
        """Begin INIT within an invocation: its timeout covers it."""
        self._start_process()
        self.phase = Phase.INVOKE_INIT
        self._begin(invocation)

    def _start_process(self) -> None:
        self._init_started = _clock()
        self._exceeded_memory = False
        self._last = b""
        self._output = Output()
        pool = self.pool
        self.process = pool.nursery.take(self, pool.spec.init(self.directory, self.log.name))

    def _init_timed_out(self) -> None:
        self._report_init("timeout", None)
        self._drop_process()
        self.pool.init_failed(self)

    def _report_init(self, status: str, error_type: str | None) -> None:
        phase = "invoke" if self.phase is Phase.INVOKE_INIT else "init"
        elapsed_us = (_clock() - self._init_started) // 1000
        self.log.init_report(
            int(_time() * 1000), elapsed_us, phase, status, error_type, self.pool.spec.initialization
        )

    def _cancel_init_timer(self) -> None:
        if self._init_timer is not None:
            self._init_timer.cancel()
            self._init_timer = None

    # ------------------------------------------------------------ running

    def run(self, invocation: Invocation) -> None:
        """Hand an invocation to the idle process."""
        self._begin(invocation)
        self._send(invocation)

    def _begin(self, invocation: Invocation) -> None:
        self.invocation = invocation
        self._clock_started = _clock()
        invocation.started_ms = started_ms = int(_time() * 1000)
        invocation.init_us = self._init_us
        self._init_us = None
        log = self.log
        if invocation.want_tail:
            log.begin_tail()
        log.invocation_start(started_ms, invocation.request_id.decode(), self.pool.spec.version)
        self.pool.began(self, self._clock_started)

    def _send(self, invocation: Invocation) -> None:
        self.phase = Phase.BUSY
        process = self.process
        assert process is not None
        process.invoke(invocation, invocation.started_ms + self.pool.spec.timeout_ms)

    def _finish(
        self, result: bytes, function_error: bool, status: str | None = None, error_type: str | None = None
    ) -> None:
        """The invocation has its result: report it, release the environment, then tell."""
        invocation = self.invocation
        assert invocation is not None
        self.invocation = None
        duration_us = (_clock() - self._clock_started) // 1000
        init_us = invocation.init_us
        # Rounded up to the millisecond. Init is billed too, since 2025-08-01.
        billed_us = duration_us + init_us if init_us and self.pool.bills_init else duration_us
        billed_ms = -(billed_us // -1000) or 1
        invocation.result = result
        invocation.function_error = function_error
        invocation.billed_ms = billed_ms
        log = self.log
        log.invocation_end(
            invocation.started_ms + duration_us // 1000,
            invocation.request_id.decode(),
            duration_us,
            billed_ms,
            self.pool.spec.memory_mb,
            -(self._max_rss_kib // -1024),
            init_us,
            status,
            error_type,
        )
        if invocation.want_tail:
            invocation.log_tail = log.end_tail()
        self.pool.ended(self)
        invocation.finished(invocation)

    def timed_out(self) -> None:
        """The function's timeout has passed: answer, and kill everything that the process started."""
        invocation = self.invocation
        assert invocation is not None
        seconds = self.pool.spec.timeout_ms / 1000
        request_id = invocation.request_id.decode()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{int(_time() * 1000) % 1000:03d}Z"
        if self.process is not None:
            self.process.drain_log()
        self._finish_output()
        if self.phase is Phase.INVOKE_INIT:
            self._report_init("timeout", None)
        self._event(f"{stamp} {request_id} Task timed out after {seconds:.2f} seconds\n\n")
        self._drop_process()
        document = {
            "errorType": "Sandbox.Timedout",
            "errorMessage": f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
        }
        self._finish(_encode(document), True, "timeout")

    def exceeded_memory(self) -> None:
        """The process tree uses more than the configured size: it is killed as the kernel would."""
        self._exceeded_memory = True
        self._max_rss_kib = self.pool.spec.memory_mb * 1024
        if self.process is not None:
            self.process.condemn()

    def _drop_process(self) -> None:
        """Kill the process and forget it: what it still says belongs to nobody."""
        self._cancel_init_timer()
        process, self.process = self.process, None
        self.phase = Phase.RESET
        if process is not None:
            process.disown()
            process.kill()

    def close(self) -> None:
        """Shutdown: kill the process and give up the directory."""
        if self.phase is Phase.CLOSED:
            return
        self._drop_process()
        self.phase = Phase.CLOSED
        self.pool.closed(self)

    # ------------------------------------------------------------ what the process says

    def on_frame(self, kind: int, body: bytes) -> None:
        """A frame from the bootstrap."""
        if kind == frames.RESULT or kind == frames.FUNCTION_ERROR:
            process = self.process
            assert process is not None
            if self.phase is not Phase.BUSY:
                process.condemn()  # nobody has asked: it is not our bootstrap that wrote this
                return
            process.drain_log()
            if self._output.unfinished:
                self._finish_output()
            self._max_rss_kib = rss = int.from_bytes(body[:4], "big")
            if rss > self.pool.spec.memory_limit_kib:
                self.exceeded_memory()
                return
            self.phase = Phase.IDLE
            if kind != frames.RESULT:
                self._finish(body[4:], True, "failure", _error_type(body[4:]))
            elif self.invocation is not None and self.invocation.stream is not None:
                self._finish_stream(self.invocation.stream)
            else:
                self._finish(body[4:], False)
        elif kind == frames.CHUNK or kind == frames.STREAM:
            self._on_stream(kind, body)
        elif kind == frames.LOG:
            self._record(body[8:].decode("utf-8", "replace"), int.from_bytes(body[:8], "big") // 1000)
        elif kind == frames.LAST and self.phase is Phase.BUSY:
            self._last = body  # the invocation ends when the process does: it is not fit for another
        elif kind == frames.READY:
            self._on_ready(int.from_bytes(body[:4], "big"))
        elif self.phase in (Phase.INIT, Phase.INVOKE_INIT):
            self._on_init_error(body)
        elif self.process is not None:
            self.process.condemn()

    def _on_stream(self, kind: int, body: bytes) -> None:
        """The answer begins to come in pieces, or a piece has come."""
        process, invocation = self.process, self.invocation
        if process is None:
            return
        if self.phase is not Phase.BUSY or invocation is None:
            process.condemn()
        elif kind == frames.STREAM and invocation.stream is None:
            invocation.stream = StreamedResponse(invocation, body.decode("latin-1"))
        elif kind == frames.CHUNK and invocation.stream is not None:
            invocation.stream.write(body, process)
        else:
            process.condemn()

    def _finish_stream(self, stream: StreamedResponse) -> None:
        if stream.exceeded:
            self._finish(_too_large(stream.exceeded), True, "error", _TOO_LARGE)
        else:
            self._finish(stream.collected(), False)

    def _finish_last(self, body: bytes) -> None:
        self._max_rss_kib = int.from_bytes(body[:4], "big")
        answer = body[5:]
        if body[4] != frames.RESULT:
            self._finish(answer, True, "error", _error_type(answer))
        elif self.invocation is not None and self.invocation.stream is not None:
            self._finish_stream(self.invocation.stream)
        else:
            self._finish(answer, False)

    def on_oversized(self, kind: int, length: int) -> None:
        """A frame that is larger than what is allowed; its body is skipped."""
        if kind == frames.LOG:
            self._record(f"[lambent] one log event of {length:,} bytes was dropped: the largest is 1 MB\n")
        elif self.phase is Phase.BUSY and kind in (frames.RESULT, frames.FUNCTION_ERROR):
            self.phase = Phase.IDLE
            if self.process is not None:
                self.process.drain_log()
            self._finish_output()
            self._finish(_too_large(MAX_RESULT), True, "error", _TOO_LARGE)
        elif self.process is not None:
            self.process.condemn()

    def on_output(self, data: bytes) -> None:
        """Bytes from stdout and stderr: each line is one log event."""
        for line in self._output.feed(data):
            self._event(line)
        if self.log.saturated and self.process is not None:
            # Its pipe fills up, and what prints waits, until the logs are on disk.
            self.process.pause_output()
            self.log.when_drained(self.process.resume_output)

    def _on_ready(self, rss: int) -> None:
        self._cancel_init_timer()
        self._max_rss_kib = rss
        if self.phase is Phase.INVOKE_INIT:
            assert self.invocation is not None
            self._send(self.invocation)
        elif self.phase is Phase.INIT:
            self._init_us = (_clock() - self._init_started) // 1000
            self.log.init_end(int(_time() * 1000), self._init_us, self.pool.spec.initialization)
            self.phase = Phase.IDLE
            self.pool.ready(self)
        elif self.phase is Phase.IDLE:
            self.pool.asked(self)

    def _on_init_error(self, document: bytes) -> None:
        error_type = _error_type(document)
        if self.process is not None:
            self.process.drain_log()
        self._finish_output()
        self._report_init("error", error_type)
        self._init_failed(document, error_type)

    def _init_failed(self, document: bytes, error_type: str) -> None:
        phase = self.phase
        self._drop_process()
        if phase is Phase.INVOKE_INIT:
            if error_type == "Runtime.InvalidEntrypoint":
                document = self._with_request_id(document)
            self._finish(document, True, "error", error_type)
        elif phase is Phase.INIT:
            self.pool.init_failed(self)

    def _with_request_id(self, document: bytes) -> bytes:
        """An error of Lambda's own, whose message names the invocation."""
        assert self.invocation is not None
        error = msgspec.json.decode(document)
        request_id = self.invocation.request_id.decode()
        error["errorMessage"] = f"RequestId: {request_id} Error: {error.get('errorMessage', '')}"
        return _encode(error)

    def on_lost(self) -> None:
        """The process is about to end."""
        if self.phase is Phase.IDLE:
            self.pool.discard(self)  # before an invocation is given to it

    def on_exit(self, wait_status: int) -> None:
        """The process has ended without being told to."""
        phase, self.process = self.phase, None
        self._cancel_init_timer()
        self._finish_output()
        if self._exceeded_memory:
            error_type, reason = "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"
        else:
            error_type, reason = "Runtime.ExitError", describe_exit(wait_status)
        if phase is Phase.IDLE:
            self.pool.discard(self)
            return
        if phase in (Phase.INIT, Phase.INVOKE_INIT):
            self._report_init("error", error_type)
        invocation = self.invocation
        if invocation is not None:
            request_id = invocation.request_id.decode()
            self._event(f"RequestId: {request_id} Error: {reason}\nRuntime.ExitError\n")
            if self._last and not self._exceeded_memory:
                self.phase = Phase.RESET
                self._finish_last(self._last)
                return
            document = {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: {reason}",
            }
            self.phase = Phase.RESET
            self._finish(_encode(document), True, "error", error_type)
        elif phase is Phase.INIT:
            self.phase = Phase.RESET
            self.pool.init_failed(self)

    # ------------------------------------------------------------ log events

    def _record(self, message: str, timestamp_ms: int = 0) -> None:
        """A log event that came as a frame, after what was printed before it."""
        if self.process is not None:
            self.process.drain_log()
        output = self._output
        for line in output.flush():
            self._event(line)
        self._event(message, timestamp_ms)
        for line in output.record():
            self._event(line)

    def _finish_output(self) -> None:
        for line in self._output.finish():
            self._event(line)

    def _event(self, message: str, timestamp_ms: int = 0) -> None:
        self.log.append(timestamp_ms or int(_time() * 1000), message)


def _too_large(allowed: int) -> bytes:
    return _encode(
        {
            "errorMessage": f"Response payload size exceeded maximum allowed payload size ({allowed} bytes).",
            "errorType": _TOO_LARGE,
        }
    )


class _ErrorDocument(msgspec.Struct):
    errorType: str = ""  # noqa: N815  the wire's name


_decode_error = msgspec.json.Decoder(_ErrorDocument).decode


def _error_type(document: bytes) -> str:
    try:
        return _decode_error(document).errorType
    except msgspec.DecodeError:
        return ""
