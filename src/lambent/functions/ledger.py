"""Changes of records: written to the database under guard, then made in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.functions import rows
from lambent.functions.errors import FunctionExists, FunctionNotFound
from lambent.functions.turns import Turns
from lambent.store import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from lambent.functions.catalog import Catalog
    from lambent.functions.names import Reference
    from lambent.functions.record import FunctionRecord
    from lambent.store import Database, Statement

# How often a change is computed anew because another writer was faster.
_ATTEMPTS = 5


class Ledger:
    """Keeps the catalog and the database in step.

    A change is computed from the record in memory and written on the condition that the row is still at that
    record's revision. When it is not, another node was faster: the record is read again and the change, with
    all its preconditions, computed anew.
    """

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._turns: Turns[tuple[str, str, str]] = Turns()

    def current(self, reference: Reference) -> FunctionRecord:
        """The record in memory. Raises FunctionNotFound."""
        record = self._catalog.get(reference)
        if record is None:
            raise FunctionNotFound(reference._replace(qualifier=None).arn)
        return record

    async def insert(self, record: FunctionRecord, reference: Reference) -> None:
        """Add a function. Raises FunctionExists, StoreError."""
        async with self._turn(reference):
            try:
                await self._database.write(*rows.creation(record))
            except Conflict:
                await self._reload(reference)
                raise FunctionExists(reference.name) from None
            self._catalog.put(None, record)

    async def change(
        self,
        reference: Reference,
        change: Callable[[FunctionRecord], FunctionRecord],
        guards: Callable[[FunctionRecord], list[Statement]] | None = None,
    ) -> FunctionRecord:
        """Replace the record by what `change` makes of it; nothing happens when it returns the same one.

        `guards` gives statements that must hold in the same transaction. Raises what `change` raises,
        FunctionNotFound, StoreError.
        """
        async with self._turn(reference):
            for _ in range(_ATTEMPTS):
                old = self.current(reference)
                changed = change(old)
                if changed is old:
                    return old
                new = replace(changed, revision=old.revision + 1)
                try:
                    await self._database.write(*(guards(new) if guards else ()), *rows.change(old, new))
                except Conflict:
                    await self._reload(reference)
                    continue
                self._catalog.put(old, new)
                return new
        raise Conflict(f"{reference.arn} keeps changing")

    async def remove(self, reference: Reference) -> None:
        """Delete the function. Raises FunctionNotFound, StoreError."""
        async with self._turn(reference):
            for _ in range(_ATTEMPTS):
                record = self.current(reference)
                try:
                    await self._database.write(*rows.removal(record))
                except Conflict:
                    await self._reload(reference)
                    continue
                self._catalog.put(record, None)
                return
        raise Conflict(f"{reference.arn} keeps changing")

    async def _reload(self, reference: Reference) -> None:
        stored = await rows.load(self._database, reference.account, reference.region, reference.name)
        known = self._catalog.get(reference)
        if stored is None or known is None or (stored.id, stored.revision) != (known.id, known.revision):
            self._catalog.put(known, stored)

    def _turn(self, reference: Reference) -> AbstractAsyncContextManager[None]:
        """Changes of one function on this node follow each other: memory changes in the database's order."""
        return self._turns.take((reference.account, reference.region, reference.name))
