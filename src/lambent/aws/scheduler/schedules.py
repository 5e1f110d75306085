"""Operations on schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.page_tokens import token_of
from lambent.aws.scheduler import paging
from lambent.aws.scheduler.errors import translating
from lambent.events.schedules.schedule import DEFAULT_GROUP, MAX_AGE_S, MAX_ATTEMPTS, Settings

if TYPE_CHECKING:
    import datetime

    from lambent.aws.context import RequestContext
    from lambent.events.schedules import Schedules
    from lambent.events.schedules.schedule import Schedule


class ScheduleOperations:
    """Create, get, list, update, delete."""

    schedules: Schedules

    async def create_schedule(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the ARN of the new schedule."""
        with translating():
            schedule = await self.schedules.create(
                _settings(request),
                account=context.account,
                region=context.region,
                partition=context.partition,
                group=request.get("GroupName") or DEFAULT_GROUP,
                name=request["Name"],
                token=request.get("ClientToken") or "",
            )
        return {"ScheduleArn": schedule.arn}

    async def get_schedule(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One schedule."""
        group = request.get("GroupName") or DEFAULT_GROUP
        with translating():
            self.schedules.group(context.account, context.region, context.partition, group)
            found = await self.schedules.get(context.account, context.region, group, request["Name"])
        return _described(found)

    async def update_schedule(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Replaces every setting: what the request leaves out gets its default."""
        group = request.get("GroupName") or DEFAULT_GROUP
        with translating():
            self.schedules.group(context.account, context.region, context.partition, group)
            schedule = await self.schedules.update(
                _settings(request),
                account=context.account,
                region=context.region,
                group=group,
                name=request["Name"],
            )
        return {"ScheduleArn": schedule.arn}

    async def delete_schedule(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a schedule."""
        group = request.get("GroupName") or DEFAULT_GROUP
        with translating():
            self.schedules.group(context.account, context.region, context.partition, group)
            await self.schedules.delete(context.account, context.region, group, request["Name"])

    async def list_schedules(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of schedules, by group and name."""
        group = request.get("GroupName")
        with translating():
            if group:
                self.schedules.group(context.account, context.region, context.partition, group)
            page = await self.schedules.page(
                context.account,
                context.region,
                group=group,
                name_prefix=request.get("NamePrefix") or "",
                state=request.get("State"),
                after=paging.after(request),
                size=paging.size(request),
            )
        return {
            "Schedules": [_summary(schedule) for schedule in page.schedules],
            "NextToken": token_of(page.schedules[-1].key) if page.more else None,
        }


def _settings(request: dict[str, Any]) -> Settings:
    """What a request sets, with the defaults that AWS shows (recorded: localstack's resource_providers tests)."""
    window = request["FlexibleTimeWindow"]
    retry = request["Target"].get("RetryPolicy") or {}
    policy = {"MaximumEventAgeInSeconds": MAX_AGE_S, "MaximumRetryAttempts": MAX_ATTEMPTS, **retry}
    return Settings(
        expression=request["ScheduleExpression"],
        timezone=request.get("ScheduleExpressionTimezone") or "UTC",
        target={**request["Target"], "RetryPolicy": policy},
        window_mode=window["Mode"],
        window_minutes=window.get("MaximumWindowInMinutes"),
        state=request.get("State") or "ENABLED",
        start_ms=_milliseconds(request.get("StartDate")),
        end_ms=_milliseconds(request.get("EndDate")),
        description=request.get("Description"),
        kms_key_arn=request.get("KmsKeyArn"),
        after_completion=request.get("ActionAfterCompletion") or "NONE",
    )


def _milliseconds(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _described(schedule: Schedule) -> dict[str, Any]:
    settings = schedule.settings
    return {
        "Arn": schedule.arn,
        "GroupName": schedule.group,
        "Name": schedule.name,
        "ScheduleExpression": settings.expression,
        "ScheduleExpressionTimezone": settings.timezone,
        "StartDate": _seconds(settings.start_ms),
        "EndDate": _seconds(settings.end_ms),
        "Description": settings.description,
        "State": settings.state,
        "CreationDate": _seconds(schedule.created_ms),
        "LastModificationDate": _seconds(schedule.modified_ms),
        "KmsKeyArn": settings.kms_key_arn,
        "Target": settings.target,
        "FlexibleTimeWindow": {
            "Mode": settings.window_mode,
            "MaximumWindowInMinutes": settings.window_minutes,
        },
        "ActionAfterCompletion": settings.after_completion,
    }


def _summary(schedule: Schedule) -> dict[str, Any]:
    return {
        "Arn": schedule.arn,
        "Name": schedule.name,
        "GroupName": schedule.group,
        "State": schedule.settings.state,
        "CreationDate": _seconds(schedule.created_ms),
        "LastModificationDate": _seconds(schedule.modified_ms),
        "Target": {"Arn": schedule.settings.target["Arn"]},
    }
