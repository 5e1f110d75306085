"""Operations on the targets of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.aws.events.paging import page_of
from lambent.events.bus import Target

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.events.bus import Buses

_PARAMETERS: Final = (
    "KinesisParameters",
    "RunCommandParameters",
    "EcsParameters",
    "BatchParameters",
    "SqsParameters",
    "HttpParameters",
    "RedshiftDataParameters",
    "SageMakerPipelineParameters",
    "AppSyncParameters",
)


class TargetOperations:
    """A part of `EventsService`."""

    _buses: Buses

    async def put_targets(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        await self._buses.rules.put_targets(
            context.account,
            context.region,
            request.get("EventBusName"),
            request["Rule"],
            [_read(target) for target in request["Targets"]],
        )
        return {"FailedEntryCount": 0, "FailedEntries": []}

    async def remove_targets(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        missing = await self._buses.rules.remove_targets(
            context.account, context.region, request.get("EventBusName"), request["Rule"], request["Ids"]
        )
        failed = [
            {
                "TargetId": one.target_id,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": one.message,
            }
            for one in missing
        ]
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    async def list_targets_by_rule(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        rule = self._buses.rules.get(
            context.account,
            context.region,
            request.get("EventBusName"),
            request["Rule"],
            "events:ListTargetsByRule",
        )
        page, token = page_of(rule.targets, request)
        return {"Targets": [_described(target) for target in page], "NextToken": token}


def _read(target: dict[str, Any]) -> Target:
    transformer = target.get("InputTransformer", {})
    retry = target.get("RetryPolicy", {})
    return Target(
        id=target["Id"],
        arn=target["Arn"],
        role_arn=target.get("RoleArn"),
        input=target.get("Input"),
        input_path=target.get("InputPath"),
        paths=transformer.get("InputPathsMap"),
        template=transformer.get("InputTemplate"),
        max_attempts=retry.get("MaximumRetryAttempts"),
        max_age_s=retry.get("MaximumEventAgeInSeconds"),
        dead_letter_arn=target.get("DeadLetterConfig", {}).get("Arn"),
        parameters={name: target[name] for name in _PARAMETERS if name in target},
    )


def _described(target: Target) -> dict[str, Any]:
    transformer = {"InputPathsMap": target.paths, "InputTemplate": target.template}
    retry = {"MaximumRetryAttempts": target.max_attempts, "MaximumEventAgeInSeconds": target.max_age_s}
    return {
        "Id": target.id,
        "Arn": target.arn,
        "RoleArn": target.role_arn,
        "Input": target.input,
        "InputPath": target.input_path,
        "InputTransformer": _without_none(transformer) if target.template is not None else None,
        "RetryPolicy": _without_none(retry) or None,
        "DeadLetterConfig": None if target.dead_letter_arn is None else {"Arn": target.dead_letter_arn},
        **target.parameters,
    }


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
