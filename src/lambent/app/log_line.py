"""Log lines: put together from what changes with the line, the invocation and the logger, and written.

A line is a JSON object with the keys of Powertools for AWS Lambda (Python), in its order: level, location, message,
timestamp, service and the logger's own keys, cold_start and function_* of the invocation, correlation_id, appended
keys, those of the line itself, the exception, xray_trace_id. A key whose value is None is left out.
"""

from __future__ import annotations

import os
import sys
import time
from typing import IO, TYPE_CHECKING, Any

import msgspec

from lambent.app import current
from lambent.app.log_buffer import LineBuffer, LoggerBufferConfig
from lambent.app.log_exception import exception_fields
from lambent.app.log_keys import Appended, bound
from lambent.app.log_level import ERROR, WARNING
from lambent.app.log_output import write
from lambent.app.log_value import ValueEncoder, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ORDER = ("level", "location", "message", "timestamp")
_STANDARD = frozenset((*_ORDER, "xray_trace_id"))
_OWN = frozenset(_ORDER)
_TEMPLATES = frozenset(
    (
        *(
            "name",
            "msg",
            "args",
            "level",
            "levelname",
            "levelno",
            "pathname",
            "filename",
            "module",
            "exc_info",
        ),
        *("exc_text", "stack_info", "lineno", "funcName", "created", "msecs", "relativeCreated", "thread"),
        *("threadName", "processName", "process", "asctime", "location", "timestamp"),
    )
)
"""Keys whose values, given to a logger, are templates of `logging`: `location="%(module)s:%(lineno)d"`."""


class Options(msgspec.Struct, frozen=True):
    """How a logger's lines look and where they go."""

    clock: Callable[[float], str]
    encoder: ValueEncoder
    stream: IO[str] | None
    """None: `sys.stdout` as it is when the line is written, since runtimes and tests exchange it."""
    order: tuple[str, ...] | None
    serializer: Callable[[dict[str, Any]], str] | None
    indented: bool
    stack_trace: bool
    buffer: LoggerBufferConfig | None
    deserializer: Callable[[str], Any] | None = None
    formatter: Any = None
    """A `logging.Formatter` that writes the whole line."""

    @property
    def plain(self) -> bool:
        return (
            self.order is None
            and self.serializer is None
            and self.deserializer is None
            and self.formatter is None
            and not self.indented
        )


class Tail(msgspec.Struct, frozen=True):
    """What follows the timestamp, and what it was made for."""

    appended: Mapping[str, Any]
    context: Any
    cold: bool
    correlation: Any
    bound: Mapping[str, Any]
    keys: Mapping[str, Any]
    names: frozenset[str]
    plain: bool
    text: str
    end: str | None
    """With the trace id; None outside invocations, where each line looks for it."""


_NEVER = Tail({}, None, False, None, {}, {}, frozenset(), False, "", None)


