"""Operations on the resources of stacks, and on what has happened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.aws.cloudformation.errors import invalid
from lambent.aws.cloudformation.paging import PAGE, number_of, page_of
from lambent.aws.cloudformation.requests import Members, seconds
from lambent.aws.page_tokens import token_of
from lambent.stacks.errors import StackNotFound

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.stacks.records import Event, Resource, Stack
    from lambent.stacks.stacks import Stacks


class ResourceOperations:
    """Describe and list resources and events."""

    _stacks: Stacks

    async def describe_stack_resource(self, context: RequestContext, request: Members) -> Members:
        """One resource, with its metadata."""
        stack = self._stack_of(context, request["StackName"])
        logical_id = request["LogicalResourceId"]
        resource = _known(stack).get(logical_id)
        if resource is None:
            raise invalid(f"Resource {logical_id} does not exist for stack {stack.name}")
        metadata = msgspec.json.encode(resource.metadata).decode() if resource.metadata else None
        return {
            "StackResourceDetail": {
                "StackName": stack.name,
                "StackId": stack.id,
                **_facts(resource),
                "LastUpdatedTimestamp": seconds(resource.updated_ms),
                "Description": resource.description,
                "Metadata": metadata or "{}",
            }
        }

    async def describe_stack_resources(self, context: RequestContext, request: Members) -> Members:
        """The resources of a stack, or of the stack that one of them, by its physical id, is of."""
        name, physical_id = request.get("StackName"), request.get("PhysicalResourceId")
        if name and physical_id:
            raise invalid("Only one of StackName or PhysicalResourceId can be specified.")
        if not name and not physical_id:
            raise invalid("Either StackName or PhysicalResourceId must be specified.")
        stack = self._stacks.find(context.account, context.region, name) if name else None
        if stack is None:
            stack = self._stack_with(context, str(physical_id))
        wanted = request.get("LogicalResourceId")
        return {
            "StackResources": [
                {
                    "StackName": stack.name,
                    "StackId": stack.id,
                    **_facts(resource),
                    "Timestamp": seconds(resource.updated_ms),
                    "Description": resource.description,
                }
                for logical_id, resource in sorted(_known(stack).items())
                if wanted in (None, logical_id)
            ]
        }

    async def list_stack_resources(self, context: RequestContext, request: Members) -> Members:
        """The same in pages and with less of each."""
        name = request["StackName"]
        stack = self._stacks.find(context.account, context.region, name)
        page, more = page_of(_known(stack).values(), request, lambda resource: resource.logical_id)
        return {
            "StackResourceSummaries": [
                {**_facts(resource), "LastUpdatedTimestamp": seconds(resource.updated_ms)}
                for resource in page
            ],
            "NextToken": more,
        }

    async def describe_stack_events(self, context: RequestContext, request: Members) -> Members:
        """What has happened to a stack and its resources, the latest first."""
        name = request.get("StackName")
        if not name:
            raise invalid(
                "1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not "
                "be null"
            )
        try:
            stack = self._stacks.find(context.account, context.region, name)
        except StackNotFound:
            raise StackNotFound(f"Stack [{name}] does not exist") from None
        token = request.get("NextToken")
        events = await self._stacks.events(stack, limit=PAGE, before=number_of(token) if token else None)
        more = token_of(str(events[-1].number)) if len(events) == PAGE else None
        return {"StackEvents": [_event(event) for event in events], "NextToken": more}

    async def signal_resource(self, context: RequestContext, request: Members) -> None:
        """Tells a resource whose CreationPolicy waits for signals."""
        stack = self._stacks.find(context.account, context.region, request["StackName"])
        if not stack.status.endswith("_IN_PROGRESS"):
            raise invalid(f"Stack {stack.id} is in {stack.status} state and cannot be signaled")
        logical_id = request["LogicalResourceId"]
        if logical_id not in stack.resources:
            raise invalid(f"Resource {logical_id} does not exist for stack {stack.name}")
        raise invalid(
            f"Resource {logical_id} waits for no signals: resources whose CreationPolicy has a ResourceSignal are not "
            "served by this platform. Wait conditions with a handle are."
        )

    def _stack_of(self, context: RequestContext, name: str) -> Stack:
        try:
            return self._stacks.find(context.account, context.region, name)
        except StackNotFound:
            raise StackNotFound(f"Stack '{name}' does not exist") from None

    def _stack_with(self, context: RequestContext, physical_id: str) -> Stack:
        for stack in self._stacks.stacks(context.account, context.region):
            if stack.status != "DELETE_COMPLETE" and any(
                resource.physical_id == physical_id for resource in stack.resources.values()
            ):
                return stack
        raise StackNotFound(f"Stack for {physical_id} does not exist")


def _known(stack: Stack) -> dict[str, Resource]:
    """Those whose turn has come."""
    return {name: resource for name, resource in stack.resources.items() if resource.status}


def _facts(resource: Resource) -> Members:
    return {
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id or None,
        "ResourceType": resource.type,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": {
            "StackResourceDriftStatus": resource.drift_status,
            "LastCheckTimestamp": seconds(resource.drift_checked_ms),
        },
    }


def _event(event: Event) -> Members:
    return {
        "StackId": event.stack_id,
        "EventId": event.id,
        "StackName": event.stack_name,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": seconds(event.time_ms),
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ResourceProperties": event.properties,
        "ClientRequestToken": event.token,
    }
