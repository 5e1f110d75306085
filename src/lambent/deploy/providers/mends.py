"""What to do about what services say when they refuse a resource."""

from __future__ import annotations

import re
from typing import Final

_MENDS: Final = (
    (
        r"custom-named resource requires replacing",
        "A new one cannot have the name of the old one: give it another name in the code, and copy its data over.",
    ),
    (
        r"already exists|AlreadyExists|AlreadyOwnedByYou",
        (
            "Something of that name is there that is not in this stack (queues of a protected stage stay when it is "
            "destroyed): remove it, or use another name or --stage."
        ),
    ),
    (
        r"QueueDeletedRecently|wait 60 seconds after deleting",
        "SQS gives the name of a deleted queue away again after a minute: repeat the command then.",
    ),
    (
        r"more than one GSI",
        "DynamoDB adds or removes one index of a table at a time: leave the others for the next apply.",
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


def mend_for(reason: str) -> str | None:
    """What to do about what a service has said, where that is known."""
    for pattern, mend in _MENDS:
        if re.search(pattern, reason):
            return mend
    return None
