"""The structured logger: one JSON object a line, on standard output.

Keys, their order, environment variables and methods are those of Powertools for AWS Lambda (Python), version 3
(https://docs.powertools.aws.dev/lambda/python/latest/core/logger/), so that queries and dashboards stay as they are.
What differs is said where it differs.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import IO, TYPE_CHECKING, Any, TypeVar, overload
from weakref import WeakSet, WeakValueDictionary, ref

from msgspec import structs

from lambent.app import current
from lambent.app.log_buffer import LoggerBufferConfig
from lambent.app.log_interop import Interop
from lambent.app.log_keys import Appended, Keys, bound
from lambent.app.log_level import (
    CRITICAL,
    DEBUG,
    ERROR,
    INFO,
    WARNING,
    effective_level,
    lambdas_level,
    level_number,
)
from lambent.app.log_line import Lines, Options
from lambent.app.log_method import line_method
from lambent.app.log_sampling import draw, lot, rate_of
from lambent.app.log_time import Clock, DatetimeClock
from lambent.app.log_value import ValueEncoder

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Mapping

    from lambent.app.log_method import LogMethod

    HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])

_TRUE = frozenset(("1", "y", "yes", "t", "true", "on"))
_METHODS = (("debug", DEBUG), ("info", INFO), ("warning", WARNING), ("error", ERROR), ("critical", CRITICAL))

_services: WeakValueDictionary[str, Appended] = WeakValueDictionary()
_watched: WeakSet[Logger] = WeakSet()
"""Loggers for which the end of an invocation means something."""


def end_invocation(failed: bool) -> None:
    """The invocation has ended, for all loggers: see `Logger.end_invocation`."""
    if bound.get():  # keys of this thread or task are those of the invocation
        bound.set({})
    sampling = None
    for logger in list(_watched):
        logger._settle(failed)
        if logger._sample_rate:
            sampling = logger
    if sampling is not None:
        sampling.refresh_sample_rate_calculation()


class Logger(Keys, Interop):
    """Writes JSON lines for a service.

    - `service` is by default POWERTOOLS_SERVICE_NAME, or `service_undefined`. Loggers of one service share the keys
      that are appended to any of them.
    - `level`: see `setLevel`.
    - `sample_rate` (0 to 1, by default POWERTOOLS_LOGGER_SAMPLE_RATE) of the invocations log at DEBUG. It is drawn
      for the environment's first invocation when the logger is made, and for each later one when one has ended.
      Powertools calls it `sampling_rate`.
    - `stream` is by default `sys.stdout`.
    - `buffer` holds lines back until an error is logged or the invocation fails, and drops them otherwise: True, or a
      LoggerBufferConfig. Powertools calls it `buffer_config`.
    - `child` makes a logger named `<service>.<module>` with the settings and keys of the service's first logger,
      even if that is made later.
    - `datefmt` (with `%F` for milliseconds), `use_datetime_directive`, `utc` and `use_rfc3339` form the timestamp. The
      latter is True by default where AWS_LAMBDA_LOG_FORMAT is JSON, since Lambda's filter takes lines with any other
      timestamp for INFO:
      https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    - `json_serializer` writes the whole line, `json_default` what is not JSON (by default `str`), `log_record_order`
      names the keys that come first, `serialize_stacktrace` adds `stack_trace` to exceptions.
    - `log_uncaught_exceptions` logs what ends the program (`sys.excepthook`).
    - Other keywords become keys of every line; `location=None` and the like leave a key out, and
      `location="%(module)s:%(lineno)d"` forms it with `logging`'s attributes.

    - `logger_formatter` (a `logging.Formatter`) writes the line instead, of a record that has the keys as attributes;
      `logger_handler` takes the lines instead of the stream. They cost what `logging` costs. A formatter that is only
      to change the document is better a `json_serializer`. `json_deserializer` reads messages that are JSON.

    A further logger of a service that sets nothing of how and where lines are written has what the first one has, its
    keys and its buffer included, as Powertools' has. It may have a level of its own. Of a first one that has a stream
    of its own, as in tests, it has but the buffer.

    POWERTOOLS_LOG_DEDUPLICATION_DISABLED has no meaning here, since lines do not pass through `logging`'s root logger.

    POWERTOOLS_DEV spreads the objects over several lines, unless AWS_LAMBDA_LOG_FORMAT is JSON.
    Raises ValueError for a level or sample rate that is none.
    """

    debug: LogMethod
    info: LogMethod
    warning: LogMethod
    error: LogMethod
    critical: LogMethod
    exception: LogMethod
    """`error` with the exception that is being handled."""

    def __init__(
        self,
        service: str | None = None,
        level: str | int | None = None,
        *,
        sample_rate: float | None = None,
        stream: IO[str] | None = None,
        buffer: LoggerBufferConfig | bool | None = None,
        child: bool = False,
        datefmt: str | None = None,
        use_datetime_directive: bool = False,
        utc: bool = False,
        use_rfc3339: bool | None = None,
        json_serializer: Callable[[dict[str, Any]], str] | None = None,
        json_default: Callable[[Any], Any] | None = None,
        json_deserializer: Callable[[str], Any] | None = None,
        log_record_order: Iterable[str] | None = None,
        serialize_stacktrace: bool = True,
        log_uncaught_exceptions: bool = False,
        sampling_rate: float | None = None,
        buffer_config: LoggerBufferConfig | None = None,
        logger_formatter: logging.Formatter | None = None,
        logger_handler: logging.Handler | None = None,
        **keys: Any,
    ) -> None:
        if service is None:
            service = os.environ.get("POWERTOOLS_SERVICE_NAME", "service_undefined")
        self.service = service
        rate = _first(sample_rate, sampling_rate, os.environ.get("POWERTOOLS_LOGGER_SAMPLE_RATE"))
        self._sample_rate = rate_of(rate)
        json_format = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
        if use_rfc3339 is None:
            use_rfc3339 = json_format and datefmt is None
        config = _first(buffer, buffer_config)
        options = Options(
            clock=DatetimeClock(datefmt, utc=utc)
            if use_datetime_directive and datefmt and not use_rfc3339
            else Clock(datefmt, utc=utc, rfc3339=use_rfc3339),
            encoder=ValueEncoder(json_default),
            stream=stream,
            order=None if log_record_order is None else tuple(log_record_order),
            serializer=json_serializer,
            indented=not json_format and _truth("POWERTOOLS_DEV"),
            stack_trace=serialize_stacktrace,
            buffer=LoggerBufferConfig() if config is True else config or None,
            deserializer=json_deserializer,
            formatter=logger_formatter,
        )
        set_here = (
            stream,
            config,
            datefmt,
            json_serializer,
            json_default,
            json_deserializer,
            log_record_order,
        )
        alike = not (utc or use_datetime_directive or logger_formatter or not serialize_stacktrace) and all(
            value is None for value in set_here
        )
        constants = {"service": service, "sampling_rate": rate, **keys}
        appended = _services.get(service)
        if appended is None:
            appended = _services[service] = Appended()
        name = service
        root = appended.root()
        if child:
            name = f"{service}.{sys._getframe(1).f_globals.get('__name__', '')}"
        shares = root is not None and alike and not child
        follows = root is not None and (child or (alike and root.options.stream is None))
        if root is not None and shares and not follows:
            options = structs.replace(options, buffer=root.options.buffer)
        if root is not None and follows:
            options, constants = root.options, {**root.constants, **keys}
            if rate is None:
                self._sample_rate = rate_of(constants.get("sampling_rate"))
            else:
                constants["sampling_rate"] = rate
        lines = Lines(name, options, constants, appended)
        if root is not None and shares:
            lines.buffer = root.buffer
        if logger_handler is not None:
            self._add_handler(appended, logger_handler, alone=True)
        inherited = root.level if root is not None and follows and level is None else None
        if options.buffer is not None and (lambdas_level() or 0) > options.buffer.level:
            import warnings

            warnings.warn(
                "The function's logging configuration drops lines that the log buffer holds back: "
                "AWS_LAMBDA_LOG_LEVEL is above buffer_at_verbosity.",
                UserWarning,
                stacklevel=2,
            )
        self._level_is_default = level is None
        self._start(lines, effective_level(level) if inherited is None else inherited)
        if log_uncaught_exceptions:
            sys.excepthook = self._uncaught
        if root is None:
            if child:
                appended.orphans.append(ref(self))
            else:
                appended.root = ref(lines)
                orphans, appended.orphans = [find() for find in appended.orphans], []
                for orphan in orphans:
                    if orphan is not None:
                        orphan._adopt(lines, level_too=orphan._level_is_default)

    def _start(self, lines: Lines, level: int) -> None:
        self._lines = lines
        self._level = level
        self._others: dict[int, LogMethod] = {}
        self._sampled = self._drawn()
        if self._sample_rate or lines.buffer is not None:
            _watched.add(self)
            # Not before: the others have nothing to do then, and going through a WeakSet takes a microsecond.
            if end_invocation not in current.endings:
                current.endings.append(end_invocation)
        self._build()

    def _adopt(self, parent: Lines, *, level_too: bool) -> None:
        """Takes over what the service's first logger has: this one, a child, was made before it."""
        mine = self._lines
        self._lines = Lines(
            mine.name, parent.options, {**mine.constants, **parent.constants}, parent.appended
        )
        self._start(self._lines, parent.level if level_too and parent.level is not None else self._level)

    # ------------------------------------------------------------------ levels

    def _build(self) -> None:
        """Makes the methods for the level in force, so that calls of those that log nothing cost next to nothing."""
        lines = self._lines
        lines.level = self._level
        self._others = {}
        for name, number in _METHODS:
            setattr(self, name, line_method(lines, number) if self.isEnabledFor(number) else _nothing)
        self.exception = line_method(lines, ERROR, handling=True) if self.isEnabledFor(ERROR) else _nothing

    def isEnabledFor(self, level: str | int) -> bool:  # noqa: N802 - as the standard library has it
        """Whether lines of the level are written or held back."""
        number = level_number(level)
        config = self._lines.options.buffer
        return number >= (DEBUG if self._sampled else self._level) or (
            config is not None and number <= config.level
        )

    def setLevel(self, level: str | int | None) -> None:  # noqa: N802 - as the standard library has it
        """Shows lines of `level` (a name or a number) and above.

        AWS_LAMBDA_LOG_LEVEL comes first if it is set; with None it is POWERTOOLS_LOG_LEVEL, LOG_LEVEL or INFO.
        """
        self._level = effective_level(level)
        self._build()

    @property
    def log_level(self) -> int:
        """The number of the level in force."""
        return DEBUG if self._sampled else self._level

    @property
    def level(self) -> int:
        """The same, under the standard library's name."""
        return self.log_level

    @property
    def name(self) -> str:
        return self._lines.name

    def log(
        self,
        level: str | int,
        msg: object,
        *args: object,
        exc_info: Any = False,
        stack_info: bool = False,
        stacklevel: int = 2,
        extra: Mapping[str, object] | None = None,
        **keys: object,
    ) -> None:
        """Logs at any level. Raises ValueError for a level's name that there is not."""
        number = level_number(level)
        method = self._others.get(number)
        if method is None:
            method = line_method(self._lines, number) if self.isEnabledFor(number) else _nothing
            self._others[number] = method
        method(
            msg,
            *args,
            exc_info=exc_info,
            stack_info=stack_info,
            stacklevel=stacklevel + 1,
            extra=extra,
            **keys,
        )

    def _drawn(self) -> bool:
        return bool(self._sample_rate) and self._sample_rate > lot()

    def refresh_sample_rate_calculation(self) -> None:
        """Draws anew which loggers log at DEBUG. At the end of each invocation this happens by itself."""
        draw()
        for logger in list(_watched):
            sampled = logger._drawn()
            if sampled is not logger._sampled:
                logger._sampled = sampled
                logger._build()

    # ------------------------------------------------------------------ children

    def child(self, name: str | None = None, **keys: Any) -> Logger:
        """A logger with this one's settings and keys and keys of its own: `orders = logger.child(area="orders")`."""
        parent = self._lines
        child = object.__new__(type(self))
        child.service = self.service
        child._sample_rate = self._sample_rate
        lines = Lines(
            f"{parent.name}.{name}" if name else parent.name,
            parent.options,
            {**parent.constants, **keys},
            parent.appended,
        )
        child._start(lines, self._level)
        return child

    # ------------------------------------------------------------------ invocations

    def flush_buffer(self) -> None:
        """Writes the lines that are held back."""
        self._lines.flush()

    def clear_buffer(self) -> None:
        """Drops the lines that are held back."""
        if self._lines.buffer is not None:
            self._lines.buffer.clear()

    def end_invocation(self, failed: bool) -> None:
        """An invocation has ended: lines held back are written if it failed and dropped otherwise.

        For the next one it is drawn anew whether it is sampled.
        """
        self._settle(failed)
        if self._sample_rate:
            self.refresh_sample_rate_calculation()

    def _settle(self, failed: bool) -> None:
        if failed:
            self.flush_buffer()
        else:
            self.clear_buffer()

    @overload
    def inject_lambda_context(
        self,
        lambda_handler: HandlerT,
        log_event: bool | None = None,
        correlation_id_path: str | None = None,
        clear_state: bool = False,
        flush_buffer_on_uncaught_error: bool = True,
    ) -> HandlerT: ...

    @overload
    def inject_lambda_context(
        self,
        lambda_handler: None = None,
        log_event: bool | None = None,
        correlation_id_path: str | None = None,
        clear_state: bool = False,
        flush_buffer_on_uncaught_error: bool = True,
    ) -> Callable[[HandlerT], HandlerT]: ...

    def inject_lambda_context(
        self,
        lambda_handler: Any = None,
        log_event: bool | None = None,
        correlation_id_path: str | None = None,
        clear_state: bool = False,
        flush_buffer_on_uncaught_error: bool = True,
    ) -> Any:
        """Decorates a Lambda handler `(event, context)` that no App calls: lines show the invocation's keys.

        `log_event` logs the event (by default as POWERTOOLS_LOGGER_LOG_EVENT says). `correlation_id_path` is where the
        event has the correlation id, such as `requestContext.requestId` or `headers."x-id"`; the id holds until the
        invocation has ended. `clear_state` removes appended keys first. Lines held back are written if the handler
        raises, unless `flush_buffer_on_uncaught_error` is False (Powertools' default).
        Raises ValueError for a path that is not understood.
        """
        if lambda_handler is None:
            return partial(
                self.inject_lambda_context,
                log_event=log_event,
                correlation_id_path=correlation_id_path,
                clear_state=clear_state,
                flush_buffer_on_uncaught_error=flush_buffer_on_uncaught_error,
            )
        from lambent.app.log_invocation import decorated

        show_event = _truth("POWERTOOLS_LOGGER_LOG_EVENT") if log_event is None else log_event
        return decorated(
            self,
            lambda_handler,
            show_event=show_event,
            correlation_id_path=correlation_id_path,
            clear_state=clear_state,
            flush=flush_buffer_on_uncaught_error,
        )

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        self.error(error, exc_info=(kind, error, trace))


def _nothing(*args: object, **keys: object) -> None:
    """A method of a level that is not shown."""


def _first(*values: Any) -> Any:
    """The first that is not None."""
    return next((value for value in values if value is not None), None)


def _truth(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in _TRUE
