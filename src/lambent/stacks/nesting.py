"""Stacks in stacks: what AWS::CloudFormation::Stack means for the stack that it is, and their change sets.

A nested stack does not go back by itself, and keeps what it could go back to until its parent has decided
(UserGuide, "Nested stacks": only the root stack's operation is rolled back, and all below with it).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.stacks.changes import NO_CHANGES, NO_UPDATES
from lambent.stacks.errors import ResourceFailure, StackError, ValidationError
from lambent.stacks.execution import Execution
from lambent.stacks.providers.provider import Made
from lambent.stacks.providers.work import StepInterrupted, generated_name
from lambent.stacks.records import STACK_TYPE, ChangeSet, Definition, Operation, Stack
from lambent.stacks.request import StackRequest
from lambent.stacks.settling import Settling
from lambent.stacks.steps import StepFailed, values_of
from lambent.stacks.template import Unknown

if TYPE_CHECKING:
    from collections.abc import Collection

    from lambent.stacks.change_sets import ChangeSets
    from lambent.stacks.changes import ResourceChange
    from lambent.stacks.operations import Operations
    from lambent.stacks.providers.work import StepWork
    from lambent.stacks.template import Template

_SYSTEM: Final = "aws:"


class Nesting:
    """Operations on nested stacks, for their provider and for the executions of their parents."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._ledger = operations.ledger

    # ------------------------------------------------------------ for the provider

    async def create(self, work: StepWork) -> Made:
        """Make the stack and wait for it. Raises ResourceFailure."""
        parent = self._ledger.stacks[work.stack.id]
        child = self._ledger.stacks.get(work.physical_id)
        name = self._reviewed(parent, work.logical_id) or work.name(128)
        if child is None and work.again:
            child = self._ledger.by_name(parent.scope, name)
        if child is None or child.status == "REVIEW_IN_PROGRESS":
            try:
                child = await self._operations.create(self._request(parent, work, name), child=parent)
            except StackError as refused:
                raise ResourceFailure(str(refused), "InvalidRequest", reason=str(refused)) from refused
        await work.initiated(child.id)
        child = await self._wait(work, child)
        if child.status != "CREATE_COMPLETE":
            reason = f"Embedded stack {child.id} was not successfully created: {child.reason or ''}"
            raise ResourceFailure(reason, reason=reason)
        return _made(child)

    async def update(self, work: StepWork) -> Made:
        """Change the stack and wait for it: it then waits for its parent. Raises ResourceFailure."""
        parent = self._ledger.stacks[work.stack.id]
        child = self._ledger.stacks.get(work.physical_id)
        if child is None or child.status == "DELETE_COMPLETE":
            raise ResourceFailure(f"Stack with id {work.physical_id} does not exist", "NotFound")
        try:
            await self._operations.update(self._request(parent, work, child.id), child, nested=True)
        except ValidationError as refused:
            if str(refused) == NO_UPDATES:
                return _made(child)
            raise ResourceFailure(str(refused), "InvalidRequest", reason=str(refused)) from refused
        except StackError as refused:
            raise ResourceFailure(str(refused), "InvalidRequest", reason=str(refused)) from refused
        child = await self._wait(work, child)
        if child.status.endswith("_FAILED") or "ROLLBACK" in child.status:
            # CloudFormation tells while the child goes back; here it has gone back when its parent hears of it.
            status = child.status if child.status.endswith("_FAILED") else "UPDATE_ROLLBACK_IN_PROGRESS"
            reason = (
                f"Embedded stack {child.id} was not successfully updated. Currently in {status} with reason: "
                f"{child.failure}"
            )
            raise ResourceFailure(reason, reason=reason)
        return _made(child)

    async def delete(self, work: StepWork) -> None:
        """Remove the stack and wait for it. Raises ResourceFailure."""
        child = self._ledger.stacks.get(work.physical_id)
        if child is None or child.status == "DELETE_COMPLETE":
            return
        if child.operation is None or child.operation.kind != "delete":
            await self._operations.delete(child, role=work.stack.role)
        child = await self._wait(work, child)
        if child.status != "DELETE_COMPLETE":
            reason = f"Embedded stack {child.id} was not successfully deleted: {child.reason or ''}"
            raise ResourceFailure(reason, reason=reason)

    async def _wait(self, work: StepWork, child: Stack) -> Stack:
        try:
            return await self._finished(child)
        finally:
            operation = child.operation
            if (
                work.cancelled
                and operation is not None
                and operation.kind != "delete"
                and operation.phase == "forward"
            ):
                operation.cancelled = True
                self._operations.halt(child)

    async def _finished(self, child: Stack) -> Stack:
        """Once nothing is being done with it. Raises StepInterrupted when the platform ends before that."""
        await self._operations.finished(child.id)
        if child.operation is not None and child.operation.phase != "await":
            raise StepInterrupted
        return child

    def _request(self, parent: Stack, work: StepWork, name: str) -> StackRequest:
        properties = work.properties
        return StackRequest(
            parent.account,
            parent.region,
            name,
            template_url=str(properties.get("TemplateURL", "")),
            parameters=_parameters(properties.get("Parameters") or {}),
            capabilities=list(parent.capabilities),
            tags={
                key: value
                for key, value in work.merged_tags(properties.get("Tags")).items()
                if not key.startswith(_SYSTEM)
            },
            role=work.stack.role,
            notification_arns=list(properties.get("NotificationARNs") or parent.notification_arns),
            timeout_minutes=int(properties["TimeoutInMinutes"])
            if properties.get("TimeoutInMinutes")
            else None,
            token=work.token,
            disable_rollback=_keeps(parent) or None,
        )

    def _reviewed(self, parent: Stack, logical_id: str) -> str | None:
        """The name of the stack that a change set has made for that resource."""
        for change_set in self._ledger.change_sets.values():
            stack = self._ledger.stacks.get(change_set.stack_id)
            if (
                change_set.logical_id == logical_id
                and stack is not None
                and stack.parent_id == parent.id
                and stack.status == "REVIEW_IN_PROGRESS"
            ):
                return stack.name
        return None

    # ------------------------------------------------------------ when the parent has decided

    async def settle(self, stack_id: str) -> None:
        """The parent has succeeded: remove what the child's update has left."""
        stack = self._ledger.stacks.get(stack_id)
        if stack is None or stack.operation is None or stack.operation.phase != "await":
            return
        await Settling(self._execution(stack), stack.operation).accept()
        self._operations.launch(stack)

    async def revert(self, stack_id: str, skip: Collection[str] = ()) -> None:
        """The parent goes back: so does the child, but for `skip`. Raises StepFailed when it cannot."""
        if stack_id not in self._ledger.stacks:
            return
        stack = await self._finished(self._ledger.stacks[stack_id])
        if stack.stable is not None:
            operation = stack.operation
            if operation is None:
                stack.operations += 1
                operation = stack.operation = Operation("update", stack.operations)
            operation.phase = "rollback"
            operation.nested = True
            operation.attempt += 1
            operation.on_failure = "ROLLBACK"
            named = (f"{stack.name}.", f"{_logical_id(self._ledger.stacks, stack)}.")
            operation.skip = [name.partition(".")[2] for name in skip if name.startswith(named)]
            entry = self._ledger.entry()
            await entry.stack_event(stack, "UPDATE_ROLLBACK_IN_PROGRESS").write()
            self._operations.launch(stack)
            stack = await self._finished(stack)
        if stack.status.endswith("_FAILED"):
            raise StepFailed(
                f"Embedded stack {stack.id} was not successfully updated. Currently in {stack.status} with reason: "
                f"{stack.reason or ''}"
            )

    def _execution(self, stack: Stack) -> Execution:
        operations = self._operations
        return Execution(
            stack, self._ledger, operations.steps, operations.preparation, operations.clock, self
        )


