"""Log records: what is stored of a log event, and the text that a reader gets.

A record is a tuple `(stream, timestamp_ms, message)` or `(stream, timestamp_ms, kind, ...facts)`: the
platform's own lines (START, END, REPORT …) are kept as facts and worded only when somebody reads them,
because they are written for every invocation and read for few. `stream` is an index into the stream names
of the chunk that holds the record.

Texts are those Lambda writes to CloudWatch Logs; with the JSON log format they are the platform events of
"Lambda Telemetry API event schema reference". Which of them are written is the log stream's business.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

Record = tuple[Any, ...] | list[Any]

START: Final = 1
"""`(stream, ts, START, request_id, version)`"""
END: Final = 2
"""`(stream, ts, END, request_id, duration_us, billed_ms, memory_mb, max_memory_mb, init_us, status,
error_type)`: two events, END and REPORT."""
INIT_START: Final = 3
"""`(stream, ts, INIT_START, runtime_version, runtime_version_arn, function_name, function_version, stream_name,
memory_mb, initialization_type)`"""
INIT_REPORT: Final = 4
"""`(stream, ts, INIT_REPORT, init_us, phase, status, error_type, initialization_type)`"""
JSON: Final = 16
"""Added to a kind when the function logs in JSON format."""
DETAIL: Final = 32
"""Added to the JSON kinds of END and INIT_REPORT: what the runtime did is an event of its own, before the report."""

MAX_EVENTS_PER_RECORD: Final = 2


def _milliseconds(microseconds: int) -> str:
    return f"{microseconds / 1000:.2f}"


def _outcome(status: str | None, error_type: str | None) -> str:
    # An error that the handler raised is reported as `failure` in JSON and not at all in text.
    if status is None or status == "failure":
        return ""
    return f"Status: {status}\tError Type: {error_type}" if error_type else f"Status: {status}"


def _start(record: Record) -> tuple[str, ...]:
    return (f"START RequestId: {record[3]} Version: {record[4]}\n",)


def _end(record: Record) -> tuple[str, ...]:
    _, _, _, request_id, duration_us, billed_ms, memory_mb, max_memory_mb, init_us, status, error_type = (
        record
    )
    init = "" if init_us is None else f"Init Duration: {_milliseconds(init_us)} ms\t"
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {_milliseconds(duration_us)} ms\t"
        f"Billed Duration: {billed_ms} ms\tMemory Size: {memory_mb} MB\tMax Memory Used: {max_memory_mb} MB\t"
        f"{init}{_outcome(status, error_type)}\n"
    )
    return f"END RequestId: {request_id}\n", report


def _init_start(record: Record) -> tuple[str, ...]:
    return (f"INIT_START Runtime Version: {record[3]}\tRuntime Version ARN: {record[4]}\n",)


def _init_report(record: Record) -> tuple[str, ...]:
    init_us, phase, status, error_type = record[3:7]
    outcome = _outcome(status, error_type)
    tab = "\t" if outcome else ""
    return (f"INIT_REPORT Init Duration: {_milliseconds(init_us)} ms\tPhase: {phase}{tab}{outcome}\n",)


def _event(record: Record, kind: str, body: dict[str, Any]) -> str:
    moment = datetime.fromtimestamp(record[1] / 1000, UTC)
    time = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{record[1] % 1000:03d}Z"
    return msgspec.json.encode({"time": time, "type": kind, "record": body}).decode() + "\n"


def _json_start(record: Record) -> tuple[str, ...]:
    return (_event(record, "platform.start", {"requestId": record[3], "version": record[4]}),)


def _json_end(record: Record) -> tuple[str, ...]:
    _, _, kind, request_id, duration_us, billed_ms, memory_mb, max_memory_mb, init_us, status, error_type = (
        record
    )
    duration_ms = round(duration_us / 1000, 3)
    metrics: dict[str, Any] = {
        "durationMs": duration_ms,
        "billedDurationMs": billed_ms,
        "memorySizeMB": memory_mb,
        "maxMemoryUsedMB": max_memory_mb,
    }
    if init_us is not None:
        metrics["initDurationMs"] = round(init_us / 1000, 3)
    outcome = _json_outcome(status, error_type)
    report = _event(record, "platform.report", {"requestId": request_id, "metrics": metrics, **outcome})
    if not kind & DETAIL:
        return (report,)
    done = {"requestId": request_id, "metrics": {"durationMs": duration_ms}, **outcome}
    return _event(record, "platform.runtimeDone", done), report


def _json_init_start(record: Record) -> tuple[str, ...]:
    name, version, instance, memory_mb, initialization = record[5:]
    body = {
        "initializationType": initialization,
        "phase": "init",
        "runtimeVersion": record[3],
        "runtimeVersionArn": record[4],
        "functionName": name,
        "functionVersion": version,
        "instanceId": instance,
        "instanceMaxMemory": memory_mb << 20,
    }
    return (_event(record, "platform.initStart", body),)


def _json_init_report(record: Record) -> tuple[str, ...]:
    init_us, phase, status, error_type, initialization = record[3:]
    outcome = _json_outcome(status, error_type)
    body: dict[str, Any] = {
        "initializationType": initialization,
        "phase": phase,
        **outcome,
        "metrics": {"durationMs": round(init_us / 1000, 3)},
    }
    report = _event(record, "platform.initReport", body)
    if not record[2] & DETAIL:
        return (report,)
    done = {"initializationType": initialization, "phase": phase, **outcome}
    return _event(record, "platform.initRuntimeDone", done), report


def _json_outcome(status: str | None, error_type: str | None) -> dict[str, str]:
    outcome = {"status": status or "success"}
    if error_type:
        outcome["errorType"] = error_type
    return outcome


_WORDINGS: Final[dict[int, Callable[[Record], tuple[str, ...]]]] = {
    START: _start,
    END: _end,
    INIT_START: _init_start,
    INIT_REPORT: _init_report,
    START + JSON: _json_start,
    END + JSON: _json_end,
    INIT_START + JSON: _json_init_start,
    END + JSON + DETAIL: _json_end,
    INIT_REPORT + JSON: _json_init_report,
    INIT_REPORT + JSON + DETAIL: _json_init_report,
}


def messages(record: Record) -> tuple[str, ...]:
    """The texts of the one or two log events that a record stands for, in order."""
    what = record[2]
    if isinstance(what, str):
        return (what,)
    return _WORDINGS[what](record)


def render(record: Record) -> str:
    """A record's whole text, as it appears in the LogResult of an invocation."""
    return "".join(messages(record))
