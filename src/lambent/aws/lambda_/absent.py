"""Reading what no function here can have: URLs, settings for asynchronous invocation.

Tools ask for these around every deployment. The answers are those of AWS for a function that has none, which
is the case for every function as long as the operations that would set them are not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.lambda_.errors import not_found, translating
from lambent.aws.lambda_.functions import named

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions import FunctionRegistry

_NO_SUCH_RESOURCE = "The resource you requested does not exist."


class AbsentOperations:
    """Getters that find nothing, or the default."""

    registry: FunctionRegistry

    async def get_runtime_management_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Auto: a function runs on whatever interpreter of its version there is."""
        with translating(context):
            reference = named(context, request)
            _, version = self.registry.version(reference)
        return {
            "UpdateRuntimeOn": "Auto",
            "FunctionArn": version.qualified_arn,
            "RuntimeVersionArn": version.runtime_version_arn,
        }

    async def get_function_url_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """No function has a URL."""
        with translating(context):
            named(context, request)
        raise not_found(_NO_SUCH_RESOURCE)

    async def get_function_event_invoke_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """No function has settings of its own for asynchronous invocation."""
        with translating(context):
            reference = named(context, request)
        arn = reference._replace(qualifier=reference.qualifier or "$LATEST").arn
        raise not_found(f"The function {arn} doesn't have an EventInvokeConfig")
