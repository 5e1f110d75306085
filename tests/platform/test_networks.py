"""Functions in subnets: they must be there, as on AWS. TestLambdaFunction::test_vpc_config and its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

SOURCE = "def handler(event, context):\n    return event\n"


@pytest.fixture
def network(platform: Platform) -> tuple[str, str, str]:
    """The ids of a VPC, of a subnet and of a security group in it."""
    ec2 = platform.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="functions", Description="d")["GroupId"]
    return vpc, subnet, group


def refusal(call: Callable[..., Any], **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_vpc_of_the_subnets_is_found(platform: Platform, network: tuple[str, str, str]) -> None:
    vpc, subnet, group = network
    config = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
    name = platform.create(SOURCE, VpcConfig=config)
    found = platform.aws.get_function_configuration(FunctionName=name)["VpcConfig"]
    assert found == {**config, "VpcId": vpc, "Ipv6AllowedForDualStack": False}
    assert platform.invoke(name, 1).json == 1
    left = platform.aws.update_function_configuration(
        FunctionName=name, VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}
    )["VpcConfig"]
    assert left == {
        "SubnetIds": [],
        "SecurityGroupIds": [],
        "VpcId": "",
        "Ipv6AllowedForDualStack": False,
    }


def test_what_ec2_does_not_know_is_refused(platform: Platform, network: tuple[str, str, str]) -> None:
    _, subnet, group = network
    name = platform.create(SOURCE)
    for config, what in (
        (
            {"SubnetIds": ["subnet-12345678"], "SecurityGroupIds": [group]},
            (
                "DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID "
                "'subnet-12345678' does not exist"
            ),
        ),
        (
            {"SubnetIds": [subnet], "SecurityGroupIds": ["sg-12345678"]},
            (
                "DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security "
                "group 'sg-12345678' does not exist"
            ),
        ),
    ):
        assert refusal(platform.aws.update_function_configuration, FunctionName=name, VpcConfig=config) == (
            "InvalidParameterValueException",
            f"Error occurred while {what}",
        )


def test_nothing_is_started_to_find_that_there_are_no_subnets(own: Callable[..., Platform]) -> None:
    platform = own()
    code, message = refusal(
        platform.create,
        source=SOURCE,
        client=platform.client(),
        VpcConfig={"SubnetIds": ["subnet-12345678"], "SecurityGroupIds": ["sg-12345678"]},
    )
    assert code == "InvalidParameterValueException"
    assert "The subnet ID 'subnet-12345678' does not exist" in message
    assert len(platform.zygotes()) == 0
