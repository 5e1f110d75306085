"""What leads out of a VPC: internet gateways, addresses, NAT gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import ServiceProvider, not_served, pairs, tags_of, told
from lambent.stacks.providers.ec2.common import STEP, TaggedProvider, live_tags, retag, unless_gone
from lambent.stacks.providers.ec2.vpc import refuse
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAT_REFUSED: Final = (
    "AvailabilityMode",
    "AvailabilityZoneAddresses",
    "PrivateIpAddress",
    "SecondaryAllocationIds",
    "SecondaryPrivateIpAddressCount",
    "SecondaryPrivateIpAddresses",
)
_EIP_REFUSED: Final = ("IpamPoolId", "NetworkBorderGroup", "PublicIpv4Pool", "TransferAddress")
_ATTACHED: Final = "Resource.AlreadyAssociated"


class InternetGatewayProvider(TaggedProvider):
    """`AWS::EC2::InternetGateway`."""

    type: ClassVar[str] = "AWS::EC2::InternetGateway"
    kind: ClassVar[str] = "internet-gateway"
    described: ClassVar[tuple[str, str, str]] = (
        "DescribeInternetGateways",
        "InternetGateways",
        "InternetGatewayId",
    )

    async def make(self, work: Work, tags: list[dict[str, Any]]) -> str:
        made = await work.call("ec2", "CreateInternetGateway", TagSpecifications=tags)
        return str(made["InternetGateway"]["InternetGatewayId"])

    async def remove(self, work: Work) -> None:
        await work.call("ec2", "DeleteInternetGateway", InternetGatewayId=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await self.find(work, work.physical_id)
        return None if found is None else told({"Tags": live_tags(found)})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"InternetGatewayId": physical_id})


class VpcGatewayAttachmentProvider(ServiceProvider):
    """`AWS::EC2::VPCGatewayAttachment`: Ref is `IGW|vpc-…`. VPN gateways are not served."""

    type: ClassVar[str] = "AWS::EC2::VPCGatewayAttachment"

    async def create(self, work: Work) -> Made:
        gateway, vpc = _gateway(work.properties), work.properties["VpcId"]
        await _attach(work, gateway, vpc)
        return await self.made(work, f"IGW|{vpc}")

    async def update(self, work: Work) -> Made:
        gateway, vpc = _gateway(work.properties), work.properties["VpcId"]
        old = work.old.get("InternetGatewayId")
        if old and old != gateway:
            await _detach(work, old, vpc)
            await _attach(work, gateway, vpc)
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        gateway = work.properties.get("InternetGatewayId")
        if gateway:
            await _detach(work, gateway, work.physical_id.partition("|")[2])

    async def read(self, work: Work) -> Properties | None:
        vpc = work.physical_id.partition("|")[2]
        attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
        found = await work.call("ec2", "DescribeInternetGateways", Filters=attached)
        for one in found["InternetGateways"]:
            return {"VpcId": vpc, "InternetGatewayId": one["InternetGatewayId"]}
        return None

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"AttachmentType": "IGW"})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return f"{identifier['AttachmentType']}|{identifier['VpcId']}"


def _gateway(properties: Properties) -> str:
    if properties.get("VpnGatewayId"):
        raise not_served("VpnGatewayId")
    return str(properties["InternetGatewayId"])


async def _attach(work: Work, gateway: str, vpc: str) -> None:
    try:
        await work.call("ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    except ServiceFailure as failure:
        if failure.code != _ATTACHED or not work.again:
            raise


async def _detach(work: Work, gateway: str, vpc: str) -> None:
    try:
        await unless_gone(work.call("ec2", "DetachInternetGateway", InternetGatewayId=gateway, VpcId=vpc))
    except ServiceFailure as failure:
        if failure.code != "Gateway.NotAttached":
            raise


class EipProvider(ServiceProvider):
    """`AWS::EC2::EIP`: Ref is its address. Not bound to instances, which are not served."""

    type: ClassVar[str] = "AWS::EC2::EIP"

    async def create(self, work: Work) -> Made:
        refuse(work, (*_EIP_REFUSED, "InstanceId"))
        found = await self._address(work, work.physical_id) if work.physical_id else None
        if found is None and work.again:
            marked = [{"Name": f"tag:{STEP}", "Values": [work.token]}]
            cut = await work.call("ec2", "DescribeAddresses", Filters=marked)
            found = next(iter(cut["Addresses"]), None)
        if found is None:
            tags = [
                {"ResourceType": "elastic-ip", "Tags": pairs({**tags_of(work), STEP: work.token})},
            ]
            found = await work.call(
                "ec2",
                "AllocateAddress",
                Domain=work.properties.get("Domain") or "vpc",
                Address=work.properties.get("Address"),
                TagSpecifications=tags,
            )
        attributes = {"AllocationId": found["AllocationId"], "PublicIp": found["PublicIp"]}
        await work.initiated(found["PublicIp"], attributes)
        await work.call("ec2", "DeleteTags", Resources=[found["AllocationId"]], Tags=[{"Key": STEP}])
        return Made(found["PublicIp"], attributes)

    async def update(self, work: Work) -> Made:
        refuse(work, (*_EIP_REFUSED, "InstanceId"))
        made = await self.made(work, work.physical_id)
        await retag(work, made.attributes["AllocationId"])
        return made

    async def delete(self, work: Work) -> None:
        found = await self._address(work, work.physical_id)
        if found is not None:
            await unless_gone(work.call("ec2", "ReleaseAddress", AllocationId=found["AllocationId"]))

    async def read(self, work: Work) -> Properties | None:
        found = await self._address(work, work.physical_id)
        return None if found is None else told({"Domain": found["Domain"], "Tags": live_tags(found)})

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await self._address(work, physical_id)
        if found is None:
            raise ResourceFailure(f"There is no address {physical_id}.", "NotFound")
        return Made(physical_id, {"AllocationId": found["AllocationId"], "PublicIp": physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["PublicIp"]

    async def _address(self, work: Work, address: str) -> dict[str, Any] | None:
        found = await unless_gone(work.call("ec2", "DescribeAddresses", PublicIps=[address]))
        return next(iter((found or {}).get("Addresses", [])), None)


class NatGatewayProvider(TaggedProvider):
    """`AWS::EC2::NatGateway`."""

    type: ClassVar[str] = "AWS::EC2::NatGateway"
    kind: ClassVar[str] = "natgateway"
    described: ClassVar[tuple[str, str, str]] = ("DescribeNatGateways", "NatGateways", "NatGatewayId")

    async def make(self, work: Work, tags: list[dict[str, Any]]) -> str:
        refuse(work, _NAT_REFUSED)
        made = await work.call(
            "ec2",
            "CreateNatGateway",
            SubnetId=work.properties["SubnetId"],
            AllocationId=work.properties.get("AllocationId"),
            ConnectivityType=work.properties.get("ConnectivityType"),
            TagSpecifications=tags,
        )
        return str(made["NatGateway"]["NatGatewayId"])

    async def set(self, work: Work, found: dict[str, Any]) -> None:
        refuse(work, _NAT_REFUSED)

    async def remove(self, work: Work) -> None:
        if await self.find(work, work.physical_id) is not None:
            await work.call("ec2", "DeleteNatGateway", NatGatewayId=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await self.find(work, work.physical_id)
        if found is None:
            return None
        addresses = found.get("NatGatewayAddresses", [])
        return told(
            {
                "SubnetId": found["SubnetId"],
                "ConnectivityType": found.get("ConnectivityType"),
                "AllocationId": next((one.get("AllocationId") for one in addresses), None),
                "Tags": live_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await self.find(work, physical_id) or {}
        addresses = found.get("NatGatewayAddresses", [])
        interface = next((one.get("NetworkInterfaceId") for one in addresses), None)
        return Made(physical_id, {"NatGatewayId": physical_id, "EniId": interface or ""})
