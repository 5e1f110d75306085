"""What the providers of Lambda's types have in common: waiting, tags, names, and answers that are no failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lambent.stacks.providers.provider import Work

MISSING: Final = "ResourceNotFoundException"
CONFLICT: Final = "ResourceConflictException"

_SYSTEM: Final = "aws:"
_FIRST_S: Final = 0.01
_LONGEST_S: Final = 1.0
_GROWTH: Final = 1.5


async def call_unless(work: Work, code: str, operation: str, /, **parameters: Any) -> dict[str, Any] | None:
    """Lambda's answer, or None for a failure of that code. Raises ServiceFailure for all others."""
    try:
        return await work.call("lambda", operation, **parameters)
    except ServiceFailure as failure:
        if failure.code == code:
            return None
        raise


async def looks(work: Work) -> AsyncIterator[None]:
    """Times to look whether something is ready: at once, after 10 ms, and then ever more seldom, up to a second."""
    wait = _FIRST_S
    while True:
        yield
        await work.sleep(wait)
        wait = min(wait * _GROWTH, _LONGEST_S)


async def settled(work: Work, name: str, qualifier: str | None = None) -> dict[str, Any]:
    """The configuration of a function or version once it is active and its last update is through.

    Raises ResourceFailure when it has failed.
    """
    found: dict[str, Any] = {}
    async for _ in looks(work):
        found = await work.call("lambda", "GetFunctionConfiguration", FunctionName=name, Qualifier=qualifier)
        if found.get("State") == "Failed":
            raise ResourceFailure(
                found.get("StateReason") or f"Function {name} could not be made active.", "NotStabilized"
            )
        if found.get("LastUpdateStatus") == "Failed":
            raise ResourceFailure(
                found.get("LastUpdateStatusReason") or f"The update of function {name} failed.",
                "NotStabilized",
            )
        if found.get("State") != "Pending" and found.get("LastUpdateStatus") != "InProgress":
            break
    return found


async def retag(work: Work, arn: str, own: Any) -> None:
    """Make the tags of a resource what the step says. Those that are there are asked for.

    The stack's `aws:cloudformation:` tags are set like all others; no other of AWS's own is taken away.
    """
    if not work.again and work.tags == getattr(work, "old_tags", None) and own == work.old.get("Tags"):
        return
    wanted = work.merged_tags(own)
    there = (await work.call("lambda", "ListTags", Resource=arn)).get("Tags") or {}
    gone = [key for key in there if key not in wanted and not key.startswith(_SYSTEM)]
    new = {key: value for key, value in wanted.items() if there.get(key) != value}
    if gone:
        await work.call("lambda", "UntagResource", Resource=arn, TagKeys=gone)
    if new:
        await work.call("lambda", "TagResource", Resource=arn, Tags=new)
