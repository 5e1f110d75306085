"""AWS::Logs::LogGroup, LogStream, ResourcePolicy and SubscriptionFilter.

AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html, aws-resource-logs-logstream.html,
aws-resource-logs-resourcepolicy.html, aws-resource-logs-subscriptionfilter.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import (
    already_exists,
    arn,
    document_text,
    name_of,
    not_found,
    refuse,
    tag_changes,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

if TYPE_CHECKING:
    from collections.abc import Callable

_EXISTS: Final = "ResourceAlreadyExistsException"
_STANDARD: Final = "STANDARD"
_NOT_SERVED: Final = (
    "BearerTokenAuthenticationEnabled",
    "DataProtectionPolicy",
    "DeletionProtectionEnabled",
    "FieldIndexPolicies",
    "ResourcePolicyDocument",
)


class LogGroupProvider(Provider):
    """Ref is the group's name."""

    type: ClassVar[str] = "AWS::Logs::LogGroup"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        refuse(work, *_NOT_SERVED)
        name = wanted.get("LogGroupName") or work.name(512)
        tags = work.merged_tags(wanted.get("Tags"))
        try:
            await work.call(
                "logs",
                "CreateLogGroup",
                logGroupName=name,
                kmsKeyId=wanted.get("KmsKeyId"),
                logGroupClass=wanted.get("LogGroupClass"),
                tags=tags or None,
            )
        except ServiceFailure as failure:
            if failure.code != _EXISTS or not work.again:
                raise
            ours = work.physical_id == name or not wanted.get("LogGroupName")
            if not ours and await _tags(work, name) != tags:
                raise
        made = _made(work, name)
        await work.initiated(name, made.attributes)
        await _retain(work, name)
        return made

    async def update(self, work: Work) -> Made:
        old, new, name = work.old, work.properties, work.physical_id
        refuse(work, *_NOT_SERVED)
        if new.get("LogGroupClass", _STANDARD) != old.get("LogGroupClass", _STANDARD):
            raise ResourceFailure("LogGroupClass cannot be changed.", "InvalidRequest")
        await _retain(work, name)
        if new.get("KmsKeyId") != old.get("KmsKeyId"):
            if new.get("KmsKeyId"):
                await work.call("logs", "AssociateKmsKey", logGroupName=name, kmsKeyId=new["KmsKeyId"])
            else:
                await work.call("logs", "DisassociateKmsKey", logGroupName=name)
        await _retag(work, name)
        return Made(name, work.attributes)

    async def delete(self, work: Work) -> None:
        await unless(work.call("logs", "DeleteLogGroup", logGroupName=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        name = work.physical_id
        found = await _find(
            work,
            "DescribeLogGroups",
            "logGroups",
            lambda group: group["logGroupName"] == name,
            logGroupNamePrefix=name,
        )
        if found is None:
            return None
        live: Properties = {
            "LogGroupName": name,
            "LogGroupClass": found.get("logGroupClass", _STANDARD),
            "Tags": [{"Key": key, "Value": value} for key, value in (await _tags(work, name)).items()],
        }
        if found.get("retentionInDays"):
            live["RetentionInDays"] = found["retentionInDays"]
        if found.get("kmsKeyId"):
            live["KmsKeyId"] = found["kmsKeyId"]
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        work.physical_id = identifier["LogGroupName"]
        if await self.read(work) is None:
            raise ResourceFailure("The specified log group does not exist.", "NotFound")
        return _made(work, work.physical_id)


async def _retain(work: Work, name: str) -> None:
    days = work.properties.get("RetentionInDays")
    if days == work.old.get("RetentionInDays") and not work.again:
        return
    if days:
        await work.call("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)
    else:
        await work.call("logs", "DeleteRetentionPolicy", logGroupName=name)


async def _tags(work: Work, name: str) -> dict[str, str]:
    answer = await work.call("logs", "ListTagsForResource", resourceArn=_arn(work, name))
    tags: dict[str, str] = answer.get("tags") or {}
    return tags


async def _retag(work: Work, name: str) -> None:
    tags, group = tag_changes(work), _arn(work, name)
    if tags.removed:
        await work.call("logs", "UntagResource", resourceArn=group, tagKeys=tags.removed)
    if tags.put:
        await work.call("logs", "TagResource", resourceArn=group, tags=tags.put)


def _arn(work: Work, name: str) -> str:
    return arn(work, "logs", f"log-group:{name}")


def _made(work: Work, name: str) -> Made:
    return Made(name, {"Arn": f"{_arn(work, name)}:*"})


class LogStreamProvider(Provider):
    """Ref is the stream's name."""

    type: ClassVar[str] = "AWS::Logs::LogStream"

    async def create(self, work: Work) -> Made:
        group = work.properties["LogGroupName"]
        name = work.properties.get("LogStreamName") or work.name(512)
        try:
            await work.call("logs", "CreateLogStream", logGroupName=group, logStreamName=name)
        except ServiceFailure as failure:
            if failure.code != _EXISTS or not work.again:
                raise
        return Made(name, {})

    async def update(self, work: Work) -> Made:
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        group = work.properties["LogGroupName"]
        await unless(work.call("logs", "DeleteLogStream", logGroupName=group, logStreamName=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        group, name = work.properties["LogGroupName"], work.physical_id
        found = await unless(
            _find(
                work,
                "DescribeLogStreams",
                "logStreams",
                lambda stream: stream["logStreamName"] == name,
                logGroupName=group,
                logStreamNamePrefix=name,
            )
        )
        return None if found is None else {"LogGroupName": group, "LogStreamName": name}

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        work.properties = {**work.properties, "LogGroupName": identifier["LogGroupName"]}
        work.physical_id = identifier["LogStreamName"]
        if await self.read(work) is None:
            raise ResourceFailure("The specified log stream does not exist.", "NotFound")
        return Made(work.physical_id, {})


class ResourcePolicyProvider(Provider):
    """Ref is the policy's name."""

    type: ClassVar[str] = "AWS::Logs::ResourcePolicy"

    async def create(self, work: Work) -> Made:
        name = work.properties["PolicyName"]
        if not work.again and await _policy(work, name) is not None:
            raise ResourceFailure(f"{name} already exists", "AlreadyExists")
        return await self.update(work)

    async def update(self, work: Work) -> Made:
        name, text = work.properties["PolicyName"], document_text(work.properties["PolicyDocument"])
        await work.call("logs", "PutResourcePolicy", policyName=name, policyDocument=text)
        return Made(name, {})

    async def delete(self, work: Work) -> None:
        await unless(work.call("logs", "DeleteResourcePolicy", policyName=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        found = await _policy(work, work.physical_id)
        if found is None:
            return None
        document: Any = found["policyDocument"]
        if not isinstance(work.properties.get("PolicyDocument"), str):
            document = json.loads(document)
        return {"PolicyName": work.physical_id, "PolicyDocument": document}

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        name = identifier["PolicyName"]
        if await _policy(work, name) is None:
            raise ResourceFailure(f"Policy with name [{name}] does not exist.", "NotFound")
        return Made(name, {})


class SubscriptionFilterProvider(Provider):
    """Ref is the filter's name."""

    type: ClassVar[str] = "AWS::Logs::SubscriptionFilter"

    async def create(self, work: Work) -> Made:
        name = name_of(work, "FilterName", 512)
        if not work.again and await _filter(work, name) is not None:
            raise already_exists(work, f"{name}|{work.properties['LogGroupName']}")
        return await self._put(work, name)

    async def update(self, work: Work) -> Made:
        return await self._put(work, work.physical_id)

    async def _put(self, work: Work, name: str) -> Made:
        wanted = work.properties
        refuse(work, "ApplyOnTransformedLogs", "EmitSystemFields", "FieldSelectionCriteria")
        await work.call(
            "logs",
            "PutSubscriptionFilter",
            logGroupName=wanted["LogGroupName"],
            filterName=name,
            filterPattern=wanted["FilterPattern"],
            destinationArn=wanted["DestinationArn"],
            roleArn=wanted.get("RoleArn"),
            distribution=wanted.get("Distribution"),
        )
        return Made(name, {})

    async def delete(self, work: Work) -> None:
        group, name = work.properties["LogGroupName"], work.physical_id
        await unless(work.call("logs", "DeleteSubscriptionFilter", logGroupName=group, filterName=name))

    async def read(self, work: Work) -> Properties | None:
        found = await _filter(work, work.physical_id)
        if found is None:
            return None
        return {
            "FilterPattern": found["filterPattern"],
            **told(
                {
                    "FilterName": work.physical_id,
                    "LogGroupName": found["logGroupName"],
                    "DestinationArn": found["destinationArn"],
                    "RoleArn": found.get("roleArn"),
                    "Distribution": found.get("distribution"),
                }
            ),
        }

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        work.properties = {**work.properties, "LogGroupName": identifier["LogGroupName"]}
        name = identifier["FilterName"]
        if await _filter(work, name) is None:
            raise not_found(work, f"{name}|{identifier['LogGroupName']}")
        return Made(name, {})


async def _filter(work: Work, name: str) -> dict[str, Any] | None:
    return await unless(
        _find(
            work,
            "DescribeSubscriptionFilters",
            "subscriptionFilters",
            lambda one: one["filterName"] == name,
            logGroupName=work.properties["LogGroupName"],
            filterNamePrefix=name,
        )
    )


async def _policy(work: Work, name: str) -> dict[str, Any] | None:
    return await _find(
        work, "DescribeResourcePolicies", "resourcePolicies", lambda policy: policy["policyName"] == name
    )


async def _find(
    work: Work, operation: str, member: str, wanted: Callable[[dict[str, Any]], bool], **parameters: Any
) -> dict[str, Any] | None:
    """The first item of a listing that is wanted."""
    token = None
    while True:
        answer = await work.call("logs", operation, nextToken=token, **parameters)
        for found in answer.get(member) or ():
            if wanted(found):
                item: dict[str, Any] = found
                return item
        token = answer.get("nextToken")
        if not token:
            return None
