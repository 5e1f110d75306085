"""Steps: one thing that a provider does for one resource."""

from __future__ import annotations

import logging
import uuid
from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from lambent.neighbours.service_calls import ServiceFailure, ServiceMissing
from lambent.stacks import reasons
from lambent.stacks.errors import ReplacementNeeded, ResourceFailure, StackError, ValidationError
from lambent.stacks.providers.provider import Made, StackIdentity
from lambent.stacks.providers.work import (
    Initiated,
    StepCancelled,
    StepInterrupted,
    StepWork,
    generated_name,
)
from lambent.stacks.records import Deployment
from lambent.stacks.schemas import schema_of
from lambent.stacks.template import ResourceValues, Unknown, resolve_dynamic
from lambent.stacks.template.pseudo import partition_of
from lambent.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from lambent.clock import Clock
    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.providers.catalogue import Catalogue
    from lambent.stacks.providers.provider import Provider
    from lambent.stacks.records import Resource, Stack

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class StepFailed(Exception):
    """The step has failed: `reason` is what its event says. `cancelled`: it was told to.

    `untouched`: it was refused before it had changed anything.
    """

    def __init__(self, reason: str, *, cancelled: bool = False, untouched: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cancelled = cancelled
        self.untouched = untouched


class Running:
    """The steps that run for one stack, to be cancelled together."""

    def __init__(self) -> None:
        self._works: set[StepWork] = set()
        self._cancelled = False
        self._interrupted = False

    def interrupt(self) -> None:
        """The platform ends: what waits goes on at the next start."""
        self._interrupted = True
        for work in list(self._works):
            work.interrupt()

    def cancel(self) -> None:
        """End their waiting; those that begin from now on do not wait either."""
        self._cancelled = True
        for work in list(self._works):
            work.cancel()

    async def run(self, work: StepWork, doing: Coroutine[Any, Any, Result]) -> Result:
        """Await what a provider does in that work."""
        self._works.add(work)
        try:
            if self._cancelled:
                work.cancel()
            if self._interrupted:
                work.interrupt()
            return await work.run(doing)
        finally:
            self._works.discard(work)


class Steps:
    """Has providers do their work. Raises StepFailed from every method."""

    def __init__(
        self, ask: AskService, clock: Clock, catalogue: Catalogue, *, ignore_unsupported: bool
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._catalogue = catalogue
        self._ignore_unsupported = ignore_unsupported

    def skips(self, type_name: str) -> bool:
        """Whether resources of that type are passed over, because nobody makes them here."""
        return self._ignore_unsupported and not self._catalogue.serves(type_name)

    async def create(
        self,
        running: Running,
        stack: Stack,
        resource: Resource,
        wanted: Deployment,
        *,
        token: str,
        again: bool,
        keep: Initiated,
        known: Made,
    ) -> Made:
        """Make it. `known`: what an earlier run has told of it."""
        if self.skips(wanted.type):
            return Made(generated_name(stack.name, resource.logical_id, token, 128))
        work = await self._work(
            stack, resource.logical_id, wanted, token, again=again, keep=keep, known=known
        )
        return await self._done(
            running, work, lambda provider: provider.create(work), reasons.CREATION_CANCELLED
        )

    async def update(
        self,
        running: Running,
        stack: Stack,
        resource: Resource,
        old: Deployment,
        wanted: Deployment,
        *,
        token: str,
        again: bool,
        keep: Initiated,
    ) -> Made:
        """Change it in place. Raises ReplacementNeeded as well."""
        if self.skips(wanted.type):
            return Made(old.physical_id, old.attributes)
        work = await self._work(
            stack,
            resource.logical_id,
            wanted,
            token,
            again=again,
            keep=keep,
            known=Made(old.physical_id, old.attributes),
            old=old,
        )
        return await self._done(
            running, work, lambda provider: provider.update(work), reasons.UPDATE_CANCELLED
        )

    async def delete(
        self,
        running: Running,
        stack: Stack,
        logical_id: str,
        deployed: Deployment,
        *,
        token: str,
        again: bool,
    ) -> None:
        """Remove it."""
        if not deployed.physical_id or self.skips(deployed.type):
            return
        work = self._plain_work(
            stack,
            logical_id,
            deployed,
            deployed.properties,
            token,
            again=again,
            known=Made(deployed.physical_id, deployed.attributes),
        )
        await self._done(running, work, lambda provider: provider.delete(work), reasons.DELETION_CANCELLED)

    async def adopt(
        self,
        running: Running,
        stack: Stack,
        resource: Resource,
        wanted: Deployment,
        identifier: dict[str, str],
    ) -> Made:
        """Take what is there into the stack."""
        work = await self._work(stack, resource.logical_id, wanted, str(uuid.uuid4()))
        return await self._done(
            running, work, lambda provider: provider.adopt(work, identifier), reasons.CREATION_CANCELLED
        )

    async def read(self, stack: Stack, resource: Resource) -> dict[str, Any] | None:
        """Its live properties, None when it is not there. Raises NotImplementedError where they cannot be read."""
        deployed = resource.now
        if deployed is None or self.skips(deployed.type):
            raise NotImplementedError
        work = self._plain_work(
            stack,
            resource.logical_id,
            deployed,
            deployed.properties,
            str(uuid.uuid4()),
            known=Made(deployed.physical_id, deployed.attributes),
        )
        return await self._catalogue.find(deployed.type).read(work)

    async def live(self, stack: Stack, resource: Resource) -> dict[str, Any] | None:
        """Its live properties, None where nobody can tell them."""
        try:
            return await self.read(stack, resource)
        except (NotImplementedError, ResourceFailure, ServiceFailure):
            return None

    async def exists(
        self, stack: Stack, logical_id: str, type_name: str, properties: dict[str, Any]
    ) -> str | None:
        """The name of what is there already of a resource that is to be made; None where nothing is, or nobody knows.

        Only what has one given name is looked for: the primary identifier of its schema.
        """
        schema = schema_of(type_name)
        if schema is None or len(schema.primary_identifier) != 1 or not self._catalogue.serves(type_name):
            return None
        name = properties.get(schema.primary_identifier[0])
        if not isinstance(name, str) or isinstance(name, Unknown) or "{{" in name:
            return None
        work = self._plain_work(
            stack, logical_id, Deployment(type_name), properties, str(uuid.uuid4()), known=Made(name)
        )
        try:
            return name if await self._catalogue.find(type_name).read(work) is not None else None
        except (NotImplementedError, ResourceFailure, ServiceFailure):
            return None

    async def parameters_read(self, stack: Stack, value: Any) -> Any:
        """The value with what Parameter Store has now; references of secrets stay. Raises ValidationError."""
        return await resolve_dynamic(value, self._ask, stack.account, stack.region, secure=False)

    async def _done(
        self,
        running: Running,
        work: StepWork,
        doing: Callable[[Provider], Coroutine[Any, Any, Result]],
        cancelled: str,
    ) -> Result:
        try:
            return await running.run(work, doing(self._catalogue.find(work.type)))
        except StepCancelled:
            raise StepFailed(cancelled, cancelled=True) from None
        except (ReplacementNeeded, StepInterrupted, StoreError):
            raise
        except Exception as error:
            if not isinstance(error, StackError | ServiceFailure | ServiceMissing):
                _log.exception("%s %s of %s failed", work.type, work.logical_id, work.stack.name)
            raise StepFailed(reasons.of_error(error, work.token), untouched=not work.touched) from error

    async def _work(
        self,
        stack: Stack,
        logical_id: str,
        wanted: Deployment,
        token: str,
        *,
        again: bool = False,
        keep: Initiated | None = None,
        known: Made | None = None,
        old: Deployment | None = None,
    ) -> StepWork:
        """With the properties as the provider takes them: dynamic references resolved, of the schema's types."""
        try:
            properties = await resolve_dynamic(
                wanted.properties, self._ask, stack.account, stack.region, secure=True
            )
            schema = schema_of(wanted.type)
            if schema is not None:
                properties = schema.check(logical_id, properties)
        except ValidationError as refused:
            raise StepFailed(str(refused)) from None
        return self._plain_work(
            stack, logical_id, wanted, properties, token, again=again, keep=keep, known=known, old=old
        )

    def _plain_work(
        self,
        stack: Stack,
        logical_id: str,
        wanted: Deployment,
        properties: dict[str, Any],
        token: str,
        *,
        again: bool = False,
        keep: Initiated | None = None,
        known: Made | None = None,
        old: Deployment | None = None,
    ) -> StepWork:
        system = system_tags(stack, logical_id)
        return StepWork(
            self._ask,
            self._clock,
            identity_of(stack),
            logical_id,
            wanted.type,
            properties,
            token=token,
            old={} if old is None else old.properties,
            physical_id="" if known is None else known.physical_id,
            attributes={} if known is None else known.attributes,
            tags={**wanted.tags, **system},
            old_tags={**old.tags, **system} if old is not None else None,
            again=again,
            metadata=wanted.metadata,
            update_policy=wanted.update_policy,
            keep=keep,
        )


def identity_of(stack: Stack) -> StackIdentity:
    """Whose resources these are, and in whose name services are asked for them now."""
    operation = stack.operation
    return StackIdentity(
        id=stack.id,
        name=stack.name,
        account=stack.account,
        region=stack.region,
        partition=partition_of(stack.region)[0],
        role=(operation.role if operation is not None else "") or stack.role,
    )


def system_tags(stack: Stack, logical_id: str) -> dict[str, str]:
    """The tags that every resource of a stack has."""
    return {
        "aws:cloudformation:stack-name": stack.name,
        "aws:cloudformation:logical-id": logical_id,
        "aws:cloudformation:stack-id": stack.id,
    }


class Unserved(Mapping[str, Any]):
    """The attributes of a resource that is passed over: whatever they are called, a text that says whose they are."""

    def __init__(self, logical_id: str) -> None:
        self._logical_id = logical_id

    def __getitem__(self, name: str) -> Any:
        return f"{self._logical_id}.{name}"

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def values_of(stack: Stack, steps: Steps) -> Callable[[str], ResourceValues | None]:
    """What templates see of the stack's resources as they are now."""

    def look_up(logical_id: str) -> ResourceValues | None:
        resource = stack.resources.get(logical_id)
        if resource is None or resource.now is None:
            return None
        if steps.skips(resource.type):
            return ResourceValues(resource.now.physical_id, Unserved(logical_id))
        # Properties can be asked for as well, as on AWS: a topic's DisplayName, a parameter's Value.
        return ResourceValues(
            resource.now.physical_id, ChainMap(resource.now.attributes, resource.now.properties)
        )

    return look_up


def made(wanted: Deployment, result: Made) -> Deployment:
    """What is deployed once a provider has made what was wanted."""
    return msgspec.structs.replace(wanted, physical_id=result.physical_id, attributes=dict(result.attributes))
