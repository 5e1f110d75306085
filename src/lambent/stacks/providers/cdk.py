"""What the CDK says of itself in templates."""

from __future__ import annotations

from typing import ClassVar

from lambent.stacks.providers.provider import Made, Provider, Work


class MetadataProvider(Provider):
    """`AWS::CDK::Metadata`: which constructs a template was made with. Nothing is made of it, on AWS neither."""

    type: ClassVar[str] = "AWS::CDK::Metadata"

    async def create(self, work: Work) -> Made:
        return Made(work.name(128))

    async def update(self, work: Work) -> Made:
        return Made(work.physical_id)

    async def delete(self, work: Work) -> None:
        return
