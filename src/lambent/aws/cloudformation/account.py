"""What an account may have of CloudFormation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.aws.cloudformation.requests import Members
    from lambent.aws.context import RequestContext

_LIMITS: Final = {"StackLimit": 2_000, "StackOutputsLimit": 200, "ConcurrentResourcesLimit": 2_500}
"""AWSCloudFormation/latest/UserGuide/cloudformation-limits.html; names: API_AccountLimit."""


class AccountOperations:
    """DescribeAccountLimits."""

    async def describe_account_limits(self, _context: RequestContext, _request: Members) -> Members:
        """AWS's own, which are not enforced where they would only save AWS's resources."""
        return {"AccountLimits": [{"Name": name, "Value": value} for name, value in _LIMITS.items()]}
