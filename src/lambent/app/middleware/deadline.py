"""Work that stops before Lambda stops the environment.

When a function's time is up, Lambda ends the environment: nothing is answered, nothing is logged about why, and the
next invocation is a cold start. This layer ends the work shortly before, with an error that says so.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from lambent.app.errors import AppError, GatewayTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

_until: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When the work's time is up, as `time.monotonic` counts."""


class DeadlineExceeded(GatewayTimeout):
    """There was no time left. Requests are answered with 504."""

    code = "DEADLINE_EXCEEDED"
    message = "The work took too long and was stopped"


class _Interruption(BaseException):
    """Raised by the alarm. No Exception: `except Exception` in a loop of retries would go on as if nothing was."""


class Deadline:
    """Stops handlers `margin_ms` milliseconds before Lambda's timeout, and after `seconds`, whichever is first.

    DeadlineExceeded is raised: the answer to a request is 504, and of other events the invocation or the record fails.
    Work is not begun when no time is left.

    Asynchronous handlers are cancelled where they wait. Synchronous ones are interrupted by SIGALRM where they are,
    between two instructions of Python; `finally` is heeded, calls into C that do not return for signals go on until
    they do. That works in the main thread, where Lambda calls handlers, and not on Windows; elsewhere only `remaining`
    tells. Timers of ITIMER_REAL that others have set, and handlers for the signal, are put back afterwards; one that is
    due earlier stays, and the work is not interrupted by this layer.
    """

    def __init__(self, margin_ms: float = 500, *, seconds: float | None = None) -> None:
        if margin_ms < 0 or (seconds is not None and seconds <= 0):
            raise AppError("Deadline: margin_ms is 0 or more, seconds more than 0")
        self._margin = margin_ms / 1000
        self._seconds = seconds
        self._alarm: Any = None

    @staticmethod
    def remaining() -> float | None:
        """Seconds until the innermost Deadline around the caller stops it; below 0 if it could not. None without."""
        until = _until.get()
        return None if until is None else until - time.monotonic()

    def _limit(self, invocation: Any) -> float | None:
        """Seconds for this call. Raises DeadlineExceeded when there are none."""
        limit = self._seconds
        left = getattr(invocation.context, "get_remaining_time_in_millis", None)
        if left is not None:
            until_margin = left() / 1000 - self._margin
            if limit is None or until_margin < limit:
                limit = until_margin
            if limit <= 0:
                raise DeadlineExceeded("There was no time left to begin with the work")
        return limit

    def __call__(self, invocation: Any, call_next: Callable[[Any], Any]) -> Any:
        """For what is synchronous."""
        limit = self._limit(invocation)
        if limit is None:
            return call_next(invocation)
        now = time.monotonic()
        outer = _until.get()
        if outer is not None and outer <= now + limit:
            return call_next(invocation)  # a layer further outside is stricter
        alarm = self._alarm
        if alarm is None:
            self._alarm = alarm = _alarm()
        token = _until.set(now + limit)
        try:
            if alarm is False:
                return call_next(invocation)
            return _interrupted(alarm, limit, invocation, call_next)
        finally:
            _until.reset(token)

    async def acall(self, invocation: Any, call_next: Callable[[Any], Any]) -> Any:
        """For what is asynchronous."""
        limit = self._limit(invocation)
        if limit is None:
            return await call_next(invocation)
        import asyncio

        until = time.monotonic() + limit
        outer = _until.get()
        token = _until.set(until if outer is None else min(until, outer))
        scope = asyncio.timeout(limit)
        try:
            async with scope:
                return await call_next(invocation)
        except TimeoutError as error:
            if scope.expired():
                raise DeadlineExceeded from error
            raise
        finally:
            _until.reset(token)


def _alarm() -> Any:
    """What `signal` is made of, without its enums, which cost more than the system's calls. False without SIGALRM."""
    from importlib import import_module

    signal = import_module("_signal")
    return signal if hasattr(signal, "setitimer") and hasattr(signal, "SIGALRM") else False


def _interrupted(signal: Any, limit: float, invocation: Any, call_next: Callable[[Any], Any]) -> Any:
    """The result, or DeadlineExceeded after `limit` seconds."""
    over = fired = False

    def ring(number: int, frame: Any) -> None:
        nonlocal fired
        if over:
            return
        fired = True
        loop = _running_loop()
        if loop is None:
            raise _Interruption
        # Within a loop it would end the loop and leave its tasks where they are, to go on with the next invocation.
        loop.call_soon_threadsafe(_cancel_all, loop)

    if 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= limit:
        return call_next(invocation)  # somebody else's timer comes first, and is theirs to handle
    began = time.monotonic()
    try:
        previous = signal.signal(signal.SIGALRM, ring)
    except ValueError:
        return call_next(invocation)  # not the main thread
    others, interval = 0.0, 0.0
    try:
        try:
            # Once more after half a second: an exception that hits a finalizer is printed and lost.
            others, interval = signal.setitimer(signal.ITIMER_REAL, limit, 0.5)
            return call_next(invocation)
        finally:
            over = True
    except BaseException as error:
        if isinstance(error, _Interruption) or (fired and error.__class__.__name__ == "CancelledError"):
            raise DeadlineExceeded from error
        raise
    finally:
        left = 0.0 if not others else max(others - (time.monotonic() - began), 1e-6)
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if previous is None else previous)


def _running_loop() -> Any:
    import sys

    asyncio = sys.modules.get("asyncio")
    return None if asyncio is None else asyncio._get_running_loop()


def _cancel_all(loop: Any) -> None:
    import asyncio

    for task in asyncio.all_tasks(loop):
        task.cancel()
