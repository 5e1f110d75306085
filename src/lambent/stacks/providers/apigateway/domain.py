"""Custom domain names and base path mappings of REST APIs; accounts, certificates and VPC links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.apigateway.patching import (
    NOT_THERE,
    SERVICE,
    STEP,
    left,
    members,
    own_tags,
    replacing,
    retag,
    settled,
)
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    changed,
    not_served,
    tags_of,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 128
_PATHS: Final = {
    "CertificateArn": "/certificateArn",
    "RegionalCertificateArn": "/regionalCertificateArn",
    "SecurityPolicy": "/securityPolicy",
    "OwnershipVerificationCertificateArn": "/ownershipVerificationCertificateArn",
}
_ATTRIBUTES: Final = {
    "DomainNameArn": "domainNameArn",
    "DistributionDomainName": "distributionDomainName",
    "DistributionHostedZoneId": "distributionHostedZoneId",
    "RegionalDomainName": "regionalDomainName",
    "RegionalHostedZoneId": "regionalHostedZoneId",
}


class DomainNameProvider(ServiceProvider):
    """`AWS::ApiGateway::DomainName`: Ref is the name."""

    type: ClassVar[str] = "AWS::ApiGateway::DomainName"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        _check(properties)
        name = str(properties["DomainName"])
        there = await unless(work.call(SERVICE, "GetDomainName", domainName=name), *NOT_THERE)
        if there is not None and not work.again:
            raise already_exists(work, name)
        if there is None:
            endpoint = properties.get("EndpointConfiguration") or {}
            mutual = properties.get("MutualTlsAuthentication") or {}
            await work.call(
                SERVICE,
                "CreateDomainName",
                domainName=name,
                certificateArn=properties.get("CertificateArn"),
                regionalCertificateArn=properties.get("RegionalCertificateArn"),
                securityPolicy=properties.get("SecurityPolicy"),
                ownershipVerificationCertificateArn=properties.get("OwnershipVerificationCertificateArn"),
                endpointConfiguration=told(
                    {"types": endpoint.get("Types"), "ipAddressType": endpoint.get("IpAddressType")}
                )
                or None,
                mutualTlsAuthentication=told(
                    {
                        "truststoreUri": mutual.get("TruststoreUri"),
                        "truststoreVersion": mutual.get("TruststoreVersion"),
                    }
                )
                or None,
                tags=tags_of(work) or None,
            )
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        _check(work.properties)
        operations = [
            one
            for one in members(work.old, work.properties, _PATHS)
            if one["value"] or "Ownership" in one["path"]
        ]
        if changed(work, "EndpointConfiguration"):
            before = (work.old.get("EndpointConfiguration") or {}).get("Types") or ["EDGE"]
            after = work.properties.get("EndpointConfiguration") or {}
            if (after.get("Types") or ["EDGE"]) != before:
                raise not_served("EndpointConfiguration.Types of a domain name that is there")
            if after.get("IpAddressType"):
                operations.append(replacing("/endpointConfiguration/ipAddressType", after["IpAddressType"]))
        if changed(work, "MutualTlsAuthentication"):
            mutual = work.properties.get("MutualTlsAuthentication") or {}
            operations.append(
                replacing("/mutualTlsAuthentication/truststoreUri", mutual.get("TruststoreUri"))
            )
            if mutual.get("TruststoreVersion"):
                operations.append(
                    replacing("/mutualTlsAuthentication/truststoreVersion", mutual["TruststoreVersion"])
                )
        if operations:
            await work.call(
                SERVICE, "UpdateDomainName", domainName=work.physical_id, patchOperations=operations
            )
        await retag(work, f"domainnames/{work.physical_id}")
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteDomainName", domainName=work.physical_id), *NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetDomainName", domainName=work.physical_id), *NOT_THERE)
        if found is None:
            return None
        endpoint = found["endpointConfiguration"]
        return told(
            {
                "DomainName": work.physical_id,
                **{name: found.get(path[1:]) for name, path in _PATHS.items()},
                "EndpointConfiguration": told(
                    {"Types": endpoint.get("types"), "IpAddressType": endpoint.get("ipAddressType")}
                ),
                "Tags": own_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await work.call(SERVICE, "GetDomainName", domainName=physical_id)
        return Made(physical_id, {name: found.get(wire, "") for name, wire in _ATTRIBUTES.items()})


def _check(properties: Properties) -> None:
    if properties.get("RoutingMode", "BASE_PATH_MAPPING_ONLY") != "BASE_PATH_MAPPING_ONLY":
        raise not_served("RoutingMode")


class BasePathMappingProvider(ServiceProvider):
    """`AWS::ApiGateway::BasePathMapping`: Ref is the domain name and the path, with a bar between them."""

    type: ClassVar[str] = "AWS::ApiGateway::BasePathMapping"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        path = properties.get("BasePath") or ""
        try:
            await work.call(
                SERVICE,
                "CreateBasePathMapping",
                domainName=properties["DomainName"],
                basePath=path or None,
                restApiId=properties.get("RestApiId"),
                stage=properties.get("Stage"),
            )
        except ServiceFailure as failure:
            if failure.code != "ConflictException" or not work.again:
                raise
        return await self.made(work, f"{properties['DomainName']}|{path}")

    async def update(self, work: Work) -> Made:
        operations = members(work.old, work.properties, {"RestApiId": "/restapiId", "Stage": "/stage"})
        if operations:
            await work.call(SERVICE, "UpdateBasePathMapping", **_mapping(work), patchOperations=operations)
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteBasePathMapping", **_mapping(work)), *NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetBasePathMapping", **_mapping(work)), *NOT_THERE)
        if found is None:
            return None
        name, _, path = work.physical_id.partition("|")
        return told(
            {
                "DomainName": name,
                "BasePath": path,
                "RestApiId": found["restApiId"],
                "Stage": found.get("stage"),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id)

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return f"{identifier['DomainName']}|{identifier.get('BasePath', '')}"


def _mapping(work: Work) -> dict[str, Any]:
    name, _, path = work.physical_id.partition("|")
    return {"domainName": name, "basePath": path or "(none)"}


class AccountProvider(ServiceProvider):
    """`AWS::ApiGateway::Account`: the settings of the account, which stay when the resource goes, as on AWS."""

    type: ClassVar[str] = "AWS::ApiGateway::Account"

    async def create(self, work: Work) -> Made:
        await self._set(work)
        return await self.made(work, work.name(_NAME_LIMIT))

    async def update(self, work: Work) -> Made:
        await self._set(work)
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        return

    async def read(self, work: Work) -> Properties | None:
        found = await work.call(SERVICE, "GetAccount")
        return told({"Id": work.physical_id, "CloudWatchRoleArn": found.get("cloudwatchRoleArn")})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Id": physical_id})

    @staticmethod
    async def _set(work: Work) -> None:
        role = work.properties.get("CloudWatchRoleArn")
        await work.call(SERVICE, "UpdateAccount", patchOperations=[replacing("/cloudwatchRoleArn", role)])


class ClientCertificateProvider(ServiceProvider):
    """`AWS::ApiGateway::ClientCertificate`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGateway::ClientCertificate"

    async def create(self, work: Work) -> Made:
        certificate = work.physical_id
        if not certificate and work.again:
            certificate = await left(work, "GetClientCertificates", "clientCertificateId") or ""
        if not certificate:
            made = await work.call(
                SERVICE,
                "GenerateClientCertificate",
                description=work.properties.get("Description"),
                tags={**tags_of(work), STEP: work.token},
            )
            certificate = str(made["clientCertificateId"])
        await work.initiated(certificate)
        await settled(work, f"clientcertificates/{certificate}")
        return await self.made(work, certificate)

    async def update(self, work: Work) -> Made:
        operations = members(work.old, work.properties, {"Description": "/description"})
        if operations:
            await work.call(
                SERVICE,
                "UpdateClientCertificate",
                clientCertificateId=work.physical_id,
                patchOperations=operations,
            )
        await retag(work, f"clientcertificates/{work.physical_id}")
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call(SERVICE, "DeleteClientCertificate", clientCertificateId=work.physical_id), *NOT_THERE
        )

    async def read(self, work: Work) -> Properties | None:
        found = await unless(
            work.call(SERVICE, "GetClientCertificate", clientCertificateId=work.physical_id), *NOT_THERE
        )
        if found is None:
            return None
        return told({"Description": found.get("description"), "Tags": own_tags(found)})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"ClientCertificateId": physical_id})


