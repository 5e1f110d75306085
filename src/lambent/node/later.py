"""Parts that are made when they are first needed: most platforms live without most of them.

What a part imports is a good deal of what a start takes, so whoever makes one imports it there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.store import Database

T = TypeVar("T")


class Later(Generic[T]):
    """A part, and how it is made: once, whoever asks first. What `make` raises is raised, and the next one tries again.

    `now` is the part, once it is there.
    """

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self.now: T | None = None
        self._make = make
        self._making: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The part; made first where it has to be."""
        if self.now is not None:
            return self.now
        if self._making is None:
            self._making = asyncio.ensure_future(self._made())
        # Shielded: others wait for it too.
        return await asyncio.shield(self._making)

    async def settled(self) -> T | None:
        """The part as it is when nobody is about to make it any more; None where nobody has asked for it."""
        if self._making is not None:
            await asyncio.wait([self._making])
        return self.now

    async def _made(self) -> T:
        try:
            self.now = await self._make()
        finally:
            self._making = None
        return self.now


async def anything_kept(database: Database, *sources: str) -> bool:
    """Whether any of these tables ("stacks", or "gateway_roots WHERE …") has a row. Raises StoreError."""
    asked = [f"EXISTS (SELECT 1 FROM {source})" for source in sources]  # noqa: S608 - they come from our own code
    found = await database.read(f"SELECT {' OR '.join(asked)}")
    return bool(found[0][0])
