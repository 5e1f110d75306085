"""What is written of stacks in one transaction."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.clock import time_text
from lambent.stacks.records import STACK_TYPE, Event, Export, written
from lambent.store import Statement, StorageFull

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.stacks.ledger import Ledger
    from lambent.stacks.records import ChangeSet, Deployment, Detection, Leftover, Resource, Stack

_FULL_RETRY_MS: Final = 1000

_log = logging.getLogger(__name__)


class Entry:
    """What is written in one transaction. Each record is written once, as it is when `write` is called."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stacks: dict[str, Stack] = {}
        self._resources: dict[tuple[str, str], Resource] = {}
        self._statements: list[Statement] = []
        self._events: list[tuple[Stack, Event]] = []

    def stack(self, stack: Stack) -> Entry:
        """Keep the stack itself."""
        self._stacks[stack.id] = stack
        return self

    def resource(self, stack: Stack, resource: Resource) -> Entry:
        """Keep a resource of it."""
        self._resources[stack.id, resource.logical_id] = resource
        return self

    def forget_resource(self, stack: Stack, logical_id: str) -> Entry:
        """A resource that is the stack's no more."""
        self._resources.pop((stack.id, logical_id), None)
        self._statements.append(
            Statement(
                "DELETE FROM stack_resources WHERE stack_id = ? AND logical_id = ?", (stack.id, logical_id)
            )
        )
        return self

    def leftover(self, stack: Stack, leftover: Leftover) -> Entry:
        """Something to be removed."""
        self._statements.append(
            Statement(
                "INSERT INTO stack_leftovers (stack_id, number, document) VALUES (?, ?, ?)",
                (stack.id, leftover.number, written(leftover)),
            )
        )
        return self

    def forget_leftover(self, stack: Stack, leftover: Leftover) -> Entry:
        """It has been removed, or never will be."""
        self._statements.append(
            Statement(
                "DELETE FROM stack_leftovers WHERE stack_id = ? AND number = ?", (stack.id, leftover.number)
            )
        )
        return self

    def template(self, key: str, stack_id: str, original: str, processed: str) -> Entry:
        """The texts of a definition."""
        self._statements.append(
            Statement(
                "INSERT INTO stack_templates (key, stack_id, original, processed) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET original = excluded.original, processed = excluded.processed",
                (key, stack_id, original, processed),
            )
        )
        return self

    def forget_template(self, key: str) -> Entry:
        """Nobody's any more."""
        self._statements.append(Statement("DELETE FROM stack_templates WHERE key = ?", (key,)))
        return self

    def change_set(self, change_set: ChangeSet) -> Entry:
        """Keep a change set."""
        self._statements.append(
            Statement(
                "INSERT INTO change_sets (id, stack_id, document) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET document = excluded.document",
                (change_set.id, change_set.stack_id, written(change_set)),
            )
        )
        return self

    def forget_change_set(self, change_set: ChangeSet) -> Entry:
        """It is there no more, nor are those of nested stacks that it has made."""
        self.forget_nested(change_set)
        self._ledger.change_sets.pop(change_set.id, None)
        self._statements.append(Statement("DELETE FROM change_sets WHERE id = ?", (change_set.id,)))
        return self.forget_template(change_set.id)

    def forget_nested(self, change_set: ChangeSet) -> Entry:
        """Those of nested stacks that it has made, and the stacks that are there for these only."""
        ledger = self._ledger
        for child in [one for one in ledger.change_sets.values() if one.parent_id == change_set.id]:
            self.forget_change_set(child)
            stack = ledger.stacks[child.stack_id]
            if stack.status == "REVIEW_IN_PROGRESS":
                stack.deleted_ms = ledger.clock.wall_ms()
                ledger.names.pop((stack.scope, stack.name), None)
                self.stack_event(stack, "DELETE_COMPLETE")
        return self

    def detection(self, detection: Detection) -> Entry:
        """Keep what is known of a drift detection."""
        self._statements.append(
            Statement(
                "INSERT INTO stack_drifts (id, stack_id, document) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET document = excluded.document",
                (detection.id, detection.stack_id, written(detection)),
            )
        )
        return self

    def exports(self, stack: Stack, exported: dict[str, str], imported: Iterable[str]) -> Entry:
        """What the stack exports now, name to value, and the names that it imports."""
        ledger, scope = self._ledger, stack.scope
        for (at, name), export in list(ledger.exports.items()):
            if at == scope and export.stack_id == stack.id and name not in exported:
                del ledger.exports[at, name]
        for importers in ledger.imports.values():
            importers.discard(stack.id)
        self._statements += [
            Statement("DELETE FROM stack_exports WHERE stack_id = ?", (stack.id,)),
            Statement("DELETE FROM stack_imports WHERE stack_id = ?", (stack.id,)),
        ]
        for name, value in exported.items():
            ledger.exports[scope, name] = Export(name, value, stack.id)
            self._statements.append(
                Statement(
                    "INSERT INTO stack_exports (scope, name, stack_id, value) VALUES (?, ?, ?, ?)",
                    (scope, name, stack.id, value),
                )
            )
        for name in sorted(set(imported)):
            ledger.imports.setdefault((scope, name), set()).add(stack.id)
            self._statements.append(
                Statement(
                    "INSERT INTO stack_imports (scope, name, stack_id) VALUES (?, ?, ?)",
                    (scope, name, stack.id),
                )
            )
        return self

    def stack_event(self, stack: Stack, status: str, reason: str | None = None) -> Entry:
        """The stack is in another status from now on."""
        stack.status, stack.reason = status, reason
        self.stack(stack)
        return self._event(stack, stack.name, stack.id, STACK_TYPE, status, reason, None, str(uuid.uuid4()))

    def resource_event(
        self, stack: Stack, resource: Resource, status: str, reason: str | None = None
    ) -> Entry:
        """A resource is in another status from now on."""
        resource.status, resource.reason = status, reason
        resource.updated_ms = self._ledger.clock.wall_ms()
        self.resource(stack, resource)
        shown = resource.step.wanted if resource.step is not None else resource.uncertain or resource.now
        return self.told(
            stack, resource.logical_id, resource.type, resource.physical_id, shown, status, reason
        )

    def told(
        self,
        stack: Stack,
        logical_id: str,
        type_name: str,
        physical_id: str,
        shown: Deployment | None,
        status: str,
        reason: str | None = None,
        *,
        event_id: str | None = None,
    ) -> Entry:
        """An event of what need not be a resource of the stack any more."""
        properties = None
        if shown is not None:
            told = shown.properties if shown.shown is None else shown.shown
            properties = msgspec.json.encode(told, enc_hook=str).decode()
        return self._event(stack, logical_id, physical_id, type_name, status, reason, properties, event_id)

    def _event(
        self,
        stack: Stack,
        logical_id: str,
        physical_id: str,
        type_name: str,
        status: str,
        reason: str | None,
        properties: str | None,
        event_id: str | None,
    ) -> Entry:
        # Clients sort by time: no two events of a stack have the same.
        at_ms = max(self._ledger.clock.wall_ms(), self._ledger.last_event_ms.get(stack.id, 0) + 1)
        self._ledger.last_event_ms[stack.id] = at_ms
        if event_id is None:
            event_id = f"{logical_id}-{status}-{time_text(at_ms)[:-1]}.{at_ms % 1000:03}Z"
        event = Event(
            number=self._ledger.next_number(),
            id=event_id,
            stack_id=stack.id,
            stack_name=stack.name,
            logical_id=logical_id,
            physical_id=physical_id,
            type=type_name,
            status=status,
            time_ms=at_ms,
            reason=reason,
            properties=properties,
            token=stack.operation.token if stack.operation is not None else stack.token,
        )
        self._events.append((stack, event))
        return self

    async def write(self) -> None:
        """Durable when it returns. A full disk is waited for. Raises StoreError."""
        statements = [*map(_kept_stack, self._stacks.values())]
        statements += self._statements
        statements += [
            Statement(
                "INSERT INTO stack_resources (stack_id, logical_id, document) VALUES (?, ?, ?)"
                " ON CONFLICT (stack_id, logical_id) DO UPDATE SET document = excluded.document",
                (stack_id, logical_id, written(resource)),
            )
            for (stack_id, logical_id), resource in self._resources.items()
        ]
        statements += [
            Statement(
                "INSERT INTO stack_events (number, stack_id, document) VALUES (?, ?, ?)",
                (event.number, event.stack_id, written(event)),
            )
            for _, event in self._events
        ]
        while True:
            try:
                await self._ledger.database.write(*statements)
                break
            except StorageFull:
                _log.warning("stacks wait: the disk is full")
                await self._ledger.pause(_FULL_RETRY_MS)
        if self._events and self._ledger.published is not None:
            for stack, event in self._events:
                self._ledger.published(stack, [event])


def _kept_stack(stack: Stack) -> Statement:
    claimed: Any = None if stack.status == "DELETE_COMPLETE" else stack.name
    return Statement(
        "INSERT INTO stacks (id, scope, claimed, document) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET claimed = excluded.claimed, document = excluded.document",
        (stack.id, stack.scope, claimed, written(stack)),
    )
