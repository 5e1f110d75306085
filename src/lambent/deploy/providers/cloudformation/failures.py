"""Why an operation of a stack has failed: the first cause, and not what followed from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lambent.deploy.providers.mends import mend_for

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
        return mend_for(step.reason)
    return None
