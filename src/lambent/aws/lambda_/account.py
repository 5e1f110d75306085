"""The account's limits and what it uses of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions import FunctionRegistry


class AccountOperations:
    """GetAccountSettings."""

    registry: FunctionRegistry

    async def get_account_settings(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Limits and usage of the caller's account in the region."""
        limits = self.registry.limits
        count, size = self.registry.usage(context.account, context.region)
        return {
            "AccountLimit": {
                "TotalCodeSize": limits.code_storage,
                "CodeSizeUnzipped": limits.unzipped,
                "CodeSizeZipped": limits.zipped,
                "ConcurrentExecutions": limits.concurrency,
                "UnreservedConcurrentExecutions": self.registry.unreserved_limit(
                    context.account, context.region
                ),
            },
            "AccountUsage": {"TotalCodeSize": size, "FunctionCount": count},
        }
