"""IoT: rules on topics, as SAM's IoTRule events make them. Kept as they are described: moto has no broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    changed,
    lower_first,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
    untold,
    upper_first,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 128
_NOT_IMPLEMENTED: Final = 501
_MISSING: Final = ("ResourceNotFoundException", "UnauthorizedException")
_PAYLOAD: Final = ("actions", "awsIotSqlVersion", "description", "errorAction", "ruleDisabled", "sql")
_DEFAULTS: Final = {"awsIotSqlVersion": "2015-10-08", "ruleDisabled": False}


class TopicRuleProvider(ServiceProvider):
    """`AWS::IoT::TopicRule`: Ref is its name."""

    type: ClassVar[str] = "AWS::IoT::TopicRule"

    async def create(self, work: Work) -> Made:
        # A name may have no dashes, which those of stacks have.
        name = work.properties.get("RuleName") or work.name(_NAME_LIMIT, separator="_").replace("-", "_")
        if not work.again and await _rule(work, name) is not None:
            raise already_exists(work, name)
        tags = "&".join(f"{key}={value}" for key, value in tags_of(work, system=False).items())
        try:
            await work.call(
                "iot", "CreateTopicRule", ruleName=name, topicRulePayload=_payload(work), tags=tags or None
            )
        except ServiceFailure as failure:
            if failure.code != "ResourceAlreadyExistsException" or not work.again:
                raise
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        name = work.physical_id
        if changed(work, "TopicRulePayload"):
            await work.call("iot", "ReplaceTopicRule", ruleName=name, topicRulePayload=_payload(work))
        made = await self.made(work, name)
        tags, rule = tag_changes(work, system=False), made.attributes["Arn"]
        try:
            if tags.removed:
                await work.call("iot", "UntagResource", resourceArn=rule, tagKeys=tags.removed)
            if tags.put:
                await work.call("iot", "TagResource", resourceArn=rule, tags=pairs(tags.put))
        except ServiceFailure as failure:
            # moto has no such operations: the tags of IoT's rules are those that they were made with.
            if failure.status != _NOT_IMPLEMENTED:
                raise
        return made

    async def delete(self, work: Work) -> None:
        await unless(work.call("iot", "DeleteTopicRule", ruleName=work.physical_id), *_MISSING)

    async def read(self, work: Work) -> Properties | None:
        rule = await _rule(work, work.physical_id)
        if rule is None:
            return None
        payload = told(upper_first({name: rule.get(name) for name in _PAYLOAD}))
        return untold(work, {"RuleName": work.physical_id, "TopicRulePayload": payload}, "Tags")

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": arn(work, "iot", f"rule/{physical_id}")})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["RuleName"]


async def _rule(work: Work, name: str) -> dict[str, Any] | None:
    found = await unless(work.call("iot", "GetTopicRule", ruleName=name), *_MISSING)
    return (found or {}).get("rule")


def _payload(work: Work) -> dict[str, Any]:
    payload: dict[str, Any] = lower_first(work.properties["TopicRulePayload"])
    return {**_DEFAULTS, **payload}