class NestedChangeSets:
    """Makes a change set of each nested stack that one with IncludeNestedStacks changes."""

    def __init__(self, operations: Operations, change_sets: ChangeSets) -> None:
        self._operations = operations
        self._change_sets = change_sets
        self._ledger = operations.ledger

    async def make(
        self,
        change_set: ChangeSet,
        stack: Stack,
        definition: Definition,
        template: Template,
        resources: list[ResourceChange],
    ) -> list[ResourceChange]:
        """The changes, those of nested stacks with their change sets' ids. Raises ValidationError."""
        scope = self._operations.preparation.scope(
            stack, definition, template, values_of(stack, self._operations.steps)
        )
        found = []
        for change in resources:
            if change.type == STACK_TYPE and change.action in ("Add", "Modify"):
                properties = scope.resolve(template.resources[change.logical_id].properties)
                child = await self._child(change_set, stack, definition, change, properties)
                change = msgspec.structs.replace(change, change_set_id=child.id)
            found.append(change)
        return found

    async def _child(
        self,
        change_set: ChangeSet,
        stack: Stack,
        definition: Definition,
        change: ResourceChange,
        properties: dict[str, Any],
    ) -> ChangeSet:
        url = properties.get("TemplateURL", "")
        if isinstance(url, Unknown):
            raise ValidationError(
                f"The TemplateURL of {change.logical_id} is not known before it is executed."
            )
        token = str(uuid.uuid4())
        adds = change.action == "Add"
        request = StackRequest(
            stack.account,
            stack.region,
            generated_name(stack.name, change.logical_id, token, 128) if adds else change.physical_id,
            template_url=str(url),
            parameters=_parameters(properties.get("Parameters") or {}),
            capabilities=list(definition.capabilities),
            tags=definition.tags,
            role=definition.role,
            change_set_name=generated_name(change_set.name, change.logical_id, token, 128),
            change_set_type="CREATE" if adds else "UPDATE",
            include_nested=True,
        )
        child = await self._change_sets.create(request, parent=change_set, logical_id=change.logical_id)
        await self._change_sets.settled(child)
        if child.status == "FAILED" and child.reason != NO_CHANGES:
            raise ValidationError(
                f"Nested change set {child.id} was not successfully created: Currently in FAILED."
            )
        return child


def _logical_id(stacks: dict[str, Stack], stack: Stack) -> str:
    parent = stacks.get(stack.parent_id or "")
    for logical_id, resource in parent.resources.items() if parent is not None else ():
        if resource.physical_id == stack.id:
            return logical_id
    return stack.name


def _keeps(parent: Stack) -> bool:
    """Whether a failure is to leave things as they are."""
    return parent.operation is not None and parent.operation.on_failure == "DO_NOTHING"


def _parameters(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "ParameterKey": name,
            "ParameterValue": ",".join(map(str, value)) if isinstance(value, list) else str(value),
        }
        for name, value in given.items()
    ]


def _made(child: Stack) -> Made:
    return Made(child.id, {f"Outputs.{output.key}": output.value for output in child.outputs})
