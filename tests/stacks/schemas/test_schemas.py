"""Schemas: facts of types, against the CloudFormation Template Reference and errors that AWS is known to give."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lambent.stacks.errors import ValidationError
from lambent.stacks.providers.catalogue import PROVIDERS
from lambent.stacks.schemas import Schema, schema_of, types_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def schema(name: str) -> Schema:
    found = schema_of(name)
    assert found is not None
    return found


def refusal(name: str, properties: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        schema(name).check("Q", properties)
    return str(caught.value).split("\n")


def test_unknown_types_have_none() -> None:
    assert schema_of("AWS::SQS::Queu") is None
    assert schema_of("AWS::Nothing::Here") is None
    assert schema_of("AWS::../sqs::Queue") is None
    assert schema_of("Queue") is None
    assert "AWS::SQS::Queue" in types_of("SQS")


def test_all_data_can_be_read() -> None:
    folder = resources.files("lambent.stacks.schemas") / "data"
    size = 0
    for file in folder.iterdir():
        text = file.read_bytes()
        size += len(text)
        for name in msgspec.json.decode(text):
            found = schema(name)
            assert found.type == name
            found.check("R", {}) if not found.required and not found.alternatives else None
    assert size < 1_000_000


def test_all_patterns_are_of_this_language() -> None:
    def patterns(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("pattern"), str):
                yield node["pattern"]
            if isinstance(node.get("patternProperties"), dict):
                yield from node["patternProperties"]
            for inner in node.values():
                yield from patterns(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from patterns(inner)

    for file in (resources.files("lambent.stacks.schemas") / "data").iterdir():
        for pattern in patterns(msgspec.json.decode(file.read_bytes())):
            re.compile(pattern)
    found = schema("AWS::Cognito::UserPool").check("P", {"UserPoolTags": {"Größe 1": "x"}})
    assert found == {"UserPoolTags": {"Größe 1": "x"}}


def test_every_type_that_is_made_here_has_one() -> None:
    assert [name for name in PROVIDERS if schema_of(name) is None] == []


@pytest.mark.parametrize(
    ("name", "path", "replaces"),
    [
        ("AWS::SQS::Queue", "QueueName", "Always"),
        ("AWS::SQS::Queue", "FifoQueue", "Always"),
        ("AWS::SQS::Queue", "DelaySeconds", "Never"),
        ("AWS::Lambda::Function", "FunctionName", "Always"),
        ("AWS::Lambda::Function", "Code.S3Key", "Never"),
        ("AWS::Lambda::Function", "Environment.Variables.A", "Never"),
        ("AWS::Lambda::Permission", "Principal", "Always"),
        ("AWS::Lambda::Url", "TargetFunctionArn", "Always"),
        ("AWS::Lambda::Url", "AuthType", "Never"),
        ("AWS::Lambda::LayerVersion", "Content.S3Key", "Always"),
        ("AWS::DynamoDB::Table", "TableName", "Always"),
        ("AWS::DynamoDB::Table", "KeySchema.0.AttributeName", "Conditionally"),
        ("AWS::DynamoDB::Table", "AttributeDefinitions.0.AttributeName", "Conditionally"),
        ("AWS::DynamoDB::Table", "LocalSecondaryIndexes", "Always"),
        ("AWS::DynamoDB::Table", "BillingMode", "Never"),
        ("AWS::ECR::Repository", "EncryptionConfiguration.KmsKey", "Always"),
        ("AWS::Route53::HealthCheck", "HealthCheckConfig", "Conditionally"),
        ("AWS::Route53::HealthCheck", "HealthCheckConfig.Type", "Always"),
        ("AWS::Route53::HealthCheck", "HealthCheckConfig.Port", "Never"),
        ("AWS::Route53::RecordSet", "Name", "Always"),
        ("AWS::Events::Rule", "Name", "Always"),
        ("AWS::Events::Rule", "EventPattern.source.0", "Never"),
        ("Custom::Thing", "ServiceToken", "Always"),
        ("Custom::Thing", "Anything", "Never"),
    ],
)
def test_which_changes_replace(name: str, path: str, replaces: str) -> None:
    assert schema(name).replaces(tuple(path.split("."))) == replaces


@pytest.mark.parametrize(
    ("name", "identifier", "gives", "not_given"),
    [
        ("AWS::SQS::Queue", ("QueueUrl",), ["Arn", "QueueName", "QueueUrl"], ["Name", "Tags"]),
        ("AWS::SNS::Topic", ("TopicArn",), ["TopicArn", "TopicName"], ["Arn"]),
        ("AWS::Lambda::Function", ("FunctionName",), ["Arn", "SnapStartResponse.ApplyOn"], ["Name", "Role"]),
        ("AWS::IAM::Role", ("RoleName",), ["Arn", "RoleId"], ["RoleName"]),
        ("AWS::IAM::AccessKey", ("Id",), ["SecretAccessKey"], ["Id"]),
        ("AWS::DynamoDB::Table", ("TableName",), ["Arn", "StreamArn"], ["TableName"]),
        ("AWS::ApiGateway::RestApi", ("RestApiId",), ["RootResourceId", "RestApiId"], ["Arn"]),
        ("AWS::ApiGateway::Deployment", ("DeploymentId", "RestApiId"), ["DeploymentId"], []),
        (
            "AWS::CloudFormation::Stack",
            ("StackId",),
            ["Outputs.Url", "StackId"],
            ["Url", "Outputs.", "Outputs"],
        ),
        ("AWS::CloudFormation::WaitCondition", ("Id",), ["Data"], ["Id"]),
        ("Custom::Thing", ("Id",), ["Anything", "At.All"], []),
    ],
)
def test_identifiers_and_attributes(
    name: str, identifier: tuple[str, ...], gives: list[str], not_given: list[str]
) -> None:
    assert schema(name).primary_identifier == identifier
    for attribute in gives:
        assert schema(name).gives(attribute), attribute
    for attribute in not_given:
        assert not schema(name).gives(attribute), attribute


@pytest.mark.parametrize(
    ("name", "where", "style"),
    [
        ("AWS::SQS::Queue", "Tags", "list"),
        ("AWS::ApiGatewayV2::Api", "Tags", "map"),
        ("AWS::SSM::Parameter", "Tags", "map"),
        ("AWS::Cognito::UserPool", "UserPoolTags", "map"),
        ("AWS::Route53::HostedZone", "HostedZoneTags", "list"),
        ("AWS::Lambda::Permission", None, "list"),
    ],
)
def test_tags(name: str, where: str | None, style: str) -> None:
    assert (schema(name).tag_property, schema(name).tag_style) == (where, style)


def test_what_cannot_be_read_back() -> None:
    assert ("Code", "ZipFile") in schema("AWS::Lambda::Function").write_only
    assert ("Content",) in schema("AWS::Lambda::LayerVersion").write_only
    assert ("Arn",) in schema("AWS::Lambda::Function").read_only


def test_order_of_lists() -> None:
    assert schema("AWS::IAM::Role").unordered(("ManagedPolicyArns",))
    assert not schema("AWS::Lambda::Function").unordered(("Layers",))
    assert schema("AWS::SQS::Queue").node(("Tags", "0", "Key")) == schema("AWS::SQS::Queue").node(
        ("Tags", "*", "Key")
    )
    assert schema("AWS::SQS::Queue").node(("Nothing", "Here")) is None


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        (
            "AWS::SQS::Queue",
            {"DelaySeconds": "10", "FifoQueue": "true"},
            {"DelaySeconds": 10, "FifoQueue": True},
        ),
        (
            "AWS::SQS::Queue",
            {"DelaySeconds": "10.0", "FifoQueue": "True"},
            {"DelaySeconds": 10, "FifoQueue": True},
        ),
        ("AWS::SQS::Queue", {"QueueName": 10}, {"QueueName": "10"}),
        ("AWS::SQS::Queue", {"QueueName": True}, {"QueueName": "true"}),
        (
            "AWS::SQS::Queue",
            {"RedrivePolicy": {"maxReceiveCount": 3}},
            {"RedrivePolicy": {"maxReceiveCount": 3}},
        ),
        ("AWS::SQS::Queue", {"RedrivePolicy": "{}"}, {"RedrivePolicy": "{}"}),
        (
            "AWS::SQS::Queue",
            {"Tags": [{"Key": 1, "Value": False}]},
            {"Tags": [{"Key": "1", "Value": "false"}]},
        ),
        ("AWS::SQS::Queue", {"DelaySeconds": "{{resolve:ssm:/d}}"}, {"DelaySeconds": "{{resolve:ssm:/d}}"}),
        (
            "AWS::Lambda::Function",
            {"Code": {"ZipFile": "x"}, "Role": "{{changeSet:KNOWN_AFTER_APPLY}}", "MemorySize": "128"},
            {"Code": {"ZipFile": "x"}, "Role": "{{changeSet:KNOWN_AFTER_APPLY}}", "MemorySize": 128},
        ),
        (
            "AWS::Lambda::Function",
            {
                "Code": {},
                "Role": "arn:aws:iam::123456789012:role/r",
                "Environment": {"Variables": {"AA": 1, "BB": True, "CC": 1.5}},
            },
            {
                "Code": {},
                "Role": "arn:aws:iam::123456789012:role/r",
                "Environment": {"Variables": {"AA": "1", "BB": "true", "CC": "1.5"}},
            },
        ),
        (
            "AWS::CloudWatch::Alarm",
            {"ComparisonOperator": "LessThanThreshold", "EvaluationPeriods": "1", "Threshold": "0.5"},
            {"ComparisonOperator": "LessThanThreshold", "EvaluationPeriods": 1, "Threshold": 0.5},
        ),
        (
            "AWS::DynamoDB::Table",
            {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"},
            {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"},
        ),
        (
            "AWS::CloudFormation::Stack",
            {"TemplateURL": "https://s3.amazonaws.com/b/t", "Parameters": {"A": 1, "B": True}},
            {"TemplateURL": "https://s3.amazonaws.com/b/t", "Parameters": {"A": "1", "B": "true"}},
        ),
        (
            "AWS::StepFunctions::StateMachine",
            {
                "RoleArn": "arn:aws:iam::123456789012:role/r",
                "DefinitionSubstitutions": {"A": 1, "B": True, "C": "c"},
            },
            None,
        ),
        ("Custom::T", {"ServiceToken": "arn", "Anything": [1, {"a": True}]}, None),
        ("AWS::CloudFormation::WaitCondition", {"Count": "2", "Timeout": 10}, {"Count": 2, "Timeout": "10"}),
        ("AWS::CDK::Metadata", {"Analytics": "v2:deflate64:H4s"}, None),
    ],
)
def test_properties_are_read_in_the_schemas_types(
    name: str, given: dict[str, Any], read: dict[str, Any] | None
) -> None:
    result = schema(name).check("Q", given)
    assert result == (given if read is None else read)
    assert repr(result) == repr(given if read is None else read)


def test_what_is_not_known_yet_passes() -> None:
    later = object()
    assert schema("AWS::SQS::Queue").check("Q", {"DelaySeconds": later, "Tags": [later]}) == {
        "DelaySeconds": later,
        "Tags": [later],
    }
    assert schema("AWS::SQS::Queue").check("Q", {"QueueName": "a-{{resolve:ssm:b}}"}) == {
        "QueueName": "a-{{resolve:ssm:b}}"
    }


@pytest.mark.parametrize(
    ("name", "properties", "lines"),
    [
        ("AWS::SQS::Queue", {"Foo": 1}, ["#: extraneous key [Foo] is not permitted"]),
        ("AWS::SQS::Queue", {"Arn": "a"}, ["#: extraneous key [Arn] is not permitted"]),
        (
            "AWS::SQS::Queue",
            {"DelaySeconds": "ten"},
            ["#/DelaySeconds: expected type: Integer, found: String"],
        ),
        (
            "AWS::SQS::Queue",
            {"DelaySeconds": 1.5},
            ["#/DelaySeconds: expected type: Integer, found: BigDecimal"],
        ),
        (
            "AWS::SQS::Queue",
            {"DelaySeconds": True},
            ["#/DelaySeconds: expected type: Integer, found: Boolean"],
        ),
        ("AWS::SQS::Queue", {"FifoQueue": "yes"}, ["#/FifoQueue: expected type: Boolean, found: String"]),
        (
            "AWS::SQS::Queue",
            {"QueueName": {"a": 1}},
            ["#/QueueName: expected type: String, found: JSONObject"],
        ),
        ("AWS::SQS::Queue", {"QueueName": None}, ["#/QueueName: expected type: String, found: Null"]),
        ("AWS::SQS::Queue", {"Tags": {"a": "b"}}, ["#/Tags: expected type: JSONArray, found: JSONObject"]),
        (
            "AWS::SQS::Queue",
            {"Tags": [{"Key": "a", "Valu": "b"}]},
            ["#/Tags/0: required key [Value] not found", "#/Tags/0: extraneous key [Valu] is not permitted"],
        ),
        (
            "AWS::Lambda::EventInvokeConfig",
            {
                "FunctionName": "f",
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 3,
                "MaximumEventAgeInSeconds": 1,
            },
            [
                "#/MaximumRetryAttempts: failed validation constraint for keyword [maximum]",
                "#/MaximumEventAgeInSeconds: failed validation constraint for keyword [minimum]",
            ],
        ),
        (
            "AWS::SQS::Queue",
            {"RedrivePolicy": []},
            [
                "#/RedrivePolicy: #: no subschema matched out of the total 2 subschemas",
                "#/RedrivePolicy: expected type: JSONObject, found: JSONArray",
                "#/RedrivePolicy: expected type: String, found: JSONArray",
            ],
        ),
        (
            "AWS::Lambda::Function",
            {"Runtime": "python3.12"},
            ["#: required key [Code] not found", "#: required key [Role] not found"],
        ),
        (
            "AWS::Lambda::Function",
            {"Code": {}, "Role": "not an arn"},
            ["#/Role: failed validation constraint for keyword [pattern]"],
        ),
        (
            "AWS::Lambda::Function",
            {
                "Code": {},
                "Role": "arn:aws:iam::123456789012:role/r",
                "Environment": {"Variables": {"AA": {}}},
            },
            ["#/Environment/Variables/AA: expected type: String, found: JSONObject"],
        ),
        (
            "AWS::Lambda::Function",
            {
                "Code": {},
                "Role": "arn:aws:iam::123456789012:role/r",
                "Environment": {"Variables": {"A": "b"}},
            },
            ["#/Environment/Variables: extraneous key [A] is not permitted"],
        ),
        (
            "AWS::Logs::LogGroup",
            {"RetentionInDays": 2},
            ["#/RetentionInDays: failed validation constraint for keyword [enum]"],
        ),
        (
            "AWS::IAM::Role",
            {"AssumeRolePolicyDocument": {}, "ManagedPolicyArns": ["arn:aws:iam::aws:policy/A"] * 2},
            ["#/ManagedPolicyArns: array items are not unique"],
        ),
        (
            "AWS::Scheduler::ScheduleGroup",
            {"Name": "a" * 65},
            ["#/Name: expected maxLength: 64, actual: 65"],
        ),
    ],
)
def test_what_is_wrong_is_told_in_the_words_of_aws(
    name: str, properties: dict[str, Any], lines: list[str]
) -> None:
    first, *rest = refusal(name, properties)
    assert first == "Properties validation failed for resource Q with message:"
    assert rest == lines


@pytest.mark.parametrize(
    ("name", "properties", "message"),
    [
        (
            "AWS::CloudFormation::WaitCondition",
            {"Foo": 1},
            "Property validation failure: [Encountered unsupported properties in {/}: [Foo]]",
        ),
        (
            "AWS::CloudFormation::WaitCondition",
            {"Count": "x"},
            "Property validation failure: [Value of property {/Count} does not match type {Integer}]",
        ),
        (
            "AWS::CloudFormation::Macro",
            {"Name": "m"},
            "Property validation failure: [The property {/FunctionName} is required]",
        ),
        (
            "AWS::Route53::RecordSetGroup",
            {"RecordSets": [{"Bar": 1, "Name": "a", "Type": "A"}]},
            "Property validation failure: [Encountered unsupported properties in {/RecordSets/0}: [Bar]]",
        ),
        (
            "Custom::Thing",
            {"A": 1},
            "Property validation failure: [The property {/ServiceToken} is required]",
        ),
    ],
)
def test_types_older_than_the_registry(name: str, properties: dict[str, Any], message: str) -> None:
    assert refusal(name, properties) == [message]
