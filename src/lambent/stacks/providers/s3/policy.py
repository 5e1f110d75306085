"""Policies of buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import document_of, document_text, unless
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work


class BucketPolicyProvider(Provider):
    """`AWS::S3::BucketPolicy`: Ref is the bucket's name."""

    type: ClassVar[str] = "AWS::S3::BucketPolicy"

    async def create(self, work: Work) -> Made:
        bucket = work.properties["Bucket"]
        if not work.again and await _policy(work, bucket) is not None:
            raise ResourceFailure(f"The bucket policy already exists on bucket {bucket}.", "AlreadyExists")
        return await self._put(work, bucket)

    async def update(self, work: Work) -> Made:
        return await self._put(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call("s3", "DeleteBucketPolicy", Bucket=work.physical_id),
            "NoSuchBucket",
            "NoSuchBucketPolicy",
        )

    async def read(self, work: Work) -> Properties | None:
        text = await _policy(work, work.physical_id)
        return None if text is None else {"Bucket": work.physical_id, "PolicyDocument": document_of(text)}

    async def _put(self, work: Work, bucket: str) -> Made:
        text = document_text(work.properties["PolicyDocument"])
        await work.call("s3", "PutBucketPolicy", Bucket=bucket, Policy=text)
        return Made(bucket)


async def _policy(work: Work, bucket: str) -> str | None:
    found = await unless(
        work.call("s3", "GetBucketPolicy", Bucket=bucket), "NoSuchBucket", "NoSuchBucketPolicy"
    )
    return None if found is None else found.get("Policy")
