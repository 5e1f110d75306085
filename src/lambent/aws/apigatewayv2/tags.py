"""Operations on tags: of APIs, stages, domain names and VPC links, by ARN."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lambent.aws.apigatewayv2.errors import translating
from lambent.gateway.apis import ApiNotFound, BadApiRequest, apis, domain_names, stages, tags, vpc_links

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.context import RequestContext
    from lambent.gateway.apis import ApiRegistry

    Change = Callable[[dict[str, str]], dict[str, str]]

_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:(?P<region>[a-z0-9-]+)::"
    r"/(?P<kind>apis|domainnames|vpclinks)/(?P<id>[^/]+)(?:/stages/(?P<stage>[^/]+))?"
)


class TagOperations:
    """Tag, untag, list."""

    registry: ApiRegistry

    async def tag_resource(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Adds tags, overwriting those of the same key."""
        new: dict[str, str] = request.get("Tags") or {}
        with translating():
            await self._retag(context, request["ResourceArn"], lambda old: tags.added(old, new))
        return {}

    async def untag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Removes tags; those that are not there are no error."""
        keys: list[str] = request["TagKeys"]
        with translating():
            await self._retag(context, request["ResourceArn"], lambda old: tags.removed(old, keys))

    async def get_tags(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The tags of a resource; an empty map without any."""
        with translating():
            kind, name, stage = _named(context, request["ResourceArn"])
            where = (context.account, context.region, name)
            if kind == "domainnames":
                return {"Tags": self.registry.domain_definition(*where).domain.tags}
            if kind == "vpclinks":
                return {"Tags": self.registry.vpc_link(*where).link.tags}
            definition = self.registry.definition(*where)
            return {"Tags": definition.api.tags if stage is None else stages.get(definition, stage).tags}

    async def _retag(self, context: RequestContext, arn: str, change: Change) -> None:
        kind, name, stage = _named(context, arn)
        where = (context.account, context.region, name)
        if kind == "domainnames":
            await self.registry.change_domain(
                *where, lambda one: domain_names.retagged(one, change(one.domain.tags))
            )
        elif kind == "vpclinks":
            await self.registry.change_vpc_link(
                *where, lambda one: vpc_links.retagged(one, change(one.link.tags))
            )
        elif stage is not None:
            await self.registry.change(
                *where, lambda one: stages.retagged(one, stage, change(stages.get(one, stage).tags))
            )
        else:
            await self.registry.change(
                *where, lambda one: apis.retagged(one, change(one.api.tags)), deploys=False
            )


def _named(context: RequestContext, arn: str) -> tuple[str, str, str | None]:
    """The kind, the name and the stage that an ARN names. Raises BadApiRequest, ApiNotFound."""
    found = _ARN.fullmatch(unquote(arn))
    if found is None or (found["stage"] is not None and found["kind"] != "apis"):
        raise BadApiRequest(f"Invalid resource ARN specified in the request: {arn}")
    if found["region"] != context.region:
        raise ApiNotFound(f"Invalid resource identifier specified {arn}")
    return found["kind"], found["id"], found["stage"]