class VpcLinkProvider(ServiceProvider):
    """`AWS::ApiGateway::VpcLink`: Ref is its id. There are no private networks here: it is kept, and leads nowhere."""

    type: ClassVar[str] = "AWS::ApiGateway::VpcLink"

    async def create(self, work: Work) -> Made:
        link = work.physical_id or (await left(work, "GetVpcLinks") if work.again else None)
        if not link:
            made = await work.call(
                SERVICE,
                "CreateVpcLink",
                name=work.properties["Name"],
                description=work.properties.get("Description"),
                targetArns=work.properties["TargetArns"],
                tags={**tags_of(work), STEP: work.token},
            )
            link = str(made["id"])
        await work.initiated(link)
        await settled(work, f"vpclinks/{link}")
        return await self.made(work, link)

    async def update(self, work: Work) -> Made:
        operations = members(work.old, work.properties, {"Name": "/name", "Description": "/description"})
        if operations:
            await work.call(SERVICE, "UpdateVpcLink", vpcLinkId=work.physical_id, patchOperations=operations)
        await retag(work, f"vpclinks/{work.physical_id}")
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteVpcLink", vpcLinkId=work.physical_id), *NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetVpcLink", vpcLinkId=work.physical_id), *NOT_THERE)
        if found is None:
            return None
        return told(
            {
                "Name": found["name"],
                "Description": found.get("description"),
                "TargetArns": found["targetArns"],
                "Tags": own_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"VpcLinkId": physical_id})
