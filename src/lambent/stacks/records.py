"""What is kept of stacks: one struct for each kind of row, as JSON in the database.

A stack is in one of two conditions. When it is settled, its resources' `now` is what its definition asked for. While an
operation runs, and after one that has failed without rolling back, `stable` is the definition to go back to, and each
resource that was touched since has in `before` what was deployed of it then.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

STACK_TYPE: Final = "AWS::CloudFormation::Stack"

Action: TypeAlias = Literal["create", "update", "replace", "delete", "import"]
OnFailure: TypeAlias = Literal["ROLLBACK", "DELETE", "DO_NOTHING"]
Kind: TypeAlias = Literal["create", "update", "import", "delete"]
Phase: TypeAlias = Literal["forward", "rollback", "cleanup", "await"]


class Definition(msgspec.Struct, frozen=True):
    """What a stack is asked to be.

    `template`: key of its texts. `given`: its parameters as they were given, secret ones too; `values`: what these mean
    in the template; `parameters`: as DescribeStacks tells them. `transformed`: the template had transforms. The rest as
    in the request.
    """

    template: str
    given: dict[str, str] = {}
    values: dict[str, Any] = {}
    parameters: list[dict[str, Any]] = []
    tags: dict[str, str] = {}
    capabilities: list[str] = []
    description: str | None = None
    notification_arns: list[str] = []
    rollback_configuration: dict[str, Any] = {}
    role: str = ""
    transformed: bool = False


class Defined(msgspec.Struct):
    """What has a definition, and tells of it."""

    definition: Definition

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """As DescribeStacks tells them."""
        return self.definition.parameters

    @property
    def tags(self) -> dict[str, str]:
        """The stack's own, without those that CloudFormation adds."""
        return self.definition.tags

    @property
    def capabilities(self) -> list[str]:
        """As acknowledged."""
        return self.definition.capabilities

    @property
    def notification_arns(self) -> list[str]:
        """The topics that are told of its events."""
        return self.definition.notification_arns

    @property
    def rollback_configuration(self) -> dict[str, Any]:
        """Alarms that would roll it back, and the minutes that they are watched: recorded."""
        return self.definition.rollback_configuration

    @property
    def role(self) -> str:
        """In whose name its resources are made; "" for the caller's."""
        return self.definition.role


class Deployment(msgspec.Struct, frozen=True):
    """What is deployed of a resource.

    `properties`: as resolved, dynamic references in their own words; `read`: with what Parameter Store had, where any
    are of it; `shown`: as events tell them, where that is not all. `needs`: logical ids, before which it is removed.
    `token`: of the step that has made it.
    """

    type: str
    physical_id: str = ""
    properties: dict[str, Any] = {}
    read: dict[str, Any] | None = None
    shown: dict[str, Any] | None = None
    attributes: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    deletion_policy: str = ""
    update_replace_policy: str = ""
    update_policy: dict[str, Any] = {}
    tags: dict[str, str] = {}
    needs: tuple[str, ...] = ()
    description: str | None = None
    token: str = ""


class Step(msgspec.Struct, frozen=True):
    """What is being done with a resource: begun, and not known to have ended.

    `wanted`: what it will be. `physical_id`, `attributes`: what the provider has told of it already.
    """

    action: Action
    token: str
    wanted: Deployment
    physical_id: str = ""
    attributes: dict[str, Any] = {}


