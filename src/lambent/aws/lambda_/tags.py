"""Operations on tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.aws.lambda_.errors import invalid_parameter, not_found, translating
from lambent.events.errors import MappingNotFound
from lambent.functions import FunctionRegistry, Reference, parse_name
from lambent.functions.settings import check_tags

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.aws.context import RequestContext
    from lambent.events import MappingRegistry
    from lambent.functions.limits import Limits

    Change = Callable[[dict[str, str]], dict[str, str]]

# What a taggable ARN can name that cannot exist here.
_ABSENT = {
    "capacity-provider": "Capacity provider not found",
    "network-connector": "Network connector not found",
}
_RESERVED = "aws:"


def new_tags(context: RequestContext, request: dict[str, Any], limits: Limits) -> dict[str, str]:
    """The tags of a resource that is being made. Raises ServiceError, TooManyTags."""
    tags: dict[str, str] = request.get("Tags") or {}
    _check_keys(context, tags)
    check_tags(tags, limits)
    return tags


def _check_keys(context: RequestContext, tags: dict[str, str]) -> None:
    if not context.from_stacks and any(key.lower().startswith(_RESERVED) for key in tags):
        raise invalid_parameter("Tag keys starting with 'aws:' are reserved for system use.")


class TagOperations:
    """Tag, untag and list, by ARN: functions, event source mappings, code signing configurations."""

    registry: FunctionRegistry
    mappings: MappingRegistry

    async def tag_resource(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Adds tags, overwriting those of the same key."""
        tags: dict[str, str] = request["Tags"]
        if not tags:
            raise invalid_parameter("An error occurred and the request cannot be processed.")
        _check_keys(context, tags)

        def tagged(before: dict[str, str]) -> dict[str, str]:
            after = {**before, **tags}
            check_tags(after, self.registry.limits)
            return after

        with translating(context):
            await self._retag(
                context, request["Resource"], tagged, lambda reference: self.registry.tag(reference, tags)
            )
        return {}

    async def untag_resource(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Removes tags; those that are not there are no error."""
        keys: list[str] = request["TagKeys"]
        with translating(context):
            await self._retag(
                context,
                request["Resource"],
                lambda tags: {key: value for key, value in tags.items() if key not in keys},
                lambda reference: self.registry.untag(reference, keys),
            )
        return {}

    async def list_tags(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The tags of a resource; an empty map without any."""
        arn = request["Resource"]
        with translating(context):
            kind, name = _kind(context, arn)
            if kind == "event-source-mapping":
                try:
                    return {"Tags": self.mappings.get(context.account, context.region, name).tags}
                except MappingNotFound:
                    raise _no_mapping(arn) from None
            if kind == "code-signing-config":
                return {"Tags": self.registry.signing.get(arn, context.account, context.region).tags}
            return {"Tags": self.registry.record(_function(context, arn)).tags}

    async def _retag(
        self,
        context: RequestContext,
        arn: str,
        change: Change,
        change_function: Callable[[Reference], Awaitable[None]],
    ) -> None:
        kind, name = _kind(context, arn)
        if kind == "event-source-mapping":
            try:
                await self.mappings.retag(context.account, context.region, name, change)
            except MappingNotFound:
                raise _no_mapping(arn) from None
        elif kind == "code-signing-config":
            self.registry.signing.get(arn, context.account, context.region)
            await self.registry.signing.change(arn, lambda config: replace(config, tags=change(config.tags)))
        else:
            await change_function(_function(context, arn))


def _kind(context: RequestContext, arn: str) -> tuple[str, str]:
    """The kind of resource that an ARN names, and its name. Raises ServiceError for what cannot exist."""
    parts = arn.split(":")
    region, kind = parts[3], parts[5]
    if kind in _ABSENT:
        raise not_found(f"{_ABSENT[kind]}: {arn}")
    if kind not in ("function", "event-source-mapping", "code-signing-config"):
        raise not_found(f"The resource you requested does not exist: {arn}")
    if kind == "event-source-mapping" and (region, parts[4]) != (context.region, context.account):
        raise _no_mapping(arn)
    return kind, parts[6]


def _no_mapping(arn: str) -> Exception:
    return not_found(f"Event source mapping not found: {arn}")


def _function(context: RequestContext, arn: str) -> Reference:
    reference = parse_name(context.account, context.region, arn)
    if reference.qualifier is not None:
        raise invalid_parameter(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return reference
