"""The root logger's handler and what it writes: one log event per record, in Lambda's formats."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, TextIO

    from typing_extensions import Self

    from .channel import Channel

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_INDENT = "\u00a0"  # CloudWatch would swallow leading spaces

# Attributes of every record, which are not shown again; others came from `extra`. (The task's name, of 3.12, is.)
_STANDARD = {*vars(logging.makeLogRecord({}))} - {"taskName"} | {"aws_request_id", "tenant_id", "_frame_type"}

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


class LogSink:
    """Where log events go: frames to the platform, or standard output in processes that user code forks."""

    def __init__(self) -> None:
        self.channel: Channel | None = None
        self.unmarked = False
        """Whether something was logged since something was printed."""

    def mark(self) -> None:
        """Before something is printed: tell the platform what it comes after."""
        self.unmarked = False
        if self.channel is not None and self.channel.owner:
            self.channel.mark()

    def log(self, message: str) -> None:
        """Write one event."""
        if self.channel is not None and self.channel.owner:
            self.channel.log(message)
            self.unmarked = True
        else:
            sys.stdout.write(message)


class LambdaLoggerHandler(logging.Handler):
    """The handler of the root logger."""

    def __init__(self, log_sink: LogSink) -> None:
        super().__init__()
        self.log_sink = log_sink

    def emit(self, record: logging.LogRecord) -> None:
        self.log_sink.log(self.format(record))


class LambdaLoggerFilter(logging.Filter):
    """Adds the current invocation's ids to every record."""

    request_id = ""
    tenant_id: str | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.request_id
        record.tenant_id = self.tenant_id
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a record, `extra` attributes and dictionary messages included."""

    def __init__(self) -> None:
        super().__init__(datefmt=_TIME_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        # Levels of one's own are shown as the standard one below.
        record.levelno = min(50, max(0, record.levelno)) // 10 * 10
        record.levelname = logging.getLevelName(record.levelno)
        error = record.exc_info
        members: dict[str, Any] = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.msg
            if isinstance(record.msg, dict) and not record.args
            else record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(error[2]) if error else None,
            "errorType": error[0].__name__ if error else None,  # type: ignore[union-attr]
            "errorMessage": str(error[1]) if error else None,
            "requestId": getattr(record, "aws_request_id", None),
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if error else None,
        }
        if getattr(record, "tenant_id", None) is not None:
            members["tenantId"] = record.tenant_id  # type: ignore[attr-defined]
        for name, value in record.__dict__.items():
            if name not in _STANDARD and name not in members:
                members[name] = value
        return _encode({name: value for name, value in members.items() if value is not None}) + "\n"


class Unbuffered:
    """A text stream that is flushed after each write, in order with what is logged."""

    def __init__(self, stream: TextIO, log_sink: LogSink) -> None:
        self.stream = stream
        self._log_sink = log_sink

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, msg: str) -> None:
        if self._log_sink.unmarked:
            self._log_sink.mark()
        self.stream.write(msg)
        self.stream.flush()

    def writelines(self, msgs: list[str]) -> None:
        if self._log_sink.unmarked:
            self._log_sink.mark()
        self.stream.writelines(msgs)
        self.stream.flush()


class FunctionLog:
    """The function's log as the runtime writes to it. Creating it sets up the root logger for text."""

    def __init__(self) -> None:
        self.sink = LogSink()
        self._encode: Callable[[Any], str] | None = None
        self.current = LambdaLoggerFilter()
        logging.Formatter.converter = time.gmtime
        self._handler = LambdaLoggerHandler(self.sink)
        self._handler.setFormatter(
            logging.Formatter(
                "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n",
                "%Y-%m-%dT%H:%M:%S",
            )
        )
        self._handler.addFilter(self.current)
        logging.getLogger().addHandler(self._handler)

    def open(
        self, channel: Channel, log_format: str | None, log_level: str | None, encode: Callable[[Any], str]
    ) -> None:
        """Write to `channel` from now on, as JSON or text, from `log_level` on (a name, or None for WARNING).

        `encode` makes JSON of an error document.
        """
        self.sink.channel = channel
        self.sink.unmarked = False
        if (log_format or "").upper() == "JSON":
            self._encode = encode
            self._handler.setFormatter(JsonFormatter())
        if log_level:
            level = "DEBUG" if log_level == "TRACE" else log_level.upper()
            if level in logging._nameToLevel:
                logging.getLogger().setLevel(level)

    def error(self, document: dict[str, Any]) -> None:
        """Write an error document, as JSON or as text with a stack trace."""
        if self._encode is not None:
            stamp = time.strftime(_TIME_FORMAT, logging.Formatter.converter(time.time()))
            self.sink.log(self._encode({"timestamp": stamp, "level": "ERROR", **document}))
        else:
            self.sink.log("\n".join(_error_lines(document)))


def _error_lines(document: dict[str, Any]) -> list[str]:
    first = "[ERROR]"
    if document["errorType"]:
        first += f" {document['errorType']}"
    if document["errorMessage"]:
        first += f"{':' if document['errorType'] else ''} {document['errorMessage']}"
    lines = [first, "Traceback (most recent call last):"]
    for element in document["stackTrace"]:
        for line in element.splitlines() or [""]:
            text = line.lstrip(" ")
            lines.append(_INDENT * (len(line) - len(text)) + text)
    return lines
