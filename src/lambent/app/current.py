"""The invocation that is going on: what logs, metrics, traces and clients want to know of it.

An environment has one invocation at a time, so most of it is plain module state. The correlation id is a context
variable: records of one batch may be handled concurrently, and each can have its own.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

app: Any = None
"""The app that handles the invocation; None where there is none."""

context: Any = None
"""Lambda's context object of the invocation; None between invocations and in plain programs."""

cold: bool = True
"""Whether the invocation is the first of its environment, and waited for it: with provisioned concurrency none does."""

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
"""What ties this work to what caused it: a request id, a message's attribute, an event's id."""

endings: list[Callable[[bool], None]] = []
"""What an app calls when an invocation ends, with whether it has failed: loggers and metrics add themselves."""

_begun = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency"


def begin(lambda_context: Any, by: Any = None) -> None:
    """An invocation begins; `by` is the app that handles it."""
    global app, context, cold, _begun
    app = by
    if lambda_context is None or lambda_context is not context:  # and not a decorator's, around the app
        cold = not _begun
    context = lambda_context
    _begun = True


def end() -> None:
    """It has ended."""
    global app, context
    app = context = None
    correlation_id.set(None)


def resume(outer: Any, lambda_context: Any, was_cold: bool, correlation: str | None) -> None:
    """An invocation within another has ended: the outer one goes on."""
    global app, context, cold
    app, context, cold = outer, lambda_context, was_cold
    correlation_id.set(correlation)
