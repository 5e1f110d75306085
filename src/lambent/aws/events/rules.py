"""Operations on rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.events.paging import page_of
from lambent.aws.events.tags import tags_of

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.events.bus import Buses, Rule


class RuleOperations:
    """A part of `EventsService`."""

    _buses: Buses

    async def put_rule(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        rule = await self._buses.rules.put(
            context.account,
            context.region,
            request.get("EventBusName"),
            request["Name"],
            # Tools send an empty text for what is not set.
            pattern=request.get("EventPattern") or None,
            schedule=request.get("ScheduleExpression") or None,
            state=request.get("State", "ENABLED"),
            description=request.get("Description"),
            role_arn=request.get("RoleArn"),
            tags=tags_of(request.get("Tags", [])),
        )
        return {"RuleArn": rule.arn}

    async def describe_rule(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        rule = self._buses.rules.get(
            context.account,
            context.region,
            request.get("EventBusName"),
            request["Name"],
            "events:DescribeRule",
        )
        return {**_described(rule), "CreatedBy": rule.created_by}

    async def list_rules(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        found = self._buses.rules.rules(
            context.account, context.region, request.get("EventBusName"), request.get("NamePrefix", "")
        )
        page, token = page_of(found, request)
        return {"Rules": [_described(rule) for rule in page], "NextToken": token}

    async def list_rule_names_by_target(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        found = self._buses.rules.names_by_target(
            context.account, context.region, request.get("EventBusName"), request["TargetArn"]
        )
        page, token = page_of(found, request)
        return {"RuleNames": list(page), "NextToken": token}

    async def enable_rule(self, context: RequestContext, request: dict[str, Any]) -> None:
        await self._switch(context, request, on=True)

    async def disable_rule(self, context: RequestContext, request: dict[str, Any]) -> None:
        await self._switch(context, request, on=False)

    async def _switch(self, context: RequestContext, request: dict[str, Any], *, on: bool) -> None:
        await self._buses.rules.enable(
            context.account, context.region, request.get("EventBusName"), request["Name"], on=on
        )

    async def delete_rule(self, context: RequestContext, request: dict[str, Any]) -> None:
        await self._buses.rules.delete(
            context.account, context.region, request.get("EventBusName"), request["Name"]
        )


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.pattern,
        "ScheduleExpression": rule.schedule,
        "State": rule.state,
        "Description": rule.description,
        "RoleArn": rule.role_arn,
        "EventBusName": rule.bus,
    }
