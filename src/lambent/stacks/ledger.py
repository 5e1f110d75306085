"""All stacks of this platform, in memory and in the database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from lambent.stacks.entry import Entry
from lambent.stacks.records import (
    ChangeSet,
    Detection,
    Event,
    Export,
    Leftover,
    Resource,
    Stack,
    read,
)
from lambent.store import Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.clock import Clock
    from lambent.store import Database

KEPT_MS: Final = 90 * 86_400_000
"""How long deleted stacks can be told (API_ListStacks: 90 days)."""

_OF_STACKS: Final = (
    "stack_templates",
    "stack_resources",
    "stack_leftovers",
    "stack_events",
    "change_sets",
    "stack_drifts",
)
_TABLES: Final = ("stacks", *_OF_STACKS, "stack_exports", "stack_imports")


class Ledger:
    """Reads everything at `open`; changes are made in memory and written with an `Entry`.

    `importing`: by stack id, the exports that an operation needs which runs. `published` is called with the events that
    have become durable.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.stacks: dict[str, Stack] = {}
        self.names: dict[tuple[str, str], str] = {}
        self.change_sets: dict[str, ChangeSet] = {}
        self.exports: dict[tuple[str, str], Export] = {}
        self.imports: dict[tuple[str, str], set[str]] = {}
        self.importing: dict[str, set[str]] = {}
        self.detections: dict[str, Detection] = {}
        self.last_event_ms: dict[str, int] = {}
        self.published: Callable[[Stack, list[Event]], None] | None = None
        self._number = 0

    @classmethod
    async def open(cls, database: Database, clock: Clock) -> Ledger:
        """As an earlier run has left it. Raises StoreError."""
        ledger = cls(database, clock)
        for (document,) in await database.read("SELECT document FROM stacks"):
            stack = read(str(document), Stack)
            ledger.stacks[stack.id] = stack
            if stack.deleted_ms is None or stack.status != "DELETE_COMPLETE":
                ledger.names[stack.scope, stack.name] = stack.id
        for stack_id, document in await database.read("SELECT stack_id, document FROM stack_resources"):
            resource = read(str(document), Resource)
            ledger.stacks[str(stack_id)].resources[resource.logical_id] = resource
        for stack_id, document in await database.read(
            "SELECT stack_id, document FROM stack_leftovers ORDER BY stack_id, number"
        ):
            ledger.stacks[str(stack_id)].leftovers.append(read(str(document), Leftover))
        for (document,) in await database.read("SELECT document FROM change_sets"):
            change_set = read(str(document), ChangeSet)
            ledger.change_sets[change_set.id] = change_set
        for scope, name, stack_id, value in await database.read(
            "SELECT scope, name, stack_id, value FROM stack_exports"
        ):
            ledger.exports[str(scope), str(name)] = Export(str(name), str(value), str(stack_id))
        for scope, name, stack_id in await database.read("SELECT scope, name, stack_id FROM stack_imports"):
            ledger.imports.setdefault((str(scope), str(name)), set()).add(str(stack_id))
        for (document,) in await database.read("SELECT document FROM stack_drifts"):
            detection = read(str(document), Detection)
            ledger.detections[detection.id] = detection
        ((number,),) = await database.read("SELECT coalesce(max(number), 0) FROM stack_events")
        ledger._number = int(number or 0)
        await ledger.forget_old()
        return ledger

    async def forget_old(self) -> None:
        """Keep nothing of stacks that were deleted long ago. Raises StoreError."""
        since = self.clock.wall_ms() - KEPT_MS
        old = [
            stack.id
            for stack in self.stacks.values()
            if stack.status == "DELETE_COMPLETE" and stack.deleted_ms is not None and stack.deleted_ms < since
        ]
        for stack_id in old:
            del self.stacks[stack_id]
            self.last_event_ms.pop(stack_id, None)
            for change_set in self.of_stack(stack_id):
                del self.change_sets[change_set.id]
            for detection in [one for one in self.detections.values() if one.stack_id == stack_id]:
                del self.detections[detection.id]
            await self.database.write(*_forgotten(stack_id))

    def by_name(self, scope: str, name: str) -> Stack | None:
        """The stack that has that name now."""
        found = self.names.get((scope, name))
        return None if found is None else self.stacks[found]

    def find(self, account: str, region: str, name_or_id: str) -> Stack | None:
        """A stack by its name, or by its id even when it has been deleted."""
        stack = self.by_name(f"{account}:{region}", name_or_id) or self.stacks.get(name_or_id)
        return stack if stack is not None and (stack.account, stack.region) == (account, region) else None

    def of_stack(self, stack_id: str) -> list[ChangeSet]:
        """Its change sets, oldest first."""
        return [change_set for change_set in self.change_sets.values() if change_set.stack_id == stack_id]

    def exports_of(self, stack: Stack) -> dict[str, str]:
        """What the stack exports, name to value."""
        return {
            name: export.value for (_, name), export in self.exports.items() if export.stack_id == stack.id
        }

    def imports_of(self, stack: Stack) -> set[str]:
        """The names that it imports."""
        return {name for (_, name), users in self.imports.items() if stack.id in users}

    async def events(self, stack_id: str, limit: int, before: int | None) -> list[Event]:
        """Newest first."""
        rows = await self.database.read(
            "SELECT document FROM stack_events WHERE stack_id = ? AND number < ? ORDER BY number DESC LIMIT ?",
            (stack_id, 1 << 62 if before is None else before, limit),
        )
        return [read(str(document), Event) for (document,) in rows]

    async def template(self, key: str) -> tuple[str, str]:
        """A template as it was sent, and as JSON after its transforms."""
        rows = await self.database.read(
            "SELECT original, processed FROM stack_templates WHERE key = ?", (key,)
        )
        return (str(rows[0][0]), str(rows[0][1])) if rows else ("", "")

    def entry(self) -> Entry:
        """A transaction to be filled in."""
        return Entry(self)

    async def pause(self, milliseconds: int) -> None:
        """Wait for that long."""
        woken = asyncio.Event()
        self.clock.at_steady(self.clock.steady_ms() + milliseconds, woken.set)
        await woken.wait()

    def next_number(self) -> int:
        """The number of the next event."""
        self._number += 1
        return self._number

    async def clear(self) -> None:
        """Forget all stacks."""
        await self.database.write(*(Statement(f"DELETE FROM {table}") for table in _TABLES))  # noqa: S608 - names above
        for kept in (
            self.stacks,
            self.names,
            self.change_sets,
            self.exports,
            self.imports,
            self.importing,
            self.detections,
            self.last_event_ms,
        ):
            kept.clear()


def _forgotten(stack_id: str) -> list[Statement]:
    statements = [Statement(f"DELETE FROM {table} WHERE stack_id = ?", (stack_id,)) for table in _OF_STACKS]  # noqa: S608
    return [*statements, Statement("DELETE FROM stacks WHERE id = ?", (stack_id,))]
