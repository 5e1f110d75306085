"""Operations on custom domain names, API mappings and VPC links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.apigatewayv2.members import described, given
from lambent.aws.apigatewayv2.paging import page_of
from lambent.gateway.apis import domain_names, vpc_links
from lambent.gateway.apis.records import ApiMapping, DomainName, VpcLink

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.apis import ApiRegistry, Definition


class DomainNameOperations:
    """Create, read, update, delete and list: domain names, API mappings, VPC links."""

    registry: ApiRegistry

    async def create_domain_name(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new domain name, which is available at once."""
        with translating():
            domain = await self.registry.create_domain(
                context.account, context.region, given(DomainName, request)
            )
        return described(domain)

    async def get_domain_name(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One domain name."""
        with translating():
            found = self.registry.domain_definition(context.account, context.region, request["DomainName"])
            return described(found.domain)

    async def get_domain_names(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the domain names, by name."""
        found = [one.domain for one in self.registry.domain_definitions(context.account, context.region)]
        return page_of(found, lambda domain: domain.domain_name, request, described)

    async def update_domain_name(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed domain name."""
        with translating():
            members = given(DomainName, request)
            del members["domain_name"]
            domain = await self.registry.change_domain(
                context.account,
                context.region,
                request["DomainName"],
                lambda definition: domain_names.update(definition, members),
            )
        return described(domain)

    async def delete_domain_name(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a domain name with its mappings."""
        with translating():
            await self.registry.delete_domain(context.account, context.region, request["DomainName"])

    async def create_api_mapping(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new mapping."""
        with translating():
            members = given(ApiMapping, request, "api_id")
            mapping = await self.registry.change_domain(
                context.account,
                context.region,
                request["DomainName"],
                lambda definition: domain_names.create_mapping(
                    definition, members, lambda api_id: self._api(context, api_id)
                ),
            )
        return described(mapping)

    async def get_api_mapping(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One mapping."""
        with translating():
            found = self.registry.domain_definition(context.account, context.region, request["DomainName"])
            return described(domain_names.get_mapping(found, request["ApiMappingId"]))

    async def get_api_mappings(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of a domain name's mappings, by id."""
        with translating():
            found = self.registry.domain_definition(context.account, context.region, request["DomainName"])
        return page_of(found.mappings.values(), lambda one: one.api_mapping_id, request, described)

    async def update_api_mapping(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed mapping."""
        with translating():
            members = given(ApiMapping, request, "api_id")
            for member in ("domain_name", "api_mapping_id"):
                members.pop(member, None)
            mapping = await self.registry.change_domain(
                context.account,
                context.region,
                request["DomainName"],
                lambda definition: domain_names.update_mapping(
                    definition, request["ApiMappingId"], members, lambda api_id: self._api(context, api_id)
                ),
            )
        return described(mapping)

    async def delete_api_mapping(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a mapping."""
        with translating():
            await self.registry.change_domain(
                context.account,
                context.region,
                request["DomainName"],
                lambda definition: domain_names.delete_mapping(definition, request["ApiMappingId"]),
            )

    def _api(self, context: RequestContext, api_id: str) -> Definition | None:
        found = self.registry.apis.all.get(api_id)
        if found is None and self.registry.elsewhere is not None:
            found = self.registry.elsewhere(api_id)
        if found is None or (found.api.account, found.api.region) != (context.account, context.region):
            return None
        return found

    async def create_vpc_link(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new link, which is available at once."""
        with translating():
            link = await self.registry.create_vpc_link(
                context.account, context.region, given(VpcLink, request)
            )
        return described(link)

    async def get_vpc_link(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One link."""
        with translating():
            found = self.registry.vpc_link(context.account, context.region, request["VpcLinkId"])
            return described(found.link)

    async def get_vpc_links(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the links, by id."""
        found = self.registry.vpc_link_records(context.account, context.region)
        return page_of(found, lambda link: link.vpc_link_id, request, described)

    async def update_vpc_link(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the renamed link."""
        with translating():
            members = given(VpcLink, request)
            link = await self.registry.change_vpc_link(
                context.account,
                context.region,
                request["VpcLinkId"],
                lambda definition: vpc_links.update(definition, members),
            )
        return described(link)

    async def delete_vpc_link(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Deletes a link that no integration uses."""
        with translating():
            await self.registry.delete_vpc_link(context.account, context.region, request["VpcLinkId"])
        return {}
