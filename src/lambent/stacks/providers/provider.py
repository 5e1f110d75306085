"""What a resource provider is, and what it is given to work with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

if TYPE_CHECKING:
    from lambent.clock import Clock

Properties = dict[str, Any]


class StackIdentity(msgspec.Struct, frozen=True):
    """Whose resource it is. `id`: the stack's ARN. `role`: in whose name services are asked, "" for the caller's."""

    id: str
    name: str
    account: str
    region: str
    partition: str = "aws"
    role: str = ""


class Made(msgspec.Struct, frozen=True):
    """A resource that is there.

    `physical_id`: what Ref gives. `attributes`: what Fn::GetAtt gives, by its full name ("Arn", "Endpoint.Address").
    """

    physical_id: str
    attributes: dict[str, Any] = {}


class Work(Protocol):
    """One step for one resource, made by the engine.

    `properties`: as resolved and of the schema's types; for a deletion those that are deployed. `old`: the deployed
    ones in an update. `physical_id`, `attributes`: of what is deployed ("" and {} in a creation, or what `initiated`
    kept before a restart). `tags`: those of the stack and the `aws:cloudformation:` ones; `merged_tags` adds the
    resource's own, which win. `token`: the same for the same step, also after a restart; nobody else's. `again`: a
    platform that ended has begun this step: what it made may be there. `metadata`: the resource's Metadata.
    `update_policy`: its UpdatePolicy and CreationPolicy, resolved.
    """

    stack: StackIdentity
    logical_id: str
    type: str
    properties: Properties
    old: Properties
    physical_id: str
    attributes: dict[str, Any]
    tags: dict[str, str]
    token: str
    again: bool
    metadata: dict[str, Any]
    update_policy: dict[str, Any]
    clock: Clock

    async def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Ask a service, in the stack's region and name; members that are None are left out.

        Raises ServiceFailure (neighbours.service_calls), which the engine turns into the step's failure where the
        provider does not.
        """

    def name(self, limit: int, *, lower: bool = False, separator: str = "-", suffix: str = "") -> str:
        """A name for the resource, as CloudFormation makes them: stack, logical id, twelve random characters of the
        step; cut to `limit` with `suffix` (".fifo") at the end. The same again for the same step.
        """

    async def initiated(self, physical_id: str, attributes: dict[str, Any] | None = None) -> None:
        """The resource is there but not ready yet: durable when it returns, told as `Resource creation Initiated`.

        Call it as soon as the service has answered where waiting follows, or where the id is the service's (an API, a
        mapping): so a restart finds it.
        """

    async def sleep(self, seconds: float) -> None:
        """Wait before looking again; ends with an exception when the step is cancelled or times out."""

    def merged_tags(self, own: Any = None) -> dict[str, str]:
        """The stack's tags with the resource's own: a list of Key and Value, or a map."""


class Provider(ABC):
    """Makes resources of one type. Has no state of its own: one instance serves all stacks.

    Which properties replace and which attributes there are is the schema's (`stacks.schemas`). Every method raises
    ResourceFailure or ServiceFailure; it may be called again for a step that a crash has cut (`work.again`): what is
    already as it should be is no error then.
    """

    type: ClassVar[str]
    """`AWS::SQS::Queue`."""

    @abstractmethod
    async def create(self, work: Work) -> Made:
        """Make it, and wait until it can be used. With `work.again`: take what is there already."""

    @abstractmethod
    async def update(self, work: Work) -> Made:
        """Change it from `work.old` to `work.properties`, in place. Raises ReplacementNeeded."""

    @abstractmethod
    async def delete(self, work: Work) -> None:
        """Remove it. What is not there any more is no error."""

    async def read(self, work: Work) -> Properties | None:
        """The live properties of `work.physical_id`, for drift and imports, or None when it is not there.

        Raises NotImplementedError where that cannot be read: CloudFormation tells NOT_CHECKED then.
        """
        raise NotImplementedError

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        """Take a resource that is there into the stack, by its primary identifier (imports). Raises ResourceFailure."""
        raise NotImplementedError
