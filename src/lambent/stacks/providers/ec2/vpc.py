"""VPCs and subnets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.base import changed, not_served, told
from lambent.stacks.providers.ec2.common import TaggedProvider, live_tags
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_IPAM: Final = ("Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6IpamPoolId", "Ipv6NetmaskLength")
_VPC_REFUSED: Final = (*_IPAM, "VpcEncryptionControl")
_SUBNET_REFUSED: Final = (
    *_IPAM,
    "EnableDns64",
    "EnableLniAtDeviceIndex",
    "OutpostArn",
    "PrivateDnsNameOptionsOnLaunch",
)
_DNS: Final = {"EnableDnsSupport": True, "EnableDnsHostnames": False}


class VpcProvider(TaggedProvider):
    """`AWS::EC2::VPC`."""

    type: ClassVar[str] = "AWS::EC2::VPC"
    kind: ClassVar[str] = "vpc"
    described: ClassVar[tuple[str, str, str]] = ("DescribeVpcs", "Vpcs", "VpcId")

    async def make(self, work: Work, tags: list[dict[str, Any]]) -> str:
        refuse(work, _VPC_REFUSED)
        made = await work.call(
            "ec2",
            "CreateVpc",
            CidrBlock=work.properties["CidrBlock"],
            InstanceTenancy=work.properties.get("InstanceTenancy"),
            TagSpecifications=tags,
        )
        return str(made["Vpc"]["VpcId"])

    async def set(self, work: Work, found: dict[str, Any]) -> None:
        tenancy = work.properties.get("InstanceTenancy", "default")
        if work.old and changed(work, "InstanceTenancy") and found.get("InstanceTenancy") != tenancy:
            raise not_served("InstanceTenancy")
        for name, default in _DNS.items():
            wanted = work.properties.get(name, default)
            if await _attribute(work, found["VpcId"], name) != wanted:
                await work.call(
                    "ec2", "ModifyVpcAttribute", VpcId=found["VpcId"], **{name: {"Value": wanted}}
                )

    async def remove(self, work: Work) -> None:
        await work.call("ec2", "DeleteVpc", VpcId=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await self.find(work, work.physical_id)
        if found is None:
            return None
        return told(
            {
                "CidrBlock": found["CidrBlock"],
                "InstanceTenancy": found.get("InstanceTenancy"),
                **{name: await _attribute(work, work.physical_id, name) for name in _DNS},
                "Tags": live_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await self.find(work, physical_id) or {}
        of_vpc = {"Name": "vpc-id", "Values": [physical_id]}
        groups = await work.call(
            "ec2",
            "DescribeSecurityGroups",
            Filters=[of_vpc, {"Name": "group-name", "Values": ["default"]}],
        )
        lists = await work.call(
            "ec2", "DescribeNetworkAcls", Filters=[of_vpc, {"Name": "default", "Values": ["true"]}]
        )
        return Made(
            physical_id,
            {
                "VpcId": physical_id,
                "CidrBlock": found.get("CidrBlock", ""),
                "CidrBlockAssociations": [
                    one["AssociationId"] for one in found.get("CidrBlockAssociationSet", [])
                ],
                "DefaultNetworkAcl": next((one["NetworkAclId"] for one in lists["NetworkAcls"]), ""),
                "DefaultSecurityGroup": next((one["GroupId"] for one in groups["SecurityGroups"]), ""),
                "Ipv6CidrBlocks": [
                    one["Ipv6CidrBlock"] for one in found.get("Ipv6CidrBlockAssociationSet", [])
                ],
                "InstanceTenancy": found.get("InstanceTenancy", "default"),
                **{name: await _attribute(work, physical_id, name) for name in _DNS},
            },
        )


class SubnetProvider(TaggedProvider):
    """`AWS::EC2::Subnet`."""

    type: ClassVar[str] = "AWS::EC2::Subnet"
    kind: ClassVar[str] = "subnet"
    described: ClassVar[tuple[str, str, str]] = ("DescribeSubnets", "Subnets", "SubnetId")

    async def make(self, work: Work, tags: list[dict[str, Any]]) -> str:
        refuse(work, _SUBNET_REFUSED)
        properties = work.properties
        made = await work.call(
            "ec2",
            "CreateSubnet",
            VpcId=properties["VpcId"],
            CidrBlock=properties.get("CidrBlock"),
            Ipv6CidrBlock=properties.get("Ipv6CidrBlock"),
            Ipv6Native=properties.get("Ipv6Native"),
            AvailabilityZone=properties.get("AvailabilityZone"),
            AvailabilityZoneId=properties.get("AvailabilityZoneId"),
            TagSpecifications=tags,
        )
        return str(made["Subnet"]["SubnetId"])

    async def set(self, work: Work, found: dict[str, Any]) -> None:
        refuse(work, _SUBNET_REFUSED)
        for name in ("MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation"):
            wanted = work.properties.get(name, False)
            if found.get(name, False) != wanted:
                await work.call(
                    "ec2", "ModifySubnetAttribute", SubnetId=found["SubnetId"], **{name: {"Value": wanted}}
                )

    async def remove(self, work: Work) -> None:
        await work.call("ec2", "DeleteSubnet", SubnetId=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await self.find(work, work.physical_id)
        if found is None:
            return None
        return told(
            {
                "VpcId": found["VpcId"],
                "CidrBlock": found.get("CidrBlock"),
                "AvailabilityZone": found["AvailabilityZone"],
                "AvailabilityZoneId": found.get("AvailabilityZoneId"),
                "MapPublicIpOnLaunch": found.get("MapPublicIpOnLaunch", False),
                "AssignIpv6AddressOnCreation": found.get("AssignIpv6AddressOnCreation", False),
                "Tags": live_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await self.find(work, physical_id) or {}
        lists = await work.call(
            "ec2",
            "DescribeNetworkAcls",
            Filters=[{"Name": "association.subnet-id", "Values": [physical_id]}],
        )
        associations = [
            association["NetworkAclAssociationId"]
            for one in lists["NetworkAcls"]
            for association in one.get("Associations", [])
            if association["SubnetId"] == physical_id
        ]
        blocks = [one["Ipv6CidrBlock"] for one in found.get("Ipv6CidrBlockAssociationSet", [])]
        return Made(
            physical_id,
            {
                "SubnetId": physical_id,
                "VpcId": found.get("VpcId", ""),
                "CidrBlock": found.get("CidrBlock", ""),
                "AvailabilityZone": found.get("AvailabilityZone", ""),
                "AvailabilityZoneId": found.get("AvailabilityZoneId", ""),
                "AssignIpv6AddressOnCreation": found.get("AssignIpv6AddressOnCreation", False),
                "MapPublicIpOnLaunch": found.get("MapPublicIpOnLaunch", False),
                "Ipv6CidrBlocks": blocks,
                "Ipv6CidrBlock": next(iter(blocks), ""),
                "NetworkAclAssociationId": next(iter(associations), ""),
            },
        )


def refuse(work: Work, members: tuple[str, ...]) -> None:
    """Raise for the first of these properties that is given and asks for anything."""
    for member in members:
        if work.properties.get(member):
            raise not_served(member)


async def _attribute(work: Work, vpc: str, name: str) -> bool:
    attribute = name[:1].lower() + name[1:]
    found = await work.call("ec2", "DescribeVpcAttribute", VpcId=vpc, Attribute=attribute)
    return bool(found[name]["Value"])
