"""AWS::Lambda::ResourcePolicy (AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-resourcepolicy.html)."""

from __future__ import annotations

import json
from typing import ClassVar

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.lambda_.answers import MISSING, call_unless
from lambent.stacks.providers.provider import Made, Properties, Provider, Work


class ResourcePolicyProvider(Provider):
    """Ref is the ARN of what the policy is for."""

    type: ClassVar[str] = "AWS::Lambda::ResourcePolicy"

    async def create(self, work: Work) -> Made:
        arn = work.properties["ResourceArn"]
        if not work.again and await call_unless(work, MISSING, "GetResourcePolicy", ResourceArn=arn):
            raise ResourceFailure(f"A resource policy for {arn} already exists.", "AlreadyExists")
        return await self.update(work)

    async def update(self, work: Work) -> Made:
        arn = work.properties["ResourceArn"]
        document = work.properties["PolicyDocument"]
        await work.call(
            "lambda",
            "PutResourcePolicy",
            ResourceArn=arn,
            Policy=document if isinstance(document, str) else json.dumps(document),
        )
        return Made(arn, {})

    async def delete(self, work: Work) -> None:
        await call_unless(work, MISSING, "DeleteResourcePolicy", ResourceArn=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetResourcePolicy", ResourceArn=work.physical_id)
        if found is None:
            return None
        return {"ResourceArn": work.physical_id, "PolicyDocument": json.loads(found["Policy"])}

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        arn = identifier["ResourceArn"]
        if await call_unless(work, MISSING, "GetResourcePolicy", ResourceArn=arn) is None:
            raise ResourceFailure("The resource you requested does not exist.", "NotFound")
        return Made(arn, {})
