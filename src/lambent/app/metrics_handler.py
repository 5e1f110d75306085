"""The handler within @metrics.log_metrics."""

from __future__ import annotations

from functools import wraps
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from . import current
from .emf import MetricsError
from .metric_set import warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from .metrics import Metrics

_COROUTINE_FLAG = 0x80  # inspect.CO_COROUTINE, without the cost of importing inspect


def decorated(
    metrics: Metrics,
    lambda_handler: Callable[..., Any],
    capture_cold_start_metric: bool,
    raise_on_empty_metrics: bool,
) -> Callable[..., Any]:
    """See Metrics.log_metrics. Begins the invocation where nothing around it has."""
    state = metrics._set
    values = state.values

    def end(begun: bool, blobs: int, context: Any, error: BaseException | None) -> None:
        try:
            if capture_cold_start_metric and current.cold:
                metrics.add_cold_start_metric(context)
            # An app inside the decorator, or the hundredth metric, may have written everything before.
            if values or state.blobs != blobs:
                metrics.flush()
            else:
                metrics.flush(raise_on_empty_metrics and error is None)
                if error is None:
                    warn_of_none()
        except MetricsError as problem:
            metrics.clear_metrics()
            if error is None:
                raise
            error.add_note(f"Its metrics were lost: {problem}")
        finally:
            if begun:
                current.end()

    async def awaited(answer: Any, begun: bool, blobs: int, context: Any) -> Any:
        try:
            result = await answer
        except BaseException as error:
            end(begun, blobs, context, error)
            raise
        end(begun, blobs, context, None)
        return result

    def call(event: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        begun = current.context is None
        if begun:
            current.begin(context)
        blobs = state.blobs
        try:
            if args or kwargs:
                answer = lambda_handler(event, context, *args, **kwargs)
            else:  # Lambda's own call: 0.1 µs less
                answer = lambda_handler(event, context)
        except BaseException as error:
            end(begun, blobs, context, error)
            raise
        if type(answer) is CoroutineType:  # also of decorators that are not coroutine functions themselves
            return awaited(answer, begun, blobs, context)
        end(begun, blobs, context, None)
        return answer

    async def call_async(event: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        return await call(event, context, *args, **kwargs)

    code = getattr(lambda_handler, "__code__", None)
    asynchronous = code is not None and code.co_flags & _COROUTINE_FLAG
    return wraps(lambda_handler)(call_async if asynchronous else call)


def warn_of_none() -> None:
    warn(
        "No application metrics to publish. Only the cold start's is written without any; "
        "if there should always be some, use raise_on_empty_metrics"
    )
