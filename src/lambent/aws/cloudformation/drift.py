"""Operations on drift: what is not any more as its stack has made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.aws.cloudformation.errors import invalid
from lambent.aws.cloudformation.paging import page_of
from lambent.aws.cloudformation.requests import Members, seconds

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.stacks.records import ResourceDrift, Stack
    from lambent.stacks.stacks import Stacks

_MOST: Final = 100


class DriftOperations:
    """Detect and describe."""

    _stacks: Stacks

    async def detect_stack_drift(self, context: RequestContext, request: Members) -> Members:
        """Begins to look at a stack's resources."""
        detection_id = await self._stacks.detect_drift(
            context.account, context.region, request["StackName"], request.get("LogicalResourceIds")
        )
        return {"StackDriftDetectionId": detection_id}

    async def describe_stack_drift_detection_status(
        self, context: RequestContext, request: Members
    ) -> Members:
        """How far that is."""
        detection = self._stacks.drift_detection(
            context.account, context.region, request["StackDriftDetectionId"]
        )
        return {
            "StackId": detection.stack_id,
            "StackDriftDetectionId": detection.id,
            "StackDriftStatus": detection.drift_status,
            "DetectionStatus": detection.status,
            "DetectionStatusReason": detection.reason,
            "DriftedStackResourceCount": detection.drifted,
            "Timestamp": seconds(detection.time_ms),
        }

    async def detect_stack_resource_drift(self, context: RequestContext, request: Members) -> Members:
        """Looks at one resource and tells at once."""
        stack = self._stacks.find(context.account, context.region, request["StackName"])
        drift = await self._stacks.detect_resource_drift(
            context.account, context.region, request["StackName"], request["LogicalResourceId"]
        )
        return {"StackResourceDrift": _drift(stack, drift)}

    async def describe_stack_resource_drifts(self, context: RequestContext, request: Members) -> Members:
        """What was found the last time that somebody looked."""
        size = request.get("MaxResults") or _MOST
        if size > _MOST:
            raise invalid(
                f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
                f"Member must have value less than or equal to {_MOST}"
            )
        stack = self._stacks.find(context.account, context.region, request["StackName"])
        wanted = frozenset(request.get("StackResourceDriftStatusFilters") or ())
        drifts = (
            drift for drift in self._stacks.resource_drifts(stack) if not wanted or drift.status in wanted
        )
        page, more = page_of(drifts, request, lambda drift: drift.logical_id, size)
        return {"StackResourceDrifts": [_drift(stack, drift) for drift in page], "NextToken": more}


def _drift(stack: Stack, drift: ResourceDrift) -> Members:
    return {
        "StackId": stack.id,
        "LogicalResourceId": drift.logical_id,
        "PhysicalResourceId": drift.physical_id,
        "ResourceType": drift.type,
        "ExpectedProperties": drift.expected,
        "ActualProperties": drift.actual,
        "PropertyDifferences": drift.differences,
        "StackResourceDriftStatus": drift.status,
        "Timestamp": seconds(drift.time_ms),
    }
