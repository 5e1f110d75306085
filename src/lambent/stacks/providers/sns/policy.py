"""Policies of topics. A topic always has one: the default comes back when its own goes.

As in aws-cloudformation/aws-cloudformation-resource-providers-sns, with its words for a policy that is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import document_of, document_text, unless
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_DEFAULT_ID: Final = "__default_policy_ID"
_NAME_LIMIT: Final = 256


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
