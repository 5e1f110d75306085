"""Rules: what parameters have to be together."""

from __future__ import annotations

from typing import Any

import pytest
from tests.stacks.template.conftest import ACCOUNT, REGION, Services, read

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ValidationError
from lambent.stacks.template import parameter_values

VPC, SUBNET = "AWS::EC2::VPC::Id", "AWS::EC2::Subnet::Id"
PARAMETERS = {
    "Stage": {"Type": "String", "Default": "test"},
    "Names": {"Type": "CommaDelimitedList", "Default": "a,b"},
    "Vpc": {"Type": VPC, "Default": "vpc-1"},
    "Subnets": {"Type": f"List<{SUBNET}>", "Default": "s-1,s-2"},
}
STAGE, NAMES = {"Ref": "Stage"}, {"Ref": "Names"}


async def check(rule: dict[str, Any], services: Services | None = None) -> str:
    """The refusal of a template with that rule, empty for none."""
    template = read(Parameters=PARAMETERS, Rules={"R": rule})
    try:
        await parameter_values(template, {}, {}, (services or Services()).ask, ACCOUNT, REGION)
    except ValidationError as refused:
        return str(refused)
    return ""


def assertion(function: Any) -> dict[str, Any]:
    return {"Assertions": [{"Assert": function, "AssertDescription": "wrong"}]}


ASSERTIONS = [
    ({"Fn::Contains": [["test", "prod"], STAGE]}, True),
    ({"Fn::Contains": [["dev"], STAGE]}, False),
    ({"Fn::Contains": [NAMES, "b"]}, True),
    ({"Fn::Contains": [[1, True], "1"]}, True),
    ({"Fn::EachMemberEquals": [["test", "test"], STAGE]}, True),
    ({"Fn::EachMemberEquals": [NAMES, "a"]}, False),
    ({"Fn::EachMemberIn": [NAMES, ["a", "b", "c"]]}, True),
    ({"Fn::EachMemberIn": [NAMES, ["a"]]}, False),
    ({"Fn::Equals": [STAGE, "test"]}, True),
    ({"Fn::Not": [{"Fn::Equals": [STAGE, "test"]}]}, False),
    ({"Fn::And": [{"Fn::Equals": [STAGE, "test"]}, {"Fn::Contains": [NAMES, "a"]}]}, True),
    ({"Fn::Or": [{"Fn::Equals": [STAGE, "x"]}, {"Fn::Equals": [{"Ref": "AWS::Region"}, REGION]}]}, True),
    # what EC2 has
    ({"Fn::Contains": [{"Fn::RefAll": VPC}, {"Ref": "Vpc"}]}, True),
    ({"Fn::Contains": [{"Fn::RefAll": VPC}, "vpc-9"]}, False),
    ({"Fn::EachMemberIn": [{"Fn::ValueOf": ["Subnets", "VpcId"]}, {"Fn::RefAll": VPC}]}, True),
    ({"Fn::EachMemberEquals": [{"Fn::ValueOf": ["Subnets", "VpcId"]}, {"Ref": "Vpc"}]}, False),
    ({"Fn::EachMemberIn": [{"Fn::ValueOf": ["Subnets", "Tags.Team"]}, {"Fn::ValueOfAll": [VPC, "Tags.Team"]}]},
        True),
    ({"Fn::Equals": [{"Fn::ValueOf": ["Vpc", "Tags.Team"]}, "red"]}, True),
    ({"Fn::Equals": [{"Fn::ValueOf": ["Vpc", "Tags.Nope"]}, ""]}, True),
    ({"Fn::Equals": [{"Fn::ValueOf": ["Vpc", "DefaultNetworkAcl"]}, "acl-1"]}, True),
    ({"Fn::Equals": [{"Fn::ValueOf": ["Vpc", "DefaultSecurityGroup"]}, "sg-1"]}, True),
]  # fmt: skip


