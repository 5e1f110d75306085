"""Back from an update: what was changed is changed back, what was made is left to be removed."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.stacks import reasons
from lambent.stacks.changes import Kind, decide
from lambent.stacks.errors import ReplacementNeeded, ValidationError
from lambent.stacks.exports import imported_names, outputs_of
from lambent.stacks.providers.provider import Made
from lambent.stacks.records import STACK_TYPE, Deployment, Resource, Step
from lambent.stacks.schemas import schema_of
from lambent.stacks.settling import Leftovers, settled
from lambent.stacks.steps import StepFailed, made

if TYPE_CHECKING:
    from lambent.stacks.entry import Entry
    from lambent.stacks.execution import Execution
    from lambent.stacks.records import Operation, Stack


class Rollback:
    """One turn back to `stack.stable`."""

    def __init__(self, execution: Execution, operation: Operation) -> None:
        self.execution = execution
        self.operation = operation
        self.stack: Stack = execution.stack
        self.ledger = execution.ledger
        self.steps = execution.steps

    async def run(self) -> None:
        """To the removal of what is left, to UPDATE_ROLLBACK_FAILED, or until the execution is drained."""
        stack, operation, execution = self.stack, self.operation, self.execution
        needs = {
            logical_id: resource.before.needs
            for logical_id, resource in stack.resources.items()
            if resource.touched and resource.before is not None
        }
        if self._failed():
            needs = {name: () for name in needs if stack.resources[name].step is not None}
            execution.running.cancel()
            await execution.walk(needs, self._one, self._fail_one, halted=lambda: execution.draining)
        else:
            await execution.walk(needs, self._one, self._fail_one, halted=execution.stopped)
        failed = self._failed()
        if execution.superseded(operation) or (execution.draining and not self._finished(needs, failed)):
            return
        word = operation.kind.upper()
        if failed:
            stack.operation = None
            reason = reasons.failed_resources((), failed)
            await self.ledger.entry().stack_event(stack, f"{word}_ROLLBACK_FAILED", reason).write()
            return
        entry = self.ledger.entry()
        self._set_aside(entry)
        if stack.stable is not None:
            if stack.definition.template != stack.stable.template:
                entry.forget_template(stack.definition.template)
            stack.definition = stack.stable
            stack.stable = None
        if operation.nested:
            await self._recall_outputs(entry)
        if operation.kind == "import":
            stack.operation = None
            await entry.stack_event(stack, "IMPORT_ROLLBACK_COMPLETE").write()
            return
        operation.phase = "cleanup"
        operation.attempt += 1
        await entry.stack_event(stack, f"{word}_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS").write()

    def _failed(self) -> list[str]:
        return [
            logical_id
            for logical_id, resource in self.stack.resources.items()
            if resource.round == self.operation.round and resource.status.endswith("_FAILED")
        ]

    def _finished(self, needs: dict[str, Any], failed: list[str]) -> bool:
        resources = self.stack.resources
        if failed:
            return not any(resource.step for resource in resources.values())
        return all(resources[logical_id].round == self.operation.round for logical_id in needs)

    async def _one(self, logical_id: str) -> bool:
        resource = self.stack.resources[logical_id]
        before, now = resource.before, resource.now
        assert before is not None
        if resource.round == self.operation.round:
            return not resource.status.endswith("_FAILED")
        attempted = resource.uncertain
        if attempted is not None and attempted.physical_id != before.physical_id:
            # A replacement that was begun and has failed: what is deployed has not been touched.
            resource.put_aside(attempted)
            attempted = resource.uncertain = None
        if now is None or now.physical_id != before.physical_id or logical_id in self.operation.skip:
            resource.now = before
            resource.put_aside(now)
            if resource.changed is None or logical_id in self.operation.skip:
                self._restore(resource, before)
                return await self._tell(resource)
            # Before it was replaced it had been changed.
            now = resource.now = resource.changed
        if before.type == STACK_TYPE:
            return await self._child(resource, before)
        old = attempted or now
        schema = schema_of(before.type)
        same = decide(schema, old.properties, before.properties).kind is Kind.NOTHING
        if same and attempted is None and old.tags == before.tags:
            told = resource.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE") or resource.extra
            if resource.status == "UPDATE_FAILED":
                # It was refused before anything was changed: nothing is asked for to take it back.
                await self.ledger.entry().resource_event(self.stack, resource, "UPDATE_IN_PROGRESS").write()
            self._restore(resource, before)
            if told:
                return await self._tell(resource)
            await self.ledger.entry().resource(self.stack, resource).write()
            return True
        return await self._update(resource, old, before)

    async def _update(self, resource: Resource, old: Deployment, before: Deployment) -> bool:
        step, again = resource.step, resource.step is not None
        if step is None:
            step = resource.step = Step("update", str(uuid.uuid4()), before)
            await self.ledger.entry().resource_event(self.stack, resource, "UPDATE_IN_PROGRESS").write()
        try:
            result = await self.steps.update(
                self.execution.running,
                self.stack,
                resource,
                msgspec.structs.replace(old, physical_id=before.physical_id),
                before,
                token=step.token,
                again=again,
                keep=self._keep,
            )
        except ReplacementNeeded:
            return await self._make_again(resource, step, before)
        except StepFailed as failed:
            return await self._fail(resource, failed)
        if result.physical_id != before.physical_id:
            resource.extra.append(before)
        self._restore(resource, made(before, result))
        return await self._tell(resource)

    async def _make_again(self, resource: Resource, step: Step, before: Deployment) -> bool:
        """What cannot be changed back is made anew as it was."""
        try:
            result = await self.steps.create(
                self.execution.running,
                self.stack,
                resource,
                before,
                token=step.token,
                again=True,
                keep=self._keep,
                known=Made(""),
            )
        except StepFailed as failed:
            return await self._fail(resource, failed)
        resource.extra.append(before)
        self._restore(resource, made(msgspec.structs.replace(before, token=step.token), result))
        return await self._tell(resource)

    async def _child(self, resource: Resource, before: Deployment) -> bool:
        if resource.step is None:
            resource.step = Step("update", str(uuid.uuid4()), before)
            await self.ledger.entry().resource_event(self.stack, resource, "UPDATE_IN_PROGRESS").write()
        try:
            await self.execution.children.revert(before.physical_id, self.operation.skip)
        except StepFailed as failed:
            return await self._fail(resource, failed)
        self._restore(resource, before)
        return await self._tell(resource)

    # ------------------------------------------------------------ records

    async def _keep(self, _physical_id: str, _attributes: dict[str, Any]) -> None:
        """An update back knows what it changes."""

    def _restore(self, resource: Resource, now: Deployment) -> None:
        resource.now = now
        resource.step = None
        resource.uncertain = None
        resource.round = self.operation.round

    async def _tell(self, resource: Resource) -> bool:
        await self.ledger.entry().resource_event(self.stack, resource, "UPDATE_COMPLETE").write()
        return True

    async def _fail_one(self, logical_id: str, failed: StepFailed) -> bool:
        return await self._fail(self.stack.resources[logical_id], failed)

    async def _fail(self, resource: Resource, failed: StepFailed) -> bool:
        resource.round = self.operation.round
        entry = self.ledger.entry().resource_event(self.stack, resource, "UPDATE_FAILED", failed.reason)
        if resource.uncertain is None:
            # It is to be changed back at the next attempt, whatever the records say of it.
            resource.uncertain = resource.now
        resource.step = None
        self.execution.halt()
        await entry.write()
        return False

    def _set_aside(self, entry: Entry) -> None:
        """What was made since becomes what is left to be removed; what was imported is the stack's no more."""
        stack, operation = self.stack, self.operation
        left = Leftovers(stack, entry)
        for logical_id, resource in list(stack.resources.items()):
            if not resource.touched and resource.now is not None:
                continue
            if resource.before is None:
                if logical_id not in operation.imports:
                    since = [resource.now, resource.uncertain, *resource.extra]
                    found = [made_since for made_since in since if made_since and made_since.physical_id]
                    for made_since in found:
                        policy = made_since.deletion_policy
                        drop = operation.retain_except_on_create or policy != "Retain"
                        left.add(logical_id, made_since, policy, drop=drop)
                    if not found and operation.kind == "update":
                        left.tell(logical_id, resource.uncertain or Deployment(resource.type), "")
                entry.forget_resource(stack, logical_id)
                del stack.resources[logical_id]
                continue
            for replaced in resource.extra:
                if resource.now is None or replaced.physical_id != resource.now.physical_id:
                    left.add(logical_id, replaced, "")
            settled(resource)
            entry.resource(stack, resource)

    async def _recall_outputs(self, entry: Entry) -> None:
        """The outputs of before: a nested stack had those of its update already."""
        execution, stack = self.execution, self.stack
        template = await execution.preparation.template(stack.definition.template)
        try:
            scope = await execution.scope(template)
            stack.outputs = outputs_of(template, scope)
            imported = imported_names(template, scope)
        except ValidationError:
            return
        exported = {
            output.export_name: output.value for output in stack.outputs if output.export_name is not None
        }
        entry.exports(stack, exported, imported)
