"""Stacks, as whoever speaks CloudFormation's protocol asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.stacks.change_sets import ChangeSets
from lambent.stacks.drifts import Drifts
from lambent.stacks.errors import StackNotFound, ValidationError
from lambent.stacks.exports import importers
from lambent.stacks.ledger import Ledger
from lambent.stacks.notifications import Notifications
from lambent.stacks.operations import Operations
from lambent.stacks.policies import check_policy
from lambent.stacks.preparation import Preparation
from lambent.stacks.recovery import Recovery
from lambent.stacks.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.clock import Clock
    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.providers.catalogue import Catalogue
    from lambent.stacks.records import ChangeSet, Definition, Detection, Event, Export, ResourceDrift, Stack
    from lambent.stacks.request import StackRequest
    from lambent.stacks.template import Template
    from lambent.stacks.transforms import Fetcher, Transforms
    from lambent.store import Database


_PUBLISHING_S: Final = 1.0


class Stacks:
    """All stacks of all accounts and regions. Use `open`, then `start` when services can be asked.

    Names of stacks may be their ids as well. Every method raises errors of `stacks.errors`, and StoreError.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        ask: AskService,
        catalogue: Catalogue,
        transforms: Transforms,
        fetcher: Fetcher,
        *,
        ignore_unsupported: bool,
    ) -> None:
        self.ledger = ledger
        self.clock = clock
        preparation = Preparation(
            ledger, ask, catalogue, transforms, fetcher, ignore_unsupported=ignore_unsupported
        )
        steps = Steps(ask, clock, catalogue, ignore_unsupported=ignore_unsupported)
        self.operations = Operations(ledger, preparation, steps, clock)
        self.nesting = self.operations.nesting
        self._change_sets = ChangeSets(self.operations)
        self._recovery = Recovery(self.operations)
        self._drifts = Drifts(self.operations)
        self._notifications = Notifications(ask)
        ledger.published = self._notifications.publish
        catalogue.parts.setdefault("stacks", self)

    @classmethod
    async def open(
        cls,
        database: Database,
        clock: Clock,
        ask: AskService,
        *,
        catalogue: Catalogue,
        transforms: Transforms,
        fetcher: Fetcher,
        ignore_unsupported: bool = False,
    ) -> Stacks:
        """As an earlier run has left them. `ignore_unsupported`: types that nobody serves are passed over."""
        ledger = await Ledger.open(database, clock)
        return cls(ledger, clock, ask, catalogue, transforms, fetcher, ignore_unsupported=ignore_unsupported)

    async def start(self) -> None:
        """Go on with what was interrupted."""
        await self.operations.resume()
        await self._change_sets.resume()
        self._drifts.resume()

    async def drain(self, seconds: float) -> None:
        """Begin no more steps, and wait for those that run, at most `seconds`. The rest is done at the next start."""
        self._change_sets.drain()
        self._drifts.drain()
        await self.operations.drain(seconds)
        await self._notifications.drain(min(seconds, _PUBLISHING_S))

    async def clear(self) -> None:
        """Forget all stacks; their resources are left to their services."""
        self._change_sets.drain()
        self._drifts.drain()
        await self.operations.drain(0)
        self._notifications.forget()
        await self.ledger.clear()
        await self.operations.resume()

    # ------------------------------------------------------------ operations

    async def create(self, request: StackRequest) -> Stack:
        """CreateStack: begins, and returns the stack in CREATE_IN_PROGRESS."""
        return await self.operations.create(request)

    async def update(self, request: StackRequest) -> Stack:
        """UpdateStack: begins. Raises ValidationError `No updates are to be performed.`"""
        stack = self.ledger.find(request.account, request.region, request.name)
        if stack is None:
            raise ValidationError(f"Stack [{request.name}] does not exist")
        return await self.operations.update(request, stack)

    async def delete(
        self,
        account: str,
        region: str,
        name: str,
        *,
        retain: Sequence[str] = (),
        role: str = "",
        token: str = "",
        force: bool = False,
    ) -> None:
        """DeleteStack: begins. What is not there is no error."""
        stack = self.ledger.find(account, region, name)
        if stack is None or stack.status == "DELETE_COMPLETE":
            return
        operation = stack.operation
        if operation is not None and operation.kind == "delete":
            return
        if stack.termination_protection:
            raise ValidationError(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        if operation is not None and operation.kind != "create" and operation.phase != "await":
            raise ValidationError(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        if retain and stack.status != "DELETE_FAILED":
            raise ValidationError(
                f"Invalid operation on stack [{stack.id}]. Specify resources to retain only when the current stack "
                "state is DELETE_FAILED."
            )
        unknown = [name for name in retain if name not in stack.resources]
        if unknown:
            raise ValidationError(
                f"The resources [{', '.join(unknown)}] to retain do not exist in stack {stack.name}"
            )
        if force and stack.status != "DELETE_FAILED":
            raise ValidationError(
                f"Invalid operation on stack [{stack.id}]. The FORCE_DELETE_STACK deletion mode can only be used when "
                "the stack is in the DELETE_FAILED state."
            )
        await self.operations.delete(stack, retain=retain, role=role, token=token, force=force)

    async def cancel_update(self, account: str, region: str, name: str, *, token: str = "") -> None:
        """CancelUpdateStack."""
        await self._recovery.cancel_update(self.find(account, region, name), token)

    async def continue_rollback(
        self,
        account: str,
        region: str,
        name: str,
        *,
        skip: Sequence[str] = (),
        role: str = "",
        token: str = "",
    ) -> None:
        """ContinueUpdateRollback: begins. `skip`: logical ids, those of nested stacks as `stack-name.LogicalId`."""
        stack = self.find(account, region, name)
        await self._recovery.continue_rollback(stack, skip=skip, role=role, token=token)

    async def rollback(
        self,
        account: str,
        region: str,
        name: str,
        *,
        role: str = "",
        token: str = "",
        retain_except_on_create: bool = False,
    ) -> Stack:
        """RollbackStack: begins."""
        stack = self.find(account, region, name)
        await self._recovery.roll_back(
            stack, role=role, token=token, retain_except_on_create=retain_except_on_create
        )
        return stack

    async def create_change_set(self, request: StackRequest) -> ChangeSet:
        """CreateChangeSet: what it changes is found out in the background."""
        return await self._change_sets.create(request)

    async def execute_change_set(
        self,
        account: str,
        region: str,
        name_or_arn: str,
        stack_name: str | None = None,
        *,
        token: str = "",
        disable_rollback: bool | None = None,
        retain_except_on_create: bool = False,
    ) -> None:
        """ExecuteChangeSet: begins."""
        change_set = self._change_sets.find(account, region, name_or_arn, stack_name)
        await self._change_sets.execute(
            change_set,
            token=token,
            disable_rollback=disable_rollback,
            retain_except_on_create=retain_except_on_create,
        )

    async def delete_change_set(
        self, account: str, region: str, name_or_arn: str, stack_name: str | None = None
    ) -> None:
        """DeleteChangeSet."""
        await self._change_sets.delete(self._change_sets.find(account, region, name_or_arn, stack_name))

    def check_types(self, template: Template) -> None:
        """Raises UnsupportedType for a template with resources that nobody makes here."""
        self.operations.preparation.check_types(template)

    # ------------------------------------------------------------ what there is

    def find(self, account: str, region: str, name_or_id: str) -> Stack:
        """A stack by its name, or by its id even when it has been deleted. Raises StackNotFound."""
        stack = self.ledger.find(account, region, name_or_id)
        if stack is None:
            raise StackNotFound(f"Stack with id {name_or_id} does not exist")
        return stack

    def stacks(self, account: str, region: str) -> list[Stack]:
        """Newest first, deleted ones too."""
        found = [
            stack
            for stack in self.ledger.stacks.values()
            if stack.account == account and stack.region == region
        ]
        return sorted(found, key=lambda stack: stack.created_ms, reverse=True)

    def exports(self, account: str, region: str) -> list[Export]:
        """By name."""
        scope = f"{account}:{region}"
        return sorted(
            (export for (at, _), export in self.ledger.exports.items() if at == scope),
            key=lambda export: export.name,
        )

    def imports(self, account: str, region: str, export_name: str) -> list[str]:
        """Names of the stacks that import it. Raises ValidationError when none does."""
        users = importers(self.ledger, f"{account}:{region}", export_name)
        if not users:
            raise ValidationError(f"Export '{export_name}' is not imported by any stack.")
        return users

    def change_set(
        self, account: str, region: str, name_or_arn: str, stack_name: str | None = None
    ) -> ChangeSet:
        """By its ARN, or by its name and its stack's. Raises ChangeSetNotFound, ValidationError."""
        return self._change_sets.find(account, region, name_or_arn, stack_name)

    def change_sets(self, stack: Stack) -> list[ChangeSet]:
        """Those of a stack, oldest first."""
        return self.ledger.of_stack(stack.id)

    async def events(self, stack: Stack, *, limit: int = 100, before: int | None = None) -> list[Event]:
        """Newest first; the last one's number is the next page's `before`."""
        return await self.ledger.events(stack.id, limit, before)

    async def template(self, stack: Stack, *, processed: bool = False) -> str:
        """Its template's text; `processed`: JSON of what its transforms have made of it, if it has any."""
        return await self._template(stack.definition, processed)

    async def change_set_template(self, change_set: ChangeSet, *, processed: bool = False) -> str:
        """The same of a change set."""
        return await self._template(change_set.definition, processed)

    async def _template(self, definition: Definition, processed: bool) -> str:
        original, made = await self.ledger.template(definition.template)
        return made if processed and definition.transformed else original

    async def set_policy(self, account: str, region: str, name: str, text: str) -> None:
        """SetStackPolicy."""
        stack = self.find(account, region, name)
        check_policy(text)
        stack.policy = text
        await self.ledger.entry().stack(stack).write()

    async def set_termination_protection(self, account: str, region: str, name: str, enabled: bool) -> Stack:
        """UpdateTerminationProtection."""
        stack = self.find(account, region, name)
        stack.termination_protection = enabled
        await self.ledger.entry().stack(stack).write()
        return stack

    async def finished(self, stack: Stack) -> Stack:
        """The stack, once nothing is being done with it."""
        return await self.operations.finished(stack.id)

    # ------------------------------------------------------------ drift

    async def detect_drift(
        self, account: str, region: str, name: str, logical_ids: Sequence[str] | None = None
    ) -> str:
        """DetectStackDrift: begins, and returns the detection's id."""
        return await self._drifts.detect(self.find(account, region, name), logical_ids)

    def drift_detection(self, account: str, region: str, detection_id: str) -> Detection:
        """What is known of a detection."""
        return self._drifts.find(account, region, detection_id)

    async def drift_detected(self, detection_id: str) -> Detection:
        """The detection, once it has ended."""
        return await self._drifts.settled(detection_id)

    async def detect_resource_drift(
        self, account: str, region: str, name: str, logical_id: str
    ) -> ResourceDrift:
        """DetectStackResourceDrift."""
        return await self._drifts.detect_resource(self.find(account, region, name), logical_id)

    def resource_drifts(self, stack: Stack) -> list[ResourceDrift]:
        """What the last looks at its resources have found."""
        return [resource.drift for resource in stack.resources.values() if resource.drift is not None]
