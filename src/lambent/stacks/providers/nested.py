"""AWS::CloudFormation::Stack: Ref gives the nested stack's id, Fn::GetAtt its outputs (`Outputs.Name`).

Source: AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from lambent.stacks.providers.provider import Made, Properties, Provider, Work

if TYPE_CHECKING:
    from lambent.stacks.providers.work import StepWork
    from lambent.stacks.stacks import Stacks


class NestedStackProvider(Provider):
    """Has `Stacks` do it, as for any other stack."""

    type: ClassVar[str] = "AWS::CloudFormation::Stack"
    needs: ClassVar[tuple[str, ...]] = ("stacks",)

    def __init__(self, stacks: Stacks) -> None:
        self._nesting = stacks.nesting

    async def create(self, work: Work) -> Made:
        return await self._nesting.create(cast("StepWork", work))

    async def update(self, work: Work) -> Made:
        return await self._nesting.update(cast("StepWork", work))

    async def delete(self, work: Work) -> None:
        await self._nesting.delete(cast("StepWork", work))

    async def read(self, work: Work) -> Properties | None:
        raise NotImplementedError
