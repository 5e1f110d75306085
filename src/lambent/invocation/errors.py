"""Why an invocation is refused.

InvocationError
├── Throttled              concurrency is used up; `reason` says which
├── FunctionNotReady       the version is Pending or Failed
├── RecursiveInvocation    the function has run too often in one chain of invocations
├── AsyncQueueUnavailable  an async event could not be stored
└── PlatformFailure        the platform could not run it
    └── RuntimeMissing     … because nothing on this machine runs its runtime
"""

from __future__ import annotations

import enum


class InvocationError(Exception):
    """Base of this floor's errors."""


class ThrottleReason(enum.Enum):
    """AWS's `Reason` member of TooManyRequestsException."""

    RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
    ACCOUNT = "ConcurrentInvocationLimitExceeded"


class Throttled(InvocationError):
    """No concurrency is left for the function."""

    def __init__(self, reason: ThrottleReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class FunctionNotReady(InvocationError):
    """The version cannot run in its state."""

    def __init__(self, arn: str, state: str, reason_code: str | None, reason: str | None) -> None:
        super().__init__(f"{arn} is {state}: {reason or reason_code or ''}")
        self.arn = arn
        self.state = state
        self.reason_code = reason_code
        self.reason = reason


class RecursiveInvocation(InvocationError):
    """The function has been invoked again and again by what it has sent itself: the chain ends here."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"{arn} is being invoked in a recursive loop: this invocation has been stopped")
        self.arn = arn


class AsyncQueueUnavailable(InvocationError):
    """An async event could not be made durable; the message says why."""


class PlatformFailure(InvocationError):
    """The platform could not run the function: nothing was invoked; the message says why."""


class RuntimeMissing(PlatformFailure):
    """Nothing on this machine runs the function's runtime; the message says what there is."""
