"""Buckets.

Return values are those of AWS::S3::Bucket in the CloudFormation template reference; forms of website endpoints are
those of "Website endpoints" in the user guide of S3. The message of a taken name is recorded in
stefanjenkner/ec2-gaming-sunshine#374.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    as_tags,
    name_of,
    own_pairs,
    pairs,
    refuse,
    tag_changes,
    tags_of,
    unless,
    untold,
    url_suffix,
)
from lambent.stacks.providers.provider import Made
from lambent.stacks.providers.s3 import configurations

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 63
_NOT_THERE: Final = ("NoSuchBucket", "NotFound", "404")
_TAKEN: Final = ("BucketAlreadyExists", "BucketAlreadyOwnedByYou")
_NOT_SERVED: Final = (
    "AbacStatus",
    "BucketNamePrefix",
    "BucketNamespace",
    "MetadataConfiguration",
    "MetadataTableConfiguration",
)
_DASHED: Final = frozenset(
    (
        "us-east-1",
        "us-west-1",
        "us-west-2",
        "us-gov-west-1",
        "eu-west-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "sa-east-1",
    )
)
"""Regions whose website endpoints have a dash before the region; all others have a dot."""


class BucketProvider(ServiceProvider):
    """`AWS::S3::Bucket`: Ref is its name."""

    type: ClassVar[str] = "AWS::S3::Bucket"

    async def create(self, work: Work) -> Made:
        refuse(work, *_NOT_SERVED)
        name = name_of(work, "BucketName", _NAME_LIMIT, lower=True)
        region = work.stack.region
        lock = work.properties.get("ObjectLockEnabled")
        # In us-east-1 S3 gives an owner his bucket again, as if it were new.
        if (
            not work.again
            and await unless(work.call("s3", "HeadBucket", Bucket=name), *_NOT_THERE) is not None
        ):
            raise _taken(name)
        try:
            await work.call(
                "s3",
                "CreateBucket",
                Bucket=name,
                CreateBucketConfiguration=None if region == "us-east-1" else {"LocationConstraint": region},
                ObjectLockEnabledForBucket=True if lock else None,
            )
        except ServiceFailure as failure:
            if failure.code not in _TAKEN:
                raise
            if not work.again or failure.code == "BucketAlreadyExists":
                raise _taken(name) from None
        made = await self.made(work, name)
        await work.initiated(name, made.attributes)
        tags = tags_of(work, system=False)
        if tags:
            await work.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": pairs(tags)})
        await _change(work, name, {})
        return made

    async def update(self, work: Work) -> Made:
        refuse(work, *_NOT_SERVED)
        name = work.physical_id
        await _change(work, name, work.old)
        await _retag(work, name)
        return await self.made(work, name)

    async def delete(self, work: Work) -> None:
        await unless(work.call("s3", "DeleteBucket", Bucket=work.physical_id), *_NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        name = work.physical_id
        if await unless(work.call("s3", "HeadBucket", Bucket=name), *_NOT_THERE) is None:
            return None
        properties: Properties = {"BucketName": name}
        tags = own_pairs(pairs(await _tags(work, name)))
        if tags:
            properties["Tags"] = tags
        live = properties | await configurations.read(work, name, work.properties)
        return untold(work, live, "ObjectLockEnabled", *(listed.property for listed in configurations.LISTED))

    async def made(self, work: Work, physical_id: str) -> Made:
        partition, region, suffix = work.stack.partition, work.stack.region, url_suffix(work)
        dash = "-" if region in _DASHED else "."
        return Made(
            physical_id,
            {
                "Arn": f"arn:{partition}:s3:::{physical_id}",
                "DomainName": f"{physical_id}.s3.{suffix}",
                "DualStackDomainName": f"{physical_id}.s3.dualstack.{region}.{suffix}",
                "RegionalDomainName": f"{physical_id}.s3.{region}.{suffix}",
                "WebsiteURL": f"http://{physical_id}.s3-website{dash}{region}.{suffix}",
            },
        )

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["BucketName"]


async def _change(work: Work, name: str, old: Properties) -> None:
    new = work.properties
    logging = new.get("LoggingConfiguration")
    if logging and "DestinationBucketName" not in logging:
        # Its own logs, then.
        new = {**new, "LoggingConfiguration": {**logging, "DestinationBucketName": name}}
    await configurations.change(work, name, old, new)


async def _tags(work: Work, name: str) -> dict[str, str]:
    found = await unless(work.call("s3", "GetBucketTagging", Bucket=name), "NoSuchTagSet")
    return as_tags((found or {}).get("TagSet"))


async def _retag(work: Work, name: str) -> None:
    changes = tag_changes(work, system=False)
    if not changes.put and not changes.removed:
        return
    live = await _tags(work, name)
    tags = {key: value for key, value in live.items() if key not in changes.removed} | changes.put
    if tags:
        await work.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": pairs(tags)})
    else:
        await work.call("s3", "DeleteBucketTagging", Bucket=name)


def _taken(name: str) -> ResourceFailure:
    return ResourceFailure(
        f"{name} already exists (Service: S3, Status Code: 0, Request ID: null)", "AlreadyExists"
    )
