"""The interface to durable rows: what every implementation promises.

SQL is the common dialect of SQLite and PostgreSQL: `?` placeholders (an implementation translates them),
RETURNING, ON CONFLICT, and the column types INTEGER, BIGINT, TEXT and BLOB. JSON is kept as TEXT.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from lambent.store.errors import StoreError

Value: TypeAlias = "str | int | float | bytes | None"
Row: TypeAlias = tuple["Value", ...]
Results: TypeAlias = "list[list[Row]]"
"""The rows that each statement of a transaction returned, in the order of the statements."""

Done: TypeAlias = Callable[["Results | None", StoreError | None], None]


class Statement(NamedTuple):
    """One SQL statement of a transaction.

    `expect`: how many rows it must return (with RETURNING) or affect. Anything else rolls the whole
    transaction back with `Conflict`: this is how changes are guarded against other writers, on this node
    or another.
    """

    sql: str
    params: tuple[Value, ...] = ()
    expect: int | None = None


class Database(Protocol):
    """Rows with atomic, durable transactions. Used from one event loop."""

    async def read(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """Rows of the committed state. Raises StoreError."""

    def read_now(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """`read` in a callback that cannot wait. It holds up everything else: for a few rows by key only."""

    async def write(self, *statements: Statement) -> Results:
        """Run one atomic transaction; returns when it is durable.

        Raises Conflict when a statement's expectation fails or a key is taken, StorageFull when the disk is
        full, StoreClosed after `close`; in each case nothing of it is kept.
        """

    def submit(self, statements: Sequence[Statement], done: Done) -> None:
        """`write` without a coroutine: `done(results, None)` or `done(None, error)` runs on the loop.

        Transactions submitted in order are committed in order.
        """

    async def close(self) -> None:
        """Finish what was submitted, then close. Idempotent."""
