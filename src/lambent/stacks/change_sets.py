"""Change sets: what a request would do, found out in the background, and done when somebody says so."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.stacks import reasons
from lambent.stacks.changes import NO_CHANGES
from lambent.stacks.errors import (
    ChangeSetNotFound,
    InvalidChangeSetStatus,
    StackError,
    StackExists,
    TokenExists,
    ValidationError,
)
from lambent.stacks.existing import take_existing
from lambent.stacks.limits import check_room
from lambent.stacks.masking import masked_change, masks_of
from lambent.stacks.nesting import NestedChangeSets
from lambent.stacks.operations import check_updatable
from lambent.stacks.preparation import Draft, Prepared, read_template
from lambent.stacks.records import ChangeSet, Operation, Stack
from lambent.stacks.request import StackRequest, check_name, fingerprint_of, new_stack, on_failure_of
from lambent.stacks.template.pseudo import partition_of
from lambent.store import StoreError

if TYPE_CHECKING:
    from lambent.stacks.operations import Operations

_NAME: Final = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_PATIENCE_S: Final = 2.0
"""How long CreateChangeSet waits for the outcome: most are known when it answers, and clients ask at once and then
wait for seconds.
"""
_SUCCEEDED: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_UNDECIDED: Final = frozenset({"CREATE_PENDING", "CREATE_IN_PROGRESS"})

_log = logging.getLogger(__name__)


class ChangeSets:
    """All change sets."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._ledger = operations.ledger
        self._preparation = operations.preparation
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._nested = NestedChangeSets(operations, self)
        operations.ended = self._ended

    # ------------------------------------------------------------ making

    async def create(
        self, request: StackRequest, *, parent: ChangeSet | None = None, logical_id: str = ""
    ) -> ChangeSet:
        """CreateChangeSet: what it changes is found out in the background. Raises StackError.

        `parent`, `logical_id`: the change set of the stack around it, and the nested stack's resource there.
        """
        name = request.change_set_name
        if not _NAME.fullmatch(name):
            raise ValidationError(
                f"1 validation error detected: Value '{name}' at 'changeSetName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
            )
        fingerprint = fingerprint_of(request)
        stack = self._stack(request)
        known = None if stack is None else self._named(stack, name)
        if known is not None:
            if request.token and known.token == request.token:
                if known.fingerprint == fingerprint:
                    return known
                raise TokenExists(f"Token {request.token} has already been used for another request")
            raise StackExists(f"ChangeSet {name} already exists")
        draft = await self._preparation.draft(
            request, stack if stack is not None and stack.definition.template else None
        )
        self._preparation.check_early(draft)
        imports = _imports(request)
        # Another may have made one meanwhile.
        stack = self._stack(request)
        if stack is not None and self._named(stack, name) is not None:
            raise StackExists(f"ChangeSet {name} already exists")
        entry = self._ledger.entry()
        if stack is None:
            around = None if parent is None else self._ledger.stacks[parent.stack_id]
            check_room(self._ledger, f"{request.account}:{request.region}", around)
            stack = new_stack(request, self._operations.clock.wall_ms())
            self._ledger.stacks[stack.id] = stack
            self._ledger.names[stack.scope, stack.name] = stack.id
            stack.token = request.token
            if around is not None:
                stack.parent_id, stack.root_id = around.id, around.root_id or around.id
            entry.stack_event(stack, "REVIEW_IN_PROGRESS", reasons.USER)
        change_set = self._new(request, stack, draft, fingerprint, imports)
        if parent is not None:
            change_set.logical_id = logical_id
            change_set.parent_id, change_set.root_id = parent.id, parent.root_id or parent.id
        entry.template(change_set.definition.template, stack.id, draft.original, "")
        self._ledger.change_sets[change_set.id] = change_set
        await entry.change_set(change_set).write()
        await asyncio.wait([self._begin(change_set, draft)], timeout=_PATIENCE_S)
        return change_set

    def _new(
        self,
        request: StackRequest,
        stack: Stack,
        draft: Draft,
        fingerprint: str,
        imports: dict[str, dict[str, str]],
    ) -> ChangeSet:
        partition = partition_of(stack.region)[0]
        key = str(uuid.uuid4())
        change_set_id = (
            f"arn:{partition}:cloudformation:{stack.region}:{stack.account}:changeSet/"
            f"{request.change_set_name}/{key}"
        )
        return ChangeSet(
            id=change_set_id,
            name=request.change_set_name,
            stack_id=stack.id,
            stack_name=stack.name,
            type=request.change_set_type,
            status="CREATE_PENDING",
            execution_status="UNAVAILABLE",
            created_ms=self._operations.clock.wall_ms(),
            definition=msgspec.structs.replace(draft.definition, template=change_set_id),
            description=request.description,
            include_nested=request.include_nested,
            import_existing=request.import_existing,
            on_stack_failure=request.on_stack_failure,
            imports=imports,
            deployment_mode=request.deployment_mode,
            token=request.token,
            fingerprint=fingerprint,
        )

    def _stack(self, request: StackRequest) -> Stack | None:
        """The stack that it is for, None where it is still to be made. Raises ValidationError."""
        stack = self._ledger.by_name(f"{request.account}:{request.region}", request.name)
        if stack is None and request.name.startswith("arn:"):
            stack = self._ledger.find(request.account, request.region, request.name)
            if stack is None or (stack.status == "DELETE_COMPLETE" and request.change_set_type != "CREATE"):
                raise ValidationError(f"Stack [{request.name}] does not exist")
        if request.change_set_type == "UPDATE":
            if stack is None:
                raise ValidationError(f"Stack [{request.name}] does not exist")
            check_updatable(stack)
            return stack
        if stack is None:
            check_name(request.name)
        elif stack.status != "REVIEW_IN_PROGRESS":
            if request.change_set_type == "CREATE":
                raise ValidationError(
                    f"Stack [{request.name}] already exists and cannot be created again with the changeSet "
                    f"[{request.change_set_name}]."
                )
            check_updatable(stack)
        return stack

    def _begin(self, change_set: ChangeSet, draft: Draft | None) -> asyncio.Task[None]:
        task = asyncio.create_task(self._find_out(change_set, draft), name=f"change set {change_set.name}")
        self._tasks[change_set.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(change_set.id, None))
        return task

    async def _find_out(self, change_set: ChangeSet, draft: Draft | None) -> None:
        try:
            if draft is None:
                original, _ = await self._ledger.template(change_set.definition.template)
                template = await asyncio.to_thread(read_template, original)
                draft = Draft(original, template, change_set.definition)
            await self._compute(change_set, draft)
        except StoreError:
            _log.exception("change set %s is computed at the next start", change_set.name)
        except StackError as refused:
            await self._failed(change_set, str(refused))
        except Exception:  # noqa: BLE001 - logged, and the change set fails
            _log.exception("change set %s failed", change_set.name)
            await self._failed(change_set, "Internal Failure")

    async def _compute(self, change_set: ChangeSet, draft: Draft) -> None:
        change_set.status = "CREATE_IN_PROGRESS"
        stack = self._ledger.stacks[change_set.stack_id]
        prepared, failure = await self._operations.prepared(stack, draft)
        if failure:
            await self._failed(change_set, failure)
            return
        definition = msgspec.structs.replace(prepared.definition, template=change_set.id)
        difference = await self._operations.difference(
            stack, definition, prepared.template, change_set.imports
        )
        resources = difference.resources
        if change_set.import_existing:
            resources = await take_existing(
                self._operations, change_set, stack, definition, prepared.template, resources
            )
        if change_set.include_nested:
            resources = await self._nested.make(change_set, stack, definition, prepared.template, resources)
        if stack.definition.template and difference.nothing and not change_set.imports:
            await self._failed(change_set, NO_CHANGES)
            return
        change_set.definition = definition
        change_set.changes = _documents([change.document(False) for change in resources])
        change_set.changes_with_values = [
            masked_change(document, _masks(stack, document))
            for document in _documents([change.document(True) for change in resources])
        ]
        change_set.status, change_set.execution_status = "CREATE_COMPLETE", "AVAILABLE"
        if change_set.id not in self._ledger.change_sets:
            return
        entry = self._ledger.entry()
        entry.template(change_set.id, stack.id, prepared.original, prepared.processed)
        self._preparation.remember(change_set.id, prepared.template, prepared.processed)
        await entry.change_set(change_set).write()

    async def _failed(self, change_set: ChangeSet, reason: str) -> None:
        change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", reason
        if change_set.id in self._ledger.change_sets:
            await self._ledger.entry().change_set(change_set).write()

    async def settled(self, change_set: ChangeSet) -> ChangeSet:
        """The change set, once it is known what it changes."""
        task = self._tasks.get(change_set.id)
        if task is not None:
            await asyncio.wait([task])
        return change_set

    async def resume(self) -> None:
        """Go on with those that were interrupted."""
        for change_set in list(self._ledger.change_sets.values()):
            if change_set.status in _UNDECIDED and change_set.id not in self._tasks:
                if change_set.parent_id is not None or change_set.id not in self._ledger.change_sets:
                    # The one around it makes its own again.
                    continue
                await self._ledger.entry().forget_nested(change_set).write()
                self._begin(change_set, None)
            elif change_set.execution_status == "EXECUTE_IN_PROGRESS":
                stack = self._ledger.stacks[change_set.stack_id]
                if stack.operation is None:
                    operation = Operation("update", 0, change_set=change_set.id)
                    await self._ended(operation, stack.status in _SUCCEEDED)

    def drain(self) -> None:
        """What is being found out is found out at the next start."""
        for task in self._tasks.values():
            task.cancel()

    # ------------------------------------------------------------ what there is

    def find(self, account: str, region: str, name: str, stack_name: str | None) -> ChangeSet:
        """By its ARN, or by its name and its stack's. Raises ChangeSetNotFound, ValidationError."""
        if name.startswith("arn:"):
            change_set = self._ledger.change_sets.get(name)
            if change_set is not None and self._ledger.find(account, region, change_set.stack_id) is not None:
                return change_set
        elif stack_name is None:
            raise ValidationError("StackName must be specified if ChangeSetName is not specified as an ARN.")
        else:
            stack = self._ledger.find(account, region, stack_name)
            if stack is None:
                raise ValidationError(f"Stack [{stack_name}] does not exist")
            change_set = self._named(stack, name)
            if change_set is not None:
                return change_set
        raise ChangeSetNotFound(f"ChangeSet [{name}] does not exist")

    def _named(self, stack: Stack, name: str) -> ChangeSet | None:
        for change_set in reversed(self._ledger.of_stack(stack.id)):
            if change_set.name == name:
                return change_set
        return None

    async def delete(self, change_set: ChangeSet) -> None:
        """DeleteChangeSet. Raises InvalidChangeSetStatus while it is executed."""
        if change_set.execution_status == "EXECUTE_IN_PROGRESS" or change_set.status in _UNDECIDED:
            raise InvalidChangeSetStatus(
                f"ChangeSet [{change_set.id}] cannot be deleted in its current status of "
                f"[{change_set.execution_status if change_set.status == 'CREATE_COMPLETE' else change_set.status}]"
            )
        await self._ledger.entry().forget_change_set(change_set).write()

    # ------------------------------------------------------------ execution

    async def execute(
        self,
        change_set: ChangeSet,
        *,
        token: str,
        disable_rollback: bool | None,
        retain_except_on_create: bool,
    ) -> None:
        """ExecuteChangeSet: begins. Raises InvalidChangeSetStatus, ValidationError."""
        if token and change_set.token == f"execute {token}":
            return
        self._check_executable(change_set)
        if change_set.on_stack_failure is not None and disable_rollback is not None:
            raise ValidationError("You can specify either DisableRollback or OnStackFailure, but not both.")
        original, processed = await self._ledger.template(change_set.id)
        template = await self._preparation.template(change_set.id)
        prepared = Prepared(original, processed, template, change_set.definition)
        # Another may have executed or deleted it meanwhile.
        stack = self._check_executable(change_set)
        creates = stack.status == "REVIEW_IN_PROGRESS"
        operation = Operation(
            "import" if change_set.type == "IMPORT" else "create" if creates else "update", 0
        )
        operation.on_failure = on_failure_of(_Failure(change_set.on_stack_failure, disable_rollback))
        operation.retain_except_on_create = retain_except_on_create
        operation.imports = change_set.imports
        operation.change_set = change_set.id
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        change_set.token = f"execute {token}" if token else change_set.token
        stack.change_set_id = change_set.id
        entry = self._ledger.entry().change_set(change_set)
        for other in self._ledger.of_stack(stack.id):
            if other.id != change_set.id:
                entry.forget_change_set(other)
        if operation.kind == "create":
            stack.updated_ms = self._operations.clock.wall_ms()
            await self._operations.begin_creation(stack, prepared, operation, token or None, entry)
        else:
            await self._operations.begin_update(stack, prepared, operation, token or None, entry)

    def _check_executable(self, change_set: ChangeSet) -> Stack:
        """The stack that it is for. Raises ChangeSetNotFound, InvalidChangeSetStatus, ValidationError."""
        if change_set.id not in self._ledger.change_sets:
            raise ChangeSetNotFound(f"ChangeSet [{change_set.id}] does not exist")
        if change_set.status != "CREATE_COMPLETE":
            raise InvalidChangeSetStatus(
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]"
            )
        if change_set.execution_status != "AVAILABLE":
            raise InvalidChangeSetStatus(
                f"ChangeSet [{change_set.id}] cannot be executed in its current execution status of "
                f"[{change_set.execution_status}]"
            )
        if change_set.parent_id is not None:
            raise ValidationError(
                f"ChangeSet [{change_set.id}] is nested: execute its root change set [{change_set.root_id}] instead."
            )
        stack = self._ledger.stacks[change_set.stack_id]
        if stack.status != "REVIEW_IN_PROGRESS":
            check_updatable(stack)
        return stack

    async def _ended(self, operation: Operation, succeeded: bool) -> None:
        """An operation has ended that came of a change set."""
        change_set = self._ledger.change_sets.get(operation.change_set)
        if change_set is None or change_set.execution_status != "EXECUTE_IN_PROGRESS":
            return
        entry = self._ledger.entry()
        for one in self._ledger.change_sets.values():
            if change_set.id in (one.id, one.root_id):
                one.execution_status = "EXECUTE_COMPLETE" if succeeded else "EXECUTE_FAILED"
                entry.change_set(one)
        await entry.write()


class _Failure(msgspec.Struct):
    """What `on_failure_of` reads."""

    on_failure: str | None
    disable_rollback: bool | None


def _masks(stack: Stack, document: dict[str, Any]) -> dict[str, str]:
    """What is secret of the resource that a change is of."""
    resource = stack.resources.get(document["LogicalResourceId"])
    return {} if resource is None or resource.now is None else masks_of(resource.now)


def _documents(documents: list[dict[str, Any] | None]) -> list[dict[str, Any]]:
    return [document for document in documents if document is not None]


def _imports(request: StackRequest) -> dict[str, dict[str, str]]:
    if request.change_set_type != "IMPORT":
        return {}
    if not request.resources_to_import:
        raise ValidationError("ResourcesToImport must be specified for change sets of type IMPORT.")
    return {
        one["LogicalResourceId"]: dict(one.get("ResourceIdentifier", {}))
        for one in request.resources_to_import
    }
