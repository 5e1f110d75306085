"""What people do with an operation that goes the wrong way: cancel it, take it back, go on with taking it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.stacks import reasons
from lambent.stacks.errors import ValidationError
from lambent.stacks.records import Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.stacks.operations import Operations
    from lambent.stacks.records import Stack


class Recovery:
    """CancelUpdateStack, RollbackStack, ContinueUpdateRollback."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._ledger = operations.ledger

    async def cancel_update(self, stack: Stack, token: str) -> None:
        """End an update and go back. Raises ValidationError when none runs."""
        operation = stack.operation
        if stack.status != "UPDATE_IN_PROGRESS" or operation is None:
            raise ValidationError("CancelUpdateStack cannot be called from current stack status")
        operation.cancelled = True
        # Somebody who cancels wants to have it as it was, whatever the update was told to do with failures.
        operation.on_failure = "ROLLBACK"
        operation.token = token or operation.token
        self._operations.halt(stack)
        await self._ledger.entry().stack(stack).write()

    async def roll_back(self, stack: Stack, *, role: str, token: str, retain_except_on_create: bool) -> None:
        """Take back an operation that has failed and was told to leave things as they are. Raises ValidationError."""
        if stack.operation is not None or stack.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
            raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.")
        creation = stack.stable is None
        operation = Operation("create" if creation else "update", 0, phase="rollback")
        operation.role = role
        operation.retain_except_on_create = retain_except_on_create or stack.retain_except_on_create
        status = "ROLLBACK_IN_PROGRESS" if creation else "UPDATE_ROLLBACK_IN_PROGRESS"
        if creation:
            stack.deleted_ms = self._operations.clock.wall_ms()
        await self._begin(stack, operation, status, token)

    async def continue_rollback(self, stack: Stack, *, skip: Sequence[str], role: str, token: str) -> None:
        """Go on with a way back that has failed, without the resources in `skip`. Raises ValidationError.

        `skip`: logical ids, those of nested stacks as `stack-name.LogicalId`.
        """
        if stack.operation is not None or stack.status != "UPDATE_ROLLBACK_FAILED":
            raise ValidationError(
                f"Stack:{stack.id} is in {stack.status} state and can not continue update rollback."
            )
        for name in skip:
            if "." in name:
                continue
            resource = stack.resources.get(name)
            if resource is None:
                raise ValidationError(f"The resource [{name}] does not exist in stack {stack.name}")
            if resource.status != "UPDATE_FAILED":
                raise ValidationError(
                    f"Resource [{name}] is in {resource.status} state: only resources in UPDATE_FAILED state can be "
                    "skipped."
                )
        operation = Operation("update", 0, phase="rollback", skip=list(skip), role=role)
        await self._begin(stack, operation, "UPDATE_ROLLBACK_IN_PROGRESS", token)

    async def _begin(self, stack: Stack, operation: Operation, status: str, token: str) -> None:
        stack.operations += 1
        operation.number = stack.operations
        operation.token = token or None
        stack.operation = operation
        await self._ledger.entry().stack_event(stack, status, reasons.USER).write()
        self._operations.launch(stack)
