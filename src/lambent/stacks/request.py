"""What is asked of stacks: the members of CreateStack, UpdateStack and CreateChangeSet."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any, Final, Protocol

import msgspec

from lambent.stacks.errors import ValidationError
from lambent.stacks.records import Definition, OnFailure, Stack
from lambent.stacks.template.pseudo import partition_of

_NAME: Final = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_NAME_LIMIT: Final = 128


class StackRequest(msgspec.Struct):
    """A request to create or update a stack, or to make a change set. `name`: of the stack, or its id.

    None where the request says nothing and an update keeps what is there. `parameters`: maps with ParameterKey,
    ParameterValue, UsePreviousValue. `stack_policy`, `policy_during_update`: texts, "" for none. `on_failure`:
    `ROLLBACK`, `DELETE`, `DO_NOTHING`. `resources_to_import`: maps with ResourceType, LogicalResourceId,
    ResourceIdentifier. `change_set_type`: `CREATE`, `UPDATE`, `IMPORT`.
    """

    account: str
    region: str
    name: str
    template_body: str | None = None
    template_url: str | None = None
    use_previous: bool = False
    parameters: list[dict[str, Any]] = []
    capabilities: list[str] | None = None
    tags: dict[str, str] | None = None
    role: str | None = None
    notification_arns: list[str] | None = None
    rollback_configuration: dict[str, Any] | None = None
    timeout_minutes: int | None = None
    on_failure: str | None = None
    disable_rollback: bool | None = None
    retain_except_on_create: bool = False
    stack_policy: str = ""
    policy_during_update: str = ""
    termination_protection: bool = False
    token: str | None = None
    change_set_name: str = ""
    change_set_type: str = "UPDATE"
    description: str | None = None
    resources_to_import: list[dict[str, Any]] = []
    include_nested: bool = False
    on_stack_failure: str | None = None
    import_existing: bool = False
    deployment_mode: str | None = None
    resource_types: list[str] | None = None


def check_name(name: str) -> None:
    """Raises ValidationError for what cannot be a stack's name."""
    if len(name) > _NAME_LIMIT or not _NAME.fullmatch(name):
        raise ValidationError(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
            + (
                "Member must have length less than or equal to 128"
                if len(name) > _NAME_LIMIT
                else "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
            )
        )


class FailureWish(Protocol):
    """What says what is to be done on failure."""

    on_failure: str | None
    disable_rollback: bool | None


def on_failure_of(request: FailureWish) -> OnFailure:
    """What a request wants done when it fails. Raises ValidationError for what contradicts itself."""
    if request.on_failure is not None and request.disable_rollback is not None:
        raise ValidationError("You can specify either DisableRollback or OnFailure, but not both.")
    if request.disable_rollback or request.on_failure == "DO_NOTHING":
        return "DO_NOTHING"
    return "DELETE" if request.on_failure == "DELETE" else "ROLLBACK"


def new_stack(request: StackRequest, now_ms: int) -> Stack:
    """A stack that is not there yet."""
    partition = partition_of(request.region)[0]
    return Stack(
        id=f"arn:{partition}:cloudformation:{request.region}:{request.account}:stack/{request.name}/{uuid.uuid4()}",
        name=request.name,
        account=request.account,
        region=request.region,
        status="",
        created_ms=now_ms,
        definition=Definition(template=""),
    )


def fingerprint_of(request: StackRequest) -> str:
    """The same for the same request."""
    return hashlib.sha256(msgspec.json.encode(request)).hexdigest()