class Lines:
    """The lines of one logger."""

    __slots__ = ("__weakref__", "appended", "buffer", "constants", "level", "name", "options", "tail")

    def __init__(self, name: str, options: Options, constants: dict[str, Any], appended: Appended) -> None:
        self.name = name
        self.options = options
        self.constants = constants
        self.appended = appended
        self.buffer = LineBuffer(options.buffer.max_bytes) if options.buffer else None
        self.tail = _NEVER
        self.level: int | None = None

    # ------------------------------------------------------------------ what changes less often than with every line

    def compile(self) -> Tail:
        """The tail for the keys and the invocation of now."""
        appended, context, cold = self.appended.keys, current.context, current.cold
        correlation, mine = current.correlation_id.get(), bound.get()
        keys = dict(self.constants)
        if context is not None:
            keys |= _invocation_keys(context, cold)
        if correlation is not None:
            keys["correlation_id"] = correlation
        keys |= appended
        keys |= mine
        plain = (
            self.options.plain
            and self.appended.records is None
            and _TEMPLATES.isdisjoint(keys)
            and "message" not in keys
        )
        shown = {key: value for key, value in keys.items() if value is not None and key not in _STANDARD}
        text = "," + self.options.encoder.text(shown)[1:-1] if shown else ""
        end = None
        if context is not None:
            end = end_of(None if keys.get("xray_trace_id", "") is None else trace_id_of_now())
        self.tail = tail = Tail(
            appended, context, cold, correlation, mine, keys, _STANDARD.union(keys), plain, text, end
        )
        return tail

    def forget(self) -> None:
        """A new invocation, even if its context is the object of an earlier one, as in tests."""
        self.tail = _NEVER

    # ------------------------------------------------------------------ lines

    def line(
        self,
        level: str,
        number: int,
        origin: tuple[str, int, str],
        now: float,
        msg: Any,
        args: tuple[Any, ...],
        fields: Mapping[str, Any],
        exc_info: Any,
    ) -> str:
        """Any line at all. `origin` is the function, the line and the file that it comes from.

        It is empty if a filter refused it.
        """
        tail = self.compile()
        options, records = self.options, self.appended.records
        if records is None and options.formatter is None:
            return self.text(tail, level, number, origin, now, msg, args, fields, exc_info)

        from lambent.app.log_record import RecordLine, fields_of, filtered

        record = filtered(records, self.name, level, number, origin, now, msg, args, fields, exc_info)
        if record is None:
            return ""
        fields = fields_of(record, fields)
        text = self.text(tail, level, number, origin, now, record.msg, record.args, fields, record.exc_info)
        return RecordLine(text, record, tail.keys, options.formatter)

    def text(
        self,
        tail: Tail,
        level: str,
        number: int,
        origin: tuple[str, int, str],
        now: float,
        msg: Any,
        args: Any,
        fields: Mapping[str, Any],
        exc_info: Any,
    ) -> str:
        """The same without filters, handlers and formatters of `logging`."""
        options = self.options
        timestamp = msgspec.json.decode(f'"{options.clock(now)}"')
        message = message_of(msg, args, options.deserializer)
        document: dict[str, Any] = dict.fromkeys(options.order or _ORDER)
        document["level"] = level
        document["location"] = f"{origin[0]}:{origin[1]}"
        document["timestamp"] = timestamp
        attributes: dict[str, Any] | None = None
        for key, value in tail.keys.items():
            if value and isinstance(value, str) and key in _TEMPLATES:
                attributes = attributes or self._attributes(level, number, origin, now, timestamp, message)
                try:
                    document[key] = value % attributes
                except Exception:  # noqa: BLE001 - not a template, then
                    document[key] = value
            else:
                document[key] = value
        document["message"] = message
        document |= {key: value for key, value in fields.items() if key not in _OWN}
        if exc_info:
            for key, value in exception_fields(exc_info, frames=options.stack_trace).items():
                document.setdefault(key, value)
        if tail.keys.get("xray_trace_id", "") is not None:
            trace = trace_id_of_now()
            if trace:
                document.pop("xray_trace_id", None)
                document["xray_trace_id"] = trace
        shown = {key: value for key, value in document.items() if value is not None}
        if options.serializer is not None:
            try:
                return options.serializer(shown) + "\n"
            except Exception:  # noqa: BLE001, S110 - what it cannot write is written as usual
                pass
        text = options.encoder.text(shown)
        return (msgspec.json.format(text, indent=4) if options.indented else text) + "\n"

    def _attributes(
        self, level: str, number: int, origin: tuple[str, int, str], now: float, timestamp: str, message: Any
    ) -> dict[str, Any]:
        """What templates can show: the attributes of the standard library's LogRecord."""
        import threading

        filename = origin[2].rpartition("/")[2]
        thread = threading.current_thread()
        return {
            "name": self.name,
            "msg": message,
            "message": message,
            "levelname": level,
            "levelno": number,
            "pathname": origin[2],
            "filename": filename,
            "module": filename.removesuffix(".py"),
            "lineno": origin[1],
            "funcName": origin[0],
            "created": now,
            "msecs": int(now % 1 * 1000),
            "asctime": timestamp,
            "process": os.getpid(),
            "processName": "MainProcess",
            "thread": thread.ident,
            "threadName": thread.name,
        }

    # ------------------------------------------------------------------ where they go

    def emitter(self, number: int) -> Callable[[str], None]:
        """What takes the lines of a level: the stream, or the buffer for those that are held back."""
        config = self.options.buffer
        if config is None:
            return self.write
        if number <= config.level:
            return self.hold
        return self.flush_and_write if number >= ERROR and config.flush_on_error_log else self.write

    def write(self, line: str) -> None:
        """Writes the line at once: Lambda freezes and kills without asking. Never raises."""
        records = self.appended.records
        if records is not None:
            handled = records.handle(line)
            if handled and records.alone:
                return
        write(self.options.stream or sys.stdout, line)

    def hold(self, line: str) -> None:
        """Keeps the line for when the invocation goes wrong."""
        assert self.buffer is not None
        if not self.buffer.add(line, trace_id_of_now()):
            self.write(line)

    def flush_and_write(self, line: str) -> None:
        self.flush()
        self.write(line)

    def flush(self) -> None:
        """Writes what is held back, and a warning if some of it had been dropped."""
        config = self.options.buffer
        if self.buffer is None or config is None:
            return
        lines, evicted = self.buffer.take(trace_id_of_now())
        for line in lines:
            self.write(line)
        if evicted:
            text = f"{evicted} earlier lines are missing here: the log buffer holds {config.max_bytes} bytes"
            self.write(self.line("WARNING", WARNING, ("flush", 0, __file__), time.time(), text, (), {}, None))


def _invocation_keys(context: Any, cold: bool) -> dict[str, Any]:
    if not hasattr(context, "function_name"):
        # A durable function's context has Lambda's within it.
        context = getattr(context, "lambda_context", context)
    return {
        "cold_start": cold and os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "provisioned-concurrency",
        "function_name": getattr(context, "function_name", None),
        "function_memory_size": getattr(context, "memory_limit_in_mb", None),
        "function_arn": getattr(context, "invoked_function_arn", None),
        "function_request_id": getattr(context, "aws_request_id", None),
    }


def trace_id_of_now() -> str | None:
    header = os.environ.get("_X_AMZN_TRACE_ID")
    return header.split(";")[0].replace("Root=", "") if header else None


def end_of(trace_id: str | None) -> str:
    if trace_id is None:
        return "}\n"
    return f',"xray_trace_id":{ValueEncoder().text(trace_id)}}}\n'
