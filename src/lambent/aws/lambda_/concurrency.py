"""Operations on reserved concurrency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.lambda_.errors import not_found, translating
from lambent.aws.lambda_.functions import named, unqualified
from lambent.functions import FunctionNotFound, FunctionRegistry

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext


class ConcurrencyOperations:
    """Put, get and delete."""

    registry: FunctionRegistry

    async def put_function_concurrency(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Reserves concurrency; 0 stops all invocations."""
        with translating(context):
            reference = unqualified(context, request)
            try:
                reserved = await self.registry.put_concurrency(
                    reference, request["ReservedConcurrentExecutions"]
                )
            except FunctionNotFound as error:
                # Recorded: this operation alone names the version that it would have meant.
                raise not_found(f"{error}:$LATEST") from error
        return {"ReservedConcurrentExecutions": reserved}

    async def get_function_concurrency(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """What is reserved; an empty answer for a function without a reservation."""
        with translating(context):
            record = self.registry.record(named(context, request))
        return {"ReservedConcurrentExecutions": record.reserved_concurrency}

    async def delete_function_concurrency(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Gives the reservation up."""
        with translating(context):
            await self.registry.delete_concurrency(unqualified(context, request))
        return {}
