"""Locks by key, kept only while someone holds or awaits them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Key = TypeVar("Key")


class Turns(Generic[Key]):
    """`async with turns.take(key)`: those who take the same key follow each other, in order of arrival."""

    def __init__(self) -> None:
        self._turns: dict[Key, _Turn] = {}

    @contextlib.asynccontextmanager
    async def take(self, key: Key) -> AsyncIterator[None]:
        """Wait until nobody else holds `key`, and hold it."""
        turn = self._turns.setdefault(key, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[key]


class _Turn:
    __slots__ = ("lock", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0
