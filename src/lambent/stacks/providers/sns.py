"""SNS: topics, what subscribes to them, and who may publish.

Attributes are those of CreateTopic, SetTopicAttributes and SetSubscriptionAttributes in the API reference of SNS, whose
defaults and default policy come back when a property goes. What is said of names and policies that are taken is in
aws-cloudformation/aws-cloudformation-resource-providers-sns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    changed,
    chosen,
    document_of,
    document_text,
    name_of,
    not_served,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
    untold,
)
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 256

_TOPIC: Final = {
    "DisplayName": "",
    "KmsMasterKeyId": "",
    "ContentBasedDeduplication": "false",
    "FifoThroughputScope": "Topic",
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
    "ArchivePolicy": "{}",
    "MaximumMessageSize": "262144",
}
_SUBSCRIPTION: Final = {
    # Before the policy that it is about.
    "FilterPolicyScope": "MessageAttributes",
    "FilterPolicy": "{}",
    "RawMessageDelivery": "false",
    "RedrivePolicy": "",
    "DeliveryPolicy": "",
    "ReplayPolicy": "",
    "SubscriptionRoleArn": "",
}
_DOCUMENTS: Final = frozenset(
    ("ArchivePolicy", "FilterPolicy", "RedrivePolicy", "DeliveryPolicy", "ReplayPolicy")
)
_FLAGS: Final = frozenset(("ContentBasedDeduplication", "FifoTopic", "RawMessageDelivery"))
_LOGGED: Final = {
    "application": "Application",
    "firehose": "Firehose",
    "http": "HTTP",
    "https": "HTTP",
    "http/s": "HTTP",
    "lambda": "Lambda",
    "sqs": "SQS",
}
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

_LOGGING: Final = ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")


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
        attributes = _topic_attributes(work.properties)
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
        before, after = _topic_attributes(work.old), _topic_attributes(work.properties)
        for name in before | after:
            if before.get(name) != after.get(name):
                value = after.get(name, _TOPIC.get(name, ""))
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
        properties = _properties(found["Attributes"], ("FifoTopic", *_TOPIC))
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
        attributes = chosen(work.properties, (*_TOPIC, "DataProtectionPolicy", "FifoTopic"))
        name = physical_id.rpartition(":")[2]
        return Made(physical_id, {**attributes, "TopicArn": physical_id, "TopicName": name})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["TopicArn"]


class SubscriptionProvider(ServiceProvider):
    """`AWS::SNS::Subscription`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::SNS::Subscription"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        region = properties.get("Region")
        if region and region != work.stack.region:
            raise not_served("Region")
        attributes = _texts(properties, _SUBSCRIPTION)
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
        before, after = _texts(work.old, _SUBSCRIPTION), _texts(work.properties, _SUBSCRIPTION)
        for name, default in _SUBSCRIPTION.items():
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
        return told({**place, **_properties(attributes, _SUBSCRIPTION)})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Arn": physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Arn"]


class TopicPolicyProvider(Provider):
    """`AWS::SNS::TopicPolicy`: one policy for some topics, in place of what they have. Ref is a name of its own."""

    type: ClassVar[str] = "AWS::SNS::TopicPolicy"

    async def create(self, work: Work) -> Made:
        physical_id = work.name(_NAME_LIMIT)
        for topic in work.properties["Topics"]:
            await _put_policy(work, topic)
            if topic == work.properties["Topics"][0]:
                # The next may fail, and this one has to go then.
                await work.initiated(physical_id, {"Id": physical_id})
        return Made(physical_id, {"Id": physical_id})

    async def update(self, work: Work) -> Made:
        for topic in work.old.get("Topics", []):
            if topic not in work.properties["Topics"]:
                await _remove_policy(work, topic)
        for topic in work.properties["Topics"]:
            await _put_policy(work, topic)
        return Made(work.physical_id, {"Id": work.physical_id})

    async def delete(self, work: Work) -> None:
        for topic in work.properties.get("Topics", []):
            await _remove_policy(work, topic)

    async def read(self, work: Work) -> Properties | None:
        policy = None
        for topic in work.properties.get("Topics", []):
            policy = await _policy(work, topic)
            if policy is None:
                return None
        return {"Topics": work.properties.get("Topics", []), "PolicyDocument": policy}


class TopicInlinePolicyProvider(Provider):
    """`AWS::SNS::TopicInlinePolicy`: the policy of one topic, whose ARN is its id."""

    type: ClassVar[str] = "AWS::SNS::TopicInlinePolicy"

    async def create(self, work: Work) -> Made:
        topic = work.properties["TopicArn"]
        if not work.again and await _policy(work, topic) is not None:
            raise ResourceFailure(f"Topic: {topic}, Policy already exists", "AlreadyExists")
        await _put_policy(work, topic)
        return Made(topic)

    async def update(self, work: Work) -> Made:
        await _put_policy(work, work.physical_id)
        return Made(work.physical_id)

    async def delete(self, work: Work) -> None:
        await _remove_policy(work, work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        policy = await _policy(work, work.physical_id)
        return None if policy is None else {"TopicArn": work.physical_id, "PolicyDocument": policy}


# ------------------------------------------------------------ attributes


def _texts(properties: Properties, names: dict[str, str]) -> dict[str, str]:
    texts = {}
    for name in names:
        value = properties.get(name)
        if value is None:
            continue
        if name in _DOCUMENTS:
            texts[name] = document_text(value)
        elif isinstance(value, bool):
            texts[name] = "true" if value else "false"
        else:
            texts[name] = str(value)
    return texts


def _topic_attributes(properties: Properties) -> dict[str, str]:
    attributes = _texts(properties, _TOPIC)
    for logged in properties.get("DeliveryStatusLogging") or []:
        protocol = _LOGGED[logged["Protocol"].lower()]
        attributes |= {f"{protocol}{name}": str(logged[name]) for name in _LOGGING if name in logged}
    return attributes


def _properties(attributes: dict[str, str], names: Any) -> Properties:
    """Attributes, which are texts, in the types of the properties."""
    properties: Properties = {}
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        if name in _DOCUMENTS:
            properties[name] = document_of(value)
        elif name in _FLAGS:
            properties[name] = value.lower() == "true"
        else:
            properties[name] = int(value) if name == "MaximumMessageSize" else value
    return properties


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


# ------------------------------------------------------------ policies


async def _put_policy(work: Work, topic: str) -> None:
    await _set_policy(work, topic, document_text(work.properties["PolicyDocument"]))


async def _remove_policy(work: Work, topic: str) -> None:
    await unless(_set_policy(work, topic, document_text(_default(topic))))


async def _set_policy(work: Work, topic: str, text: str) -> None:
    await work.call("sns", "SetTopicAttributes", TopicArn=topic, AttributeName="Policy", AttributeValue=text)


async def _policy(work: Work, topic: str) -> Any:
    """The policy of a topic, or None while it has the one that SNS gives it."""
    found = await unless(work.call("sns", "GetTopicAttributes", TopicArn=topic))
    policy = document_of(found["Attributes"].get("Policy")) if found else None
    own = isinstance(policy, dict) and policy.get("Id") != _DEFAULT_ID
    return policy if own else None


_DEFAULT_ID: Final = "__default_policy_ID"


def _default(topic: str) -> dict[str, Any]:
    actions = (
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
    )
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": topic.split(":")[4]}},
    }
    return {"Version": "2008-10-17", "Id": _DEFAULT_ID, "Statement": [statement]}
