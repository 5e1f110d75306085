"""The standard library's `logging` records as lines of a logger. Imported only where that is asked for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambent.app.log_line import Lines

_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LinesHandler(logging.Handler):
    """A handler that writes records as JSON lines, with the logger's keys; `logger` names where a record is from."""

    def __init__(self, lines: Lines, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name} if record.name != "root" else {}
        fields |= {key: value for key, value in record.__dict__.items() if key not in _ATTRIBUTES}
        if record.stack_info:
            fields["stack_info"] = record.stack_info
        args: Any = record.args or ()
        if isinstance(args, dict):
            args = (args,)
        origin = (record.funcName or "", record.lineno, record.pathname)
        try:
            line = self._lines.line(
                record.levelname,
                record.levelno,
                origin,
                record.created,
                record.msg,
                args,
                fields,
                record.exc_info,
            )
        except Exception:  # noqa: BLE001 - as the standard library's handlers do it
            self.handleError(record)
            return
        if line:
            self._lines.emitter(record.levelno)(line)


def capture(lines: Lines, names: tuple[str, ...], level: int | None) -> logging.Handler:
    """Sends the records of the named loggers, or of all, to `lines` and nowhere else. Returns the handler."""
    handler = LinesHandler(lines)
    for name in names or (None,):
        source = logging.getLogger(name)
        # Lambda's runtime has a handler of its own on the root logger: with both, each record would be there twice.
        source.handlers = [handler]
        if name is not None:
            source.propagate = False
        if level is not None:
            source.setLevel(level)
    return handler
