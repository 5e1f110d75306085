"""Calls of AWS services by the platform's own parts.

What sends them is given to these parts: wire formats are a floor above them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias


class ServiceCall(NamedTuple):
    """What is asked of a service."""

    service: str
    """As botocore names it: `sqs`, `events`, `kinesis`, `stepfunctions`, `appconfig`."""
    operation: str
    """`SendMessage`."""
    parameters: dict[str, Any]
    """The operation's input, as botocore takes it."""
    region: str
    account: str
    role: str
    """The ARN of the role in whose name it is sent; empty for none."""


class ServiceAnswer(NamedTuple):
    """What a service has answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class ServiceMissing(Exception):
    """Nothing here serves that; the message says what."""


CallService: TypeAlias = Callable[[ServiceCall], Awaitable[ServiceAnswer]]
"""Sends a request to a service of the platform, an error answer included. Raises ServiceMissing, ValueError for
parameters that are not the operation's.
"""
