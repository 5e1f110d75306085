"""Removal: of a stack, of what a creation that has failed has made, and of what updates have left."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lambent.stacks import reasons
from lambent.stacks.providers.provider import Made
from lambent.stacks.records import STACK_TYPE, Deployment, Leftover, Resource, Step
from lambent.stacks.settling import RETAINED, Leftovers, settled
from lambent.stacks.steps import StepFailed

if TYPE_CHECKING:
    from lambent.stacks.execution import Execution
    from lambent.stacks.records import Operation, Stack

GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
"""Statuses of resources that are the stack's no more."""


class _Item(NamedTuple):
    """Something to be removed: a resource of the stack or a leftover."""

    logical_id: str
    deployment: Deployment
    resource: Resource | None = None
    leftover: Leftover | None = None


class Removal:
    """One turn of removing."""

    def __init__(self, execution: Execution, operation: Operation) -> None:
        self.execution = execution
        self.operation = operation
        self.stack: Stack = execution.stack
        self.ledger = execution.ledger
        self.steps = execution.steps
        self._failed: list[str] = []

    async def remove_stack(self) -> None:
        """All of it. Ends in DELETE_COMPLETE or DELETE_FAILED."""
        stack = self.stack
        await self._end_what_began()
        await self._merge()
        await self._remove([*self._resources(), *self._leftovers()])
        if self._cut():
            return
        entry = self.ledger.entry()
        stack.operation = None
        if self._failed:
            reason = reasons.failed_deletions(self._failed)
            await entry.stack_event(stack, "DELETE_FAILED", reason).write()
            return
        if stack.definition.template and stack.stable is not None:
            entry.forget_template(stack.stable.template)
        stack.stable = None
        stack.outputs = []
        entry.exports(stack, {}, ())
        stack.deleted_ms = self.execution.clock.wall_ms()
        self.ledger.names.pop((stack.scope, stack.name), None)
        for change_set in self.ledger.of_stack(stack.id):
            # Those that made it what it was are told for as long as it is.
            if change_set.execution_status != "EXECUTE_COMPLETE":
                entry.forget_change_set(change_set)
        await entry.stack_event(stack, "DELETE_COMPLETE").write()
        await self.ledger.forget_old()

    async def undo_creation(self) -> None:
        """What a creation has made before it has failed. Ends in ROLLBACK_COMPLETE or ROLLBACK_FAILED."""
        stack = self.stack
        await self._end_what_began()
        await self._merge()
        await self._remove([*self._resources(), *self._leftovers()])
        if self._cut():
            return
        stack.operation = None
        entry = self.ledger.entry()
        if self._failed:
            entry.stack_event(stack, "ROLLBACK_FAILED", reasons.failed_deletions(self._failed))
        else:
            entry.stack_event(stack, "ROLLBACK_COMPLETE")
        await entry.write()

    async def remove_leftovers(self) -> None:
        """What an update, or going back from one, has left. Ends it, whatever could not be removed."""
        stack, execution = self.stack, self.execution
        for resource in list(stack.resources.values()):
            if resource.type == STACK_TYPE and resource.now is not None:
                await execution.children.settle(resource.now.physical_id)
        await self._remove(list(self._leftovers()))
        if execution.draining and stack.leftovers:
            return
        rolled_back = "ROLLBACK" in stack.status
        status = f"{self.operation.kind.upper()}_ROLLBACK_COMPLETE" if rolled_back else "UPDATE_COMPLETE"
        stack.operation = None
        reason = reasons.UNCLEAN if self._failed and not rolled_back else None
        await self.ledger.entry().stack_event(stack, status, reason).write()

    def _cut(self) -> bool:
        """Whether there is more to do at the next start, or somebody has decided otherwise."""
        if self.execution.superseded(self.operation):
            return True
        if not self.execution.draining:
            return False
        left = [*self._resources(), *self._leftovers()]
        return any(item.logical_id not in self._failed for item in left)

    def _resources(self) -> list[_Item]:
        return [
            _Item(logical_id, resource.now or resource.uncertain or _nothing(resource), resource=resource)
            for logical_id, resource in self.stack.resources.items()
            if resource.status not in GONE
        ]

    def _leftovers(self) -> list[_Item]:
        return [
            _Item(leftover.logical_id, leftover.deployment, leftover=leftover)
            for leftover in self.stack.leftovers
        ]

    async def _end_what_began(self) -> None:
        """Steps that were cut: what they have made is found by doing them again."""
        for resource in self.stack.resources.values():
            step = resource.step
            if step is None or step.action not in ("create", "replace"):
                continue
            physical, attributes = step.physical_id, step.attributes
            if not physical:
                self.execution.running.cancel()
                found: list[Made] = []

                async def keep(physical_id: str, known: dict[str, object], found: list[Made] = found) -> None:
                    found.append(Made(physical_id, known))

                with contextlib.suppress(StepFailed):
                    found.append(
                        await self.steps.create(
                            self.execution.running,
                            self.stack,
                            resource,
                            step.wanted,
                            token=step.token,
                            again=True,
                            keep=keep,
                            known=Made(""),
                        )
                    )
                if found:
                    physical, attributes = found[-1].physical_id, found[-1].attributes
            resource.uncertain = msgspec.structs.replace(
                step.wanted, physical_id=physical, attributes=attributes
            )
            resource.step = None
            await self.ledger.entry().resource(self.stack, resource).write()
        self.execution.fresh()

    async def _merge(self) -> None:
        """What the stack could have gone back to has to go as well."""
        entry, changed = self.ledger.entry(), False
        left = Leftovers(self.stack, entry)
        for resource in self.stack.resources.values():
            if not (resource.touched or resource.extra or (resource.now and resource.uncertain)):
                continue
            known = {resource.physical_id}
            for deployment in (resource.before, *resource.extra, resource.uncertain):
                if deployment is not None and deployment.physical_id not in known:
                    known.add(deployment.physical_id)
                    left.add(resource.logical_id, deployment, deployment.deletion_policy)
            uncertain = resource.uncertain if resource.now is None else None
            settled(resource)
            resource.uncertain = uncertain
            entry.resource(self.stack, resource)
            changed = True
        if changed:
            await entry.write()

    async def _remove(self, items: list[_Item]) -> None:
        """Each after all that needs it."""
        by_name: dict[str, list[int]] = {}
        for index, item in enumerate(items):
            by_name.setdefault(item.logical_id, []).append(index)
        after: dict[int, set[int]] = {index: set() for index in reversed(range(len(items)))}
        for index, item in enumerate(items):
            for need in item.deployment.needs:
                for other in by_name.get(need, ()):
                    after[other].add(index)

        async def one(index: int) -> bool:
            return await self._one(items[index])

        async def fail(index: int, failed: StepFailed) -> bool:
            return await self._fail(items[index], failed)

        await self.execution.walk(after, one, fail, halted=self.execution.stopped)

    async def _one(self, item: _Item) -> bool:
        resource = item.resource
        if self._stays(item):
            return await self._tell(item, "DELETE_SKIPPED")
        if not item.deployment.physical_id:
            return await self._tell(item, "DELETE_COMPLETE")
        token, again = str(uuid.uuid4()), True
        if resource is not None:
            step = resource.step
            again = step is not None and step.action == "delete"
            if step is None or step.action != "delete":
                step = resource.step = Step("delete", token, item.deployment)
            token = step.token
            resource.step = msgspec.structs.replace(step, physical_id=item.deployment.physical_id)
            if not again:
                await self.ledger.entry().resource_event(self.stack, resource, "DELETE_IN_PROGRESS").write()
        else:
            await self._event(item, "DELETE_IN_PROGRESS")
        try:
            await self.steps.delete(
                self.execution.running, self.stack, item.logical_id, item.deployment, token=token, again=again
            )
        except StepFailed as failed:
            return await self._fail(item, failed)
        return await self._tell(item, "DELETE_COMPLETE")

    async def _fail(self, item: _Item, failed: StepFailed) -> bool:
        if self.operation.force:
            return await self._tell(item, "DELETE_SKIPPED", failed.reason)
        if item.logical_id not in self._failed:
            self._failed.append(item.logical_id)
        await self._tell(item, "DELETE_FAILED", failed.reason)
        return False

    def _stays(self, item: _Item) -> bool:
        operation = self.operation
        if item.logical_id in operation.retain or item.logical_id in operation.imports:
            return True
        if item.leftover is not None:
            return item.leftover.retain
        policy = item.deployment.deletion_policy
        if operation.kind == "create" or (operation.on_failure == "DELETE" and operation.failure):
            # Going back from a creation.
            return policy == "Retain" and not operation.retain_except_on_create
        return policy in RETAINED

    async def _tell(self, item: _Item, status: str, reason: str | None = None) -> bool:
        """The end of it, whichever it is."""
        if item.leftover is not None:
            await self._event(item, status, reason, ended=True)
        elif item.resource is not None:
            resource = item.resource
            entry = self.ledger.entry()
            entry.resource_event(self.stack, resource, status, reason)
            if resource.now is None and resource.uncertain is not None and status in GONE:
                resource.now, resource.uncertain = resource.uncertain, None
            if resource.now is not None and status in GONE:
                # It is told for as long as its stack is: without what nobody asks for any more.
                resource.now = msgspec.structs.replace(
                    resource.now, properties={}, read=None, shown=None, attributes={}, tags={}
                )
            resource.step = None
            resource.round = self.operation.round
            await entry.write()
        return True

    async def _event(
        self, item: _Item, status: str, reason: str | None = None, *, ended: bool = False
    ) -> None:
        deployment = item.deployment
        entry = self.ledger.entry()
        cleanup = self.operation.phase == "cleanup"
        entry.told(
            self.stack,
            item.logical_id,
            deployment.type,
            deployment.physical_id,
            None if cleanup else deployment,
            status,
            reason,
            # As recorded of AWS: LocalStack's test_change_set_conditions, test_condition_update_removes_resource.
            event_id=f"{item.logical_id}-{uuid.uuid4()}" if cleanup else None,
        )
        if ended and item.leftover is not None and (cleanup or status in GONE):
            self.stack.leftovers.remove(item.leftover)
            entry.forget_leftover(self.stack, item.leftover)
        await entry.write()


def _nothing(resource: Resource) -> Deployment:
    return Deployment(resource.type)
