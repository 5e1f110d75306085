"""Subscriptions to topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lambent.stacks.providers.base import ServiceProvider, not_served, told, unless
from lambent.stacks.providers.provider import Made
from lambent.stacks.providers.sns.attributes import SUBSCRIPTION, properties_of, texts

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work


class SubscriptionProvider(ServiceProvider):
    """`AWS::SNS::Subscription`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::SNS::Subscription"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        region = properties.get("Region")
        if region and region != work.stack.region:
            raise not_served("Region")
        attributes = texts(properties, SUBSCRIPTION)
        made = await work.call(
            "sns",
            "Subscribe",
            TopicArn=properties["TopicArn"],
            Protocol=properties["Protocol"],
            Endpoint=properties.get("Endpoint"),
            Attributes=attributes or None,
            ReturnSubscriptionArn=True,
        )
        return await self.made(work, made["SubscriptionArn"])

    async def update(self, work: Work) -> Made:
        before, after = texts(work.old, SUBSCRIPTION), texts(work.properties, SUBSCRIPTION)
        for name, default in SUBSCRIPTION.items():
            if before.get(name) != after.get(name):
                await work.call(
                    "sns",
                    "SetSubscriptionAttributes",
                    SubscriptionArn=work.physical_id,
                    AttributeName=name,
                    AttributeValue=after.get(name, default),
                )
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call("sns", "Unsubscribe", SubscriptionArn=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call("sns", "GetSubscriptionAttributes", SubscriptionArn=work.physical_id))
        if found is None:
            return None
        attributes = found["Attributes"]
        place = {name: attributes.get(name) for name in ("TopicArn", "Protocol", "Endpoint")}
        return told({**place, **properties_of(attributes, SUBSCRIPTION)})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Arn"]
