"""What the providers of Lambda's types have in common: waiting, tags, names, and answers that are no failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import tag_changes, unless

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lambent.stacks.providers.provider import Work

MISSING: Final = "ResourceNotFoundException"
CONFLICT: Final = "ResourceConflictException"

_FIRST_S: Final = 0.01
_LONGEST_S: Final = 1.0
_GROWTH: Final = 1.5


async def call_unless(work: Work, code: str, operation: str, /, **parameters: Any) -> dict[str, Any] | None:
    """Lambda's answer, or None for a failure of that code. Raises ServiceFailure for all others."""
    return await unless(work.call("lambda", operation, **parameters), code)


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


async def retag(work: Work, resource: str) -> None:
    """Change the tags of the resource of that ARN as the step says."""
    tags = tag_changes(work)
    if tags.removed:
        await work.call("lambda", "UntagResource", Resource=resource, TagKeys=tags.removed)
    if tags.put:
        await work.call("lambda", "TagResource", Resource=resource, Tags=tags.put)
