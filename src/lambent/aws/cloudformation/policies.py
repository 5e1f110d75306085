"""Operations on stack policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.aws.cloudformation.errors import invalid

if TYPE_CHECKING:
    from lambent.aws.cloudformation.requests import Members
    from lambent.aws.context import RequestContext
    from lambent.stacks.stacks import Stacks
    from lambent.stacks.transforms import Fetcher


class PolicyOperations:
    """Set and get."""

    _stacks: Stacks
    _fetcher: Fetcher

    async def set_stack_policy(self, context: RequestContext, request: Members) -> None:
        """For all updates from now on."""
        body, url = request.get("StackPolicyBody"), request.get("StackPolicyURL")
        if (body is None) == (url is None):
            raise invalid(
                "You cannot specify both StackPolicyURL and StackPolicyBody"
                if body is not None
                else "You must specify either StackPolicyURL or StackPolicyBody"
            )
        if body is None:
            body = await self._fetcher.text(str(url), context.account, context.region)
        await self._stacks.set_policy(context.account, context.region, request["StackName"], body)

    async def get_stack_policy(self, context: RequestContext, request: Members) -> Members:
        """As it was set, or what an update that runs has in its place."""
        stack = self._stacks.find(context.account, context.region, request["StackName"])
        during = stack.operation.policy if stack.operation is not None else ""
        return {"StackPolicyBody": during or stack.policy or None}
