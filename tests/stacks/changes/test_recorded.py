"""Change sets that AWS has been recorded to describe, as facts in a table.

Recorded by LocalStack's tests from April to August 2025 (tests/aws/services/cloudformation/test_change_set*.json:
templates, and DescribeChangeSet without and with IncludePropertyValues), and by others where a row says so. The order
of details varies from recording to recording.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.stacks.changes.conftest import Compare

KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
ARN = "arn:aws:sns:us-east-1:111111111111:"


class Row(NamedTuple):
    """`plain`, `valued`: what is described of each resource without and with values: a line for the change, one for
    each detail (sorted). `contexts`: properties before and after.
    """

    name: str
    old: dict[str, Any] | None
    new: dict[str, Any]
    before: dict[str, str]
    after: dict[str, str]
    plain: dict[str, list[str]]
    valued: dict[str, list[str]] | None
    contexts: Mapping[str, tuple[Any, Any]] = MappingProxyType({})


def topic(name: Any, display: Any = None, **more: Any) -> dict[str, Any]:
    properties = {"TopicName": name} if display is None else {"TopicName": name, "DisplayName": display}
    return {"Type": "AWS::SNS::Topic", "Properties": properties, **more}


def parameter(value: Any, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {**properties, "Type": "String", "Value": value}}


def table(name: str) -> dict[str, Any]:
    return {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name}}


def subscriber(name: str) -> dict[str, Any]:
    variables = {"TOPIC": {"Ref": name}}
    return {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}}}


def resources(**found: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": found}


def given(*names: str, **rest: Any) -> dict[str, Any]:
    return {"Parameters": {name: {"Type": "String"} for name in names}, **rest}


DISPLAY = {"Fn::GetAtt": ["Topic1", "DisplayName"]}
VALUE = {"Fn::GetAtt": ["Parameter1", "Value"]}
TOPIC_NAME = {"Fn::GetAtt": ["Foo", "TopicName"]}
FOO = resources(Foo=topic({"Ref": "TopicName"}), Parameter=parameter(TOPIC_NAME))
MAPPED = {"MyMap": {"MyKey": {"key1": "topic-name-1", "key2": "topic-name-2"}}}

INSTANCE = {
    "Type": "AWS::EC2::Instance",
    "Properties": {
        "KeyName": {"Ref": "KeyPairName"},
        "InstanceType": {"Ref": "InstanceType"},
        "Tags": [{"Key": {"Ref": "Purpose"}, "Value": "1"}],
    },
}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "RoleName": "r",
        "AssumeRolePolicyDocument": {},
        "Policies": [{"PolicyName": "p", "PolicyDocument": {"Resource": {"Fn::Sub": "${FileDb}/*"}}}],
    },
}
FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Environment": {"Variables": {"TABLE": {"Ref": "FileDb"}}},
    },
}

REPLACED = "Modify True ReplaceAndDelete Properties"
CHANGED = "Modify False - Properties"
# Those of a property that takes an attribute of a replaced topic.
TAKES = "Value Never Static ResourceAttribute Foo.TopicName"


def takes(before: str) -> list[str]:
    place = f"/Properties/Value Modify {before} -> {KNOWN_AFTER_APPLY}"
    return [
        CHANGED,
        f"Value Never Dynamic DirectModification {place}",
        f"Value Never Static ResourceAttribute Foo.TopicName {place}",
    ]


ROWS = [
    Row(
        "a value is another",
        resources(MyParameter=parameter("foo", Name="p")),
        resources(MyParameter=parameter("bar", Name="p")),
        {},
        {},
        {"MyParameter": [CHANGED, "Value Never Static DirectModification"]},
        {
            "MyParameter": [
                CHANGED,
                "Value Never Static DirectModification /Properties/Value Modify foo -> bar",
            ]
        },
        {
            "MyParameter": (
                {"Name": "p", "Type": "String", "Value": "foo"},
                {"Name": "p", "Type": "String", "Value": "bar"},
            )
        },
    ),
    Row(
        "a name is another",
        resources(Foo=topic("topic-1")),
        resources(Foo=topic("topic-2")),
        {},
        {},
        {"Foo": [REPLACED, "TopicName Always Static DirectModification"]},
        {
            "Foo": [
                REPLACED,
                "TopicName Always Static DirectModification /Properties/TopicName Modify topic-1 -> topic-2",
            ]
        },
        {"Foo": ({"TopicName": "topic-1"}, {"TopicName": "topic-2"})},
    ),
    Row(
        "an attribute of a resource that is replaced",
        resources(Foo=topic("topic-1"), Parameter=parameter(TOPIC_NAME)),
        resources(Foo=topic("topic-2"), Parameter=parameter(TOPIC_NAME)),
        {},
        {},
        {
            "Foo": [REPLACED, "TopicName Always Static DirectModification"],
            "Parameter": [CHANGED, TAKES],
        },
        {
            "Foo": [
                REPLACED,
                "TopicName Always Static DirectModification /Properties/TopicName Modify topic-1 -> topic-2",
            ],
            "Parameter": takes("topic-1"),
        },
        {
            "Parameter": (
                {"Type": "String", "Value": "topic-1"},
                {"Type": "String", "Value": KNOWN_AFTER_APPLY},
            )
        },
    ),
    Row(
        "a parameter is another",
        given("TopicName", **FOO),
        given("TopicName", **FOO),
        {"TopicName": "topic-1"},
        {"TopicName": "topic-2"},
        {
            "Foo": [
                REPLACED,
                "TopicName Always Dynamic DirectModification",
                "TopicName Always Static ParameterReference TopicName",
            ],
            "Parameter": [CHANGED, TAKES],
        },
        {
            "Foo": [
                REPLACED,
                "TopicName Always Dynamic DirectModification /Properties/TopicName Modify topic-1 -> topic-2",
                "TopicName Always Static ParameterReference TopicName /Properties/TopicName Modify topic-1 -> topic-2",
            ],
            "Parameter": takes("topic-1"),
        },
    ),
    Row(
        "a parameter's default is another",
        {"Parameters": {"TopicName": {"Type": "String", "Default": "topic-1"}}, **FOO},
        {"Parameters": {"TopicName": {"Type": "String", "Default": "topic-2"}}, **FOO},
        {},
        {},
        {
            "Foo": [
                REPLACED,
                "TopicName Always Dynamic DirectModification",
                "TopicName Always Static ParameterReference TopicName",
            ],
            "Parameter": [CHANGED, TAKES],
        },
        {
            "Foo": [
                REPLACED,
                "TopicName Always Dynamic DirectModification /Properties/TopicName Modify topic-1 -> topic-2",
                "TopicName Always Static ParameterReference TopicName /Properties/TopicName Modify topic-1 -> topic-2",
            ],
            "Parameter": takes("topic-1"),
        },
    ),
    Row(
        "another key of a mapping",
        {
            "Mappings": MAPPED,
            **resources(
                Foo=topic({"Fn::FindInMap": ["MyMap", "MyKey", "key1"]}), Parameter=parameter(TOPIC_NAME)
            ),
        },
        {
            "Mappings": MAPPED,
            **resources(
                Foo=topic({"Fn::FindInMap": ["MyMap", "MyKey", "key2"]}), Parameter=parameter(TOPIC_NAME)
            ),
        },
        {},
        {},
        {
            "Foo": [REPLACED, "TopicName Always Static DirectModification"],
            "Parameter": [CHANGED, TAKES],
        },
        {
            "Foo": [
                REPLACED,
                "TopicName Always Static DirectModification /Properties/TopicName Modify topic-name-1 -> topic-name-2",
            ],
            "Parameter": takes("topic-name-1"),
        },
    ),
    Row(
        "a mapping's key by a parameter",
        given(
            "TopicName",
            Mappings=MAPPED,
            **resources(
                Foo=topic({"Fn::FindInMap": ["MyMap", "MyKey", {"Ref": "TopicName"}]}),
                Parameter=parameter(TOPIC_NAME),
            ),
        ),
        given(
            "TopicName",
            Mappings=MAPPED,
            **resources(
                Foo=topic({"Fn::FindInMap": ["MyMap", "MyKey", {"Ref": "TopicName"}]}),
                Parameter=parameter(TOPIC_NAME),
            ),
        ),
        {"TopicName": "key1"},
        {"TopicName": "key2"},
        {
            "Foo": [
                REPLACED,
                "TopicName Always Dynamic DirectModification",
                "TopicName Always Static ParameterReference TopicName",
            ],
            "Parameter": [CHANGED, TAKES],
        },
        {
            "Foo": [
                REPLACED,
                "TopicName Always Dynamic DirectModification /Properties/TopicName Modify topic-name-1 -> topic-name-2",
                (
                    "TopicName Always Static ParameterReference TopicName /Properties/TopicName Modify topic-name-1 ->"
                    " topic-name-2"
                ),
            ],
            "Parameter": takes("topic-name-1"),
        },
    ),
    Row(
        "a mapping says something else",
        {
            "Mappings": {"Generic": {"A": {"Value": "value-1"}}},
            **resources(P=parameter({"Fn::FindInMap": ["Generic", "A", "Value"]})),
        },
        {
            "Mappings": {"Generic": {"A": {"Value": "value-2"}}},
            **resources(P=parameter({"Fn::FindInMap": ["Generic", "A", "Value"]})),
        },
        {},
        {},
        {"P": [CHANGED, "Value Never Static DirectModification"]},
        {"P": [CHANGED, "Value Never Static DirectModification /Properties/Value Modify value-1 -> value-2"]},
    ),
    Row(
        "a condition holds by another parameter",
        given(
            "Kind",
            Conditions={"IsProduction": {"Fn::Equals": [{"Ref": "Kind"}, "prod"]}},
            **resources(
                Bucket={"Type": "AWS::S3::Bucket"},
                Parameter={**parameter("test"), "Condition": "IsProduction"},
            ),
        ),
        given(
            "Kind",
            Conditions={"IsProduction": {"Fn::Equals": [{"Ref": "Kind"}, "prod"]}},
            **resources(
                Bucket={"Type": "AWS::S3::Bucket"},
                Parameter={**parameter("test"), "Condition": "IsProduction"},
            ),
        ),
        {"Kind": "not-prod"},
        {"Kind": "prod"},
        {"Parameter": ["Add - - "]},
        {"Parameter": ["Add - - "]},
        {"Parameter": (None, {"Type": "String", "Value": "test"})},
    ),
    Row(
        "a condition does not hold any more",
        {
            "Conditions": {"CreateTopic": {"Fn::Equals": ["true", "true"]}},
            **resources(SNSTopic=topic("topic-name-1", Condition="CreateTopic")),
        },
        {
            "Conditions": {"CreateTopic": {"Fn::Equals": ["true", "false"]}},
            **resources(
                SNSTopic=topic("topic-name-1", Condition="CreateTopic"),
                TopicPlaceholder=topic("topic-name-2"),
            ),
        },
        {},
        {},
        {"SNSTopic": ["Remove - Delete "], "TopicPlaceholder": ["Add - - "]},
        {"SNSTopic": ["Remove - Delete "], "TopicPlaceholder": ["Add - - "]},
        {"SNSTopic": ({"TopicName": "topic-name-1"}, None)},
    ),
    Row(
        "a condition that holds, new at what is there",
        resources(SNSTopic1=topic("topic-name-1")),
        {
            "Conditions": {"CreateTopic": {"Fn::Equals": ["true", "true"]}},
            **resources(
                SNSTopic1=topic("topic-name-1", Condition="CreateTopic"),
                SNSTopic2=topic("topic-name-2", Condition="CreateTopic"),
            ),
        },
        {},
        {},
        {"SNSTopic2": ["Add - - "]},
        {"SNSTopic2": ["Add - - "]},
    ),
    Row(
        "a new stack",
        None,
        resources(Topic1=topic("topic-name-1", "display-value-1"), Topic2=topic("topic-name-2", DISPLAY)),
        {},
        {},
        {"Topic1": ["Add - - "], "Topic2": ["Add - - "]},
        {"Topic1": ["Add - - "], "Topic2": ["Add - - "]},
        {"Topic2": (None, {"TopicName": "topic-name-2", "DisplayName": KNOWN_AFTER_APPLY})},
    ),
    Row(
        "something new refers to what is there",
        resources(Topic1=topic("topic-name-1", "display-value-1")),
        resources(
            Topic1=topic("topic-name-1", "display-value-1"), Topic2=topic("topic-name-2", {"Ref": "Topic1"})
        ),
        {},
        {},
        {"Topic2": ["Add - - "]},
        {"Topic2": ["Add - - "]},
        {"Topic2": (None, {"TopicName": "topic-name-2", "DisplayName": f"{ARN}topic-name-1"})},
    ),
    Row(
        "something new takes an attribute of what is changed in place: what it is now",
        resources(Topic1=topic("topic-name-1", "display-value-1")),
        resources(Topic1=topic("topic-name-1", "display-value-2"), Topic2=topic("topic-name-2", DISPLAY)),
        {},
        {},
        {"Topic1": [CHANGED, "DisplayName Never Static DirectModification"], "Topic2": ["Add - - "]},
        {
            "Topic1": [
                CHANGED,
                (
                    "DisplayName Never Static DirectModification /Properties/DisplayName Modify display-value-1 ->"
                    " display-value-2"
                ),
            ],
            "Topic2": ["Add - - "],
        },
        {"Topic2": (None, {"TopicName": "topic-name-2", "DisplayName": "display-value-1"})},
    ),
    Row(
        "attributes of what is changed in place, in a chain: listed without values only",
        resources(
            Topic1=topic("topic-name-1", "display-value-1"),
            Topic2=topic("topic-name-2", DISPLAY),
            Topic3=topic("topic-name-3", {"Fn::GetAtt": ["Topic2", "DisplayName"]}),
        ),
        resources(
            Topic1=topic("topic-name-1", "display-value-2"),
            Topic2=topic("topic-name-2", DISPLAY),
            Topic3=topic("topic-name-3", {"Fn::GetAtt": ["Topic2", "DisplayName"]}),
        ),
        {},
        {},
        {
            "Topic1": [CHANGED, "DisplayName Never Static DirectModification"],
            "Topic2": [CHANGED, "DisplayName Never Dynamic ResourceAttribute Topic1.DisplayName"],
            "Topic3": [CHANGED, "DisplayName Never Dynamic ResourceAttribute Topic2.DisplayName"],
        },
        {
            "Topic1": [
                CHANGED,
                (
                    "DisplayName Never Static DirectModification /Properties/DisplayName Modify display-value-1 ->"
                    " display-value-2"
                ),
            ],
        },
    ),
    Row(
        "names of what is changed in place, in a chain",
        resources(
            Topic1=topic("topic-name-1", "display-value-1"),
            Topic2=topic("topic-name-2", {"Ref": "Topic1"}),
            Topic3=topic("topic-name-3", {"Ref": "Topic2"}),
        ),
        resources(
            Topic1=topic("topic-name-1", "display-value-2"),
            Topic2=topic("topic-name-2", {"Ref": "Topic1"}),
            Topic3=topic("topic-name-3", {"Ref": "Topic2"}),
        ),
        {},
        {},
        {"Topic1": [CHANGED, "DisplayName Never Static DirectModification"]},
        {
            "Topic1": [
                CHANGED,
                (
                    "DisplayName Never Static DirectModification /Properties/DisplayName Modify display-value-1 ->"
                    " display-value-2"
                ),
            ],
        },
    ),
    Row(
        "the name of a resource that is replaced",
        resources(Topic1=topic("topic-name-1", "value"), Topic2=topic("topic-name-2", {"Ref": "Topic1"})),
        resources(Topic1=topic("updated", "new_value"), Topic2=topic("topic-name-2", {"Ref": "Topic1"})),
        {},
        {},
        {
            "Topic1": [
                REPLACED,
                "DisplayName Never Static DirectModification",
                "TopicName Always Static DirectModification",
            ],
            "Topic2": [CHANGED, "DisplayName Never Static ResourceReference Topic1"],
        },
        {
            "Topic1": [
                REPLACED,
                "DisplayName Never Static DirectModification /Properties/DisplayName Modify value -> new_value",
                "TopicName Always Static DirectModification /Properties/TopicName Modify topic-name-1 -> updated",
            ],
            "Topic2": [
                CHANGED,
                (
                    f"DisplayName Never Dynamic DirectModification /Properties/DisplayName Modify {ARN}topic-name-1 ->"
                    f" {KNOWN_AFTER_APPLY}"
                ),
                (
                    f"DisplayName Never Static ResourceReference Topic1 /Properties/DisplayName Modify"
                    f" {ARN}topic-name-1 -> {KNOWN_AFTER_APPLY}"
                ),
            ],
        },
        {
            "Topic2": (
                {"TopicName": "topic-name-2", "DisplayName": f"{ARN}topic-name-1"},
                {"TopicName": "topic-name-2", "DisplayName": KNOWN_AFTER_APPLY},
            )
        },
    ),
    Row(
        "what is removed does not know the attributes it took",
        resources(Topic1=topic("topic-name-1", "display-value-1"), Topic2=topic("topic-name-2", DISPLAY)),
        resources(Topic1=topic("topic-name-1", "display-value-1")),
        {},
        {},
        {"Topic2": ["Remove - Delete "]},
        {"Topic2": ["Remove - Delete "]},
        {"Topic2": ({"TopicName": "topic-name-2", "DisplayName": KNOWN_AFTER_APPLY}, None)},
    ),
    Row(
        "an empty list is a value",
        resources(
            Role={
                "Type": "AWS::Logs::LogGroup",
                "Properties": {"LogGroupName": {"Fn::GetAtt": ["Topic", "TopicName"]}, "Tags": []},
            },
            Topic=topic("test-name"),
        ),
        resources(Topic=topic("test-name")),
        {},
        {},
        {"Role": ["Remove - Delete "]},
        {"Role": ["Remove - Delete "]},
        {"Role": ({"LogGroupName": KNOWN_AFTER_APPLY, "Tags": []}, None)},
    ),
    Row(
        "pseudo parameters",
        resources(Topic1=topic("topic_name_1")),
        resources(
            Topic2={
                "Type": "AWS::SNS::Topic",
                "Properties": {
                    "TopicName": "topic_name_2",
                    "Tags": [
                        {"Key": "Partition", "Value": {"Ref": "AWS::Partition"}},
                        {"Key": "StackName", "Value": {"Ref": "AWS::StackName"}},
                    ],
                },
            }
        ),
        {},
        {},
        {"Topic1": ["Remove - Delete "], "Topic2": ["Add - - "]},
        {"Topic1": ["Remove - Delete "], "Topic2": ["Add - - "]},
        {
            "Topic2": (
                None,
                {
                    "TopicName": "topic_name_2",
                    "Tags": [
                        {"Key": "Partition", "Value": "aws"},
                        {"Key": "StackName", "Value": "shop"},
                    ],
                },
            )
        },
    ),
    Row(
        "functions of texts",
        resources(
            Topic1=topic("topic-name-1", {"Fn::Join": ["-", ["v1", "test"]]}),
            Topic2=topic("topic-name-2", {"Fn::Join": ["-", ["prefix", DISPLAY]]}),
        ),
        resources(
            Topic1=topic("topic-name-1", {"Fn::Join": ["_", ["v2", "test"]]}),
            Topic2=topic("topic-name-2", {"Fn::Join": ["-", ["prefix", DISPLAY]]}),
        ),
        {},
        {},
        {
            "Topic1": [CHANGED, "DisplayName Never Static DirectModification"],
            "Topic2": [CHANGED, "DisplayName Never Dynamic ResourceAttribute Topic1.DisplayName"],
        },
        {
            "Topic1": [
                CHANGED,
                "DisplayName Never Static DirectModification /Properties/DisplayName Modify v1-test -> v2_test",
            ]
        },
    ),
    Row(
        "what it depends on is changed",
        resources(Topic1=topic("t1", "one"), Topic2=topic("t2", "two", DependsOn="Topic1")),
        resources(Topic1=topic("t1", "another"), Topic2=topic("t2", "two", DependsOn="Topic1")),
        {},
        {},
        {"Topic1": [CHANGED, "DisplayName Never Static DirectModification"]},
        {
            "Topic1": [
                CHANGED,
                "DisplayName Never Static DirectModification /Properties/DisplayName Modify one -> another",
            ]
        },
    ),
    Row(
        "it depends on more",
        resources(Topic1=topic("t1"), Topicn=topic("tn", DependsOn=["Topic1"])),
        resources(Topic1=topic("t1"), Topic2=topic("t2"), Topicn=topic("tn", DependsOn=["Topic1", "Topic2"])),
        {},
        {},
        {"Topic2": ["Add - - "]},
        {"Topic2": ["Add - - "]},
    ),
    Row(
        "an attribute that stays, of what is changed in place: listed without values only",
        resources(Parameter1=parameter("t", Description="a"), Parameter2=parameter(VALUE)),
        resources(Parameter1=parameter("t", Description="b"), Parameter2=parameter(VALUE)),
        {},
        {},
        {
            "Parameter1": [CHANGED, "Description Never Static DirectModification"],
            "Parameter2": [CHANGED, "Value Never Dynamic ResourceAttribute Parameter1.Value"],
        },
        {
            "Parameter1": [
                CHANGED,
                "Description Never Static DirectModification /Properties/Description Modify a -> b",
            ]
        },
    ),
    Row(
        "an attribute that stays, of what is replaced",
        resources(Parameter1=parameter("v", Name="one"), Parameter2=parameter(VALUE)),
        resources(Parameter1=parameter("v", Name="two"), Parameter2=parameter(VALUE)),
        {},
        {},
        {
            "Parameter1": [REPLACED, "Name Always Static DirectModification"],
            "Parameter2": [CHANGED, "Value Never Static ResourceAttribute Parameter1.Value"],
        },
        {
            "Parameter1": [
                REPLACED,
                "Name Always Static DirectModification /Properties/Name Modify one -> two",
            ],
            "Parameter2": [
                CHANGED,
                f"Value Never Dynamic DirectModification /Properties/Value Modify v -> {KNOWN_AFTER_APPLY}",
                (
                    "Value Never Static ResourceAttribute Parameter1.Value /Properties/Value"
                    f" Modify v -> {KNOWN_AFTER_APPLY}"
                ),
            ],
        },
    ),
    Row(
        "the same SSM parameter has another value: no parameter of the stack is another",
        {
            "Parameters": {"Input": {"Type": "AWS::SSM::Parameter::Value<String>"}},
            **resources(Derived=parameter({"Ref": "Input"})),
        },
        {
            "Parameters": {"Input": {"Type": "AWS::SSM::Parameter::Value<String>"}},
            **resources(Derived=parameter({"Ref": "Input"})),
        },
        {"Input": "one"},
        {"Input": "two"},
        {"Derived": [CHANGED, "Value Never Static DirectModification"]},
        {"Derived": [CHANGED, "Value Never Static DirectModification /Properties/Value Modify one -> two"]},
    ),
    Row(
        "tags one by one (AWS's user guide, Viewing property-level changes)",
        resources(
            I={"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "Purpose", "Value": "testing"}]}}
        ),
        resources(I={"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "Test", "Value": "Test"}]}}),
        {},
        {},
        {"I": ["Modify False - Tags", "- Never Static DirectModification"]},
        {
            "I": [
                "Modify False - Tags",
                "- Never Static DirectModification /Properties/Tags/0/Key Modify Purpose -> Test",
                "- Never Static DirectModification /Properties/Tags/0/Value Modify testing -> Test",
            ]
        },
    ),
    Row(
        "properties and tags (AWS's user guide, Drift-aware change sets)",
        resources(
            I={
                "Type": "AWS::SQS::Queue",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {"DelaySeconds": 1, "RedriveAllowPolicy": {}, "Tags": []},
            }
        ),
        resources(
            I={
                "Type": "AWS::SQS::Queue",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {"DelaySeconds": 2, "Tags": [{"Key": "Test", "Value": "Test"}]},
            }
        ),
        {},
        {},
        {
            "I": [
                "Modify False - Properties Tags",
                "- Never Static DirectModification",
                "DelaySeconds Never Static DirectModification",
                "RedriveAllowPolicy Never Static DirectModification",
            ]
        },
        {
            "I": [
                "Modify False - Properties Tags",
                '- Never Static DirectModification /Properties/Tags/0 Add {"Key":"Test","Value":"Test"}',
                "DelaySeconds Never Static DirectModification /Properties/DelaySeconds Modify 1 -> 2",
                "RedriveAllowPolicy Never Static DirectModification /Properties/RedriveAllowPolicy Remove {}",
            ]
        },
        {
            "I": (
                {"DelaySeconds": "1", "RedriveAllowPolicy": {}, "Tags": []},
                {"DelaySeconds": "2", "Tags": [{"Key": "Test", "Value": "Test"}]},
            )
        },
    ),
    Row(
        "all parameters are others (AWS's user guide, Determining the value of the replacement field)",
        given("Purpose", "KeyPairName", "InstanceType", **resources(I=INSTANCE)),
        given("Purpose", "KeyPairName", "InstanceType", **resources(I=INSTANCE)),
        {"Purpose": "testing", "KeyPairName": "MyKeyName", "InstanceType": "t2.micro"},
        {"Purpose": "production", "KeyPairName": "MyNewKeyName", "InstanceType": "t2.small"},
        {
            "I": [
                "Modify True ReplaceAndDelete Properties Tags",
                "- Never Dynamic DirectModification",
                "- Never Static ParameterReference Purpose",
                "InstanceType Conditionally Dynamic DirectModification",
                "InstanceType Conditionally Static ParameterReference InstanceType",
                "KeyName Always Dynamic DirectModification",
                "KeyName Always Static ParameterReference KeyPairName",
            ]
        },
        None,
    ),
    Row(
        "a table is replaced, its function's role changed (recorded by a workshop about SAM)",
        resources(FileDb=table("one"), Function=FUNCTION, Role=ROLE),
        resources(FileDb=table("two"), Function=FUNCTION, Role=ROLE),
        {},
        {},
        {
            "FileDb": [REPLACED, "TableName Always Static DirectModification"],
            "Function": [
                CHANGED,
                "Environment Never Static ResourceReference FileDb",
                "Role Never Dynamic ResourceAttribute Role.Arn",
            ],
            "Role": [CHANGED, "Policies Never Static ResourceReference FileDb"],
        },
        None,
    ),
    Row(
        "a reference to something new instead (recorded of an AutoScalingGroup's LoadBalancerNames)",
        resources(Old=topic("old"), Function=subscriber("Old")),
        resources(New=topic("new"), Function=subscriber("New")),
        {},
        {},
        {
            "Function": [
                CHANGED,
                "Environment Never Dynamic DirectModification",
                "Environment Never Static ResourceReference New",
            ],
            "New": ["Add - - "],
            "Old": ["Remove - Delete "],
        },
        None,
    ),
    Row(
        "a bucket's name by a parameter, and its policy (recorded in 2018 by users of gocfn)",
        given(
            "BucketName",
            **resources(
                BucketPolicy={
                    "Type": "AWS::S3::BucketPolicy",
                    "Properties": {
                        "Bucket": {"Ref": "S3Bucket"},
                        "PolicyDocument": {
                            "Statement": [{"Resource": {"Fn::Sub": "arn:aws:s3:::${S3Bucket}/*"}}]
                        },
                    },
                },
                S3Bucket={"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Ref": "BucketName"}}},
            ),
        ),
        given(
            "BucketName",
            **resources(
                BucketPolicy={
                    "Type": "AWS::S3::BucketPolicy",
                    "Properties": {
                        "Bucket": {"Ref": "S3Bucket"},
                        "PolicyDocument": {
                            "Statement": [{"Resource": {"Fn::Sub": "arn:aws:s3:::${S3Bucket}/*"}}]
                        },
                    },
                },
                S3Bucket={"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Ref": "BucketName"}}},
            ),
        ),
        {"BucketName": "one"},
        {"BucketName": "two"},
        {
            "BucketPolicy": [
                REPLACED,
                "Bucket Always Static ResourceReference S3Bucket",
                "PolicyDocument Never Static ResourceReference S3Bucket",
            ],
            "S3Bucket": [
                REPLACED,
                "BucketName Always Dynamic DirectModification",
                "BucketName Always Static ParameterReference BucketName",
            ],
        },
        {
            "BucketPolicy": [
                REPLACED,
                f"Bucket Always Dynamic DirectModification /Properties/Bucket Modify one -> {KNOWN_AFTER_APPLY}",
                f"Bucket Always Static ResourceReference S3Bucket /Properties/Bucket Modify one -> {KNOWN_AFTER_APPLY}",
                (
                    "PolicyDocument Never Dynamic DirectModification /Properties/PolicyDocument/Statement/0/Resource"
                    f" Modify arn:aws:s3:::one/* -> {KNOWN_AFTER_APPLY}"
                ),
                (
                    "PolicyDocument Never Static ResourceReference S3Bucket"
                    " /Properties/PolicyDocument/Statement/0/Resource Modify"
                    f" arn:aws:s3:::one/* -> {KNOWN_AFTER_APPLY}"
                ),
            ],
            "S3Bucket": [
                REPLACED,
                "BucketName Always Dynamic DirectModification /Properties/BucketName Modify one -> two",
                "BucketName Always Static ParameterReference BucketName /Properties/BucketName Modify one -> two",
            ],
        },
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_as_recorded(row: Row, compare: Compare) -> None:
    difference = compare(row.old, row.new, row.before, row.after)
    for values, expected in ((False, row.plain), (True, row.valued)):
        if expected is None:
            continue  # older than IncludePropertyValues
        documents = [change.document(values) for change in difference.resources]
        told = {document["LogicalResourceId"]: _lines(document) for document in documents if document}
        assert told == expected
    for change in difference.resources:
        if change.logical_id in row.contexts:
            found = (_properties(change.before_context), _properties(change.after_context))
            assert found == row.contexts[change.logical_id]


def _properties(context: str | None) -> Any:
    return None if context is None else json.loads(context)["Properties"]


def _lines(document: dict[str, Any]) -> list[str]:
    change = f"{document['Action']} {document.get('Replacement', '-')} {document.get('PolicyAction', '-')}"
    return [f"{change} {' '.join(sorted(document['Scope']))}", *sorted(map(_line, document["Details"]))]


def _line(detail: dict[str, Any]) -> str:
    target = detail["Target"]
    line = f"{target.get('Name', '-')} {target['RequiresRecreation']} {detail['Evaluation']} {detail['ChangeSource']}"
    if "CausingEntity" in detail:
        line += f" {detail['CausingEntity']}"
    if "Path" in target:
        values = [target[name] for name in ("BeforeValue", "AfterValue") if name in target]
        line += f" {target['Path']} {target['AttributeChangeType']} {' -> '.join(values)}"
    return line
