"""What became of an asynchronous invocation: known once for each event, and recorded once."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Condition: TypeAlias = Literal[
    "Success",
    "RetriesExhausted",
    "EventAgeExceeded",
    "ZeroReservedConcurrency",
    "RecursiveInvocationException",
]
"""Why it was the end. The first four are AWS's own words (recorded: `TestLambdaDestinationSqs`,
`test_reserved_concurrency`); for the last AWS documents no word, it is the name of its error."""


class Answer(msgspec.Struct, frozen=True):
    """What the latest run of an event has answered: JSON, or bytes of a function that streams."""

    payload: bytes
    executed_version: str
    failed: bool


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an event of which somebody is to be told.

    `function_arn` has the qualifier that was invoked, `$LATEST` without one. `invoke_count` counts runs that have
    ended. `payload` is the event's; `answer` is None when it never ran. `destination` and `dead_letter_arn` are where
    this end is to be told, `role` is the function's, `trace` the X-Ray header of its invocations.
    """

    request_id: str
    account: str
    region: str
    name: str
    function_arn: str
    role: str
    condition: Condition
    invoke_count: int
    payload: bytes
    answer: Answer | None
    trace: str
    destination: str | None = None
    dead_letter_arn: str | None = None
