"""What CreateStack, UpdateStack and CreateChangeSet ask, as a request to stacks."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Any, Final

from lambent.aws.cloudformation.errors import invalid
from lambent.aws.errors import ServiceError
from lambent.stacks.request import StackRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.aws.context import RequestContext
    from lambent.stacks.records import Stack
    from lambent.stacks.stacks import Stacks

Members = dict[str, Any]

_ROLE: Final = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/.")
_ARN: Final = re.compile(r"arn:[a-z-]+:cloudformation:([a-z0-9-]+):(\d{12}):")
_PATIENCE_S: Final = 2.5
"""How long what begins an operation waits for its end: most have ended then, and clients that look for it wait for
seconds before they look again.
"""
_WAITERS_S: Final = 20.0
"""How long waiters of SDKs are kept: they would come back after up to half a minute, and give up after a minute
without an answer.
"""


def stack_request(context: RequestContext, request: Members) -> StackRequest:
    """Those members that the three have in common. Raises ServiceError."""
    tags = request.get("Tags")
    _check_tags(tags or ())
    check_role(request)
    return StackRequest(
        account=context.account,
        region=context.region,
        name=request.get("StackName") or "",
        template_body=request.get("TemplateBody"),
        template_url=request.get("TemplateURL"),
        use_previous=bool(request.get("UsePreviousTemplate")),
        parameters=request.get("Parameters") or [],
        capabilities=request.get("Capabilities"),
        tags=None if tags is None else {tag["Key"]: tag["Value"] for tag in tags},
        role=request.get("RoleARN"),
        notification_arns=request.get("NotificationARNs"),
        rollback_configuration=request.get("RollbackConfiguration"),
        timeout_minutes=request.get("TimeoutInMinutes"),
        on_failure=request.get("OnFailure"),
        disable_rollback=request.get("DisableRollback"),
        retain_except_on_create=bool(request.get("RetainExceptOnCreate")),
        termination_protection=bool(request.get("EnableTerminationProtection")),
        token=request.get("ClientRequestToken"),
        resource_types=request.get("ResourceTypes"),
    )


def check_role(request: Members) -> None:
    """Whether RoleARN is a role's. Whether it is there, and whose it is, is not looked at. Raises ServiceError.

    Words: glassechidna/stackit#21.
    """
    arn = request.get("RoleARN")
    if arn is not None and not _ROLE.match(arn):
        raise invalid(f"{arn} is not a valid RoleARN")


def check_account(context: RequestContext, request: Members) -> None:
    """Whether ARNs of stacks and change sets are of the caller's account, and of this region. Raises ServiceError.

    Words: crossplane-contrib/provider-aws#2272.
    """
    name, change_set = request.get("StackName"), request.get("ChangeSetName")
    found = _ARN.match(name) if isinstance(name, str) else None
    if found is not None and found[2] != context.account:
        raise invalid(
            f"Resource account ({context.account}) doesn't match account ({found[2]}) parsed from ARN: {name}"
        )
    found = _ARN.match(change_set) if isinstance(change_set, str) else None
    if found is not None and (found[1], found[2]) != (context.region, context.account):
        raise ServiceError("ChangeSetNotFoundException", f"ChangeSet [{change_set}] does not exist")


def _check_tags(tags: Iterable[Members]) -> None:
    """Words: aws-quickstart/quickstart-amazon-eks#42, elastic/cloud-on-k8s#9232."""
    keys = [tag["Key"] for tag in tags]
    if any(key.startswith("aws:") for key in keys):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    if len(set(keys)) < len(keys):
        raise invalid("Tags contain duplicate keys; tag keys must be unique")


def seconds(milliseconds: int | None) -> float | None:
    """A time as the protocol tells it."""
    return None if milliseconds is None else milliseconds / 1000


def tag_list(tags: dict[str, str]) -> list[Members]:
    """Tags as the protocol tells them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


async def settled(stacks: Stacks, stack: Stack, at_most: float = _PATIENCE_S) -> None:
    """Wait a little for the end of what has begun."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stacks.finished(stack), at_most)


async def awaited(context: RequestContext, stacks: Stacks, stack: Stack) -> None:
    """Wait for the end of what is being done with a stack, where a waiter asks what it has come to."""
    if context.waits and stack.operation is not None:
        await settled(stacks, stack, _WAITERS_S)
