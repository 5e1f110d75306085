"""CloudWatch: alarms and dashboards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    chosen,
    document_of,
    document_text,
    name_of,
    own_pairs,
    pairs,
    refuse,
    tag_changes,
    tags_of,
    told,
    unless,
    untold,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 255
_SERVICE: Final = "cloudwatch"

_METRIC: Final = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "InsufficientDataActions",
    "OKActions",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluateLowSampleCountPercentile",
    "EvaluationPeriods",
    "ExtendedStatistic",
    "MetricName",
    "Metrics",
    "Namespace",
    "Period",
    "Statistic",
    "Threshold",
    "ThresholdMetricId",
    "TreatMissingData",
    "Unit",
)
_NOT_SERVED: Final = (
    "ActionConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
    "EvaluationWindow",
    "WarmUpConfiguration",
)


class AlarmProvider(ServiceProvider):
    """`AWS::CloudWatch::Alarm`: Ref is its name. One operation makes and changes."""

    type: ClassVar[str] = "AWS::CloudWatch::Alarm"

    async def create(self, work: Work) -> Made:
        name = name_of(work, "AlarmName", _NAME_LIMIT)
        if not work.again and await self._facts(work, name) is not None:
            raise already_exists(work, name)
        await self._put(work, name, tags=pairs(tags_of(work)))
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        name = work.physical_id
        await self._put(work, name)
        await _retag(work, arn(work, _SERVICE, f"alarm:{name}"))
        return await self.made(work, name)

    async def delete(self, work: Work) -> None:
        await unless(work.call(_SERVICE, "DeleteAlarms", AlarmNames=[work.physical_id]))

    async def read(self, work: Work) -> Properties | None:
        facts = await self._facts(work, work.physical_id)
        if facts is None:
            return None
        tags = await work.call(_SERVICE, "ListTagsForResource", ResourceARN=facts["AlarmArn"])
        own = own_pairs(tags.get("Tags", []))
        return told({**chosen(facts, ("AlarmName", *_METRIC)), "Tags": own})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": arn(work, _SERVICE, f"alarm:{physical_id}")})

    async def _put(self, work: Work, name: str, tags: list[dict[str, str]] | None = None) -> None:
        refuse(work, *_NOT_SERVED)
        members = chosen(work.properties, _METRIC)
        await work.call(_SERVICE, "PutMetricAlarm", AlarmName=name, **members, Tags=tags or None)

    async def _facts(self, work: Work, name: str) -> dict[str, Any] | None:
        found = await work.call(_SERVICE, "DescribeAlarms", AlarmNames=[name])
        alarms: list[dict[str, Any]] = found.get("MetricAlarms") or []
        return alarms[0] if alarms else None


class DashboardProvider(ServiceProvider):
    """`AWS::CloudWatch::Dashboard`: Ref is its name."""

    type: ClassVar[str] = "AWS::CloudWatch::Dashboard"

    async def create(self, work: Work) -> Made:
        name = name_of(work, "DashboardName", _NAME_LIMIT)
        if not work.again and await self._body(work, name) is not None:
            raise already_exists(work, name)
        return await self._put(work, name, tags=pairs(tags_of(work)))

    async def update(self, work: Work) -> Made:
        await _retag(
            work, f"arn:{work.stack.partition}:cloudwatch::{work.stack.account}:dashboard/{work.physical_id}"
        )
        return await self._put(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call(_SERVICE, "DeleteDashboards", DashboardNames=[work.physical_id]),
            "ResourceNotFound",
            "DashboardNotFoundError",
            "ResourceNotFoundException",
        )

    async def read(self, work: Work) -> Properties | None:
        body = await self._body(work, work.physical_id)
        live = {"DashboardName": work.physical_id, "DashboardBody": body}
        return None if body is None else untold(work, live, "Tags")

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id)

    async def _put(self, work: Work, name: str, tags: list[dict[str, str]] | None = None) -> Made:
        body = document_text(work.properties["DashboardBody"])
        await work.call(_SERVICE, "PutDashboard", DashboardName=name, DashboardBody=body, Tags=tags or None)
        return Made(name)

    @staticmethod
    async def _body(work: Work, name: str) -> Any:
        found = await unless(
            work.call(_SERVICE, "GetDashboard", DashboardName=name),
            "ResourceNotFound",
            "DashboardNotFoundError",
            "ResourceNotFoundException",
        )
        return None if found is None else document_of(found["DashboardBody"])


async def _retag(work: Work, resource: str) -> None:
    tags = tag_changes(work)
    # moto knows of no tags but those of alarms.
    if tags.removed:
        await unless(work.call(_SERVICE, "UntagResource", ResourceARN=resource, TagKeys=tags.removed))
    if tags.put:
        await unless(work.call(_SERVICE, "TagResource", ResourceARN=resource, Tags=pairs(tags.put)))
