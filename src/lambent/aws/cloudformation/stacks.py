"""Operations on stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.stacks.errors import ValidationError
from lambent.stacks.request import StackRequest

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.stacks.records import Event, Resource, Stack
    from lambent.stacks.stacks import Stacks

Members = dict[str, Any]


def stack_request(context: RequestContext, request: Members) -> StackRequest:
    """What CreateStack, UpdateStack and CreateChangeSet have in common."""
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
        stack_policy=request.get("StackPolicyBody") or "",
        policy_during_update=request.get("StackPolicyDuringUpdateBody") or "",
        termination_protection=bool(request.get("EnableTerminationProtection")),
        token=request.get("ClientRequestToken"),
    )


class StackOperations:
    """Create, update, delete, describe."""

    _stacks: Stacks

    async def create_stack(self, context: RequestContext, request: Members) -> Members:
        """Begins to create a stack."""
        stack = await self._stacks.create(stack_request(context, request))
        return {"StackId": stack.id}

    async def update_stack(self, context: RequestContext, request: Members) -> Members:
        """Begins to update a stack."""
        stack = await self._stacks.update(stack_request(context, request))
        return {"StackId": stack.id}

    async def delete_stack(self, context: RequestContext, request: Members) -> None:
        """Begins to delete a stack; one that is not there is no error."""
        await self._stacks.delete(
            context.account,
            context.region,
            request["StackName"],
            retain=request.get("RetainResources") or (),
            role=request.get("RoleARN") or "",
            token=request.get("ClientRequestToken") or "",
            force=request.get("DeletionMode") == "FORCE_DELETE_STACK",
        )

    async def describe_stacks(self, context: RequestContext, request: Members) -> Members:
        """One stack, or all that are not deleted."""
        name = request.get("StackName")
        if name:
            stacks = [self._stacks.find(context.account, context.region, name)]
        else:
            stacks = [
                stack
                for stack in self._stacks.stacks(context.account, context.region)
                if stack.status != "DELETE_COMPLETE"
            ]
        return {"Stacks": [_stack(stack) for stack in stacks]}

    async def describe_stack_events(self, context: RequestContext, request: Members) -> Members:
        """What has happened, the latest first."""
        name = request.get("StackName")
        if not name:
            raise ValidationError("StackName is required")
        stack = self._stacks.find(context.account, context.region, name)
        token = request.get("NextToken")
        events = await self._stacks.events(stack, before=int(token) if token else None)
        more = str(events[-1].number) if len(events) == 100 else None
        return {"StackEvents": [_event(event) for event in events], "NextToken": more}

    async def describe_stack_resources(self, context: RequestContext, request: Members) -> Members:
        """The resources of a stack."""
        stack = self._stacks.find(context.account, context.region, request.get("StackName") or "")
        wanted = request.get("LogicalResourceId")
        return {
            "StackResources": [
                {"StackName": stack.name, "StackId": stack.id, **_resource(resource)}
                for name, resource in stack.resources.items()
                if wanted in (None, name)
            ]
        }


def _stack(stack: Stack) -> Members:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": stack.description,
        "Parameters": stack.parameters,
        "CreationTime": stack.created_ms / 1000,
        "LastUpdatedTime": None if stack.updated_ms is None else stack.updated_ms / 1000,
        "DeletionTime": None if stack.deleted_ms is None else stack.deleted_ms / 1000,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": stack.disable_rollback,
        "NotificationARNs": stack.notification_arns,
        "Capabilities": stack.capabilities,
        "Outputs": [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export_name,
            }
            for output in stack.outputs
        ],
        "RoleARN": stack.role or None,
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "EnableTerminationProtection": stack.termination_protection,
        "ParentId": stack.parent_id,
        "RootId": stack.root_id,
        "DriftInformation": {"StackDriftStatus": stack.drift_status},
    }


def _event(event: Event) -> Members:
    return {
        "StackId": event.stack_id,
        "EventId": event.id,
        "StackName": event.stack_name,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": event.time_ms / 1000,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ResourceProperties": event.properties,
        "ClientRequestToken": event.token,
    }


def _resource(resource: Resource) -> Members:
    return {
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id or None,
        "ResourceType": resource.type,
        "Timestamp": resource.updated_ms / 1000,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": {"StackResourceDriftStatus": resource.drift_status},
    }
