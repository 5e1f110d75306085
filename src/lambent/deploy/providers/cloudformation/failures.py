"""Why an operation of a stack has failed: the first cause, and not what followed from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.deploy.providers.cloudformation.stack import State
    from lambent.deploy.providers.provider import Step

_CONSEQUENCE: Final = re.compile(
    r"Resource (creation|update|deletion) cancelled|The following resource\(s\) failed to", re.IGNORECASE
)
_DONE: Final = {
    "CREATE": "be created",
    "UPDATE": "be updated",
    "DELETE": "be deleted",
    "IMPORT": "be imported",
}

_MENDS: Final = (
    (
        r"already exists|AlreadyExists|AlreadyOwnedByYou",
        "Something of that name is there that this stack did not make: remove it, or use another name or --stage.",
    ),
    (
        r"not authorized to perform|AccessDenied|is not authorized",
        "The credentials (or the role that CloudFormation works in) lack that permission: have it added, then repeat.",
    ),
    (
        r"NoSuchKey|NoSuchBucket|The specified (key|bucket) does not exist",
        "The package is not where it was uploaded to: repeat the command, which uploads what is missing.",
    ),
    (r"LimitExceeded|exceeded|quota", "A quota of the account is used up: have it raised, or deploy less."),
    (
        r"ReservedConcurren|UnreservedConcurrentExecution",
        "Functions reserve more concurrency than the account has: lower reserved_concurrency in the settings.",
    ),
    (r"is not empty|BucketNotEmpty", "`lambent deploy destroy --empty-buckets` deletes the objects first."),
    (r"Throttl|Rate exceeded", "The account's API calls are throttled: repeat the command in a minute."),
)


def causes_of(steps: Iterable[Step]) -> list[Step]:
    """What failed by itself, first first. A rollback's own failures are not among it, unless there is nothing else."""
    return [
        step
        for step in steps
        if step.status.endswith("_FAILED") and not step.own and not _CONSEQUENCE.match(step.reason)
    ]


def told_of(steps: Iterable[Step], ended: State) -> str:
    """The cause in a sentence, with how many others there are."""
    causes = causes_of(steps)
    if not causes:
        return ended.reason or f"it is {ended.status}, and no event says why"
    first, others = causes[0], len({step.logical for step in causes} - {causes[0].logical})
    verb = _DONE.get(first.status.partition("_")[0], "be made")
    text = f"{first.logical} ({first.type}) could not {verb}: {first.reason}"
    if others:
        text += f" ({others} other{'s' if others > 1 else ''} failed after it)"
    return text


def mend_of(steps: Iterable[Step]) -> str | None:
    """What to do about the cause, where that is known."""
    for step in causes_of(steps)[:1]:
        for pattern, mend in _MENDS:
            if re.search(pattern, step.reason):
                return mend
    return None
