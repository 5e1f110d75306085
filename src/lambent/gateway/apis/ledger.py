"""Changes of definitions: written to the database under guard, then made in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec.structs import replace

from lambent.functions.turns import Turns
from lambent.gateway.apis import rows
from lambent.store import Conflict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.gateway.apis.layout import Layout
    from lambent.store import Database

D = TypeVar("D")
R = TypeVar("R")

# How often a change is computed anew because another writer was faster.
_ATTEMPTS = 5


class Ledger(Generic[D]):
    """The definitions of one kind, in memory and in the database.

    `complete(old, new)` is awaited before a change is written: it adds what is not in the rows. `changed(id, new)` is
    called after a change is made, with None for what is gone.
    """

    def __init__(
        self,
        database: Database,
        layout: Layout[D],
        *,
        complete: Callable[[D | None, D], Awaitable[D]] | None = None,
        changed: Callable[[str, D | None], None],
    ) -> None:
        self.all: dict[str, D] = {}
        self._database = database
        self._layout = layout
        self._complete = complete
        self._changed = changed
        self._turns: Turns[str] = Turns()

    async def load(self) -> None:
        """Read everything anew. Raises StoreError."""
        for root_id, definition in (await rows.load(self._database, self._layout)).items():
            await self._take(root_id, definition)

    async def insert(self, root_id: str, account: str, region: str, new: D) -> bool:
        """Add a definition; False when the id is taken. Raises StoreError."""
        async with self._turns.take(root_id):
            if self._complete is not None:
                new = await self._complete(None, new)
            try:
                await self._database.write(*rows.creation(self._layout, root_id, account, region, new))
            except Conflict:
                return False
            self._put(root_id, new)
            return True

    async def change(self, root_id: str, find: Callable[[], D], change: Callable[[D], tuple[D, R]]) -> R:
        """Change a definition. Returns what `change` returns besides.

        `find` gives the definition from memory, or raises. `change` gets it with the next version, and is pure: it may
        be called again when another node was faster. What it raises is raised. Raises StoreError.
        """
        async with self._turns.take(root_id):
            for _ in range(_ATTEMPTS):
                old: Any = find()
                draft: D = replace(old, version=self._layout.version(old) + 1)
                new, result = change(draft)
                if new is draft:
                    return result
                if self._complete is not None:
                    new = await self._complete(old, new)
                try:
                    await self._database.write(*rows.change(self._layout, root_id, old, new))
                except Conflict:
                    await self._reload(root_id)
                    continue
                self._put(root_id, new)
                return result
        raise Conflict(f"{self._layout.kind} {root_id} keeps changing")

    async def remove(self, root_id: str, find: Callable[[], D], check: Callable[[D], None]) -> None:
        """Delete a definition, unless `find` or `check` raises. Raises StoreError."""
        async with self._turns.take(root_id):
            for _ in range(_ATTEMPTS):
                old = find()
                check(old)
                try:
                    await self._database.write(*rows.removal(self._layout, root_id, old))
                except Conflict:
                    await self._reload(root_id)
                    continue
                self._drop(root_id)
                return
        raise Conflict(f"{self._layout.kind} {root_id} keeps changing")

    def forget(self) -> None:
        """Empty the memory; the rows are another's."""
        for root_id in list(self.all):
            self._drop(root_id)

    async def _reload(self, root_id: str) -> None:
        found = (await rows.load(self._database, self._layout, root_id)).get(root_id)
        if found is None:
            self._drop(root_id)
        else:
            await self._take(root_id, found)

    async def _take(self, root_id: str, definition: D) -> None:
        if self._complete is not None:
            definition = await self._complete(None, definition)
        self._put(root_id, definition)

    def _put(self, root_id: str, definition: D) -> None:
        self.all[root_id] = definition
        self._changed(root_id, definition)

    def _drop(self, root_id: str) -> None:
        if self.all.pop(root_id, None) is not None:
            self._changed(root_id, None)
