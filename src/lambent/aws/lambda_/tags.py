"""Operations on tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.lambda_.errors import invalid_parameter, not_found, translating
from lambent.functions import FunctionRegistry, Reference, parse_name

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext

# What a taggable ARN can name besides a function. None of them can exist here yet.
_ABSENT = {
    "event-source-mapping": "Event source mapping not found",
    "capacity-provider": "Capacity provider not found",
    "network-connector": "Network connector not found",
}


class TagOperations:
    """Tag, untag and list, by ARN."""

    registry: FunctionRegistry

    async def tag_resource(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Adds tags, overwriting those of the same key."""
        if not request["Tags"]:
            raise invalid_parameter("An error occurred and the request cannot be processed.")
        with translating(context):
            await self.registry.tag(_function(context, request["Resource"]), request["Tags"])
        return {}

    async def untag_resource(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Removes tags; those that are not there are no error."""
        with translating(context):
            await self.registry.untag(_function(context, request["Resource"]), request["TagKeys"])
        return {}

    async def list_tags(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The tags of a function; an empty map without any."""
        with translating(context):
            return {"Tags": self.registry.record(_function(context, request["Resource"])).tags}


def _function(context: RequestContext, arn: str) -> Reference:
    kind = arn.split(":")[5]
    if kind in _ABSENT:
        raise not_found(f"{_ABSENT[kind]}: {arn}")
    if kind != "function":
        raise not_found(f"The resource you requested does not exist: {arn}")
    reference = parse_name(context.account, context.region, arn)
    if reference.qualifier is not None:
        raise invalid_parameter(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return reference