class ResourceDrift(msgspec.Struct, frozen=True):
    """What a resource was found to be. `expected`, `actual`: JSON texts of properties, None where none were."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    time_ms: int
    expected: str | None = None
    actual: str | None = None
    differences: list[dict[str, Any]] = []


class Resource(msgspec.Struct):
    """A resource of a stack.

    `now`: what is deployed, None before it is made. `before`: what was when the operation that is not settled began,
    where `touched`; `changed`: what was made of that before it was replaced. `extra`: replaced since, to be removed
    whichever way it ends. `uncertain`: what was attempted in a step that failed half-way. `round`: the round of the
    operation in which it was last finished.
    """

    logical_id: str
    type: str
    now: Deployment | None = None
    before: Deployment | None = None
    touched: bool = False
    changed: Deployment | None = None
    extra: list[Deployment] = []
    uncertain: Deployment | None = None
    step: Step | None = None
    round: str = ""
    status: str = ""
    reason: str | None = None
    updated_ms: int = 0
    drift: ResourceDrift | None = None

    def put_aside(self, deployment: Deployment | None) -> None:
        """Have it removed in the end, unless it is what is deployed or was before."""
        before = self.before
        if deployment is not None and before is not None and deployment.physical_id == before.physical_id:
            self.changed = None if deployment == before else deployment
        kept = [known.physical_id for known in (self.now, self.before, *self.extra) if known is not None]
        if deployment is not None and deployment.physical_id not in ("", *kept):
            self.extra.append(deployment)

    @property
    def physical_id(self) -> str:
        """What is known of its name: of what is deployed, or of what is being made."""
        if self.step is not None and self.step.physical_id:
            return self.step.physical_id
        return self.now.physical_id if self.now is not None else ""

    @property
    def properties(self) -> dict[str, Any]:
        """As deployed."""
        return self.now.properties if self.now is not None else {}

    @property
    def attributes(self) -> dict[str, Any]:
        """What Fn::GetAtt gives."""
        return self.now.attributes if self.now is not None else {}

    @property
    def metadata(self) -> dict[str, Any]:
        """Its Metadata in the template, resolved."""
        return self.now.metadata if self.now is not None else {}

    @property
    def description(self) -> str | None:
        """Its Description in the template."""
        return self.now.description if self.now is not None else None

    @property
    def drift_status(self) -> str:
        """`NOT_CHECKED`, `IN_SYNC`, `MODIFIED`, `DELETED`."""
        return self.drift.status if self.drift is not None else "NOT_CHECKED"

    @property
    def drift_checked_ms(self) -> int | None:
        """When its drift was looked for."""
        return self.drift.time_ms if self.drift is not None else None


class Output(msgspec.Struct, frozen=True):
    """An output of a stack."""

    key: str
    value: str
    description: str | None = None
    export_name: str | None = None


class Operation(msgspec.Struct):
    """What is being done with a stack.

    `number`: counts the operations of the stack. `attempt`: counts the turns that it has taken: forward, back, back
    again. `token`: the client's. `deadline_ms`: on the wall's clock. `failure`: why the stack goes back or cannot.
    `nested`: another stack's operation decides when this one is settled.
    """

    kind: Kind
    number: int
    phase: Phase = "forward"
    attempt: int = 0
    token: str | None = None
    deadline_ms: int | None = None
    on_failure: OnFailure = "ROLLBACK"
    retain_except_on_create: bool = False
    policy: str = ""
    change_set: str = ""
    retain: list[str] = []
    force: bool = False
    skip: list[str] = []
    imports: dict[str, dict[str, str]] = {}
    failure: str = ""
    cancelled: bool = False
    nested: bool = False
    role: str = ""

    @property
    def round(self) -> str:
        """The name of this turn, which resources carry that have been dealt with in it."""
        return f"{self.number}.{self.attempt}"


class Leftover(msgspec.Struct, frozen=True):
    """What an operation has left to be removed. `retain`: a policy says that it stays."""

    number: int
    logical_id: str
    deployment: Deployment
    retain: bool = False


class Stack(Defined):
    """A stack, as it is told and kept: only Stacks changes it.

    Times are milliseconds since the epoch. `failure`: of the last operation that has failed. `resources` and
    `leftovers` are kept in rows of their own.
    """

    id: str
    name: str
    account: str
    region: str
    status: str
    created_ms: int
    reason: str | None = None
    updated_ms: int | None = None
    deleted_ms: int | None = None
    stable: Definition | None = None
    outputs: list[Output] = []
    timeout_minutes: int | None = None
    disable_rollback: bool = False
    retain_except_on_create: bool = False
    termination_protection: bool = False
    policy: str = ""
    parent_id: str | None = None
    root_id: str | None = None
    change_set_id: str | None = None
    deletion_mode: str | None = None
    failure: str = ""
    drift_status: str = "NOT_CHECKED"
    drift_checked_ms: int | None = None
    token: str | None = None
    fingerprint: str = ""
    operations: int = 0
    operation: Operation | None = None
    resources: dict[str, Resource] = {}
    leftovers: list[Leftover] = []

    @property
    def scope(self) -> str:
        """Where its name is its own."""
        return f"{self.account}:{self.region}"

    @property
    def description(self) -> str | None:
        """The template's."""
        return self.definition.description


class Event(msgspec.Struct, frozen=True):
    """What has happened to a stack or a resource. `number` grows with time; `properties` is JSON text."""

    number: int
    id: str
    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    time_ms: int
    reason: str | None = None
    properties: str | None = None
    token: str | None = None


class Export(msgspec.Struct, frozen=True):
    """An output that other stacks may import."""

    name: str
    value: str
    stack_id: str


class ChangeSet(Defined):
    """A change set. `changes`, `changes_with_values`: documents of ResourceChange, as DescribeChangeSet answers."""

    id: str
    name: str
    stack_id: str
    stack_name: str
    type: str
    status: str
    execution_status: str
    created_ms: int
    reason: str | None = None
    description: str | None = None
    changes: list[dict[str, Any]] = []
    changes_with_values: list[dict[str, Any]] = []
    include_nested: bool = False
    parent_id: str | None = None
    root_id: str | None = None
    on_stack_failure: str | None = None
    import_existing: bool = False
    imports: dict[str, dict[str, str]] = {}
    deployment_mode: str | None = None
    token: str | None = None
    fingerprint: str = ""
    logical_id: str = ""


class Detection(msgspec.Struct, frozen=True):
    """A search for drift in a whole stack. `status`: `DETECTION_` and `IN_PROGRESS`, `COMPLETE`, `FAILED`."""

    id: str
    stack_id: str
    status: str
    time_ms: int
    drift_status: str | None = None
    drifted: int | None = None
    reason: str | None = None
    logical_ids: list[str] | None = None


Record = TypeVar("Record")
_encoder: Final = msgspec.json.Encoder(enc_hook=str)


def written(record: msgspec.Struct) -> str:
    """A record as it is kept."""
    if isinstance(record, Stack):
        record = msgspec.structs.replace(record, resources={}, leftovers=[])
    return _encoder.encode(record).decode()


def read(document: str, record: type[Record]) -> Record:
    """A record that was kept."""
    return msgspec.json.decode(document, type=record)
