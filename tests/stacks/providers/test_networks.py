"""EC2's networks: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stacks.providers.conftest import Resource, World


@pytest.fixture(scope="module")
def vpc(world: World) -> Iterator[Resource]:
    vpc = world.resource("AWS::EC2::VPC", "Net").create(CidrBlock="10.7.0.0/16", EnableDnsHostnames=True)
    yield vpc
    vpc.delete_twice()


def test_a_vpc(world: World) -> None:
    vpc = world.resource("AWS::EC2::VPC", "Other", team="a").create(
        CidrBlock="10.8.0.0/16", EnableDnsHostnames=True, Tags=[{"Key": "own", "Value": "1"}]
    )
    vpc.again()
    vpc.drift()
    assert vpc.id.startswith("vpc-")
    assert vpc.attributes["CidrBlock"] == "10.8.0.0/16"
    assert vpc.attributes["DefaultSecurityGroup"].startswith("sg-")
    assert vpc.attributes["DefaultNetworkAcl"].startswith("acl-")
    assert vpc.drift() == []
    vpc.update_twice(CidrBlock="10.8.0.0/16", EnableDnsSupport=False, Tags=[{"Key": "own", "Value": "2"}])
    assert vpc.drift() == []
    live = vpc.read()
    assert live is not None
    assert (live["EnableDnsSupport"], live["EnableDnsHostnames"]) == (False, False)
    assert {tag["Key"]: tag["Value"] for tag in live["Tags"]} == {"team": "a", "own": "2"}
    assert world.resource("AWS::EC2::VPC").adopt(VpcId=vpc.id).attributes == vpc.attributes
    vpc.delete_twice()
    assert vpc.read() is None


def test_a_step_that_was_cut_finds_what_it_has_made(world: World) -> None:
    gateway = world.resource("AWS::EC2::InternetGateway", "Cut")
    gateway.create()
    tags = [{"Key": "lambent:step", "Value": gateway.work.token}]
    world.ask("ec2", "CreateTags", Resources=[gateway.id], Tags=tags)
    gateway.lost()
    assert gateway.drift() == []
    gateway.delete_twice()


def test_ways_out_of_a_subnet(world: World, vpc: Resource) -> None:
    subnet = world.resource("AWS::EC2::Subnet", "Public").create(
        VpcId=vpc.id, CidrBlock="10.7.1.0/24", AvailabilityZone="us-east-1b", MapPublicIpOnLaunch=True
    )
    subnet.again()
    assert subnet.drift() == []
    assert subnet.attributes["AvailabilityZone"] == "us-east-1b"
    assert subnet.attributes["NetworkAclAssociationId"].startswith("aclassoc-")
    subnet.update_twice(VpcId=vpc.id, CidrBlock="10.7.1.0/24", AvailabilityZone="us-east-1b")
    assert subnet.drift() == []

    gateway = world.resource("AWS::EC2::InternetGateway").create().again()
    attachment = world.resource("AWS::EC2::VPCGatewayAttachment").create(
        VpcId=vpc.id, InternetGatewayId=gateway.id
    )
    attachment.again()
    assert attachment.id == f"IGW|{vpc.id}"
    assert attachment.drift() == []

    table = world.resource("AWS::EC2::RouteTable").create(VpcId=vpc.id).again()
    route = world.resource("AWS::EC2::Route").create(
        RouteTableId=table.id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway.id
    )
    route.again()
    assert route.id == f"{table.id}|0.0.0.0/0"
    assert route.drift() == []
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::EC2::Route").create(**route.properties)
    association = world.resource("AWS::EC2::SubnetRouteTableAssociation").create(
        RouteTableId=table.id, SubnetId=subnet.id
    )
    association.again()
    assert association.drift() == []

    address = world.resource("AWS::EC2::EIP", team="a").create(Domain="vpc").again()
    assert address.attributes["PublicIp"] == address.id
    assert address.attributes["AllocationId"].startswith("eipalloc-")
    assert address.drift() == []
    nat = world.resource("AWS::EC2::NatGateway").create(
        SubnetId=subnet.id, AllocationId=address.attributes["AllocationId"]
    )
    nat.again()
    assert nat.drift() == []
    route.update_twice(RouteTableId=table.id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat.id)
    assert route.drift() == []

    for made in (association, route, nat, address, table, attachment, gateway, subnet):
        made.delete_twice()
        assert made.read() is None, made.type


def test_a_security_group(world: World, vpc: Resource) -> None:
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}
    nothing = {"IpProtocol": "icmp", "FromPort": 252, "ToPort": 86, "CidrIp": "255.255.255.255/32"}
    group = world.resource("AWS::EC2::SecurityGroup", "Group").create(
        GroupDescription="of the shop",
        VpcId=vpc.id,
        SecurityGroupIngress=[https],
        SecurityGroupEgress=[nothing],
    )
    group.again()
    assert group.attributes["GroupId"] == group.id
    assert group.drift() == []
    described = world.ask("ec2", "DescribeSecurityGroups", GroupIds=[group.id])["SecurityGroups"][0]
    assert [one["IpProtocol"] for one in described["IpPermissionsEgress"]] == ["icmp"]
    assert [one["FromPort"] for one in described["IpPermissions"]] == [443]

    rule = world.resource("AWS::EC2::SecurityGroupIngress").create(
        GroupId=group.id, IpProtocol="tcp", FromPort=22, ToPort=22, SourceSecurityGroupId=group.id
    )
    rule.again()
    assert rule.id.startswith("sgr-")
    group.update_twice(GroupDescription="of the shop", VpcId=vpc.id, SecurityGroupIngress=[])
    described = world.ask("ec2", "DescribeSecurityGroups", GroupIds=[group.id])["SecurityGroups"][0]
    assert [one["IpProtocol"] for one in described["IpPermissionsEgress"]] == ["-1"]
    assert [one["FromPort"] for one in described["IpPermissions"]] == [22]
    out = world.resource("AWS::EC2::SecurityGroupEgress").create(
        GroupId=group.id, IpProtocol="udp", FromPort=53, ToPort=53, CidrIp="10.0.0.0/8"
    )
    for made in (out, rule, group):
        made.delete_twice()
    assert group.read() is None


def test_endpoints_and_flow_logs(world: World, vpc: Resource) -> None:
    first = world.resource("AWS::EC2::RouteTable").create(VpcId=vpc.id)
    second = world.resource("AWS::EC2::RouteTable").create(VpcId=vpc.id)
    service = "com.amazonaws.us-east-1.dynamodb"
    endpoint = world.resource("AWS::EC2::VPCEndpoint").create(
        VpcId=vpc.id, ServiceName=service, VpcEndpointType="Gateway", RouteTableIds=[first.id]
    )
    endpoint.again()
    assert endpoint.drift() == []
    endpoint.update_twice(
        VpcId=vpc.id, ServiceName=service, VpcEndpointType="Gateway", RouteTableIds=[second.id]
    )
    assert endpoint.drift() == []
    log = world.resource("AWS::EC2::FlowLog", team="a").create(
        ResourceId=vpc.id,
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName="flows",
        DeliverLogsPermissionArn="arn:aws:iam::000000000000:role/flows",
    )
    log.again()
    assert log.drift() == []
    for made in (log, endpoint, first, second):
        made.delete_twice()
        assert made.read() is None, made.type
