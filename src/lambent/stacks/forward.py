"""Forward: resources are made and changed until the stack is what its definition says."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lambent.stacks import reasons
from lambent.stacks.errors import ValidationError
from lambent.stacks.exports import imported_names
from lambent.stacks.making import Making
from lambent.stacks.records import Deployment, Resource
from lambent.stacks.schemas import schema_of
from lambent.stacks.settling import Settling
from lambent.stacks.steps import StepFailed
from lambent.stacks.template import graph

if TYPE_CHECKING:
    from lambent.stacks.execution import Execution
    from lambent.stacks.records import Operation, Stack
    from lambent.stacks.template import Scope, Template


class Forward:
    """One turn. Everything that a step decides is decided again in the same way after a restart."""

    def __init__(self, execution: Execution, operation: Operation) -> None:
        self.execution = execution
        self.operation = operation
        self.stack: Stack = execution.stack
        self.ledger = execution.ledger
        self._making = Making(execution, operation)
        self._template: Template
        self._scope: Scope
        self._masked: Scope | None = None
        self._needs: dict[str, frozenset[str]] = {}

    async def run(self) -> None:
        """To the next phase, to the operation's end, or until the execution is drained."""
        execution, operation, stack = self.execution, self.operation, self.stack
        settling = Settling(execution, operation)
        if not operation.failure:
            try:
                self._template = await execution.preparation.template(stack.definition.template)
                self._scope = await execution.scope(self._template)
                self._masked = execution.masked(self._template, self._scope)
                self._needs = graph(self._template, self._scope)
                self._check_removals()
                self._check_imports()
            except ValidationError as refused:
                operation.failure = str(refused)
            if execution.superseded(operation):
                return
            if not operation.failure:
                await self._walk()
                if execution.superseded(operation) or (execution.draining and not self._finished()):
                    return
        created, updated = self._failed()
        if operation.cancelled:
            await settling.fail(reasons.USER)
        elif operation.failure:
            await settling.fail(operation.failure)
        elif created or updated:
            failure = reasons.failed_resources(created, updated)
            if operation.kind == "import":
                failure = failure.replace("failed to create", "failed to import")
            await settling.fail(failure)
        else:
            await settling.succeed(self._template, self._scope)

    async def _walk(self) -> None:
        execution = self.execution
        if any(self._failed()) or self.operation.cancelled:
            # Cut after a failure: only what had begun is brought to an end, so that it is known what there is.
            begun = {
                logical_id: ()
                for logical_id, resource in self.stack.resources.items()
                if resource.step is not None and logical_id in self._needs
            }
            execution.running.cancel()
            await execution.walk(begun, self._one, self._fail, halted=lambda: execution.draining)
        else:
            await execution.walk(self._needs, self._one, self._fail, halted=execution.stopped)

    def _finished(self) -> bool:
        if any(self._failed()) or self.operation.cancelled or self.operation.failure:
            return not any(resource.step for resource in self.stack.resources.values())
        return all(self._is_done(logical_id) for logical_id in self._needs)

    def _is_done(self, logical_id: str) -> bool:
        resource = self.stack.resources.get(logical_id)
        return resource is not None and resource.round == self.operation.round

    def _failed(self) -> tuple[list[str], list[str]]:
        created: list[str] = []
        updated: list[str] = []
        for logical_id, resource in self.stack.resources.items():
            if resource.round == self.operation.round and resource.status.endswith("_FAILED"):
                (updated if resource.status.startswith("UPDATE") else created).append(logical_id)
        return created, updated

    def _check_removals(self) -> None:
        """Raises ValidationError when the stack's policy keeps what the definition has no more."""
        for logical_id, resource in self.stack.resources.items():
            if logical_id not in self._needs and resource.now is not None and self.operation.kind == "update":
                denied = self._making.denied("Update:Delete", resource)
                if denied:
                    raise ValidationError(denied)

    def _check_imports(self) -> None:
        """Raises ValidationError when the stack imports what nobody exports. The rest stays until it has ended."""
        names = imported_names(self._template, self._scope)
        for name in sorted(names):
            self._scope.imports(name)
        self.ledger.importing[self.stack.id] = names

    # ------------------------------------------------------------ one resource

    async def _one(self, logical_id: str) -> bool:
        resource = self.stack.resources.get(logical_id)
        if resource is not None and resource.round == self.operation.round:
            return not resource.status.endswith("_FAILED")
        try:
            wanted = await self._wanted(logical_id)
        except ValidationError as refused:
            return await self._fail(logical_id, StepFailed(str(refused)))
        if resource is None or resource.now is None:
            if logical_id in self.operation.imports:
                return await self._making.adopt(logical_id, wanted)
            return await self._making.create(resource, logical_id, wanted)
        return await self._making.change(resource, resource.now, wanted)

    async def _fail(self, logical_id: str, failed: StepFailed) -> bool:
        resource = self.stack.resources.get(logical_id)
        if resource is None:
            type_name = self._template.resources[logical_id].type
            resource = self.stack.resources[logical_id] = Resource(logical_id, type_name)
        word = "CREATE" if resource.now is None else "UPDATE"
        return await self._making.fail(resource, word, failed)

    def _shown(self, described: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any] | None:
        """What events show of properties in which there is something secret."""
        if self._masked is None:
            return None
        shown = self._masked.resolve(described) or {}
        return None if shown == self._scope.resolve(described) or shown == properties else shown

    async def _wanted(self, logical_id: str) -> Deployment:
        described = self._template.resources[logical_id]
        resolve = self._scope.resolve
        properties = resolve(described.properties) or {}
        schema = schema_of(described.type)
        read = None
        if _has_dynamic(properties):
            read = await self.execution.steps.parameters_read(self.stack, properties)
        elif schema is not None:
            # What is wrong with them is told by the step, once its beginning has been.
            with contextlib.suppress(ValidationError):
                properties = schema.check(logical_id, properties)
        document: Any = self._template.document["Resources"].get(logical_id, {})
        return Deployment(
            type=described.type,
            properties=properties,
            read=read,
            shown=self._shown(described.properties, properties),
            metadata=resolve(described.metadata) or {},
            deletion_policy=described.deletion_policy or "",
            update_replace_policy=described.update_replace_policy or "",
            update_policy=resolve({**described.creation_policy, **described.update_policy}) or {},
            tags=self.stack.definition.tags,
            needs=tuple(sorted(self._needs[logical_id])),
            description=document.get("Description"),
        )


def _has_dynamic(value: Any) -> bool:
    if isinstance(value, str):
        return "{{resolve:" in value
    if isinstance(value, dict):
        return any(map(_has_dynamic, value.values()))
    return isinstance(value, list) and any(map(_has_dynamic, value))
