"""Tags of buses and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.aws.events.errors import invalid
from lambent.events.bus.rule import DEFAULT, bus_arn
from lambent.events.deliveries.arns import parse_arn

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.context import RequestContext
    from lambent.events.bus import Buses


_LIST: Final = "events:ListTagsForResource"


class TagOperations:
    """A part of `EventsService`."""

    _buses: Buses

    async def tag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        added = tags_of(request["Tags"])
        await self._retag(context, request["ResourceARN"], lambda tags: {**tags, **added})

    async def untag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        removed = request["TagKeys"]
        await self._retag(
            context,
            request["ResourceARN"],
            lambda tags: {key: value for key, value in tags.items() if key not in removed},
        )

    async def list_tags_for_resource(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        arn = request["ResourceARN"]
        bus, rule = _resource(arn)
        if rule is None:
            tags = self._buses.find(context.account, context.region, bus, action=_LIST).bus.tags
        else:
            tags = self._buses.rules.get(context.account, context.region, bus, rule, _LIST).tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    async def _retag(
        self, context: RequestContext, arn: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> None:
        bus, rule = _resource(arn)
        if rule is None:
            await self._buses.retag(context.account, context.region, bus, change)
        else:
            await self._buses.rules.retag(context.account, context.region, bus, rule, change)


def tags_of(given: list[dict[str, str]]) -> dict[str, str]:
    """Tags as they are given."""
    return {tag["Key"]: tag["Value"] for tag in given}


def _resource(arn: str) -> tuple[str, str | None]:
    """The ARN of the bus that an ARN belongs to, and the name of the rule if it is one's."""
    parsed = parse_arn(arn)
    if parsed is not None and parsed.service == "events":
        kind, _, path = parsed.resource.partition("/")
        if kind == "rule":
            bus, _, rule = path.rpartition("/")
            return bus_arn(parsed.account, parsed.region, bus or DEFAULT), rule
        if kind == "event-bus":
            return arn, None
    raise invalid(f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
