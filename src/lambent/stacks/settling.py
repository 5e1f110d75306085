"""What follows when all resources have been dealt with, or one could not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.stacks import reasons
from lambent.stacks.errors import ValidationError
from lambent.stacks.exports import check_exports, imported_names, outputs_of
from lambent.stacks.records import Deployment, Leftover, Resource

if TYPE_CHECKING:
    from lambent.stacks.entry import Entry
    from lambent.stacks.execution import Execution
    from lambent.stacks.records import Operation, Stack
    from lambent.stacks.template import Scope, Template

RETAINED = frozenset({"Retain", "RetainExceptOnCreate"})
"""DeletionPolicy and UpdateReplacePolicy with which a resource outlives its stack."""


class Settling:
    """Ends the turn forward."""

    def __init__(self, execution: Execution, operation: Operation) -> None:
        self.execution = execution
        self.operation = operation
        self.stack: Stack = execution.stack
        self.ledger = execution.ledger

    async def succeed(self, template: Template, scope: Scope) -> None:
        """The resources are as the definition says: so become the outputs. Fails the turn when they cannot."""
        stack, operation = self.stack, self.operation
        try:
            outputs = outputs_of(template, scope)
            values = await self.execution.steps.parameters_read(stack, [output.value for output in outputs])
            if self.execution.superseded(operation):
                return
            if operation.cancelled:
                await self.fail(reasons.USER)
                return
            outputs = [
                msgspec.structs.replace(output, value=value)
                for output, value in zip(outputs, values, strict=True)
            ]
            exported = {
                output.export_name: output.value for output in outputs if output.export_name is not None
            }
            check_exports(self.ledger, stack, exported)
            imported = imported_names(template, scope)
        except ValidationError as refused:
            if not self.execution.superseded(operation):
                await self.fail(str(refused))
            return
        stack.outputs = outputs
        if operation.nested and operation.kind != "create":
            # What it does not export any more is still its own: it may have to go back.
            own = self.ledger.exports_of(stack)
            exported = {**own, **exported}
            imported |= self.ledger.imports_of(stack)
        entry = self.ledger.entry().exports(stack, exported, imported)
        if operation.kind == "create":
            stack.operation = None
            await entry.stack_event(stack, "CREATE_COMPLETE").write()
            return
        if operation.nested:
            # Until the parent has decided, there is something to go back to.
            operation.phase = "await"
            await entry.stack_event(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS").write()
            return
        self._set_aside(entry, set(scope.active))
        if operation.kind == "import":
            stack.operation = None
            await entry.stack_event(stack, "IMPORT_COMPLETE").write()
            return
        operation.phase = "cleanup"
        operation.attempt += 1
        await entry.stack_event(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS").write()

    async def accept(self) -> None:
        """A nested stack's update is kept: its parent has succeeded."""
        stack, operation = self.stack, self.operation
        template = await self.execution.preparation.template(stack.definition.template)
        scope = await self.execution.scope(template)
        if self.execution.superseded(operation):
            return
        exported = {output.export_name: output.value for output in stack.outputs if output.export_name}
        entry = self.ledger.entry().stack(stack).exports(stack, exported, imported_names(template, scope))
        self._set_aside(entry, set(scope.active))
        operation.phase = "cleanup"
        operation.attempt += 1
        await entry.write()

    async def fail(self, failure: str) -> None:
        """Go back, remove the stack or leave it, as the operation was asked to."""
        stack, operation, execution = self.stack, self.operation, self.execution
        operation.failure = stack.failure = failure
        if operation.kind == "update" and stack.stable is None and operation.on_failure != "DO_NOTHING":
            # There never was anything to go back to.
            operation.kind = "create"
        if operation.kind == "create":
            if operation.on_failure == "DELETE":
                operation.kind = "delete"
                stack.deleted_ms = execution.clock.wall_ms()
                reason = reasons.requested(failure, "Delete")
                await execution.turn_to(operation, "forward", "DELETE_IN_PROGRESS", reason)
            elif operation.on_failure == "ROLLBACK":
                stack.deleted_ms = execution.clock.wall_ms()
                reason = reasons.requested(failure, "Rollback")
                await execution.turn_to(operation, "rollback", "ROLLBACK_IN_PROGRESS", reason)
            else:
                stack.operation = None
                await self.ledger.entry().stack_event(stack, "CREATE_FAILED", failure).write()
        elif operation.on_failure == "DO_NOTHING" and operation.kind == "update":
            stack.operation = None
            await self.ledger.entry().stack_event(stack, "UPDATE_FAILED", failure).write()
        else:
            word = operation.kind.upper()
            await execution.turn_to(operation, "rollback", f"{word}_ROLLBACK_IN_PROGRESS", failure)

    def _set_aside(self, entry: Entry, active: set[str]) -> None:
        """What the stack has no more becomes what is left to be removed."""
        stack = self.stack
        if stack.stable is not None:
            if stack.stable.template != stack.definition.template:
                entry.forget_template(stack.stable.template)
            stack.stable = None
        left = Leftovers(stack, entry)
        for logical_id, resource in list(stack.resources.items()):
            if logical_id not in active:
                left.add_all(resource, resource.now)
                entry.forget_resource(stack, logical_id)
                del stack.resources[logical_id]
                continue
            if not resource.touched and not resource.extra:
                continue
            before, now = resource.before, resource.now
            if before is not None and now is not None and before.physical_id != now.physical_id:
                left.add(logical_id, before, now.update_replace_policy)
            for replaced in resource.extra:
                left.add(logical_id, replaced, now.update_replace_policy if now is not None else "")
            settled(resource)
            entry.resource(stack, resource)


class Leftovers:
    """Numbers what is left to be removed."""

    def __init__(self, stack: Stack, entry: Entry) -> None:
        self._stack = stack
        self._entry = entry
        self._number = max((leftover.number for leftover in stack.leftovers), default=0)

    def add(self, logical_id: str, deployment: Deployment, policy: str, *, drop: bool = False) -> None:
        """One deployment. `policy`: says whether it is retained, unless `drop`."""
        if deployment.physical_id:
            self.tell(logical_id, deployment, policy, drop=drop)

    def tell(self, logical_id: str, deployment: Deployment, policy: str, *, drop: bool = False) -> None:
        """The same, also of what never was there: its end is told."""
        self._number += 1
        leftover = Leftover(self._number, logical_id, deployment, policy in RETAINED and not drop)
        self._stack.leftovers.append(leftover)
        self._entry.leftover(self._stack, leftover)

    def add_all(self, resource: Resource, now: Deployment | None) -> None:
        """All that there is of a resource which the stack has no more."""
        known = {now.physical_id} if now is not None else set()
        if now is not None:
            self.add(resource.logical_id, now, now.deletion_policy)
        for deployment in (resource.before, *resource.extra, resource.uncertain):
            if deployment is not None and deployment.physical_id not in known:
                known.add(deployment.physical_id)
                self.add(resource.logical_id, deployment, deployment.deletion_policy)


def settled(resource: Resource) -> None:
    """There is nothing to go back to any more."""
    resource.before = None
    resource.touched = False
    resource.changed = None
    resource.extra = []
    resource.uncertain = None
