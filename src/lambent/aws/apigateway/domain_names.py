"""Operations on custom domain names and base path mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigateway.members import operations
from lambent.aws.apigateway.paging import page_of
from lambent.aws.apigatewayv2.errors import translating
from lambent.gateway.apis import BadApiRequest
from lambent.gateway.rest_api import base_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.context import RequestContext
    from lambent.gateway.apis.records import ApiMapping, DomainName
    from lambent.gateway.rest_api import RestApiRegistry

_NAMES = {
    "domainName": "domain_name",
    "certificateName": "certificate_name",
    "certificateArn": "certificate_arn",
    "regionalCertificateName": "regional_certificate_name",
    "regionalCertificateArn": "regional_certificate_arn",
    "securityPolicy": "security_policy",
    "mutualTlsAuthentication": "mutual_tls_authentication",
    "ownershipVerificationCertificateArn": "ownership_verification_certificate_arn",
    "tags": "tags",
}
_NOT_SERVED = ("certificateBody", "certificatePrivateKey", "certificateChain", "policy")


class DomainNameOperations:
    """Create, read, update, delete and list: domain names, base path mappings."""

    registry: RestApiRegistry

    async def create_domain_name(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new domain name, which is available at once."""
        endpoint = request.get("endpointConfiguration") or {}
        members = {name: request.get(wire_name) for wire_name, name in _NAMES.items()}
        members["endpoint_configuration"] = {
            "types": endpoint.get("types"),
            "ip_address_type": endpoint.get("ipAddressType"),
        }
        with translating():
            for name in _NOT_SERVED:
                if request.get(name):
                    raise BadApiRequest(f"{name} is not served here: name a certificate by its ARN")
            if request.get("routingMode") not in (None, "BASE_PATH_MAPPING_ONLY"):
                raise BadApiRequest("Routing rules of domain names are not served here")
            new = base_paths.create(context.account, context.region, members)
            domains = self.registry.domains.domains
            name = new.domain.domain_name
            if not await domains.insert(name, context.account, context.region, new):
                raise BadApiRequest("The domain name you provided already exists.")
        return _shown(new.domain)

    async def get_domain_name(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One domain name."""
        with translating():
            found = self.registry.domains.domain_definition(
                context.account, context.region, request["domainName"]
            )
            return _shown(found.domain)

    async def get_domain_names(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the domain names, by name."""
        found = self.registry.domains.domain_definitions(context.account, context.region)
        return page_of([one.domain for one in found], lambda domain: domain.domain_name, request, _shown)

    async def update_domain_name(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed domain name."""
        changes = operations(request)
        with translating():
            domain = await self.registry.domains.change_domain(
                context.account,
                context.region,
                request["domainName"],
                lambda definition: base_paths.update(definition, changes),
            )
        return _shown(domain)

    async def delete_domain_name(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a domain name with its mappings."""
        with translating():
            await self.registry.domains.delete_domain(context.account, context.region, request["domainName"])

    async def create_base_path_mapping(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new mapping."""
        with translating():
            mapping = await self.registry.domains.change_domain(
                context.account,
                context.region,
                request["domainName"],
                lambda definition: base_paths.map_path(
                    definition,
                    request.get("basePath"),
                    request["restApiId"],
                    request.get("stage"),
                    self._has_stage(context),
                ),
            )
        return _mapping(mapping)

    async def get_base_path_mapping(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One mapping."""
        with translating():
            found = self.registry.domains.domain_definition(
                context.account, context.region, request["domainName"]
            )
            return _mapping(base_paths.get(found, request["basePath"]))

    async def get_base_path_mappings(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of a domain name's mappings, by path."""
        with translating():
            found = self.registry.domains.domain_definition(
                context.account, context.region, request["domainName"]
            )
        return page_of(found.mappings.values(), lambda one: one.api_mapping_key, request, _mapping)

    async def update_base_path_mapping(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed mapping."""
        changes = operations(request)
        with translating():
            mapping = await self.registry.domains.change_domain(
                context.account,
                context.region,
                request["domainName"],
                lambda definition: base_paths.remap(
                    definition, request["basePath"], changes, self._has_stage(context)
                ),
            )
        return _mapping(mapping)

    async def delete_base_path_mapping(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a mapping."""
        with translating():
            await self.registry.domains.change_domain(
                context.account,
                context.region,
                request["domainName"],
                lambda definition: base_paths.unmap(definition, request["basePath"]),
            )

    def _has_stage(self, context: RequestContext) -> Callable[[str, str | None], bool]:
        def has(api_id: str, stage: str | None) -> bool:
            found = self.registry.apis.all.get(api_id)
            if found is None or (found.api.account, found.api.region) != (context.account, context.region):
                return False
            return stage is None or stage in found.stages

        return has


def _shown(domain: DomainName) -> dict[str, Any]:
    (found,) = domain.domain_name_configurations
    edge = found.endpoint_type == "EDGE"
    shown: dict[str, Any] = {
        "domainName": domain.domain_name,
        "domainNameArn": domain.domain_name_arn,
        "domainNameStatus": found.domain_name_status,
        "endpointConfiguration": {
            "types": [found.endpoint_type],
            "ipAddressType": found.ip_address_type,
        },
        "securityPolicy": found.security_policy,
        "ownershipVerificationCertificateArn": found.ownership_verification_certificate_arn,
        "routingMode": "BASE_PATH_MAPPING_ONLY",
        "tags": domain.tags or None,
    }
    if edge:
        shown |= {
            "certificateArn": found.certificate_arn,
            "certificateName": found.certificate_name,
            "distributionDomainName": found.api_gateway_domain_name,
            "distributionHostedZoneId": found.hosted_zone_id,
        }
    else:
        shown |= {
            "regionalCertificateArn": found.certificate_arn,
            "regionalCertificateName": found.certificate_name,
            "regionalDomainName": found.api_gateway_domain_name,
            "regionalHostedZoneId": found.hosted_zone_id,
        }
    mutual = domain.mutual_tls_authentication
    if mutual is not None:
        shown["mutualTlsAuthentication"] = {
            "truststoreUri": mutual.truststore_uri,
            "truststoreVersion": mutual.truststore_version,
        }
    return shown


def _mapping(mapping: ApiMapping) -> dict[str, Any]:
    return {
        "basePath": mapping.api_mapping_key or base_paths.NONE,
        "restApiId": mapping.api_id,
        "stage": mapping.stage or None,
    }
