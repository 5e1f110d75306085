"""Operations on stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.aws.cloudformation.errors import invalid
from lambent.aws.cloudformation.paging import page_of
from lambent.aws.cloudformation.requests import (
    Members,
    awaited,
    check_role,
    seconds,
    settled,
    stack_request,
    tag_list,
)
from lambent.stacks.errors import StackNotFound

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.stacks.records import Output, Stack
    from lambent.stacks.request import StackRequest
    from lambent.stacks.stacks import Stacks
    from lambent.stacks.transforms import Fetcher

_GONE: Final = "DELETE_COMPLETE"


class StackOperations:
    """Create, update, delete, describe, list, and what stops or continues them."""

    _stacks: Stacks
    _fetcher: Fetcher

    async def create_stack(self, context: RequestContext, request: Members) -> Members:
        """Begins to create a stack."""
        stack = await self._stacks.create(await self._with_policies(context, request))
        await settled(self._stacks, stack)
        return {"StackId": stack.id}

    async def update_stack(self, context: RequestContext, request: Members) -> Members:
        """Begins to update a stack."""
        stack = await self._stacks.update(await self._with_policies(context, request))
        await settled(self._stacks, stack)
        return {"StackId": stack.id}

    async def delete_stack(self, context: RequestContext, request: Members) -> None:
        """Begins to delete a stack; one that is not there is no error."""
        check_role(request)
        try:
            stack = self._stacks.find(context.account, context.region, request["StackName"])
        except StackNotFound:
            return
        await self._stacks.delete(
            context.account,
            context.region,
            request["StackName"],
            retain=request.get("RetainResources") or (),
            role=request.get("RoleARN") or "",
            token=request.get("ClientRequestToken") or "",
            force=request.get("DeletionMode") == "FORCE_DELETE_STACK",
        )
        await settled(self._stacks, stack)

    async def cancel_update_stack(self, context: RequestContext, request: Members) -> None:
        """An update that runs goes back."""
        await self._stacks.cancel_update(
            context.account,
            context.region,
            request["StackName"],
            token=request.get("ClientRequestToken") or "",
        )

    async def continue_update_rollback(self, context: RequestContext, request: Members) -> Members:
        """Goes on where going back has failed."""
        check_role(request)
        await self._stacks.continue_rollback(
            context.account,
            context.region,
            request["StackName"],
            skip=request.get("ResourcesToSkip") or (),
            role=request.get("RoleARN") or "",
            token=request.get("ClientRequestToken") or "",
        )
        return {}

    async def rollback_stack(self, context: RequestContext, request: Members) -> Members:
        """Goes back from a failure whose resources were kept."""
        check_role(request)
        stack = await self._stacks.rollback(
            context.account,
            context.region,
            request["StackName"],
            role=request.get("RoleARN") or "",
            token=request.get("ClientRequestToken") or "",
            retain_except_on_create=bool(request.get("RetainExceptOnCreate")),
        )
        return {"StackId": stack.id}

    async def update_termination_protection(self, context: RequestContext, request: Members) -> Members:
        """Of a stack that is not nested."""
        found = self._stacks.find(context.account, context.region, request["StackName"])
        if found.parent_id is not None:
            raise invalid(
                f"Stack [{found.id}] is a nested stack, please enable or disable TerminationProtection for the root "
                "stack"
            )
        stack = await self._stacks.set_termination_protection(
            context.account, context.region, request["StackName"], request["EnableTerminationProtection"]
        )
        return {"StackId": stack.id}

    async def describe_stacks(self, context: RequestContext, request: Members) -> Members:
        """One stack, or all that are not deleted, the latest first."""
        name = request.get("StackName")
        if name:
            stack = self._stacks.find(context.account, context.region, name)
            await awaited(context, self._stacks, stack)
            return {"Stacks": [_stack(stack)]}
        stacks = (
            stack for stack in self._stacks.stacks(context.account, context.region) if stack.status != _GONE
        )
        page, more = page_of(stacks, request, _latest_first)
        return {"Stacks": [_stack(stack) for stack in page], "NextToken": more}

    async def list_stacks(self, context: RequestContext, request: Members) -> Members:
        """Those of some statuses, deleted ones too, the latest first."""
        wanted = frozenset(request.get("StackStatusFilter") or ())
        stacks = (
            stack
            for stack in self._stacks.stacks(context.account, context.region)
            if not wanted or stack.status in wanted
        )
        page, more = page_of(stacks, request, _latest_first)
        return {"StackSummaries": [_summary(stack) for stack in page], "NextToken": more}

    async def _with_policies(self, context: RequestContext, request: Members) -> StackRequest:
        wanted = stack_request(context, request)
        wanted.stack_policy = await self._policy_text(context, request, "StackPolicy")
        wanted.policy_during_update = await self._policy_text(context, request, "StackPolicyDuringUpdate")
        return wanted

    async def _policy_text(self, context: RequestContext, request: Members, name: str) -> str:
        """A stack policy that stands in the request or in S3; "" for none. Raises ServiceError, ValidationError."""
        body, url = request.get(f"{name}Body"), request.get(f"{name}URL")
        if body is not None and url is not None:
            raise invalid(f"You cannot specify both {name}Body and {name}URL")
        if url is not None:
            return await self._fetcher.text(url, context.account, context.region)
        return body or ""


def _latest_first(stack: Stack) -> str:
    return f"{10**15 - stack.created_ms:016d}{stack.id}"


def _stack(stack: Stack) -> Members:
    gone = stack.status == _GONE
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": None if gone else stack.change_set_id,
        "Description": stack.description,
        "Parameters": stack.parameters or None,
        "CreationTime": seconds(stack.created_ms),
        "LastUpdatedTime": seconds(stack.updated_ms),
        "DeletionTime": seconds(stack.deleted_ms),
        "RollbackConfiguration": stack.rollback_configuration,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": stack.disable_rollback,
        "NotificationARNs": stack.notification_arns,
        "TimeoutInMinutes": stack.timeout_minutes,
        "Capabilities": stack.capabilities or None,
        "Outputs": [_output(output) for output in stack.outputs] or None,
        "RoleARN": stack.role or None,
        "Tags": tag_list(stack.tags),
        "EnableTerminationProtection": None if gone else stack.termination_protection,
        "ParentId": stack.parent_id,
        "RootId": stack.root_id,
        "DriftInformation": {
            "StackDriftStatus": stack.drift_status,
            "LastCheckTimestamp": seconds(stack.drift_checked_ms),
        },
        "RetainExceptOnCreate": stack.retain_except_on_create or None,
        # Recorded of a deleted stack (LocalStack, test_change_sets, "delete-describe"): nothing of STANDARD is told.
        "DeletionMode": stack.deletion_mode if stack.deletion_mode == "FORCE_DELETE_STACK" else None,
    }


def _output(output: Output) -> Members:
    return {
        "OutputKey": output.key,
        "OutputValue": output.value,
        "Description": output.description,
        "ExportName": output.export_name,
    }


def _summary(stack: Stack) -> Members:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "TemplateDescription": stack.description,
        "CreationTime": seconds(stack.created_ms),
        "LastUpdatedTime": seconds(stack.updated_ms),
        "DeletionTime": seconds(stack.deleted_ms),
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "ParentId": stack.parent_id,
        "RootId": stack.root_id,
        "DriftInformation": {
            "StackDriftStatus": stack.drift_status,
            "LastCheckTimestamp": seconds(stack.drift_checked_ms),
        },
    }
