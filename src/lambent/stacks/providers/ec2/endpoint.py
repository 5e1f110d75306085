"""Endpoints of services in VPCs, and flow logs, which stay empty: nothing flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import changed, document_of, document_text, told
from lambent.stacks.providers.ec2.common import TaggedProvider, live_tags
from lambent.stacks.providers.ec2.vpc import refuse
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_REFUSED: Final = (
    "DnsOptions",
    "IpAddressType",
    "ResourceConfigurationArn",
    "ServiceNetworkArn",
    "ServiceRegion",
)
_LISTS: Final = {
    "RouteTableIds": ("AddRouteTableIds", "RemoveRouteTableIds"),
    "SecurityGroupIds": ("AddSecurityGroupIds", "RemoveSecurityGroupIds"),
    "SubnetIds": ("AddSubnetIds", "RemoveSubnetIds"),
}
_INTERVAL_S: Final = 600


class VpcEndpointProvider(TaggedProvider):
    """`AWS::EC2::VPCEndpoint`."""

    type: ClassVar[str] = "AWS::EC2::VPCEndpoint"
    kind: ClassVar[str] = "vpc-endpoint"
    described: ClassVar[tuple[str, str, str]] = ("DescribeVpcEndpoints", "VpcEndpoints", "VpcEndpointId")

    async def make(self, work: Work, tags: list[dict[str, Any]]) -> str:
        refuse(work, _REFUSED)
        properties = work.properties
        policy = properties.get("PolicyDocument")
        made = await work.call(
            "ec2",
            "CreateVpcEndpoint",
            VpcId=properties["VpcId"],
            ServiceName=properties["ServiceName"],
            VpcEndpointType=properties.get("VpcEndpointType", "Gateway"),
            PolicyDocument=document_text(policy) if policy else None,
            PrivateDnsEnabled=properties.get("PrivateDnsEnabled"),
            TagSpecifications=tags,
            **{name: properties[name] for name in _LISTS if properties.get(name)},
        )
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    async def set(self, work: Work, found: dict[str, Any]) -> None:
        refuse(work, _REFUSED)
        if not work.old:
            return
        changes: dict[str, Any] = {}
        for name, (add, remove) in _LISTS.items():
            wanted, live = work.properties.get(name) or [], _live(found, name)
            changes[add] = [one for one in wanted if one not in live]
            changes[remove] = [one for one in live if one not in wanted]
        if changed(work, "PolicyDocument") and work.properties.get("PolicyDocument"):
            changes["PolicyDocument"] = document_text(work.properties["PolicyDocument"])
        if changed(work, "PrivateDnsEnabled"):
            changes["PrivateDnsEnabled"] = work.properties.get("PrivateDnsEnabled", False)
        changes = {name: value for name, value in changes.items() if value not in ([], None)}
        if changes:
            await work.call("ec2", "ModifyVpcEndpoint", VpcEndpointId=work.physical_id, **changes)

    async def remove(self, work: Work) -> None:
        found = await self.find(work, work.physical_id)
        if found is None:
            return
        tables = _live(found, "RouteTableIds")
        if tables:
            # moto fails on tables that the endpoint was given after it was made.
            await work.call(
                "ec2", "ModifyVpcEndpoint", VpcEndpointId=work.physical_id, RemoveRouteTableIds=tables
            )
        await work.call("ec2", "DeleteVpcEndpoints", VpcEndpointIds=[work.physical_id])

    async def read(self, work: Work) -> Properties | None:
        found = await self.find(work, work.physical_id)
        if found is None:
            return None
        return told(
            {
                "VpcId": found["VpcId"],
                "ServiceName": found["ServiceName"],
                "VpcEndpointType": found.get("VpcEndpointType"),
                "PolicyDocument": document_of(found.get("PolicyDocument")),
                "PrivateDnsEnabled": found.get("PrivateDnsEnabled"),
                **{name: _live(found, name) for name in _LISTS},
                "Tags": live_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await self.find(work, physical_id) or {}
        created = found.get("CreationTimestamp")
        return Made(
            physical_id,
            {
                "Id": physical_id,
                "CreationTimestamp": created.isoformat() if created is not None else "",
                "DnsEntries": [
                    f"{entry.get('HostedZoneId', '')}:{entry.get('DnsName', '')}"
                    for entry in found.get("DnsEntries", [])
                ],
                "NetworkInterfaceIds": found.get("NetworkInterfaceIds", []),
            },
        )


class FlowLogProvider(TaggedProvider):
    """`AWS::EC2::FlowLog`."""

    type: ClassVar[str] = "AWS::EC2::FlowLog"
    kind: ClassVar[str] = "vpc-flow-log"
    described: ClassVar[tuple[str, str, str]] = ("DescribeFlowLogs", "FlowLogs", "FlowLogId")

    async def make(self, work: Work, tags: list[dict[str, Any]]) -> str:
        refuse(work, ("DeliverCrossAccountRole", "DestinationOptions"))
        properties = work.properties
        made = await work.call(
            "ec2",
            "CreateFlowLogs",
            ResourceIds=[properties["ResourceId"]],
            ResourceType=properties["ResourceType"],
            TrafficType=properties.get("TrafficType"),
            DeliverLogsPermissionArn=properties.get("DeliverLogsPermissionArn"),
            LogDestination=properties.get("LogDestination"),
            LogDestinationType=properties.get("LogDestinationType"),
            LogFormat=properties.get("LogFormat"),
            LogGroupName=properties.get("LogGroupName"),
            MaxAggregationInterval=properties.get("MaxAggregationInterval", _INTERVAL_S),
            TagSpecifications=tags,
        )
        for refused in made.get("Unsuccessful", []):
            raise ResourceFailure(str(refused["Error"]["Message"]), "InvalidRequest")
        return str(made["FlowLogIds"][0])

    async def remove(self, work: Work) -> None:
        await work.call("ec2", "DeleteFlowLogs", FlowLogIds=[work.physical_id])

    async def read(self, work: Work) -> Properties | None:
        found = await self.find(work, work.physical_id)
        if found is None:
            return None
        return told(
            {
                "ResourceId": found["ResourceId"],
                "ResourceType": work.properties.get("ResourceType"),
                "TrafficType": found.get("TrafficType"),
                "DeliverLogsPermissionArn": found.get("DeliverLogsPermissionArn"),
                "LogDestination": found.get("LogDestination"),
                "LogDestinationType": found.get("LogDestinationType"),
                "LogFormat": found.get("LogFormat") if work.properties.get("LogFormat") else None,
                "LogGroupName": found.get("LogGroupName"),
                "MaxAggregationInterval": found.get("MaxAggregationInterval"),
                "Tags": live_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Id": physical_id})

    async def find(self, work: Work, physical_id: str) -> dict[str, Any] | None:
        # Its operation takes ids under another name, and passes over those that it does not know.
        found = await work.call("ec2", "DescribeFlowLogs", FlowLogIds=[physical_id])
        return next(iter(found.get("FlowLogs", [])), None)


def _live(found: dict[str, Any], name: str) -> list[str]:
    if name == "SecurityGroupIds":
        return [group["GroupId"] for group in found.get("Groups", [])]
    return list(found.get(name, []))
