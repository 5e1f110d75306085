"""One resource on the way forward: made, imported, changed in place or replaced."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.stacks import reasons
from lambent.stacks.changes import Kind, decide
from lambent.stacks.errors import ReplacementNeeded
from lambent.stacks.policies import denial
from lambent.stacks.providers.provider import Made
from lambent.stacks.records import STACK_TYPE, Deployment, Resource, Step
from lambent.stacks.schemas import schema_of
from lambent.stacks.steps import StepFailed, made
from lambent.stacks.template.resources import is_custom

if TYPE_CHECKING:
    from lambent.stacks.execution import Execution
    from lambent.stacks.providers.work import Initiated
    from lambent.stacks.records import Operation, Stack
    from lambent.stacks.schemas import Schema

_NEW_PHYSICAL: Final = "Requested update required the provider to create a new physical resource"
_ALWAYS: Final = frozenset({STACK_TYPE})
"""Types that are asked at every update: what a nested stack's template says is at its URL."""


class Making:
    """The steps of one operation forward. Every method says whether the resource is as it was wanted."""

    def __init__(self, execution: Execution, operation: Operation) -> None:
        self.execution = execution
        self.operation = operation
        self.stack: Stack = execution.stack
        self.ledger = execution.ledger
        self.steps = execution.steps

    def denied(self, action: str, resource: Resource) -> str:
        """Why the stack's policy does not allow that, "" when it does."""
        policy = self.operation.policy or self.stack.policy
        return denial(policy, action, resource.logical_id, resource.type)

    async def create(self, resource: Resource | None, logical_id: str, wanted: Deployment) -> bool:
        """Make a resource that is not there, or is there of an attempt that has failed."""
        if resource is None:
            resource = self.stack.resources[logical_id] = Resource(logical_id, wanted.type)
        try:
            await self._remove_attempt(resource)
        except StepFailed as failed:
            return await self.fail(resource, "CREATE", failed)
        step, again = resource.step, resource.step is not None
        if step is None:
            resource.type = wanted.type
            step = resource.step = Step("create", str(uuid.uuid4()), wanted)
            self._touch(resource)
            await self.ledger.entry().resource_event(self.stack, resource, "CREATE_IN_PROGRESS").write()
        return await self._make(resource, step, again, "CREATE")

    async def _make(
        self, resource: Resource, step: Step, again: bool, word: str, replaced: Deployment | None = None
    ) -> bool:
        """Have the provider create it, for a new resource and for a replacement."""
        wanted = step.wanted
        try:
            result = await self.steps.create(
                self.execution.running,
                self.stack,
                resource,
                wanted,
                token=step.token,
                again=again,
                keep=self._keeper(resource, f"{word}_IN_PROGRESS"),
                known=Made(step.physical_id, step.attributes),
            )
        except StepFailed as failed:
            return await self.fail(resource, word, failed)
        entry = self.ledger.entry()
        assert resource.step is not None
        if not resource.step.physical_id:
            resource.step = msgspec.structs.replace(resource.step, physical_id=result.physical_id)
            entry.resource_event(self.stack, resource, f"{word}_IN_PROGRESS", reasons.INITIATED)
        if replaced is not None:
            self._put_aside(resource, replaced)
        self._deployed(resource, made(msgspec.structs.replace(wanted, token=step.token), result))
        reason = None
        if self.steps.skips(wanted.type):
            reason = f"Skipped: {wanted.type} is not served by this platform."
        await entry.resource_event(self.stack, resource, f"{word}_COMPLETE", reason).write()
        return True

    async def adopt(self, logical_id: str, wanted: Deployment) -> bool:
        """Take a resource that is there into the stack."""
        resource = self.stack.resources.get(logical_id)
        if resource is None:
            resource = self.stack.resources[logical_id] = Resource(logical_id, wanted.type)
        resource.step = Step("import", str(uuid.uuid4()), wanted)
        self._touch(resource)
        entry = self.ledger.entry()
        entry.resource_event(self.stack, resource, "IMPORT_IN_PROGRESS", "Resource import started.")
        await entry.write()
        try:
            result = await self.steps.adopt(
                self.execution.running,
                self.stack,
                resource,
                wanted,
                self.operation.imports[logical_id],
            )
        except StepFailed as failed:
            return await self.fail(resource, "IMPORT", failed)
        taken = made(wanted, result)
        self._deployed(resource, taken)
        entry = self.ledger.entry()
        entry.resource_event(self.stack, resource, "IMPORT_COMPLETE", "Resource import completed.")
        # An import is followed by an update, which makes it what the template says and gives it the stack's tags.
        live = await self.steps.live(self.stack, resource)
        old = msgspec.structs.replace(taken, properties=live or taken.properties, tags={})
        step = resource.step = Step("update", str(uuid.uuid4()), taken)
        resource.round = ""
        await entry.resource_event(self.stack, resource, "UPDATE_IN_PROGRESS", reasons.TAGGING).write()
        return await self._update(resource, old, step, again=False)

    async def change(self, resource: Resource, deployed: Deployment, wanted: Deployment) -> bool:
        """Make what is deployed what is wanted."""
        wanted = msgspec.structs.replace(wanted, token=deployed.token)
        step = resource.step
        if step is not None:
            if step.action == "replace":
                return await self._make(resource, step, True, "UPDATE", deployed)
            return await self._update(resource, deployed, step, again=True)
        if deployed.type != wanted.type:
            reason = (
                "Update of resource type is not permitted. The new template modifies resource type of the following "
                f"resources: [{resource.logical_id}]"
            )
            return await self.fail(resource, "UPDATE", StepFailed(reason))
        schema = schema_of(wanted.type)
        decision = decide(schema, deployed.read or deployed.properties, wanted.read or wanted.properties)
        retagged = deployed.tags != wanted.tags and schema is not None and schema.tag_property is not None
        try:
            await self._remove_attempt(resource)
        except StepFailed:
            resource.put_aside(resource.uncertain)
            resource.uncertain = None
        kind = decision.kind
        if kind is Kind.REPLACE and is_custom(wanted.type):
            # Another service token is refused by their provider, as AWS does.
            kind = Kind.IN_PLACE
        if kind is Kind.NOTHING and (retagged or resource.uncertain is not None or wanted.type in _ALWAYS):
            kind = Kind.IN_PLACE
        if kind is Kind.NOTHING:
            return await self._keep_as_is(resource, deployed, wanted)
        action = "Update:Replace" if kind is Kind.REPLACE else "Update:Modify"
        denied = self.denied(action, resource) if decision.kind is not Kind.NOTHING else ""
        if denied:
            return await self.fail(resource, "UPDATE", StepFailed(denied))
        if kind is Kind.REPLACE:
            return await self._replace(resource, deployed, wanted)
        self._touch(resource)
        step = resource.step = Step("update", str(uuid.uuid4()), wanted)
        await self.ledger.entry().resource_event(self.stack, resource, "UPDATE_IN_PROGRESS").write()
        return await self._update(resource, deployed, step, again=False)

    async def _keep_as_is(self, resource: Resource, deployed: Deployment, wanted: Deployment) -> bool:
        """Nothing that a provider knows of changes. Policies and metadata are the stack's own business."""
        now = msgspec.structs.replace(
            wanted, physical_id=deployed.physical_id, attributes=deployed.attributes
        )
        resource.round = self.operation.round
        if now != deployed or resource.extra:
            self._touch(resource)
            resource.now = now
            await self.ledger.entry().resource(self.stack, resource).write()
        return True

    async def _update(self, resource: Resource, deployed: Deployment, step: Step, *, again: bool) -> bool:
        try:
            result = await self.steps.update(
                self.execution.running,
                self.stack,
                resource,
                deployed,
                step.wanted,
                token=step.token,
                again=again,
                keep=self._keeper(resource, ""),
            )
        except ReplacementNeeded:
            denied = self.denied("Update:Replace", resource)
            if denied:
                return await self.fail(resource, "UPDATE", StepFailed(denied))
            return await self._replace(resource, deployed, step.wanted)
        except StepFailed as failed:
            return await self.fail(resource, "UPDATE", failed)
        replaced = result.physical_id != deployed.physical_id
        if replaced:
            self._put_aside(resource, deployed)
        entry = self.ledger.entry()
        if replaced:
            resource.step = msgspec.structs.replace(step, physical_id=result.physical_id)
            entry.resource_event(self.stack, resource, "UPDATE_IN_PROGRESS", _NEW_PHYSICAL)
        self._deployed(resource, made(step.wanted, result))
        await entry.resource_event(self.stack, resource, "UPDATE_COMPLETE").write()
        return True

    async def _replace(self, resource: Resource, deployed: Deployment, wanted: Deployment) -> bool:
        schema = schema_of(wanted.type)
        named = None if schema is None else _custom_name(schema, deployed, wanted)
        if named is not None:
            reason = (
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {named} and update the stack again."
            )
            return await self.fail(resource, "UPDATE", StepFailed(reason))
        self._touch(resource)
        step = resource.step = Step("replace", str(uuid.uuid4()), wanted)
        entry = self.ledger.entry()
        await entry.resource_event(self.stack, resource, "UPDATE_IN_PROGRESS", reasons.REPLACING).write()
        return await self._make(resource, step, False, "UPDATE", deployed)

    # ------------------------------------------------------------ records

    def _touch(self, resource: Resource) -> None:
        if self.stack.stable is not None and not resource.touched:
            resource.before = resource.now
            resource.touched = True

    def _put_aside(self, resource: Resource, replaced: Deployment) -> None:
        """What was deployed until now is removed in the end, unless it is what there is to go back to."""
        attempt = resource.uncertain
        if attempt is not None and attempt.physical_id == replaced.physical_id:
            # A change in place has failed half-way before it was replaced.
            replaced = attempt
        resource.now = None
        resource.put_aside(replaced)

    def _deployed(self, resource: Resource, now: Deployment) -> None:
        resource.now = now
        resource.step = None
        resource.uncertain = None
        resource.drift = None
        resource.round = self.operation.round

    def _keeper(self, resource: Resource, status: str) -> Initiated:
        async def keep(physical_id: str, attributes: dict[str, Any]) -> None:
            step = resource.step
            if step is None:
                return
            first = not step.physical_id
            resource.step = msgspec.structs.replace(step, physical_id=physical_id, attributes=attributes)
            entry = self.ledger.entry().resource(self.stack, resource)
            if first and status:
                entry.resource_event(self.stack, resource, status, reasons.INITIATED)
            await entry.write()

        return keep

    async def _remove_attempt(self, resource: Resource) -> None:
        """What an earlier attempt, not rolled back, has made of it is in the way. Raises StepFailed."""
        attempt, now = resource.uncertain, resource.now
        if attempt is None or resource.step is not None:
            return
        if now is not None and attempt.physical_id in ("", now.physical_id):
            return
        await self.steps.delete(
            self.execution.running,
            self.stack,
            resource.logical_id,
            attempt,
            token=str(uuid.uuid4()),
            again=True,
        )
        resource.uncertain = None
        await self.ledger.entry().resource(self.stack, resource).write()

    async def fail(self, resource: Resource, word: str, failed: StepFailed) -> bool:
        """Keep that a step has failed, and end the turn. Answers False."""
        step = resource.step
        entry = self.ledger.entry()
        reason = failed.reason
        if failed.cancelled and word == "UPDATE":
            reason = reasons.UPDATE_CANCELLED
        if step is not None and not (failed.untouched and step.action == "update"):
            physical = step.physical_id or (
                resource.now.physical_id if resource.now is not None and step.action == "update" else ""
            )
            attributes = step.attributes
            if resource.now is not None and step.action == "update":
                attributes = attributes or resource.now.attributes
            resource.uncertain = msgspec.structs.replace(
                step.wanted, physical_id=physical, attributes=attributes
            )
        resource.round = self.operation.round
        entry.resource_event(self.stack, resource, f"{word}_FAILED", reason)
        resource.step = None
        self.execution.halt()
        await entry.write()
        return False


def _custom_name(schema: Schema, deployed: Deployment, wanted: Deployment) -> str | None:
    """The name that the template gives the resource, when its replacement would have to have the same.

    Names are properties called Name, or as the type with Name at its end, that cannot be changed.
    """
    short = wanted.type.rpartition("::")[2]
    for member in ("Name", f"{short}Name"):
        given = wanted.properties.get(member)
        if (
            given is not None
            and member in schema.properties
            and schema.replaces((member,)) == "Always"
            and deployed.properties.get(member) == given
        ):
            return str(given)
    return None
