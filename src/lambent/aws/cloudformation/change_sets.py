"""Operations on change sets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from lambent.aws.cloudformation.paging import page_of, slice_of
from lambent.aws.cloudformation.requests import Members, seconds, settled, stack_request, tag_list
from lambent.stacks.errors import ChangeSetNotFound, StackNotFound

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.stacks.records import ChangeSet
    from lambent.stacks.stacks import Stacks

_UNKNOWN_YET: Final = frozenset({"CREATE_PENDING", "CREATE_IN_PROGRESS"})
_WAITERS_S: Final = 5.0
_LOOK_S: Final = 0.02


class ChangeSetOperations:
    """Create, describe, execute, delete, list."""

    _stacks: Stacks

    async def create_change_set(self, context: RequestContext, request: Members) -> Members:
        """What it would change is found out in the background."""
        wanted = stack_request(context, request)
        wanted.token = request.get("ClientToken")
        wanted.change_set_name = request["ChangeSetName"]
        wanted.change_set_type = request.get("ChangeSetType") or "UPDATE"
        wanted.description = request.get("Description")
        wanted.resources_to_import = request.get("ResourcesToImport") or []
        wanted.include_nested = bool(request.get("IncludeNestedStacks"))
        wanted.on_stack_failure = request.get("OnStackFailure")
        wanted.import_existing = bool(request.get("ImportExistingResources"))
        wanted.deployment_mode = request.get("DeploymentMode")
        change_set = await self._stacks.create_change_set(wanted)
        return {"Id": change_set.id, "StackId": change_set.stack_id}

    async def describe_change_set(self, context: RequestContext, request: Members) -> Members:
        """What it would change, a hundred changes a page."""
        change_set = self._change_set(context, request)
        if context.waits:
            await _decided(change_set)
        with_values = bool(request.get("IncludePropertyValues"))
        changes = change_set.changes_with_values if with_values else change_set.changes
        page, more = slice_of(changes, request)
        return {
            "ChangeSetName": change_set.name,
            "ChangeSetId": change_set.id,
            "StackId": change_set.stack_id,
            "StackName": change_set.stack_name,
            "Description": change_set.description,
            "Parameters": change_set.parameters or None,
            "CreationTime": seconds(change_set.created_ms),
            "ExecutionStatus": change_set.execution_status,
            "Status": change_set.status,
            "StatusReason": change_set.reason,
            "NotificationARNs": change_set.notification_arns,
            "RollbackConfiguration": change_set.rollback_configuration,
            "Capabilities": change_set.capabilities,
            "Tags": tag_list(change_set.tags) or None,
            "Changes": [{"Type": "Resource", "ResourceChange": change} for change in page],
            "NextToken": more,
            "IncludeNestedStacks": change_set.include_nested,
            "ParentChangeSetId": change_set.parent_id,
            "RootChangeSetId": change_set.root_id,
            "OnStackFailure": change_set.on_stack_failure,
            "DeploymentMode": change_set.deployment_mode,
        }

    async def describe_change_set_hooks(self, context: RequestContext, request: Members) -> Members:
        """There are no hooks here: none is invoked."""
        change_set = self._change_set(context, request)
        return {
            "ChangeSetId": change_set.id,
            "ChangeSetName": change_set.name,
            "StackId": change_set.stack_id,
            "StackName": change_set.stack_name,
            "Status": "PLANNING" if change_set.status in _UNKNOWN_YET else "PLANNED",
            "Hooks": [],
        }

    async def execute_change_set(self, context: RequestContext, request: Members) -> Members:
        """Begins to do what it says."""
        change_set = self._change_set(context, request)
        await self._stacks.execute_change_set(
            context.account,
            context.region,
            request["ChangeSetName"],
            request.get("StackName"),
            token=request.get("ClientRequestToken") or "",
            disable_rollback=request.get("DisableRollback"),
            retain_except_on_create=bool(request.get("RetainExceptOnCreate")),
        )
        await settled(self._stacks, self._stacks.find(context.account, context.region, change_set.stack_id))
        return {}

    async def delete_change_set(self, context: RequestContext, request: Members) -> Members:
        """It is gone at once, and its nested ones with it. One that is not there is no error where its stack is: CDK
        counts on that.
        """
        with contextlib.suppress(ChangeSetNotFound):
            await self._stacks.delete_change_set(
                context.account, context.region, request["ChangeSetName"], request.get("StackName")
            )
        return {}

    async def list_change_sets(self, context: RequestContext, request: Members) -> Members:
        """Those of a stack, oldest first."""
        name = request["StackName"]
        try:
            stack = self._stacks.find(context.account, context.region, name)
        except StackNotFound:
            raise StackNotFound(f"Stack [{name}] does not exist") from None
        page, more = page_of(
            self._stacks.change_sets(stack), request, lambda one: f"{one.created_ms:015d}{one.id}"
        )
        return {"Summaries": [_summary(one) for one in page], "NextToken": more}

    def _change_set(self, context: RequestContext, request: Members) -> ChangeSet:
        return self._stacks.change_set(
            context.account, context.region, request["ChangeSetName"], request.get("StackName")
        )


async def _decided(change_set: ChangeSet) -> None:
    """Keep a waiter until it is known what is changed, which takes long only where functions are asked."""
    until = time.monotonic() + _WAITERS_S
    while change_set.status in _UNKNOWN_YET and time.monotonic() < until:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(_LOOK_S)


def _summary(change_set: ChangeSet) -> Members:
    return {
        "StackId": change_set.stack_id,
        "StackName": change_set.stack_name,
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "StatusReason": change_set.reason,
        "CreationTime": seconds(change_set.created_ms),
        "Description": change_set.description,
        "IncludeNestedStacks": change_set.include_nested,
        "ParentChangeSetId": change_set.parent_id,
        "RootChangeSetId": change_set.root_id,
    }
