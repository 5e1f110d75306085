"""Operations on tags: of APIs, stages, keys, usage plans, domain names, VPC links and certificates, by ARN."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lambent.aws.apigatewayv2.errors import translating
from lambent.gateway.apis import ApiNotFound, BadApiRequest, domain_names, tags
from lambent.gateway.rest_api import apis, keys, stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.context import RequestContext
    from lambent.gateway.rest_api import RestApiRegistry

    Change = Callable[[dict[str, str]], dict[str, str]]

_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:(?P<region>[a-z0-9-]+):[^:]*:"
    r"/(?P<kind>restapis|apikeys|usageplans|domainnames|vpclinks|clientcertificates)/(?P<id>[^/]+)"
    r"(?:/stages/(?P<stage>[^/]+))?"
)


class TagOperations:
    """Tag, untag, list."""

    registry: RestApiRegistry

    async def tag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Adds tags, overwriting those of the same key."""
        new: dict[str, str] = request.get("tags") or {}
        with translating():
            await self._retag(context, request["resourceArn"], lambda old: tags.added(old, new))

    async def untag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Removes tags; those that are not there are no error."""
        gone: list[str] = request["tagKeys"]
        with translating():
            await self._retag(context, request["resourceArn"], lambda old: tags.removed(old, gone))

    async def get_tags(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The tags of a resource; an empty map without any."""
        with translating():
            return {"tags": self._tags(context, request["resourceArn"])}

    def _tags(self, context: RequestContext, arn: str) -> dict[str, str]:
        kind, name, stage = _named(context, arn)
        registry, where = self.registry, (context.account, context.region, name)
        if kind == "domainnames":
            return registry.domains.domain_definition(*where).domain.tags
        if kind == "usageplans":
            return registry.plan(*where).plan.tags or {}
        if kind == "restapis":
            definition = registry.definition(*where)
            found = definition.api.tags if stage is None else stages.get(definition, stage).tags
            return found or {}
        kept = {
            "apikeys": registry.key,
            "vpclinks": registry.vpc_link,
            "clientcertificates": registry.certificate,
        }[kind](*where)
        return kept.record.tags or {}

    async def _retag(self, context: RequestContext, arn: str, change: Change) -> None:
        kind, name, stage = _named(context, arn)
        registry, where = self.registry, (context.account, context.region, name)
        new = change(self._tags(context, arn))
        if kind == "domainnames":
            await registry.domains.change_domain(*where, lambda one: domain_names.retagged(one, new))
        elif kind == "usageplans":
            await registry.plans.change(
                name, lambda: registry.plan(*where), lambda one: keys.retagged_plan(one, new)
            )
        elif kind == "restapis" and stage is not None:
            await registry.change(*where, lambda one: stages.retagged(one, stage, new))
        elif kind == "restapis":
            await registry.change(*where, lambda one: apis.retagged(one, new))
        else:
            ledger, find = {
                "apikeys": (registry.keys, registry.key),
                "vpclinks": (registry.vpc_links, registry.vpc_link),
                "clientcertificates": (registry.certificates, registry.certificate),
            }[kind]
            await ledger.change(name, lambda: find(*where), lambda one: keys.retagged(one, new))


def _named(context: RequestContext, arn: str) -> tuple[str, str, str | None]:
    """The kind, the name and the stage that an ARN names. Raises BadApiRequest, ApiNotFound."""
    found = _ARN.fullmatch(unquote(arn))
    if found is None or (found["stage"] is not None and found["kind"] != "restapis"):
        raise BadApiRequest(f"Invalid resource ARN specified in the request: {arn}")
    if found["region"] != context.region:
        raise ApiNotFound(f"Invalid resource identifier specified {arn}")
    return found["kind"], found["id"], found["stage"]