@pytest.fixture
def network(services: Services) -> Services:
    def tagged(value: str) -> list[dict[str, str]]:
        return [{"Key": "Team", "Value": value}]

    services.answers["ec2", "DescribeVpcs", ""] = {
        "Vpcs": [{"VpcId": "vpc-1", "Tags": tagged("red")}, {"VpcId": "vpc-2", "Tags": tagged("blue")}]
    }
    services.answers["ec2", "DescribeSubnets", ""] = {
        "Subnets": [
            {"SubnetId": "s-1", "VpcId": "vpc-1", "Tags": tagged("red")},
            {"SubnetId": "s-2", "VpcId": "vpc-2", "Tags": tagged("blue")},
        ]
    }
    services.answers["ec2", "DescribeNetworkAcls", ""] = {
        "NetworkAcls": [
            {"NetworkAclId": "acl-0", "VpcId": "vpc-1", "IsDefault": False},
            {"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": True},
        ]
    }
    services.answers["ec2", "DescribeSecurityGroups", ""] = {
        "SecurityGroups": [
            {"GroupId": "sg-0", "GroupName": "mine", "VpcId": "vpc-1"},
            {"GroupId": "sg-1", "GroupName": "default", "VpcId": "vpc-1"},
        ]
    }
    return services


@pytest.mark.parametrize(("function", "holds"), ASSERTIONS)
async def test_whether_assertions_hold(network: Services, function: dict[str, Any], holds: bool) -> None:
    assert await check(assertion(function), network) == ("" if holds else "Rule R failed: wrong")


async def test_only_rules_whose_condition_holds_count() -> None:
    never: dict[str, Any] = {"Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}}]}
    assert await check(never) == "Rule R failed: assertion 1 does not hold"
    assert await check(never | {"RuleCondition": {"Fn::Equals": [STAGE, "test"]}}) == (
        "Rule R failed: assertion 1 does not hold"
    )
    assert await check(never | {"RuleCondition": {"Fn::Equals": [STAGE, "prod"]}}) == ""


async def test_what_ec2_does_not_tell(services: Services) -> None:
    describe = "ec2", "DescribeVpcs"
    services.answers[*describe, ""] = ServiceFailure(*describe, "UnauthorizedOperation", "No.", 403)
    assert await check(assertion({"Fn::Contains": [{"Fn::RefAll": VPC}, "x"]}), services) == (
        "Rules ask for resources of EC2, which cannot be read: UnauthorizedOperation: No."
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "Template format error: Rule R must contain a list of Assertions."),
        ({"Assertions": [{}]}, "Template format error: Every assertion of rule R must contain an Assert."),
        ({"Assertions": [{"Assert": {}}], "Foo": 1}, "Invalid template rule property 'Foo'"),
        (assertion({"Fn::Sub": "x"}),
            ("Template format error: Following functions are not supported in the Rules block of the template: "
             "[Fn::Sub]")),
        (assertion({"Fn::Equals": [{"Ref": "A"}, 1]}),
            ("Template format error: Unresolved dependencies [A]. Cannot reference resources in the Rules block of the "
            "template")),
        (assertion({"Fn::Equals": [{"Ref": "AWS::NoValue"}, 1]}),
            ("Template format error: Unresolved dependencies [AWS::NoValue]. Cannot reference resources in the Rules "
            "block of the template")),
        (assertion({"Fn::Contains": ["x"]}),
            "Template error: every Fn::Contains object in Rules requires a list of 2."),
        (assertion({"Fn::ValueOf": [["x"], "y"]}), "Template error: every Fn::ValueOf object in Rules requires texts."),
        (assertion({"Fn::RefAll": [VPC]}), "Template error: every Fn::RefAll object in Rules requires texts."),
        (assertion({"Fn::Or": [True]}), ("Template error: every Fn::Or object requires a list of at least 2 and at "
            "most 10 boolean parameters.")),
        (assertion({"plain": "map"}), "Template format error: a rule cannot have plain, only functions."),
        (assertion({"Ref": ["x"]}), "Template error: every Ref object must have a single String value."),
    ],
)  # fmt: skip
async def test_rules_that_are_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(Parameters=PARAMETERS, Rules={"R": rule})
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ({"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::Image::Id"}, "x"]},
            ("Template error: Fn::RefAll, Fn::ValueOf and Fn::ValueOfAll are not supported for [AWS::EC2::Image::Id], "
            "only for [AWS::EC2::SecurityGroup::Id, AWS::EC2::Subnet::Id, AWS::EC2::VPC::Id]")),
        ({"Fn::Contains": [{"Fn::ValueOf": ["Nope", "x"]}, "x"]},
            "Template error: Fn::ValueOf names no parameter: Nope"),
        ("true", "Template error: conditions and assertions of Rules have to be boolean functions"),
    ],
)  # fmt: skip
async def test_rules_that_cannot_be_evaluated(function: Any, message: str) -> None:
    assert await check(assertion(function)) == message
