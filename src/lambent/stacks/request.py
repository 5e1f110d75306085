"""What is asked of stacks: the members of CreateStack, UpdateStack and CreateChangeSet."""

from __future__ import annotations

from typing import Any

import msgspec


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
