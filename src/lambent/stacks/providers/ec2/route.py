"""Route tables, their routes, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.base import ServiceProvider, already_exists, changed, chosen, told
from lambent.stacks.providers.ec2.common import TaggedProvider, live_tags, unless_gone
from lambent.stacks.providers.ec2.vpc import refuse
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_DESTINATIONS: Final = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_TARGETS: Final = (
    "CarrierGatewayId",
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
)
_REFUSED: Final = ("CoreNetworkArn", "LocalGatewayId", "OdbNetworkArn")


class RouteTableProvider(TaggedProvider):
    """`AWS::EC2::RouteTable`."""

    type: ClassVar[str] = "AWS::EC2::RouteTable"
    kind: ClassVar[str] = "route-table"
    described: ClassVar[tuple[str, str, str]] = ("DescribeRouteTables", "RouteTables", "RouteTableId")

    async def make(self, work: Work, tags: list[dict[str, Any]]) -> str:
        vpc = work.properties["VpcId"]
        made = await work.call("ec2", "CreateRouteTable", VpcId=vpc, TagSpecifications=tags)
        return str(made["RouteTable"]["RouteTableId"])

    async def remove(self, work: Work) -> None:
        await work.call("ec2", "DeleteRouteTable", RouteTableId=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await self.find(work, work.physical_id)
        return None if found is None else told({"VpcId": found["VpcId"], "Tags": live_tags(found)})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"RouteTableId": physical_id})


class RouteProvider(ServiceProvider):
    """`AWS::EC2::Route`: Ref is `rtb-…|10.0.0.0/16`."""

    type: ClassVar[str] = "AWS::EC2::Route"

    async def create(self, work: Work) -> Made:
        refuse(work, _REFUSED)
        properties = work.properties
        physical_id = f"{properties['RouteTableId']}|{_destination(properties)}"
        if await _route(work, physical_id) is not None:
            if not work.again:
                raise already_exists(work, physical_id)
        else:
            await work.call(
                "ec2", "CreateRoute", **chosen(properties, ("RouteTableId", *_DESTINATIONS, *_TARGETS))
            )
        return await self.made(work, physical_id)

    async def update(self, work: Work) -> Made:
        refuse(work, _REFUSED)
        if changed(work, *_TARGETS):
            members = chosen(work.properties, ("RouteTableId", *_DESTINATIONS, *_TARGETS))
            await work.call("ec2", "ReplaceRoute", **members)
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        members = chosen(work.properties, ("RouteTableId", *_DESTINATIONS))
        await unless_gone(work.call("ec2", "DeleteRoute", **members))

    async def read(self, work: Work) -> Properties | None:
        found = await _route(work, work.physical_id)
        if found is None:
            return None
        return {
            "RouteTableId": work.physical_id.partition("|")[0],
            **chosen(found, (*_DESTINATIONS, *_TARGETS)),
        }

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"CidrBlock": physical_id.partition("|")[2]})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return f"{identifier['RouteTableId']}|{identifier['CidrBlock']}"


class SubnetRouteTableAssociationProvider(ServiceProvider):
    """`AWS::EC2::SubnetRouteTableAssociation`: Ref is its id."""

    type: ClassVar[str] = "AWS::EC2::SubnetRouteTableAssociation"

    async def create(self, work: Work) -> Made:
        table, subnet = work.properties["RouteTableId"], work.properties["SubnetId"]
        for one in await _associations(work) if work.again else ():
            if (one.get("SubnetId"), one["RouteTableId"]) == (subnet, table):
                return await self.made(work, one["RouteTableAssociationId"])
        made = await work.call("ec2", "AssociateRouteTable", RouteTableId=table, SubnetId=subnet)
        return await self.made(work, made["AssociationId"])

    async def update(self, work: Work) -> Made:
        # Every property replaces it.
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        try:
            await unless_gone(work.call("ec2", "DisassociateRouteTable", AssociationId=work.physical_id))
        except ServiceFailure as failure:
            if failure.code != "InvalidAssociationID":
                raise

    async def read(self, work: Work) -> Properties | None:
        for one in await _associations(work):
            if one["RouteTableAssociationId"] == work.physical_id:
                return {"RouteTableId": one["RouteTableId"], "SubnetId": one.get("SubnetId")}
        return None

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Id": physical_id})


def _destination(properties: Properties) -> str:
    return next((str(properties[name]) for name in _DESTINATIONS if properties.get(name)), "")


async def _route(work: Work, physical_id: str) -> dict[str, Any] | None:
    table, _, destination = physical_id.partition("|")
    found = await unless_gone(work.call("ec2", "DescribeRouteTables", RouteTableIds=[table]))
    for one in (found or {}).get("RouteTables", []):
        for route in one.get("Routes", []):
            if _destination(route) == destination:
                described: dict[str, Any] = route
                return described
    return None


async def _associations(work: Work) -> list[dict[str, Any]]:
    found = await work.call("ec2", "DescribeRouteTables")
    return [one for table in found["RouteTables"] for one in table.get("Associations", [])]
