"""Policies of topics. A topic always has one: the default comes back when its own goes.

As in aws-cloudformation/aws-cloudformation-resource-providers-sns, with its words for a policy that is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import document_of, document_text, unless
from lambent.stacks.providers.policies import Holders, InlinePolicyProvider, SharedPolicyProvider

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Work

_DEFAULT_ID: Final = "__default_policy_ID"


class _Topics(Holders):
    async def put(self, work: Work, holder: str) -> None:
        await _set_policy(work, holder, document_text(work.properties["PolicyDocument"]))

    async def remove(self, work: Work, holder: str) -> None:
        await unless(_set_policy(work, holder, document_text(_default(holder))))

    async def policy(self, work: Work, holder: str) -> Any:
        """None while it has the one that SNS gives it."""
        found = await unless(work.call("sns", "GetTopicAttributes", TopicArn=holder))
        policy = document_of(found["Attributes"].get("Policy")) if found else None
        own = isinstance(policy, dict) and policy.get("Id") != _DEFAULT_ID
        return policy if own else None

    def taken(self, work: Work, holder: str) -> ResourceFailure:
        return ResourceFailure(f"Topic: {holder}, Policy already exists", "AlreadyExists")


class TopicPolicyProvider(SharedPolicyProvider):
    """`AWS::SNS::TopicPolicy`."""

    type: ClassVar[str] = "AWS::SNS::TopicPolicy"
    holders = _Topics()
    member = "Topics"
    name_limit = 256


class TopicInlinePolicyProvider(InlinePolicyProvider):
    """`AWS::SNS::TopicInlinePolicy`: its id is the topic's ARN."""

    type: ClassVar[str] = "AWS::SNS::TopicInlinePolicy"
    holders = _Topics()
    member = "TopicArn"


async def _set_policy(work: Work, topic: str, text: str) -> None:
    await work.call("sns", "SetTopicAttributes", TopicArn=topic, AttributeName="Policy", AttributeValue=text)


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
