"""Which failures are tried again, and when: the standard retry mode of AWS's SDKs.

Source: "Retry behavior" in the AWS SDKs and Tools Reference Guide; the figures and lists are those of
botocore.retries.standard.
"""

from __future__ import annotations

import random

from lambent.app.client.errors import AWSError, ConnectionFailed

_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_TRANSIENT = frozenset({"RequestTimeout", "RequestTimeoutException"})
_STATUSES = (500, 502, 503, 504)
_LONGEST = 20.0
_LONGEST_AFTER = 5.0
_CAPACITY = 500


def is_throttling(error: AWSError) -> bool:
    """Whether the service asks for less haste."""
    return error.code in _THROTTLED or error.status == 429


def is_retryable(error: AWSError) -> bool:
    """Whether the same request may succeed later."""
    return (
        isinstance(error, ConnectionFailed)
        or is_throttling(error)
        or error.code in _TRANSIENT
        or error.status in _STATUSES
    )


def delay(attempt: int, error: AWSError, base: float = 0.05, after: str | None = None) -> float:
    """Seconds to wait after attempt 1, 2, …: anything up to base * 2^(attempt - 1), at most 20; throttled, base is 1.

    `after` is the answer's `x-amz-retry-after` in milliseconds: not earlier than that, and not more than 5 s later than
    otherwise.
    """
    scale = 1.0 if is_throttling(error) else base
    wait = random.random() * min(scale * 2.0 ** (attempt - 1), _LONGEST)  # noqa: S311 - jitter
    if after is not None and after.isascii() and after.isdigit():
        return max(wait, min(int(after) / 1000, wait + _LONGEST_AFTER))
    return wait


class Quota:
    """How many retries there may be: when most calls fail, more of them do not help.

    A retry costs 14 of 500, after throttling 5; a call that succeeds gives back what its last retry has cost, or 1.
    Threads may lose a count among each other, which is harmless.
    """

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _CAPACITY

    def take(self, error: AWSError) -> int:
        """What a retry costs; 0 if it is not to be had."""
        cost = 5 if is_throttling(error) else 14
        if cost > self.left:
            return 0
        self.left -= cost
        return cost

    def give(self, cost: int) -> None:
        """A call has succeeded whose last retry had cost this, 0 if it had none."""
        if self.left != _CAPACITY:
            self.left = min(_CAPACITY, self.left + (cost or 1))
