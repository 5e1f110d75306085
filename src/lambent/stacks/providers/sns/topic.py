"""Topics. What is said of a name that is taken is in aws-cloudformation/aws-cloudformation-resource-providers-sns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    changed,
    chosen,
    document_text,
    name_of,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
    untold,
)
from lambent.stacks.providers.provider import Made
from lambent.stacks.providers.sns.attributes import TOPIC, properties_of, topic_attributes

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 256
_UNTOLD: Final = (
    "ArchivePolicy",
    "DataProtectionPolicy",
    "DeliveryStatusLogging",
    "FifoThroughputScope",
    "MaximumMessageSize",
    "SignatureVersion",
    "TracingConfig",
)
"""What moto leaves out of a topic's attributes."""


class TopicProvider(ServiceProvider):
    """`AWS::SNS::Topic`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::SNS::Topic"

    async def create(self, work: Work) -> Made:
        fifo = bool(work.properties.get("FifoTopic"))
        name = name_of(work, "TopicName", _NAME_LIMIT, suffix=".fifo" if fifo else "")
        topic = arn(work, "sns", name)
        if (
            not work.again
            and await unless(work.call("sns", "GetTopicAttributes", TopicArn=topic)) is not None
        ):
            raise already_exists(work, name)
        attributes = topic_attributes(work.properties)
        if fifo:
            attributes["FifoTopic"] = "true"
        protection = work.properties.get("DataProtectionPolicy")
        tags = pairs(tags_of(work))
        await work.call("sns", "CreateTopic", Name=name, Attributes=attributes or None, Tags=tags or None)
        made = await self.made(work, topic)
        await work.initiated(topic, made.attributes)
        if protection:
            await _protect(work, topic, protection)
        await _subscribe(work, topic, {})
        return made

    async def update(self, work: Work) -> Made:
        topic = work.physical_id
        before, after = topic_attributes(work.old), topic_attributes(work.properties)
        for name in before | after:
            if before.get(name) != after.get(name):
                value = after.get(name, TOPIC.get(name, ""))
                await work.call(
                    "sns", "SetTopicAttributes", TopicArn=topic, AttributeName=name, AttributeValue=value
                )
        if changed(work, "DataProtectionPolicy"):
            await _protect(work, topic, work.properties.get("DataProtectionPolicy") or "")
        await _subscribe(work, topic, work.old)
        tags = tag_changes(work)
        if tags.removed:
            await work.call("sns", "UntagResource", ResourceArn=topic, TagKeys=tags.removed)
        if tags.put:
            await work.call("sns", "TagResource", ResourceArn=topic, Tags=pairs(tags.put))
        return await self.made(work, topic)

    async def delete(self, work: Work) -> None:
        await unless(work.call("sns", "DeleteTopic", TopicArn=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        topic = work.physical_id
        found = await unless(work.call("sns", "GetTopicAttributes", TopicArn=topic))
        if found is None:
            return None
        properties = properties_of(found["Attributes"], ("FifoTopic", *TOPIC))
        tags = await work.call("sns", "ListTagsForResource", ResourceArn=topic)
        subscriptions = [
            {"Endpoint": one["Endpoint"], "Protocol": one["Protocol"]}
            for one in await _subscriptions(work, topic)
            if _among(one, work.properties)
        ]
        live = told(
            {
                **properties,
                "TopicName": topic.rpartition(":")[2],
                "Subscription": subscriptions,
                "Tags": own_pairs(tags.get("Tags", [])),
            }
        )
        return untold(work, live, *_UNTOLD)

    async def made(self, work: Work, physical_id: str) -> Made:
        attributes = chosen(work.properties, (*TOPIC, "DataProtectionPolicy", "FifoTopic"))
        name = physical_id.rpartition(":")[2]
        return Made(physical_id, {**attributes, "TopicArn": physical_id, "TopicName": name})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["TopicArn"]


async def _protect(work: Work, topic: str, policy: Any) -> None:
    text = document_text(policy)
    await work.call("sns", "PutDataProtectionPolicy", ResourceArn=topic, DataProtectionPolicy=text)


# ------------------------------------------------------------ a topic's own subscriptions


async def _subscribe(work: Work, topic: str, old: Properties) -> None:
    """Those of the property Subscription: what is new is subscribed, what has gone unsubscribed."""
    after = work.properties.get("Subscription") or []
    gone = [one for one in old.get("Subscription") or [] if one not in after]
    if gone:
        for live in await _subscriptions(work, topic):
            if _among(live, {"Subscription": gone}):
                await unless(work.call("sns", "Unsubscribe", SubscriptionArn=live["SubscriptionArn"]))
    for one in after:
        if one not in (old.get("Subscription") or []):
            await work.call(
                "sns", "Subscribe", TopicArn=topic, Protocol=one["Protocol"], Endpoint=one["Endpoint"]
            )


async def _subscriptions(work: Work, topic: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token = None
    while True:
        page = await work.call("sns", "ListSubscriptionsByTopic", TopicArn=topic, NextToken=token)
        found += page.get("Subscriptions", [])
        token = page.get("NextToken")
        if not token:
            return found


def _among(live: dict[str, Any], properties: Properties) -> bool:
    return {"Endpoint": live["Endpoint"], "Protocol": live["Protocol"]} in (
        properties.get("Subscription") or []
    )
