"""Custom domain names, API mappings and VPC links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.apigatewayv2.api import STEP, retag
from lambent.stacks.providers.apigatewayv2.part import SERVICE, PartProvider
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    changed,
    chosen,
    not_served,
    tags_of,
    unless,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NOT_THERE: Final = ("NotFoundException",)
_CONFIGURATION: Final = (
    "CertificateArn",
    "CertificateName",
    "EndpointType",
    "IpAddressType",
    "OwnershipVerificationCertificateArn",
    "SecurityPolicy",
)


class DomainNameProvider(ServiceProvider):
    """`AWS::ApiGatewayV2::DomainName`: Ref is the name."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::DomainName"

    async def create(self, work: Work) -> Made:
        name = str(work.properties["DomainName"])
        _check(work)
        there = await unless(work.call(SERVICE, "GetDomainName", DomainName=name), *_NOT_THERE)
        if there is not None and not work.again:
            raise already_exists(work, name)
        if there is None:
            await work.call(
                SERVICE,
                "CreateDomainName",
                DomainName=name,
                **chosen(work.properties, ("DomainNameConfigurations", "MutualTlsAuthentication")),
                Tags=tags_of(work) or None,
            )
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        _check(work)
        name = work.physical_id
        if changed(work, "DomainNameConfigurations", "MutualTlsAuthentication"):
            mutual = work.properties.get("MutualTlsAuthentication")
            await work.call(
                SERVICE,
                "UpdateDomainName",
                DomainName=name,
                DomainNameConfigurations=work.properties.get("DomainNameConfigurations"),
                MutualTlsAuthentication=mutual
                or ({"TruststoreUri": ""} if work.old.get("MutualTlsAuthentication") else None),
            )
        stack = work.stack
        await retag(work, f"arn:{stack.partition}:apigateway:{stack.region}::/domainnames/{name}")
        return await self.made(work, name)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteDomainName", DomainName=work.physical_id), *_NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetDomainName", DomainName=work.physical_id), *_NOT_THERE)
        if found is None:
            return None
        return {
            "DomainName": work.physical_id,
            "DomainNameConfigurations": [
                {name: one[name] for name in _CONFIGURATION if one.get(name) is not None}
                for one in found["DomainNameConfigurations"]
            ],
        }

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await work.call(SERVICE, "GetDomainName", DomainName=physical_id)
        (configuration,) = found["DomainNameConfigurations"]
        return Made(
            physical_id,
            {
                "DomainNameArn": found["DomainNameArn"],
                "RegionalDomainName": configuration["ApiGatewayDomainName"],
                "RegionalHostedZoneId": configuration["HostedZoneId"],
            },
        )


def _check(work: Work) -> None:
    if work.properties.get("RoutingMode", "API_MAPPING_ONLY") != "API_MAPPING_ONLY":
        raise not_served("RoutingMode")


class ApiMappingProvider(PartProvider):
    """`AWS::ApiGatewayV2::ApiMapping`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::ApiMapping"
    noun = "ApiMapping"
    id_member = "ApiMappingId"
    above = ("DomainName",)
    members = ("ApiId", "Stage", "ApiMappingKey")
    natural = ("ApiId", "Stage")

    def changes(self, work: Work) -> dict[str, Any]:
        found = super().changes(work)
        return {**found, "ApiId": work.properties["ApiId"]} if found else {}


class VpcLinkProvider(ServiceProvider):
    """`AWS::ApiGatewayV2::VpcLink`: Ref is its id. There are no private networks here: it is kept and leads nowhere."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::VpcLink"

    async def create(self, work: Work) -> Made:
        link = work.physical_id or (await self._left(work) if work.again else None)
        if not link:
            made = await work.call(
                SERVICE,
                "CreateVpcLink",
                **chosen(work.properties, ("Name", "SubnetIds", "SecurityGroupIds")),
                Tags={**tags_of(work), STEP: work.token},
            )
            link = str(made["VpcLinkId"])
        await work.initiated(link)
        await work.call(SERVICE, "UntagResource", ResourceArn=_link_arn(work, link), TagKeys=[STEP])
        return await self.made(work, link)

    async def update(self, work: Work) -> Made:
        if changed(work, "Name"):
            await work.call(
                SERVICE, "UpdateVpcLink", VpcLinkId=work.physical_id, Name=work.properties["Name"]
            )
        await retag(work, _link_arn(work, work.physical_id))
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteVpcLink", VpcLinkId=work.physical_id), *_NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetVpcLink", VpcLinkId=work.physical_id), *_NOT_THERE)
        if found is None:
            return None
        members = ("VpcLinkId", "Name", "SubnetIds", "SecurityGroupIds")
        return {name: found[name] for name in members if found.get(name)}

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"VpcLinkId": physical_id})

    async def _left(self, work: Work) -> str | None:
        token: str | None = None
        while True:
            page = await work.call(SERVICE, "GetVpcLinks", NextToken=token)
            for one in page["Items"]:
                if one.get("Tags", {}).get(STEP) == work.token:
                    return str(one["VpcLinkId"])
            token = page.get("NextToken")
            if not token:
                return None


def _link_arn(work: Work, link: str) -> str:
    return f"arn:{work.stack.partition}:apigateway:{work.stack.region}::/vpclinks/{link}"
