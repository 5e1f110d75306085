"""Operations on what a function's runtime and its platform are to do: runtime updates, loops, scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.aws.lambda_.errors import invalid_parameter, translating
from lambent.aws.lambda_.functions import named
from lambent.functions.attachments import RuntimeManagement

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions import FunctionRecord, FunctionRegistry, FunctionVersion


class RuntimeSettingsOperations:
    """Runtime management, recursion and scaling configurations."""

    registry: FunctionRegistry

    async def put_runtime_management_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Says when the runtime of a version is updated. What runs here is the machine's own all the same."""
        update_on, arn = request["UpdateRuntimeOn"], request.get("RuntimeVersionArn")
        with translating(context):
            reference = named(context, request)
            _, version = self.registry.version(reference)
            if update_on == "Manual" and not arn:
                raise invalid_parameter("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
            if update_on != "Manual" and arn:
                raise invalid_parameter("RuntimeVersionArn can only be used when UpdateRuntimeOn is Manual.")
            if arn and arn != version.runtime_version_arn:
                raise invalid_parameter(f"Runtime version {arn} is not available.")
            wanted = RuntimeManagement(update_on=update_on, runtime_version_arn=arn)

            def change(record: FunctionRecord) -> FunctionRecord:
                kept = {**record.runtime_management, version.version: wanted}
                return replace(record, runtime_management=kept)

            record = await self.registry.change(reference._replace(qualifier=None), change)
        return _runtime_management(record, version, shown=arn)

    async def get_runtime_management_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """When the runtime of a version is updated."""
        with translating(context):
            reference = named(context, request)
            record, version = self.registry.version(reference)
        return _runtime_management(record, version, shown=version.runtime_version_arn)

    async def put_function_recursion_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Says whether loops of a function are ended."""
        with translating(context):
            record = await self.registry.change(
                named(context, request),
                lambda record: replace(
                    record,
                    options={"": replace(record.settings, recursive_loop=request["RecursiveLoop"])},
                ),
            )
        return {"RecursiveLoop": record.settings.recursive_loop}

    async def get_function_recursion_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Whether loops of a function are ended."""
        with translating(context):
            record = self.registry.record(named(context, request))
        return {"RecursiveLoop": record.settings.recursive_loop}

    async def put_function_scaling_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Refused: only functions on managed instances have one, and none can be made here."""
        with translating(context):
            self.registry.version(named(context, request))
        raise invalid_parameter(
            "The function is not configured with a capacity provider. "
            "Scaling configuration is only supported for functions with a capacity provider."
        )

    async def get_function_scaling_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """The ARN alone: no function has a scaling configuration here."""
        with translating(context):
            _, version = self.registry.version(named(context, request))
        return {"FunctionArn": version.qualified_arn}


def _runtime_management(
    record: FunctionRecord, version: FunctionVersion, *, shown: str | None
) -> dict[str, Any]:
    kept = record.runtime_management.get(version.version, RuntimeManagement())
    return {
        "UpdateRuntimeOn": kept.update_on,
        "FunctionArn": version.qualified_arn,
        "RuntimeVersionArn": shown if kept.runtime_version_arn is None else kept.runtime_version_arn,
    }
