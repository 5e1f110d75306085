"""What a logger has to do with the standard library's `logging`: its filters and handlers, and its records as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.log_level import level_number

if TYPE_CHECKING:
    import logging

    from lambent.app.log_keys import Appended
    from lambent.app.log_line import Lines
    from lambent.app.log_record import Records


class Interop:
    """What a logger can do with `logging`. That is imported where one of these is used."""

    _lines: Lines

    def addFilter(self, filter: Any) -> None:  # noqa: A002, N802 - as the standard library has it
        """Lets a filter of `logging`, or a function, refuse or change the records of the service's loggers."""
        self._records(self._lines.appended).addFilter(filter)

    def removeFilter(self, filter: Any) -> None:  # noqa: A002, N802 - the same
        self._records(self._lines.appended).removeFilter(filter)

    def addHandler(self, handler: logging.Handler) -> None:  # noqa: N802 - the same
        """Gives the lines of the service's loggers to a handler of `logging` too: as records, or as our JSON if it
        has no formatter of its own."""
        self._add_handler(self._lines.appended, handler)

    def _add_handler(self, appended: Appended, handler: logging.Handler, *, alone: bool = False) -> None:
        records = self._records(appended)
        records.add_handler(handler)
        records.alone = records.alone or alone

    def _records(self, appended: Appended) -> Records:
        if appended.records is None:
            from lambent.app.log_record import Records

            appended.records = Records()
            # Lines are made anew: what they were put together from does not hold any more.
            appended.keys = dict(appended.keys)
        return appended.records

    def handler(self) -> logging.Handler:
        """A handler for the standard library's `logging`: its records come out as lines of this logger."""
        from lambent.app.log_stdlib import LinesHandler

        return LinesHandler(self._lines)

    def capture_stdlib(self, *names: str, level: str | int | None = None) -> logging.Handler:
        """Makes the lines of `logging`'s named loggers, or of all, lines of this logger instead of what they were.

        `level` is set on them if there is one. Returns the handler that they have now.
        """
        from lambent.app.log_stdlib import capture

        return capture(self._lines, names, None if level is None else level_number(level))
