"""Handlers that a logger decorates: their invocation begins and ends for the logger, and its lines show it."""

from __future__ import annotations

from functools import wraps
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from lambent.app import current
from lambent.app.signature import is_coroutine_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.logger import Logger


def decorated(
    logger: Logger,
    handler: Callable[..., Any],
    *,
    show_event: bool,
    correlation_id_path: str | None,
    clear_state: bool,
    flush: bool,
) -> Callable[..., Any]:
    """The handler, with `logger.inject_lambda_context`'s settings. One that is async stays so: all of it is covered.

    Raises ValueError for a path that is not understood.
    """
    from lambent.app.logger import end_invocation

    find = None
    if correlation_id_path:
        from lambent.app.log_path import compile_path

        find = compile_path(correlation_id_path)

    def enter(event: Any, context: Any) -> tuple[bool, str | None]:
        outermost = current.context is None
        if outermost:
            current.begin(context)
            logger._lines.forget()
        before = outermost, current.correlation_id.get()
        try:
            if clear_state:
                logger._clear()
            if find is not None:
                current.correlation_id.set(find(event))
            if show_event:
                shown = event if isinstance(event, dict) else getattr(event, "raw_event", event)
                logger.info(shown, stacklevel=3)
        except BaseException:
            leave(before, failed=True)
            raise
        return before

    def leave(before: tuple[bool, str | None], *, failed: bool) -> None:
        outermost, correlation = before
        failed = failed and flush
        current.correlation_id.set(correlation)
        if outermost:
            end_invocation(failed)
            current.end()
        else:
            logger._settle(failed)

    def decorate(event: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        before = enter(event, context)
        try:
            answer = handler(event, context, *args, **kwargs)
        except BaseException:
            leave(before, failed=True)
            raise
        if type(answer) is CoroutineType:  # of decorators that are no coroutine functions themselves
            # A coroutine may run in a context of its own: there the id holds, and here it does not any more.
            correlation = current.correlation_id.get()
            current.correlation_id.set(before[1])
            return awaited(answer, before, correlation)
        leave(before, failed=False)
        return answer

    async def awaited(answer: Any, before: tuple[bool, str | None], correlation: str | None) -> Any:
        current.correlation_id.set(correlation)
        try:
            result = await answer
        except BaseException:
            leave(before, failed=True)
            raise
        leave(before, failed=False)
        return result

    async def decorate_async(event: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        before = enter(event, context)
        return await awaited(handler(event, context, *args, **kwargs), before, current.correlation_id.get())

    return wraps(handler)(decorate_async if is_coroutine_function(handler) else decorate)
