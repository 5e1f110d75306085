"""What the providers of IAM's types have in common: documents, tags, and answers that are no failures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from lambent.neighbours.service_calls import ServiceFailure

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Work

MISSING: Final = "NoSuchEntity"
EXISTS: Final = "EntityAlreadyExists"

_SYSTEM: Final = "aws:"
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


def tags_of(work: Work, own: Any) -> dict[str, str]:
    """The tags that the resource gets: the stack's and its own, without CloudFormation's."""
    return {key: value for key, value in work.merged_tags(own).items() if not key.startswith(_SYSTEM)}


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as IAM takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


async def call_unless(
    work: Work, codes: tuple[str, ...] | str, operation: str, /, **parameters: Any
) -> dict[str, Any] | None:
    """IAM's answer, or None for a failure of one of `codes`. Raises ServiceFailure for all others."""
    try:
        return await work.call("iam", operation, **parameters)
    except ServiceFailure as failure:
        if failure.code in ((codes,) if isinstance(codes, str) else codes):
            return None
        raise


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


async def retag(work: Work, operations: tuple[str, str, str], member: str, name: str, own: Any) -> None:
    """Make the tags of what is named what the step says. `operations`: list, tag, untag.

    Those that are there are asked for, as others may have set some.
    """
    listing, tag, untag = operations
    if not work.again and work.tags == getattr(work, "old_tags", None) and own == work.old.get("Tags"):
        return
    wanted = tags_of(work, own)
    found = await pages(work, listing, "Tags", **{member: name})
    there = {each["Key"]: each["Value"] for each in found}
    gone = [key for key in there if key not in wanted and not key.startswith(_SYSTEM)]
    new = {key: value for key, value in wanted.items() if there.get(key) != value}
    if gone:
        await work.call("iam", untag, **{member: name}, TagKeys=gone)
    if new:
        await work.call("iam", tag, **{member: name}, Tags=tag_list(new))
