"""Work that is prepared to become part of somebody's transaction.

What hands something on (a rule to a queue, a schedule to a function, a finished event to its destination) writes
what it has done and what the next one has to do in one transaction: neither is lost, neither happens twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lambent.store.errors import StoreError

if TYPE_CHECKING:
    from lambent.store.database import Database, Results, Statement

Settled: TypeAlias = Callable[[StoreError | None], None]

_log = logging.getLogger(__name__)


class Staged(NamedTuple):
    """Statements to be written, and what is to be called on the loop afterwards.

    `settled(None)` when they are durable: what they say begins to be true in memory. `settled(error)` when they are
    not and never will be. Exactly one of both is called; whoever stages something and then does not write it
    calls `settled` with an error as well.
    """

    statements: tuple[Statement, ...]
    settled: Settled


def nothing(_error: StoreError | None) -> None:
    """The `settled` of what has no consequences in memory."""


def settle_all(all_settled: Iterable[Settled], error: StoreError | None) -> None:
    """Tell each of them; what one of them fails with is logged, and nobody else's business."""
    for settled in all_settled:
        try:
            settled(error)
        except Exception:  # noqa: BLE001 - logged
            _log.exception("what follows from a transaction was not done")


def together(parts: Iterable[Staged]) -> Staged:
    """Several as one, in their order."""
    parts = tuple(parts)
    if len(parts) == 1:
        return parts[0]

    def settled(error: StoreError | None) -> None:
        settle_all((part.settled for part in parts), error)

    return Staged(tuple(statement for part in parts for statement in part.statements), settled)


def submit(database: Database, staged: Staged) -> None:
    """Write what is staged, as one transaction."""
    settled = staged.settled

    def done(_results: Results | None, error: StoreError | None) -> None:
        settled(error)

    database.submit(staged.statements, done)
