"""What the triggers of a deployment group are told: a notification to a topic for what becomes of a deployment.

Members of the message: codedeploy/latest/userguide/monitoring-sns-event-notifications-json-format.html; deployments of
functions begin, succeed or fail. A topic that cannot be reached does not stop a deployment.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Final, Literal

from lambent.neighbours.service_calls import ServiceFailure, ServiceMissing

if TYPE_CHECKING:
    from lambent.stacks.providers.codedeploy.records import Deployment, Group
    from lambent.stacks.providers.provider import Work

_log = logging.getLogger(__name__)

_STATES: Final = ("Failed", "InProgress", "Pending", "Skipped", "Succeeded")


async def tell(
    work: Work,
    group: Group,
    deployment: Deployment,
    event: Literal["DeploymentStart", "DeploymentSuccess", "DeploymentFailure"],
) -> None:
    """Tell those triggers of the group that are for the event."""
    for trigger in group.properties.get("TriggerConfigurations") or ():
        topic = trigger.get("TriggerTargetArn")
        if not topic or event not in (trigger.get("TriggerEvents") or ()):
            continue
        message = {
            "region": deployment.region,
            "accountId": deployment.account,
            "eventTriggerName": trigger.get("TriggerName", ""),
            "applicationName": deployment.application,
            "deploymentId": deployment.name,
            "deploymentGroupName": deployment.group,
            "createTime": _moment(deployment.created_ms),
            "completeTime": _moment(deployment.completed_ms) if deployment.ended else None,
            "deploymentOverview": {state: str(int(state == deployment.status)) for state in _STATES},
            "status": deployment.status,
            "errorInformation": {"ErrorCode": deployment.error_code, "ErrorMessage": deployment.error}
            if deployment.error_code
            else None,
        }
        text = json.dumps({member: value for member, value in message.items() if value is not None})
        try:
            await work.call("sns", "Publish", TopicArn=topic, Message=text)
        except (ServiceFailure, ServiceMissing) as failure:
            _log.warning(
                "deployment %s: the trigger %s was not told of %s: %s",
                deployment.name,
                trigger.get("TriggerName", ""),
                event,
                failure,
            )


def _moment(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"
