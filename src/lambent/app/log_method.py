"""The methods that log: `logger.info` and its like, made for a level so that a call is a straight line."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

from lambent.app import current
from lambent.app.log_keys import bound
from lambent.app.log_level import level_name
from lambent.app.log_line import end_of, trace_id_of_now
from lambent.app.log_value import JSON_STARTS, ValueEncoder, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from lambent.app.log_line import Lines, Tail


class LogMethod(Protocol):
    """Logs `msg`, %-formatted with `args`; `extra` and the other keywords become keys of the line.

    `exc_info` is True for the exception being handled, an exception, or a tuple as `sys.exc_info()` returns it;
    `stack_info` adds the stack. `stacklevel` says whose location the line shows: 2, as in Powertools, is the caller
    and 3 the caller's caller. Whatever the values are, the call raises nothing.
    """

    def __call__(
        self,
        msg: object,
        *args: object,
        exc_info: Any = ...,
        stack_info: bool = ...,
        stacklevel: int = ...,
        extra: Mapping[str, object] | None = ...,
        **keys: object,
    ) -> None: ...


def _origin_of(frame: FrameType) -> tuple[str, int, str]:
    return frame.f_code.co_name, frame.f_lineno, frame.f_code.co_filename


_locations: dict[str, str] = {}
"""Function names as they stand in a line: a code object may have any name, quotes included."""


def _location(function: str) -> str:
    text = _locations[function] = f'"location":{ValueEncoder().text(function + ":")[:-1]}'
    return text


def line_method(lines: Lines, number: int, *, handling: bool = False) -> Callable[..., None]:
    """The method that logs lines of a level; `handling` adds the exception that is being handled, unless told not to.

    Everything that does not change with the line is looked up here, once.
    """
    level = level_name(number)
    head = f'{{"level":"{level}",'
    emit, clock, encode = lines.emitter(number), lines.options.clock, lines.options.encoder.encode
    appended, getframe, now_of = lines.appended, sys._getframe, time.time
    correlation_of, bound_of, locations, starts = (
        current.correlation_id.get,
        bound.get,
        _locations,
        JSON_STARTS,
    )

    def log(
        msg: object,
        *args: object,
        exc_info: Any = handling,
        stack_info: bool = False,
        stacklevel: int = 2,
        extra: Mapping[str, object] | None = None,
        **keys: object,
    ) -> None:
        now = now_of()
        try:
            frame = getframe(stacklevel - 1)
        except ValueError:
            frame = getframe(1)
        fields: Mapping[str, Any] = keys
        try:
            if extra:
                fields = {**extra, **keys}
            kind = type(msg)
            if (kind is str or kind is dict) and not exc_info and not stack_info:
                tail = lines.tail
                if (
                    tail.context is not current.context
                    or tail.cold is not current.cold
                    or tail.appended is not appended.keys
                    or tail.correlation is not correlation_of()
                    or tail.bound is not bound_of()
                ):
                    tail = lines.compile()
                if tail.plain:
                    text: Any = msg
                    if kind is str and (args or text[:1] in starts):
                        text = message_of(msg, args)
                    more = ""
                    if fields:
                        if tail.names.isdisjoint(fields) and None not in fields.values():
                            more = "," + encode(fields).decode()[1:-1]
                        else:
                            text = None
                    if text is not None:
                        function = frame.f_code.co_name
                        line = (
                            f"{head}{locations.get(function) or _location(function)}{frame.f_lineno}"
                            f'","message":{encode(text).decode()},"timestamp":"{clock(now)}"'
                            f"{tail.text}{more}{tail.end or _end_of_now(tail)}"
                        )
                        emit(line)
                        return
        except Exception:  # noqa: BLE001, S110 - odd values: the careful way is below
            pass
        if stack_info:
            import traceback

            fields = {**fields, "stack_info": "".join(traceback.format_stack(frame)).removesuffix("\n")}
        try:
            line = lines.line(level, number, _origin_of(frame), now, msg, args, fields, exc_info)
        except Exception as error:  # noqa: BLE001 - whatever was given, the code that logs goes on
            text = f"A log line could not be made: {error!r}"
            # Without filters and formatters, which may be what failed.
            line = lines.text(lines.compile(), level, number, _origin_of(frame), now, text, (), {}, None)
        if line:
            emit(line)

    return log


def _end_of_now(tail: Tail) -> str:
    return end_of(None if tail.keys.get("xray_trace_id", "") is None else trace_id_of_now())
