"""SQS: queues and their policies.

Attributes, their defaults and what replaces: AWS::SQS::Queue, AWS::SQS::QueuePolicy and AWS::SQS::QueueInlinePolicy in
the CloudFormation template reference. What a property's removal sets are SQS's defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    as_tags,
    chosen,
    document_of,
    document_text,
    name_of,
    pairs,
    tag_changes,
    tags_of,
    unless,
)
from lambent.stacks.providers.policies import Holders, InlinePolicyProvider, SharedPolicyProvider
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 80
_MISSING: Final = ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")

_NUMBERS: Final = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "KmsDataKeyReusePeriodSeconds": "300",
}
_FLAGS: Final = {"ContentBasedDeduplication": "false", "SqsManagedSseEnabled": "true"}
_TEXTS: Final = {"DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue", "KmsMasterKeyId": ""}
_DOCUMENTS: Final = {"RedrivePolicy": "", "RedriveAllowPolicy": ""}
_DEFAULTS: Final = {**_NUMBERS, **_FLAGS, **_TEXTS, **_DOCUMENTS}


class QueueProvider(ServiceProvider):
    """`AWS::SQS::Queue`: Ref is its URL."""

    type: ClassVar[str] = "AWS::SQS::Queue"

    async def create(self, work: Work) -> Made:
        fifo = bool(work.properties.get("FifoQueue"))
        name = name_of(work, "QueueName", _NAME_LIMIT, suffix=".fifo" if fifo else "")
        # SQS itself takes a queue that is there with the same attributes for the one that is asked for.
        if not work.again:
            there = await unless(work.call("sqs", "GetQueueUrl", QueueName=name), *_MISSING)
            if there is not None:
                raise already_exists(work, name)
        attributes = _attributes(work.properties)
        if fifo:
            attributes["FifoQueue"] = "true"
        made = await work.call(
            "sqs",
            "CreateQueue",
            QueueName=name,
            Attributes=attributes or None,
            tags=tags_of(work, system=False) or None,
        )
        return await self.made(work, made["QueueUrl"])

    async def update(self, work: Work) -> Made:
        before, after = _attributes(work.old), _attributes(work.properties)
        changes = {name: value for name, value in after.items() if before.get(name) != value}
        changes |= {name: _DEFAULTS[name] for name in before if name not in after}
        if "KmsMasterKeyId" in changes and not changes["KmsMasterKeyId"]:
            # Without its key a queue has no period for it either.
            changes.pop("KmsDataKeyReusePeriodSeconds", None)
        if changes.get("KmsMasterKeyId") and "SqsManagedSseEnabled" not in after:
            changes.pop("SqsManagedSseEnabled", None)
        url = work.physical_id
        if changes:
            await work.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=changes)
        tags = tag_changes(work, system=False)
        if tags.removed:
            await work.call("sqs", "UntagQueue", QueueUrl=url, TagKeys=tags.removed)
        if tags.put:
            await work.call("sqs", "TagQueue", QueueUrl=url, Tags=tags.put)
        return await self.made(work, url)

    async def delete(self, work: Work) -> None:
        await unless(work.call("sqs", "DeleteQueue", QueueUrl=work.physical_id), *_MISSING)

    async def read(self, work: Work) -> Properties | None:
        url = work.physical_id
        found = await unless(
            work.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"]), *_MISSING
        )
        if found is None:
            return None
        attributes = found.get("Attributes", {})
        properties: Properties = {"QueueName": url.rpartition("/")[2]}
        for name, value in attributes.items():
            if name in _NUMBERS:
                properties[name] = int(value)
            elif name in _FLAGS or name == "FifoQueue":
                properties[name] = value == "true"
            elif name in _DOCUMENTS:
                properties[name] = document_of(value)
            elif name in _TEXTS:
                properties[name] = value
        tags = await work.call("sqs", "ListQueueTags", QueueUrl=url)
        if tags.get("Tags"):
            properties["Tags"] = pairs(as_tags(tags["Tags"]))
        return properties

    async def made(self, work: Work, physical_id: str) -> Made:
        name = physical_id.rpartition("/")[2]
        settings = {member: int(_NUMBERS[member]) for member in _NUMBERS if not member.startswith("Kms")}
        return Made(
            physical_id,
            {
                **settings,
                **chosen(work.properties, (*_DEFAULTS, "FifoQueue")),
                "Arn": arn(work, "sqs", name),
                "QueueName": name,
                "QueueUrl": physical_id,
            },
        )

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["QueueUrl"]


class _Queues(Holders):
    async def put(self, work: Work, holder: str) -> None:
        policy = {"Policy": document_text(work.properties["PolicyDocument"])}
        await work.call("sqs", "SetQueueAttributes", QueueUrl=holder, Attributes=policy)

    async def remove(self, work: Work, holder: str) -> None:
        none = {"Policy": ""}
        await unless(work.call("sqs", "SetQueueAttributes", QueueUrl=holder, Attributes=none), *_MISSING)

    async def policy(self, work: Work, holder: str) -> Any:
        found = await unless(
            work.call("sqs", "GetQueueAttributes", QueueUrl=holder, AttributeNames=["Policy"]), *_MISSING
        )
        return None if found is None else document_of(found.get("Attributes", {}).get("Policy"))


class QueuePolicyProvider(SharedPolicyProvider):
    """`AWS::SQS::QueuePolicy`."""

    type: ClassVar[str] = "AWS::SQS::QueuePolicy"
    holders = _Queues()
    member = "Queues"
    name_limit = _NAME_LIMIT


class QueueInlinePolicyProvider(InlinePolicyProvider):
    """`AWS::SQS::QueueInlinePolicy`: its id is the queue's URL."""

    type: ClassVar[str] = "AWS::SQS::QueueInlinePolicy"
    holders = _Queues()
    member = "Queue"


def _attributes(properties: Properties) -> dict[str, str]:
    """Properties as SQS's attributes; FifoQueue is only set when a queue is made."""
    attributes = {}
    for name in _DEFAULTS:
        value = properties.get(name)
        if value is None:
            continue
        if name in _DOCUMENTS:
            attributes[name] = document_text(value)
        elif isinstance(value, bool):
            attributes[name] = "true" if value else "false"
        else:
            attributes[name] = str(value)
    return attributes
