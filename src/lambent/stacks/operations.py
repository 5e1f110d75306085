"""Operations on stacks: how they begin, and the tasks that execute them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from lambent.stacks import reasons
from lambent.stacks.changes import NO_UPDATES, Deployed, Difference, Side, changes
from lambent.stacks.errors import StackExists, TokenExists, ValidationError
from lambent.stacks.execution import Execution
from lambent.stacks.exports import deletion_refused, importers
from lambent.stacks.limits import check_room
from lambent.stacks.nesting import Nesting
from lambent.stacks.policies import check_policy
from lambent.stacks.preparation import Draft, Prepared, TransformFailed
from lambent.stacks.records import Definition, Operation, Stack
from lambent.stacks.request import (
    StackRequest,
    check_name,
    fingerprint_of,
    new_stack,
    on_failure_of,
)
from lambent.stacks.template import Template, check_secure_references, graph
from lambent.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from lambent.clock import Clock
    from lambent.stacks.entry import Entry
    from lambent.stacks.ledger import Ledger
    from lambent.stacks.preparation import Preparation
    from lambent.stacks.steps import Steps

UPDATABLE: Final = frozenset(
    {
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
    }
)
"""The statuses in which an update can begin (UserGuide, "Stack status codes"; *_FAILED: "Preserve provisioned
resources").
"""
_SECURE: Final = "{{resolve:ssm-secure:"
_UNSETTLED: Final = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})

Ended: TypeAlias = "Callable[[Operation, bool], Awaitable[None]]"
"""Is told when an operation that came of a change set has ended, and whether it has succeeded."""

_log = logging.getLogger(__name__)


class Operations:
    """Begins operations and runs them, one task for each stack that has one."""

    def __init__(self, ledger: Ledger, preparation: Preparation, steps: Steps, clock: Clock) -> None:
        self.ledger = ledger
        self.preparation = preparation
        self.steps = steps
        self.clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._executions: dict[str, Execution] = {}
        self._draining = False
        self.ended: Ended | None = None
        self.nesting = Nesting(self)

    # ------------------------------------------------------------ execution

    def launch(self, stack: Stack) -> None:
        """Execute the stack's operation. A task that runs goes on with it."""
        if self._draining or stack.id in self._tasks:
            return
        if stack.operation is None or stack.operation.phase == "await":
            return
        execution = Execution(stack, self.ledger, self.steps, self.preparation, self.clock, self.nesting)
        self._executions[stack.id] = execution
        self._tasks[stack.id] = asyncio.create_task(self._run(execution), name=f"stack {stack.name}")

    def halt(self, stack: Stack) -> None:
        """End the turn that runs: its operation has been changed."""
        execution = self._executions.get(stack.id)
        if execution is not None:
            execution.halt()

    async def _run(self, execution: Execution) -> None:
        stack = execution.stack
        operation = stack.operation
        assert operation is not None
        try:
            await execution.run(operation)
            if operation.change_set and stack.operation is not operation and self.ended is not None:
                # Another may run already: it has come after this one, or instead of it when it is a deletion.
                superseded = stack.operation is not None and stack.operation.kind == "delete"
                await self.ended(operation, not operation.failure and not superseded)
        except StoreError:
            _log.exception("stack %s: the operation stops, and goes on at the next start", stack.name)
            return
        finally:
            del self._tasks[stack.id]
            del self._executions[stack.id]
            self.ledger.importing.pop(stack.id, None)
        if not execution.draining:
            self.launch(stack)

    async def finished(self, stack_id: str) -> Stack:
        """The stack, once its operation has ended or waits for its parent's."""
        while (task := self._tasks.get(stack_id)) is not None:
            await asyncio.wait([task])
        return self.ledger.stacks[stack_id]

    async def drain(self, seconds: float) -> None:
        """Begin no more steps, and wait for those that run, at most `seconds`. They go on at the next start."""
        self._draining = True
        for execution in self._executions.values():
            execution.drain()
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.gather(*late, return_exceptions=True)

    async def resume(self) -> None:
        """Go on with what was interrupted."""
        self._draining = False
        for stack in list(self.ledger.stacks.values()):
            self.launch(stack)

    # ------------------------------------------------------------ create

    async def create(self, request: StackRequest, *, child: Stack | None = None) -> Stack:
        """Begin to make a stack. `child`: of which parent. Raises StackError."""
        check_name(request.name)
        scope = f"{request.account}:{request.region}"
        fingerprint = fingerprint_of(request)
        known = self.ledger.by_name(scope, request.name)
        if known is not None and known.status != "REVIEW_IN_PROGRESS":
            return self._same(known, request, fingerprint)
        if known is None:
            check_room(self.ledger, scope, child)
        on_failure = on_failure_of(request)
        if request.stack_policy:
            check_policy(request.stack_policy)
        draft = await self.preparation.draft(request, None)
        self.preparation.check_expansion(draft)
        stack = known or new_stack(request, self.clock.wall_ms())
        prepared, failure = await self.prepared(stack, draft)
        known = self.ledger.by_name(scope, request.name)
        if known is not None and (known is not stack or known.status != "REVIEW_IN_PROGRESS"):
            return self._same(known, request, fingerprint)
        stack.token, stack.fingerprint = request.token, fingerprint
        stack.timeout_minutes = request.timeout_minutes
        stack.termination_protection = request.termination_protection
        stack.policy = request.stack_policy
        if child is not None:
            stack.parent_id, stack.root_id = child.id, child.root_id or child.id
        operation = Operation("create", 0, on_failure="DO_NOTHING" if child is not None else on_failure)
        operation.nested = child is not None
        operation.failure = failure
        operation.retain_except_on_create = request.retain_except_on_create
        await self.begin_creation(stack, prepared, operation, request.token)
        return stack

    async def begin_creation(
        self,
        stack: Stack,
        prepared: Prepared,
        operation: Operation,
        token: str | None,
        entry: Entry | None = None,
    ) -> None:
        """Make the stack's first operation durable, with what else is in `entry`, and execute it."""
        operation.token = token
        stack.disable_rollback = operation.on_failure == "DO_NOTHING" and not operation.nested
        stack.retain_except_on_create = operation.retain_except_on_create
        if stack.timeout_minutes:
            operation.deadline_ms = self.clock.wall_ms() + stack.timeout_minutes * 60_000
        entry = entry or self.ledger.entry()
        self.define(stack, prepared, operation, entry)
        self.ledger.stacks[stack.id] = stack
        self.ledger.names[stack.scope, stack.name] = stack.id
        for change_set in self.ledger.of_stack(stack.id):
            if change_set.id != operation.change_set and change_set.execution_status == "AVAILABLE":
                change_set.execution_status = "OBSOLETE"
                entry.change_set(change_set)
        entry.stack_event(stack, "CREATE_IN_PROGRESS", reasons.USER)
        await _told_transformed(entry, stack).write()
        self.launch(stack)

    def define(self, stack: Stack, prepared: Prepared, operation: Operation, entry: Entry) -> None:
        """The stack is to be what was prepared."""
        stack.operations += 1
        operation.number = stack.operations
        key = f"{stack.id}/{stack.operations}"
        entry.template(key, stack.id, prepared.original, prepared.processed)
        self.preparation.remember(key, prepared.template, prepared.processed)
        stack.definition = msgspec.structs.replace(prepared.definition, template=key)
        stack.operation = operation

    def _same(self, known: Stack, request: StackRequest, fingerprint: str) -> Stack:
        """A request that was sent twice. Raises StackExists for any other."""
        if request.token and known.token == request.token:
            if known.fingerprint == fingerprint:
                return known
            raise TokenExists(f"Token {request.token} has already been used for another request")
        raise StackExists(f"Stack [{request.name}] already exists")

    async def prepared(self, stack: Stack, draft: Draft) -> tuple[Prepared, str]:
        """What a draft becomes, or what its transforms have failed with. Raises ValidationError."""
        try:
            prepared = await self.preparation.transformed(
                draft,
                account=stack.account,
                region=stack.region,
                stack_name=stack.name,
                stack_id=stack.id,
            )
        except TransformFailed as failed:
            processed = msgspec.json.encode(draft.template.document, enc_hook=str).decode()
            return Prepared(draft.original, processed, draft.template, draft.definition), str(failed)
        scope = self.preparation.scope(stack, prepared.definition, prepared.template, lambda _: None)
        graph(prepared.template, scope)
        if _SECURE in prepared.processed:
            resources = prepared.template.resources
            check_secure_references(
                (resources[name].type, scope.resolve(resources[name].properties)) for name in scope.active
            )
        return prepared, ""

    # ------------------------------------------------------------ delete

    async def delete(
        self,
        stack: Stack,
        *,
        retain: Sequence[str] = (),
        role: str = "",
        token: str = "",
        force: bool = False,
    ) -> None:
        """Begin to remove a stack, whatever else is being done with it; an export in use keeps it."""
        for (scope, name), export in self.ledger.exports.items():
            users = importers(self.ledger, scope, name) if export.stack_id == stack.id else []
            if users:
                reason = deletion_refused(name, users)
                await self.ledger.entry().stack_event(stack, stack.status, reason).write()
                return
        stack.operations += 1
        stack.operation = Operation(
            "delete", stack.operations, token=token or None, retain=list(retain), role=role, force=force
        )
        stack.deletion_mode = "FORCE_DELETE_STACK" if force else "STANDARD"
        stack.deleted_ms = self.clock.wall_ms()
        self.halt(stack)
        await self.ledger.entry().stack_event(stack, "DELETE_IN_PROGRESS", reasons.USER).write()
        self.launch(stack)

    # ------------------------------------------------------------ update

    async def update(self, request: StackRequest, stack: Stack, *, nested: bool = False) -> Stack:
        """Begin to change a stack. Raises ValidationError, with NO_UPDATES where nothing differs."""
        fingerprint = fingerprint_of(request)
        if request.token and stack.token == request.token:
            return self._same(stack, request, fingerprint)
        check_updatable(stack, nested=nested)
        if request.policy_during_update:
            check_policy(request.policy_during_update)
        if request.stack_policy:
            check_policy(request.stack_policy)
        draft = await self.preparation.draft(request, stack)
        self.preparation.check_expansion(draft)
        prepared, failure = await self.prepared(stack, draft)
        if not failure and stack.status not in _UNSETTLED:
            difference = await self.difference(stack, prepared.definition, prepared.template)
            if difference.nothing and not _differs(stack.definition, prepared.definition):
                raise ValidationError(NO_UPDATES)
        check_updatable(stack, nested=nested)
        operation = Operation("update", 0, on_failure=on_failure_of(request), nested=nested)
        operation.failure = failure
        operation.policy = request.policy_during_update
        operation.retain_except_on_create = request.retain_except_on_create
        if request.stack_policy:
            stack.policy = request.stack_policy
        stack.token, stack.fingerprint = request.token, fingerprint
        await self.begin_update(stack, prepared, operation, request.token)
        return stack

    async def begin_update(
        self,
        stack: Stack,
        prepared: Prepared,
        operation: Operation,
        token: str | None,
        entry: Entry | None = None,
    ) -> None:
        """Make an update durable, with what else is in `entry`, and execute it."""
        operation.token = token
        entry = entry or self.ledger.entry()
        if stack.stable is None and stack.status not in _UNSETTLED:
            stack.stable = stack.definition
        elif stack.definition.template:
            entry.forget_template(stack.definition.template)
        if not operation.nested:
            stack.disable_rollback = operation.on_failure == "DO_NOTHING"
        stack.retain_except_on_create = operation.retain_except_on_create
        self.define(stack, prepared, operation, entry)
        for change_set in self.ledger.of_stack(stack.id):
            if change_set.id != operation.change_set and change_set.execution_status == "AVAILABLE":
                change_set.execution_status = "OBSOLETE"
                entry.change_set(change_set)
        stack.updated_ms = self.clock.wall_ms()
        status = f"{operation.kind.upper()}_IN_PROGRESS"
        entry.stack_event(stack, status, reasons.USER)
        await _told_transformed(entry, stack).write()
        self.launch(stack)

    async def difference(
        self,
        stack: Stack,
        definition: Definition,
        template: Template,
        importing: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Difference:
        """What a definition changes in what is deployed. Raises ValidationError."""
        old = None
        if stack.definition.template:
            deployed = await self.preparation.template(stack.definition.template)
            old = self._side(stack, stack.definition, deployed)
        there = {
            logical_id: Deployed(
                resource.now.type,
                resource.now.physical_id,
                resource.now.properties,
                resource.now.attributes,
            )
            for logical_id, resource in stack.resources.items()
            if resource.now is not None
        }
        return await changes(there, old, self._side(stack, definition, template), importing=importing)

    def _side(self, stack: Stack, definition: Definition, template: Template) -> Side:
        return Side(
            template,
            definition.values,
            lambda resources: self.preparation.scope(stack, definition, template, resources),
            definition.tags,
            definition.given,
        )


def check_updatable(stack: Stack, *, nested: bool = False) -> None:
    """Raises ValidationError while something else is being done, or when nothing can be done any more.

    `nested`: the parent asks, which may have failed after its child's last update and not gone back.
    """
    if nested and stack.operation is not None and stack.operation.phase == "await":
        return
    if stack.operation is not None or stack.status not in UPDATABLE:
        raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


def _told_transformed(entry: Entry, stack: Stack) -> Entry:
    """Transforms are told of where no change set has told what they do."""
    operation = stack.operation
    if stack.definition.transformed and operation is not None and not operation.change_set:
        entry.stack_event(stack, stack.status, reasons.TRANSFORMED)
    return entry


def _differs(old: Definition, new: Definition) -> bool:
    """Whether anything but resources and outputs changes."""
    return (
        old.tags != new.tags
        or old.notification_arns != new.notification_arns
        or old.rollback_configuration != new.rollback_configuration
    )
