"""Writing what is staged, and waiting for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lambent.store.staged import Staged, submit

if TYPE_CHECKING:
    from lambent.store import Database, StoreError


async def written(database: Database, staged: Staged) -> None:
    """Write what is staged as one transaction; returns when it is durable and its consequences have happened.

    Who is cancelled meanwhile no longer waits: it happens all the same. Raises StoreError.
    """
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settled(error: StoreError | None) -> None:
        staged.settled(error)
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    submit(database, Staged(staged.statements, settled))
    await future
