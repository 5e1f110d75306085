"""How many stacks there can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.stacks.errors import LimitExceeded

if TYPE_CHECKING:
    from lambent.stacks.ledger import Ledger
    from lambent.stacks.records import Stack

MOST: Final = 2000
"""Stacks of a region (UserGuide, "Understand CloudFormation quotas")."""
DEEPEST: Final = 20
"""Stacks around a nested one; AWS does not say how many there can be."""


def check_room(ledger: Ledger, scope: str, parent: Stack | None) -> None:
    """Raises LimitExceeded when there are as many stacks as there can be, or as deep in one another.

    The template of a nested stack may be the one that it is in: that would never end.
    """
    depth, around = 0, parent
    while around is not None:
        depth, around = depth + 1, ledger.stacks.get(around.parent_id or "")
    if depth > DEEPEST:
        raise LimitExceeded(f"Stacks can be nested {DEEPEST} levels deep at most.")
    if sum(of == scope for of, _ in ledger.names) >= MOST:
        raise LimitExceeded(f"Limit for stack has been exceeded: there are {MOST} stacks in the region.")
