"""Lines as records of the standard library's `logging`, for filters, handlers and formatters made for those.

Imported only where a logger has one of them.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; all else are keys."""


class Records(logging.Filterer):
    """Filters and handlers of a service's loggers."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: list[logging.Handler] = []
        self.alone = False
        """Whether the handlers take the lines instead of the stream."""

    def add_handler(self, handler: logging.Handler) -> None:
        if handler.formatter is None:
            handler.setFormatter(_LineFormatter())
        if handler not in self.handlers:
            self.handlers.append(handler)

    def handle(self, line: str) -> bool:
        """Gives the line's record to the handlers; False if it has none. Never raises."""
        if not isinstance(line, RecordLine):
            return False
        record = line.record
        for handler in self.handlers:
            try:
                if record.levelno >= handler.level:
                    handler.handle(record)
            except Exception:  # noqa: BLE001 - logging has nobody to raise to
                handler.handleError(record)
        return True


class RecordLine(str):
    """A line and the record that it is of, so that both go through the buffer."""

    __slots__ = ("record",)
    record: logging.LogRecord

    def __new__(cls, text: str, record: logging.LogRecord, keys: Mapping[str, Any], formatter: Any) -> Self:
        """With a formatter the text is the formatter's."""
        record.__dict__.update(
            {
                key: value
                for key, value in keys.items()
                if key not in ATTRIBUTES and key not in record.__dict__
            }
        )
        if formatter is not None:
            text = formatter.format(record) + "\n"
        record.__dict__["_line"] = text.removesuffix("\n")
        line = super().__new__(cls, text)
        line.record = record
        return line


class _LineFormatter(logging.Formatter):
    """Makes of a record the line that the logger made."""

    def format(self, record: logging.LogRecord) -> str:
        return record.__dict__.get("_line") or super().format(record)


def filtered(
    records: Records | None,
    name: str,
    level: str,
    number: int,
    origin: tuple[str, int, str],
    now: float,
    msg: Any,
    args: Any,
    fields: Mapping[str, Any],
    exc_info: Any,
) -> logging.LogRecord | None:
    """The record as the filters leave it; None if one of them refuses it."""
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif exc_info and not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    record = logging.LogRecord(name, number, origin[2], origin[1], msg, args, exc_info or None, origin[0])
    record.levelname = level
    record.created = now
    record.msecs = int(now % 1 * 1000) + 0.0
    record.__dict__.update({key: value for key, value in fields.items() if key not in ATTRIBUTES})
    if records is None:
        return record
    # From Python 3.12 on a filter may give another record instead of its word.
    verdict: Any = records.filter(record)
    return verdict if isinstance(verdict, logging.LogRecord) else record if verdict else None


def fields_of(record: logging.LogRecord, given: Mapping[str, Any]) -> dict[str, Any]:
    """The record's own keys, and those of the `given` ones that it has no room for."""
    fields = {key: value for key, value in given.items() if key in ATTRIBUTES}
    return fields | {key: value for key, value in record.__dict__.items() if key not in ATTRIBUTES}
