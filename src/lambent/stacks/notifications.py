"""Events of stacks, told to the topics that the stacks name.

The message's lines are those that AWS sends: a member, `=`, and its value in single quotes
(AWSCloudFormation/latest/UserGuide/cfn-console-create-stack.html, "Notification options"; messages in public
repositories that read them). Events are published in their order, at most once: what waits when the platform ends is
not published after all, and is in the stack's events.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from lambent.clock import time_text
from lambent.neighbours.service_calls import ServiceCall, ServiceFailure, ServiceMissing

if TYPE_CHECKING:
    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.records import Event, Stack

_MOST_WAITING: Final = 10_000

_log = logging.getLogger(__name__)


class Notifications:
    """Publishes with one task, in the order of events."""

    def __init__(self, ask: AskService) -> None:
        self._ask = ask
        self._waiting: deque[ServiceCall] = deque(maxlen=_MOST_WAITING)
        self._task: asyncio.Task[None] | None = None

    def publish(self, stack: Stack, events: list[Event]) -> None:
        """Tell the stack's topics of events."""
        for arn in stack.notification_arns:
            parts = arn.split(":")
            region = parts[3] if len(parts) > 3 else stack.region
            for event in events:
                parameters = {
                    "TopicArn": arn,
                    "Subject": "AWS CloudFormation Notification",
                    "Message": message(stack, event),
                }
                self._waiting.append(ServiceCall("sns", "Publish", parameters, region, stack.account, ""))
        if self._waiting and self._task is None:
            self._task = asyncio.create_task(self._run(), name="notifications of stacks")

    async def drain(self, seconds: float) -> None:
        """Publish what waits, for at most `seconds`."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds)
        if self._task is not None:
            self._task.cancel()

    def forget(self) -> None:
        """Publish nothing of what waits."""
        self._waiting.clear()

    async def _run(self) -> None:
        try:
            while self._waiting:
                call = self._waiting.popleft()
                try:
                    await self._ask(call)
                except (ServiceFailure, ServiceMissing, OSError, ValueError) as failure:
                    _log.warning("an event was not published to %s: %s", call.parameters["TopicArn"], failure)
        finally:
            self._task = None


def message(stack: Stack, event: Event) -> str:
    """An event as it is published."""
    at = time_text(event.time_ms)[:-1]
    members = {
        "StackId": event.stack_id,
        "Timestamp": f"{at}.{event.time_ms % 1000:03}Z",
        "EventId": event.id,
        "LogicalResourceId": event.logical_id,
        "Namespace": stack.account,
        "PhysicalResourceId": event.physical_id,
        "ResourceProperties": event.properties or "null",
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or "",
        "ResourceType": event.type,
        "StackName": event.stack_name,
        "ClientRequestToken": event.token or "null",
    }
    return "".join(f"{name}='{value}'\n" for name, value in members.items())
