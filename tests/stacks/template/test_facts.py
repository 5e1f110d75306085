"""Capabilities that templates need, and what is told of them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.stacks.template.conftest import read, resource, scope

from lambent.stacks.template import Template, capabilities_needed, summary


def iam(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::IAM::{kind}", "Properties": properties}


FALSE = {"C": {"Fn::Equals": ["a", "b"]}}
REASON = "The following resource(s) require capabilities: [{}]"


@pytest.mark.parametrize(
    ("resources", "needed", "types"),
    [
        ([resource()], None, ""),
        ([iam("Role"), resource()], "CAPABILITY_IAM", "AWS::IAM::Role"),
        ([iam("Role", RoleName="r")], "CAPABILITY_NAMED_IAM", "AWS::IAM::Role"),
        ([iam("User"), iam("Role"), iam("Role", RoleName="r")], "CAPABILITY_NAMED_IAM",
            "AWS::IAM::Role, AWS::IAM::User"),
        ([iam("Policy", PolicyName="p")], "CAPABILITY_IAM", "AWS::IAM::Policy"),
        ([iam("ManagedPolicy", ManagedPolicyName="p")], "CAPABILITY_NAMED_IAM", "AWS::IAM::ManagedPolicy"),
        ([iam("Group", GroupName="g")], "CAPABILITY_NAMED_IAM", "AWS::IAM::Group"),
        ([iam("InstanceProfile"), iam("AccessKey"), iam("UserToGroupAddition")], "CAPABILITY_IAM",
            "AWS::IAM::AccessKey, AWS::IAM::InstanceProfile, AWS::IAM::UserToGroupAddition"),
        ([iam("Role", RoleName={"Fn::If": ["C", "r", {"Ref": "AWS::NoValue"}]})], "CAPABILITY_IAM", "AWS::IAM::Role"),
        ([iam("Role") | {"Condition": "C"}], None, ""),
    ],
)  # fmt: skip
def test_capabilities(resources: list[dict[str, Any]], needed: str | None, types: str) -> None:
    document = {
        "Resources": {f"R{number}": one for number, one in enumerate(resources)},
        "Conditions": FALSE,
    }
    template = Template.read(document)
    expected = (frozenset({needed} if needed else ()), REASON.format(types) if needed else "")
    assert capabilities_needed(template, scope(document)) == expected


def test_capabilities_before_conditions_are_known() -> None:
    template = Template.read(
        {
            "Resources": {
                "A": iam("Role", RoleName={"Fn::If": ["C", "r", {"Ref": "AWS::NoValue"}]})
                | {"Condition": "C"}
            },
            "Conditions": FALSE,
        }
    )
    assert capabilities_needed(template) == (
        frozenset({"CAPABILITY_NAMED_IAM"}),
        REASON.format("AWS::IAM::Role"),
    )


def test_summary() -> None:
    template = Template.read(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "d",
            "Metadata": {"a": [1]},
            "Parameters": {
                "P": {"Type": "String", "Default": "x", "AllowedValues": ["x", 1], "Description": "p"},
                "S": {"Type": "Number", "NoEcho": True},
            },
            "Resources": {"B": resource(), "A": iam("Role", RoleName="r"), "C": resource()},
        }
    )
    assert summary(template) == {
        "Parameters": [
            {
                "ParameterKey": "P",
                "ParameterType": "String",
                "DefaultValue": "x",
                "Description": "p",
                "NoEcho": False,
                "ParameterConstraints": {"AllowedValues": ["x", "1"]},
            },
            {"ParameterKey": "S", "ParameterType": "Number", "NoEcho": True, "ParameterConstraints": {}},
        ],
        "ResourceTypes": ["AWS::IAM::Role", "AWS::SQS::Queue"],
        "ResourceIdentifierSummaries": [
            {"ResourceType": "AWS::SQS::Queue", "LogicalResourceIds": ["B", "C"]},
            {"ResourceType": "AWS::IAM::Role", "LogicalResourceIds": ["A"]},
        ],
        "Description": "d",
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "CapabilitiesReason": REASON.format("AWS::IAM::Role"),
        "Version": "2010-09-09",
        "Metadata": '{"a":[1]}',
    }


def test_summary_of_little() -> None:
    assert summary(read()) == {
        "Parameters": [],
        "ResourceTypes": ["AWS::SQS::Queue"],
        "ResourceIdentifierSummaries": [{"ResourceType": "AWS::SQS::Queue", "LogicalResourceIds": ["A"]}],
    }


def test_transforms_are_told_and_need_a_capability() -> None:
    found = summary(read(Transform=["AWS::Serverless-2016-10-31", {"Name": "Mine"}]))
    assert found["DeclaredTransforms"] == ["AWS::Serverless-2016-10-31", "Mine"]
    assert found["Capabilities"] == ["CAPABILITY_AUTO_EXPAND"]
    assert found["CapabilitiesReason"] == REASON.format("AWS::Serverless-2016-10-31, Mine")
    found = summary(Template.read({"Transform": "M", "Resources": {"A": iam("Role", RoleName="r")}}))
    assert found["Capabilities"] == ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    assert found["CapabilitiesReason"] == REASON.format("AWS::IAM::Role")


def test_nested_stacks_may_need_everything() -> None:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://x"}}
    template = Template.read({"Resources": {"A": nested}})
    found = summary(template)
    assert found["Capabilities"] == ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    assert found["CapabilitiesReason"] == REASON.format("AWS::CloudFormation::Stack")
    assert capabilities_needed(template) == (frozenset(), "")
