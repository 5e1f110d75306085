"""What every batch has to be, whatever it does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from lambent.aws.errors import ServiceError
from lambent.aws.sqs.errors import missing

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST: Final = 10
_LONGEST_ID: Final = 80
_ID: Final = re.compile(r"[\w-]+", re.ASCII)


class Entry(Protocol):
    """One of a batch."""

    id: str | None


Some = TypeVar("Some", bound=Entry)


def checked(entries: Sequence[Some] | None, kind: str) -> Sequence[Some]:
    """The entries of a batch; `kind` is what the model calls them without `BatchRequestEntry`. ServiceError.

    TestSqsProvider::test_too_many_entries_in_batch_request, ::test_invalid_batch_id
    """
    if not entries:
        raise ServiceError(
            "EmptyBatchRequest", f"There should be at least one {kind}BatchRequestEntry in the request."
        )
    if len(entries) > _MOST:
        raise ServiceError(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {_MOST}. You have sent {len(entries)}.",
        )
    ids = [entry.id or "" for entry in entries]
    if (
        not all(ids)
        or len(set(ids)) < len(ids)
        or max(map(len, ids)) > _LONGEST_ID
        or _ID.fullmatch("".join(ids)) is None
    ):
        _refuse(entries, kind)
    return entries


def _refuse(entries: Sequence[Entry], kind: str) -> None:
    """ServiceError for the first id that is none, or is there twice."""
    seen = set()
    for number, entry in enumerate(entries, 1):
        if entry.id is None:
            raise missing(f"{kind}BatchRequestEntry.{number}.Id")
        if len(entry.id) > _LONGEST_ID or _ID.fullmatch(entry.id) is None:
            raise ServiceError(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores."
                " It can be at most 80 letters long.",
            )
        if entry.id in seen:
            raise ServiceError("BatchEntryIdsNotDistinct", f"Id {entry.id} repeated.")
        seen.add(entry.id)
