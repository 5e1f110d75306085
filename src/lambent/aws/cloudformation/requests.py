"""What CreateStack, UpdateStack and CreateChangeSet ask, as a request to stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.stacks.request import StackRequest

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext

Members = dict[str, Any]


def stack_request(context: RequestContext, request: Members) -> StackRequest:
    """Those members that the three have in common."""
    tags = request.get("Tags")
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
    )


def seconds(milliseconds: int | None) -> float | None:
    """A time as the protocol tells it."""
    return None if milliseconds is None else milliseconds / 1000


def tag_list(tags: dict[str, str]) -> list[Members]:
    """Tags as the protocol tells them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
