"""What the providers of IAM's types have in common: documents, tags, and answers that are no failures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from lambent.stacks.providers.base import pairs, tag_changes, unless

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Work

MISSING: Final = "NoSuchEntity"
EXISTS: Final = "EntityAlreadyExists"

_VERSION: Final = "2012-10-17"


def document(value: Any) -> str:
    """A policy document as IAM takes it: JSON text, with a version.

    IAM takes documents without one, as SAM's policy templates are; moto does not.
    """
    found = _parsed(value)
    if isinstance(found, dict) and "Version" not in found:
        return json.dumps({"Version": _VERSION, **found}, separators=(",", ":"))
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def as_given(found: Any, given: Any) -> Any:
    """A live document without the version that `document` has given it."""
    without = _parsed(given)
    if isinstance(found, dict) and isinstance(without, dict) and "Version" not in without:
        return {member: value for member, value in found.items() if member != "Version"}
    return found


def read_document(text: Any) -> Any:
    """A policy document as IAM answers with it: percent-encoded JSON."""
    return json.loads(unquote(text)) if isinstance(text, str) else text


def same_document(one: Any, other: Any) -> bool:
    """Whether two policy documents, as text or not, say the same."""
    return bool(_parsed(document(one)) == _parsed(document(other)))


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value  # for IAM to refuse


async def call_unless(
    work: Work, codes: tuple[str, ...] | str, operation: str, /, **parameters: Any
) -> dict[str, Any] | None:
    """IAM's answer, or None for a failure of one of `codes`. Raises ServiceFailure for all others."""
    return await unless(
        work.call("iam", operation, **parameters), *((codes,) if isinstance(codes, str) else codes)
    )


async def pages(work: Work, operation: str, member: str, /, **parameters: Any) -> list[Any]:
    """All items of a listing. Raises ServiceFailure."""
    found: list[Any] = []
    marker = None
    while True:
        answer = await work.call("iam", operation, Marker=marker, **parameters)
        found += answer.get(member) or []
        marker = answer.get("Marker")
        if not answer.get("IsTruncated") or not marker:
            return found


async def retag(work: Work, operations: tuple[str, str], member: str, name: str) -> None:
    """Change the tags of what is named as the step says. `operations`: tag, untag."""
    tag, untag = operations
    tags = tag_changes(work, system=False)
    if tags.removed:
        await work.call("iam", untag, **{member: name}, TagKeys=tags.removed)
    if tags.put:
        await work.call("iam", tag, **{member: name}, Tags=pairs(tags.put))
