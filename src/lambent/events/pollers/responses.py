"""What a function says of the records of a batch: which of them failed.

From "Reporting batch item failures" in the developer guides for SQS, Kinesis and DynamoDB: an empty or null
answer and an empty or null list are a complete success. Anything malformed is a complete failure: what is no JSON,
an `itemIdentifier` that is missing, null, empty, or names no record of the batch.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Container


class Everything(enum.Enum):
    """The type of `ALL`."""

    ALL = "all"


ALL: Final = Everything.ALL
"""Every record of the batch."""

_NONE: Final[frozenset[str]] = frozenset()
_decode = msgspec.json.Decoder().decode


def failed_ids(result: bytes, known: Container[str] | None = None) -> frozenset[str] | Everything:
    """The ids of the records that failed, or ALL of them. `result` is what the function returned, as JSON.

    `known` holds the ids of the batch; any other id makes the answer a malformed one.
    """
    if not result or result == b"null":
        return _NONE
    try:
        answer: Any = _decode(result)
    except (msgspec.DecodeError, RecursionError):
        return ALL
    if not isinstance(answer, dict):
        # "" is an empty answer; other texts, numbers and lists are no reports.
        return ALL if answer and not isinstance(answer, str) else _NONE
    failures = answer.get("batchItemFailures")
    if not failures and (failures is None or isinstance(failures, list)):
        return _NONE
    if not isinstance(failures, list):
        return ALL
    found = set()
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or not identifier:
            return ALL
        if known is not None and identifier not in known:
            return ALL
        found.add(identifier)
    return frozenset(found)
